// Requests to the server this page came from, with the token of who is logged in. The token lives
// in the session storage of this tab and goes with it.

const KEY = 'trustchain.token';

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

const WORDS = {
  401: 'The server does not know this token.',
  403: 'This token may not do that.',
  404: 'There is no such thing (any more).',
  413: 'The file is too large.',
  429: 'Too many requests; try again shortly.',
  503: 'The server is busy; try again shortly.',
};

function problemOf(status, text) {
  try {
    const body = JSON.parse(text);
    if (body.message) return body.message;
  } catch { /* no JSON: the status has to do */ }
  return WORDS[status] || `The server answered ${status}.`;
}

export function headers(more) {
  return { Authorization: `Bearer ${token.get()}`, Accept: 'application/json', ...more };
}

async function ask(method, path, { body, signal } = {}) {
  const isForm = body instanceof FormData;
  let response;
  let text;
  try {
    response = await fetch(path, {
      method, signal, cache: 'no-store', credentials: 'omit', redirect: 'error',
      headers: headers(body && !isForm ? { 'Content-Type': 'application/json' } : {}),
      body: body && !isForm ? JSON.stringify(body) : body,
    });
    text = await response.text();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, 'The server cannot be reached.');
  }
  if (response.status === 401) {
    token.forget();
    dispatchEvent(new Event('logged-out'));
  }
  if (!response.ok) throw new ApiError(response.status, problemOf(response.status, text));
  return text ? JSON.parse(text) : null;
}

export const get = (path, signal) => ask('GET', path, { signal });
export const post = (path, body) => ask('POST', path, { body });
export const put = (path, body) => ask('PUT', path, { body });
export const remove = (path) => ask('DELETE', path);

// "/rest/v1/targets/{}/actions" with each part made safe for an address.
export function path(form, ...parts) {
  let next = 0;
  return form.replace(/\{\}/g, () => encodeURIComponent(parts[next++]));
}

export function query(values) {
  const pairs = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== '');
  return pairs.length ? `?${new URLSearchParams(pairs)}` : '';
}
