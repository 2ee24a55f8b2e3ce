// Numbers, times and states as people read them.
import { el } from './dom.js';

const number = new Intl.NumberFormat('en');
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });
const UNITS = [['year', 31536e6], ['month', 2592e6], ['day', 864e5], ['hour', 36e5], ['minute', 6e4], ['second', 1e3]];

export const count = (value) => number.format(value);

export function percent(part, whole) {
  if (!whole) return '0 %';
  const share = (100 * part) / whole;
  if (share > 0 && share < 0.1) return '< 0.1 %';
  if (share > 99.9 && share < 100) return '> 99.9 %';
  return `${share < 10 && share > 0 ? share.toFixed(1) : Math.round(share)} %`;
}

export function bytes(size) {
  if (size < 1024) return `${size} B`;
  return size < 1048576 ? `${(size / 1024).toFixed(1)} KiB` : `${(size / 1048576).toFixed(2)} MiB`;
}

export function since(at, now = Date.now()) {
  const gone = at - now;
  if (Math.abs(gone) < 5000) return 'just now';
  const [unit, length] = UNITS.find(([, size]) => Math.abs(gone) >= size) || UNITS[5];
  return relative.format(Math.trunc(gone / length), unit);
}

const pad = (value) => String(value).padStart(2, '0');

export function absolute(at) {
  const date = new Date(at);
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

// How long ago, with the moment itself for who points at it. Kept fresh by age().
export function time(at, none = 'never') {
  if (!at) return el('span', { class: 'muted' }, none);
  return el('time', { datetime: new Date(at).toISOString(), title: absolute(at) }, since(at));
}

// The moment itself, as people here write it; in UTC for who points at it.
export function moment(at) {
  return el('time', { class: 'exact', datetime: new Date(at).toISOString(), title: new Date(at).toISOString() }, absolute(at));
}

export function age(root = document) {
  for (const element of root.querySelectorAll('time:not(.exact)')) element.textContent = since(Date.parse(element.dateTime));
}

// What each state is called, and how it looks: a sign besides the colour.
const STATES = {
  in_sync: ['Up to date', 'good', '\u2713'],
  finished: ['Finished', 'good', '\u2713'],
  pending: ['Updating', 'busy', '\u21bb'],
  running: ['Running', 'busy', '\u21bb'],
  retrieved: ['Retrieved', 'busy', '\u2193'],
  download: ['Downloading', 'busy', '\u2193'],
  downloaded: ['Downloaded', 'busy', '\u2193'],
  starting: ['Starting', 'busy', '\u21bb'],
  error: ['Failed', 'bad', '\u2715'],
  paused: ['Paused', 'warn', '\u2016'],
  halted: ['Halted', 'bad', '\u2715'],
  warning: ['Warning', 'warn', '!'],
  cancel_rejected: ['Cancel refused', 'warn', '!'],
  canceling: ['Canceling', 'warn', '\u2013'],
  canceled: ['Canceled', 'idle', '\u2013'],
  cancelled: ['Canceled', 'idle', '\u2013'],
  stopping: ['Stopping', 'warn', '\u25a0'],
  stopped: ['Stopped', 'idle', '\u25a0'],
  scheduled: ['Scheduled', 'idle', '\u25f7'],
  wait_for_confirmation: ['Waiting for consent', 'warn', '?'],
  waiting_for_approval: ['Waiting for approval', 'warn', '?'],
  approval_denied: ['Denied', 'bad', '\u2715'],
  creating: ['Being made', 'idle', '\u25cb'],
  ready: ['Ready', 'idle', '\u25cb'],
  notstarted: ['Not started', 'idle', '\u25cb'],
  registered: ['Registered', 'idle', '\u25cb'],
  unknown: ['Never seen', 'idle', '?'],
  withdrawn: ['Withdrawn', 'bad', '\u2715'],
  revoked: ['Revoked', 'bad', '\u2715'],
};

export const stateWord = (state) => (STATES[state] ? STATES[state][0] : state);
export const stateTone = (state) => (STATES[state] ? STATES[state][1] : 'idle');

export function badge(state) {
  const [word, tone, sign] = STATES[state] || [state, 'idle', '\u25cb'];
  return el('span', { class: `badge ${tone}` }, el('span', { class: 'sign', 'aria-hidden': 'true' }, sign), word);
}
