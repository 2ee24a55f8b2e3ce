// Requests to the server this page came from, with the token of who is logged in. The token lives
// in the session storage of this tab and goes with it.

const KEY = 'trustchain.token';
const ANSWER_MS = 30000; // after which nobody believes in an answer

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

const isAbort = (error) => error.name === 'AbortError';

// The server does not know the token any more, so nobody is logged in.
export function tokenRefused() {
  token.forget();
  dispatchEvent(new Event('logged-out'));
}

function answerOf(status, text) {
  if (status === 401) tokenRefused();
  if (status < 200 || status > 299) throw new ApiError(status, problemOf(status, text));
  return text ? JSON.parse(text) : null;
}

async function ask(method, path, { body, signal } = {}) {
  const late = AbortSignal.timeout(ANSWER_MS);
  try {
    const response = await fetch(path, {
      method, signal: signal ? AbortSignal.any([signal, late]) : late,
      cache: 'no-store', credentials: 'omit', redirect: 'error',
      headers: headers(body ? { 'Content-Type': 'application/json' } : {}), body: body && JSON.stringify(body),
    });
    return answerOf(response.status, await response.text());
  } catch (error) {
    if (isAbort(error) || error instanceof ApiError) throw error;
    throw new ApiError(0, late.aborted ? 'The server does not answer.' : 'The server cannot be reached.');
  }
}

// A form with a file in it. tell(share) as it goes, 0 to 1, which fetch() has no words for.
export function upload(path, form, { signal, tell }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', path);
    for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
    request.upload.addEventListener('progress', ({ loaded, total }) => tell(loaded / total));
    request.addEventListener('load', () => {
      try { resolve(answerOf(request.status, request.responseText)); } catch (error) { reject(error); }
    });
    request.addEventListener('error', () => reject(new ApiError(0, 'The connection broke before the file was there.')));
    request.addEventListener('abort', () => reject(new DOMException('left', 'AbortError')));
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(form);
  });
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
