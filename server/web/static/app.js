// The console: who is logged in, which view the address asks for.
import { link, readAddress } from './address.js';
import { ApiError, get, token } from './api.js';
import { el, replace } from './dom.js';
import { startEvents, stopEvents, stream } from './events.js';
import { absolute, age } from './format.js';
import { login } from './login.js';
import { audit } from './audit.js';
import { device } from './device.js';
import { fleet } from './fleet.js';
import { release } from './release.js';
import { releases } from './releases.js';
import { rollout } from './rollout.js';
import { rollouts } from './rollouts.js';
import { newRollout } from './rollout_new.js';

const REFRESH_MS = 1000; // at most so often, however fast events come
const COST_SHARE = 5; // and never more than this part of the time
const POLL_MS = 15000; // while there is no stream
const AGE_MS = 10000;
const AWAY_MS = 3000;

const VIEWS = { fleet, device, releases, release, rollouts, rollout, 'new-rollout': newRollout, audit };
const PLACES = [['fleet', 'Fleet'], ['releases', 'Releases'], ['rollouts', 'Rollouts'], ['audit', 'Audit']];
const PLACE_OF = { device: 'fleet', release: 'releases', rollout: 'rollouts', 'new-rollout': 'rollouts' };
const ROLES = ['read', 'operate', 'admin'];

const app = document.getElementById('app');
let session = null;
let current = null;

// What a view gets: where to draw, what the address says, when to draw again.
class Page {
  constructor(root, address) {
    Object.assign(this, address);
    this.root = root;
    this.session = session;
    this.leaving = new AbortController();
    this.signal = this.leaving.signal;
    this.refresher = null;
    this.waiting = null;
    this.busy = false;
    this.again = false;
    this.kinds = [];
    this.cost = 0;
    this.failing = false;
    this.freshAt = null;
  }

  may(role) {
    return ROLES.indexOf(session.role) >= ROLES.indexOf(role);
  }

  // Another state of the same view. `quiet`: no entry for the back button.
  go(changes, quiet = false) {
    const query = { ...Object.fromEntries(this.query), ...changes };
    const next = link(this.view, this.parts, query);
    if (next === location.hash) return;
    if (quiet) {
      history.replaceState(null, '', next);
      show(true);
    } else {
      location.hash = next;
    }
  }

  // Runs `refresh` now and whenever the server says that one of `kinds` (server/events.h) has
  // changed.
  async live(refresh, kinds = this.kinds) {
    this.refresher = refresh;
    this.kinds = kinds;
    await this.refresh();
  }

  async refresh() {
    if (this.busy) {
      this.again = true;
      return;
    }
    this.busy = true;
    const started = Date.now();
    do {
      this.again = false;
      try {
        await this.refresher(this.signal);
        this.freshAt = Date.now();
        if (this.failing) this.complain(null);
        this.failing = false;
      } catch (error) {
        if (error.name === 'AbortError') return;
        this.failing = true;
        this.complain(error);
      }
    } while (this.again && !this.signal.aborted);
    this.busy = false;
    this.cost = Date.now() - started;
  }

  // What is dear to ask is asked less often.
  soon(changed = null) {
    if (this.refresher === null || this.waiting !== null || document.hidden) return;
    if (changed && !changed.some((kind) => this.kinds.includes(kind))) return;
    this.waiting = setTimeout(() => {
      this.waiting = null;
      this.refresh();
    }, Math.max(REFRESH_MS, COST_SHARE * this.cost));
  }

  // null: no more. What a refresh complained of goes with the next one that works; what somebody
  // was refused stays until the next order.
  complain(error) {
    const place = this.root.querySelector('.complaint');
    if (error && !(error instanceof ApiError)) console.error(error);
    if (!place) return;
    const old = this.failing && this.freshAt ? ` This is how it was at ${absolute(this.freshAt)}.` : '';
    const text = error ? error.message + old : '';
    if (place.textContent !== text) replace(place, text ? el('p', { class: 'notice bad', role: 'alert' }, text) : null);
  }

  leave() {
    this.leaving.abort();
    clearTimeout(this.waiting);
  }
}

// What is there, and for this role: who logs in after somebody else starts with the fleet.
const isOpen = (view) => Object.hasOwn(VIEWS, view) && (view !== 'audit' || session.role === 'admin');

function markPlace(view) {
  const place = PLACE_OF[view] || view;
  for (const item of app.querySelectorAll('nav a')) {
    if (item.dataset.place === place) item.setAttribute('aria-current', 'page');
    else item.removeAttribute('aria-current');
  }
}

// `stay`: the same view in another state, so the focus stays where it is.
async function show(stay = false) {
  const root = document.getElementById('view');
  if (!session || !root) return;
  const address = readAddress(isOpen);
  stay = stay || (current && current.view === address.view && current.parts.join('/') === address.parts.join('/'));
  if (current) current.leave();
  if (stay && current && current.update) {
    const update = current.update;
    const { refresher, kinds, failing, freshAt } = current;
    current = Object.assign(new Page(root, address), { update, refresher, kinds, failing, freshAt });
    update(current);
    return;
  }
  const mine = new Page(root, address);
  current = mine;
  markPlace(address.view);
  root.replaceChildren();
  try {
    await VIEWS[address.view](mine);
  } catch (error) {
    if (error.name === 'AbortError' || mine.signal.aborted) return;
    if (!(error instanceof ApiError)) console.error(error);
    replace(root, el('h1', {}, error.status === 404 ? 'Not here' : 'That did not work'),
      el('p', { class: 'notice bad', role: 'alert' }, error.message));
  }
  if (current.root === root) {
    const heading = root.querySelector('h1');
    document.title = heading ? `${heading.textContent} \u00b7 Trustchain` : 'Trustchain';
    if (heading && !root.contains(document.activeElement)) {
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
      scrollTo(0, 0);
    }
  }
}

function logOut() {
  token.forget();
  enter(null);
}

function shell() {
  const nav = el('nav', { 'aria-label': 'Main' }, PLACES
    .filter(([place]) => isOpen(place))
    .map(([place, word]) => el('a', { href: link(place), 'data-place': place }, word)));
  const state = el('span', { class: 'stream', id: 'stream', role: 'status' }, 'connecting');
  return [
    el('a', { class: 'skip', href: '#view', onclick: (event) => { event.preventDefault(); document.getElementById('view').focus(); } }, 'Skip to content'),
    el('header', { class: 'top' },
      el('a', { class: 'brand', href: link('fleet') }, el('img', { src: 'icon.svg', alt: '', width: 24, height: 24 }), 'Trustchain'),
      nav,
      el('div', { class: 'who' }, state,
        el('span', { class: 'name', title: `Tenant ${session.tenant}, role ${session.role}` }, session.name, el('span', { class: 'role' }, session.role)),
        el('button', { class: 'quiet', type: 'button', onclick: logOut }, 'Log out'))),
    el('main', { id: 'view', tabindex: '-1' }),
    el('div', { id: 'live', class: 'unseen', 'aria-live': 'polite' })];
}

function enter(who, reason) {
  session = who;
  if (current) current.leave();
  current = null;
  document.title = 'Trustchain';
  if (!session) {
    stopEvents();
    login(app, start, reason);
    return;
  }
  replace(app, shell());
  startEvents();
  show();
}

async function start() {
  const { tenant, username, role } = await get('/rest/v1/userinfo');
  enter({ tenant, name: username, role });
}

// Moves through the rows of a table, opens the search: keys that need no mouse.
function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) || document.querySelector('dialog[open]')) return;
  if (event.key === '/') {
    const search = app.querySelector('input[type=search]');
    if (search) { search.focus(); search.select(); event.preventDefault(); }
  } else if (event.key === 'j' || event.key === 'k') {
    const rows = [...app.querySelectorAll('tbody a.row')];
    const at = rows.indexOf(document.activeElement);
    const next = rows[Math.max(0, Math.min(rows.length - 1, at + (event.key === 'j' ? 1 : -1)))];
    if (next) next.focus();
  }
}

let streamState = '';
stream.addEventListener('state', ({ detail }) => {
  const place = document.getElementById('stream');
  streamState = detail;
  if (!place) return;
  place.className = `stream ${detail}`;
  place.textContent = detail === 'live' ? 'live' : 'reconnecting';
});
stream.addEventListener('change', ({ detail }) => current && current.soon(detail.data && detail.data.kinds));
setInterval(() => { if (streamState !== 'live' && current) current.soon(); }, POLL_MS);
setInterval(() => age(), AGE_MS);
addEventListener('hashchange', () => show());
addEventListener('visibilitychange', () => !document.hidden && current && current.soon());
addEventListener('logged-out', () => session && enter(null, 'The server does not know this token any more.'));
addEventListener('keydown', onKey);

// After a reload: who was logged in still is, also when the server is away just now.
async function resume() {
  try {
    await start();
  } catch (error) {
    if (!token.get()) {
      enter(null, error.message);
      return;
    }
    replace(app, el('main', { class: 'login' }, el('div', { class: 'panel' },
      el('p', { class: 'notice bad', role: 'alert' }, error.message, ' It is asked again every few seconds.'),
      el('button', { type: 'button', onclick: logOut }, 'Log out'))));
    setTimeout(() => token.get() && !session && resume(), AWAY_MS);
  }
}

if (token.get()) resume();
else enter(null);
