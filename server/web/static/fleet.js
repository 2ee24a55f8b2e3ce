// The fleet: how it is, and every device of it, a page at a time.
import { link } from './address.js';
import { get, query } from './api.js';
import { bars, columns, legend, ring } from './charts.js';
import { el } from './dom.js';
import { badge, count, percent, stateTone, stateWord, time } from './format.js';
import { isFilter, quoted } from './search.js';
import { pager, redraw, table } from './table.js';

const LIMIT = 50;
const VERSIONS = 6;
const TYPING_MS = 250;
const SUMMARY_MS = 5000; // its numbers are of 100,000 rows; nobody sees more of them than that
const STATES = ['in_sync', 'pending', 'error', 'registered', 'unknown'];
const TEXT_OF_AGE = { 5: '5 m', 15: '15 m', 60: '1 h', 360: '6 h', 1440: '1 d', 10080: '7 d' };

function filterFor(name, version) {
  return `installedds.name==${quoted(name)};installedds.version==${quoted(version)}`;
}

function versionRows(summary, total) {
  const shown = summary.versions.slice(0, VERSIONS);
  const rows = shown.map(({ name, version, count: devices }) => ({
    label: `${name} ${version}`, count: devices, tone: 'plain', href: link('fleet', [], { search: filterFor(name, version) }),
  }));
  const known = shown.reduce((sum, row) => sum + row.count, 0);
  const others = summary.versions.slice(VERSIONS).reduce((sum, row) => sum + row.count, 0);
  if (others) rows.push({ label: 'other versions', count: others, tone: 'idle' });
  if (total - known - others > 0) rows.push({ label: 'nothing known', count: total - known - others, tone: 'idle' });
  return rows;
}

function contactRows(summary) {
  let before = 'now';
  let from = 0;
  return summary.contacts.map(({ within, count: devices }) => {
    const label = within === null ? 'older' : `<${TEXT_OF_AGE[within]}`;
    const title = within === null ? `more than ${before} ago` : `${before} to ${TEXT_OF_AGE[within]} ago`;
    const late = from * 60000 >= summary.overdueAfter;
    before = TEXT_OF_AGE[within] || before;
    from = within;
    return { label, title, count: devices, tone: late ? 'warn' : 'good' };
  });
}

function drawSummary(place, summary) {
  const total = Object.values(summary.states).reduce((sum, devices) => sum + devices, 0);
  const parts = STATES.map((state) => ({
    label: stateWord(state), count: summary.states[state] || 0, tone: state === 'unknown' ? 'none' : stateTone(state),
    href: link('fleet', [], { search: `updatestatus==${state}` }),
  }));
  const late = link('fleet', [], { search: `lastcontrollerrequestat=lt=${summary.at - summary.overdueAfter}` });
  redraw(place,
    el('section', { class: 'panel', 'aria-labelledby': 'health' },
      el('h2', { id: 'health' }, 'Health'),
      el('div', { class: 'health' },
        ring(parts, total, 'Devices by state', [percent(summary.states.in_sync || 0, total), 'up to date']), legend(parts, total))),
    el('section', { class: 'panel', 'aria-labelledby': 'versions' },
      el('h2', { id: 'versions' }, 'Installed versions'),
      total ? bars(versionRows(summary, total), { whole: total, label: 'Devices by installed version' }) : el('p', { class: 'muted' }, 'No devices yet.')),
    el('section', { class: 'panel', 'aria-labelledby': 'contact' },
      el('h2', { id: 'contact' }, 'Last contact', el('a', { class: 'aside', href: late }, `${count(summary.overdue)} overdue`)),
      columns(contactRows(summary), 'Devices by time since their last poll')));
}

function deviceTable(page, state, answer) {
  return table({
    caption: 'Devices', rows: answer.content, sort: state.sort, onSort: (sort) => page().go({ sort, offset: '' }),
    href: (row) => link('device', [row.controllerId]), rowKey: (row) => row.controllerId,
    empty: state.search ? 'No device matches.' : 'No devices yet. They appear once enrolled, or made with trustchain target create.',
    columns: [
      { title: 'Device', key: 'id', cell: (row) => row.controllerId },
      { title: 'Name', key: 'name', kind: 'wide', cell: (row) => (row.name === row.controllerId ? el('span', { class: 'muted' }, '\u2013') : row.name) },
      { title: 'State', key: 'status', cell: (row) => badge(row.revoked ? 'revoked' : row.updateStatus) },
      { title: 'Installed', key: 'version', cell: (row) => versionCell(row) },
      { title: 'Last contact', key: 'poll', cell: (row) => time(row.lastRequestAt) },
    ],
  });
}

function versionCell({ installed, assigned }) {
  const word = (set) => `${set.name} ${set.version}`;
  const now = installed ? word(installed) : '\u2013';
  if (!assigned || (installed && word(assigned) === now)) return el('span', { class: installed ? null : 'muted' }, now);
  return el('span', {}, now, el('span', { class: 'next' }, ' \u2192 ', word(assigned)));
}

export async function fleet(first) {
  let page = first;
  let summaryAt = 0;
  let timer = null;
  const state = {};
  const summaryPlace = el('div', { class: 'summary' });
  const list = el('div', { class: 'list' });
  const search = el('input', { type: 'search', name: 'search', placeholder: 'Id, name, or filter: attribute.hw==rev3', 'aria-label': 'Search devices', autocomplete: 'off', spellcheck: 'false',
    oninput: () => { clearTimeout(timer); timer = setTimeout(submit, TYPING_MS, true); } });

  function submit(quiet) {
    clearTimeout(timer);
    page.go({ search: search.value.trim(), offset: '' }, quiet === true);
  }

  function read() {
    state.search = page.query.get('search') || '';
    state.sort = page.query.get('sort') || 'id:ASC';
    state.offset = Math.max(0, Number(page.query.get('offset')) || 0);
    if (document.activeElement !== search) search.value = state.search;
    clear.hidden = !state.search;
    rollOut.hidden = !state.search || !page.may('operate') || !isFilter(state.search);
    rollOut.href = link('new-rollout', [], { filter: state.search });
  }

  const clear = el('a', { class: 'button quiet', href: link('fleet') }, 'Clear');
  const rollOut = el('a', { class: 'button' }, 'Roll out to these');

  async function drawSummaryNow(signal) {
    if (Date.now() - summaryAt < SUMMARY_MS) return;
    drawSummary(summaryPlace, await get('/console/api/summary', signal));
    summaryAt = Date.now();
  }

  async function drawList(signal) {
    const found = isFilter(state.search) ? { q: state.search } : { text: state.search };
    const answer = await get(`/console/api/devices${query({ ...found, sort: state.sort, offset: state.offset, limit: LIMIT })}`, signal);
    redraw(list, deviceTable(() => page, state, answer),
      pager({ offset: state.offset, limit: LIMIT, total: answer.total, go: (offset) => page.go({ offset: offset || '' }) }));
  }

  const refresh = (signal) => Promise.all([drawSummaryNow(signal), drawList(signal)]);

  page.update = function update(next) {
    page = next;
    read();
    page.live(refresh);
  };
  page.root.append(
    el('div', { class: 'head' }, el('h1', {}, 'Fleet')),
    summaryPlace,
    el('form', { class: 'tools', role: 'search', onsubmit: (event) => { event.preventDefault(); submit(); } }, search, clear, rollOut),
    el('div', { class: 'complaint' }), list);
  read();
  await page.live(refresh, ['devices']);
}
