// What the server tells by itself: server-sent events over fetch(), since EventSource cannot send a
// token. One stream for the page; it comes back by itself when it breaks.
import { headers, token, tokenRefused } from './api.js';

const FIRST_PAUSE = 1000;
const LAST_PAUSE = 30000;
const SILENCE = 40000; // the server says something every 15 s: longer than this, and it is gone

export const stream = new EventTarget();

let running = null;

function tell(state) {
  stream.dispatchEvent(new CustomEvent('state', { detail: state }));
}

// One block of lines ends with an empty one (the format of server-sent events).
function dispatch(block) {
  let type = 'message';
  const data = [];
  for (const line of block.split('\n')) {
    if (line.startsWith('event:')) type = line.slice(6).trim();
    else if (line.startsWith('data:')) data.push(line.slice(5).trimStart());
  }
  if (data.length === 0) return;
  let detail = null;
  try {
    detail = JSON.parse(data.join('\n'));
  } catch { /* an event without JSON still says that something happened */ }
  stream.dispatchEvent(new CustomEvent('change', { detail: { type, data: detail } }));
}

// Until the server ends it; throws when it breaks, or nothing is heard any more.
async function read(leaving) {
  const silent = new AbortController();
  let timer = null;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silent.abort(), SILENCE);
  };
  heard();
  try {
    await readUntil(AbortSignal.any([leaving, silent.signal]), heard);
  } finally {
    clearTimeout(timer);
  }
}

async function readUntil(signal, heard) {
  const response = await fetch('/console/events', {
    signal, cache: 'no-store', credentials: 'omit', redirect: 'error',
    headers: headers({ Accept: 'text/event-stream' }),
  });
  if (response.status === 401) tokenRefused();
  if (!response.ok || !response.body) throw new Error(`events: ${response.status}`);
  tell('live');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    heard();
    if (done) return;
    const blocks = (rest + value).replaceAll('\r\n', '\n').split('\n\n');
    rest = blocks.pop();
    blocks.forEach(dispatch);
  }
}

const wait = (milliseconds, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
});

async function keepReading(signal) {
  let pause = FIRST_PAUSE;
  while (!signal.aborted && token.get()) {
    const started = Date.now();
    try {
      await read(signal); // ended by the server, as it does now and then: no news
    } catch {
      if (!signal.aborted) tell('broken');
    }
    if (signal.aborted) return;
    pause = Date.now() - started > LAST_PAUSE ? FIRST_PAUSE : Math.min(2 * pause, LAST_PAUSE);
    await wait(pause, signal);
    // What happened meanwhile is not known: everybody asks anew.
    stream.dispatchEvent(new CustomEvent('change', { detail: { type: 'reconnected', data: null } }));
  }
}

export function startEvents() {
  stopEvents();
  running = new AbortController();
  keepReading(running.signal);
}

export function stopEvents() {
  if (running) running.abort();
  running = null;
}
