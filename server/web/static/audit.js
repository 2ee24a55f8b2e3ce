// Who did what, when, a page at a time. Each line's digest covers the one before it; the server can
// check them all.
import { link } from './address.js';
import { get, query } from './api.js';
import { el } from './dom.js';
import { count, moment } from './format.js';
import { asSearch, quoted } from './search.js';
import { pager, redraw, table } from './table.js';

const LIMIT = 50;
const TYPING_MS = 250;
const FIELDS = ['who', 'verb', 'subject', 'detail'];

// The first moment of a day ("2026-11-22") as people here count days, and `later` days on.
function dayStart(day, later = 0) {
  const [year, month, date] = day.split('-').map(Number);
  return new Date(year, month - 1, date + later).getTime();
}

function filterOf({ search, from, to }) {
  const found = asSearch(search, FIELDS);
  return [found && `(${found})`, from && `at=ge=${dayStart(from)}`, to && `at=lt=${dayStart(to, 1)}`].filter(Boolean).join(';');
}

// What a line is about, where there is a view of it.
function subjectCell(subject) {
  const [kind, name, ...rest] = subject.split(' ');
  if (kind === 'target' && name && rest.length === 0) return el('a', { href: link('device', [name]) }, subject);
  if (kind === 'rollout' && /^\d+$/.test(name)) return el('a', { href: link('rollout', [name]) }, subject);
  return subject;
}

const finder = (field, text) => link('audit', [], { search: `${field}==${quoted(text)}` });

export async function audit(first) {
  let page = first;
  let timer = null;
  const state = {};
  const list = el('div', { class: 'list' });
  const verdict = el('div', { role: 'status' });
  const later = () => { clearTimeout(timer); timer = setTimeout(submit, TYPING_MS, true); };
  const search = el('input', { type: 'search', name: 'search', placeholder: 'Name, order, device, or filter: verb==rollout.*', 'aria-label': 'Search the audit log', autocomplete: 'off', spellcheck: 'false', oninput: later });
  const from = el('input', { type: 'date', name: 'from', onchange: later });
  const to = el('input', { type: 'date', name: 'to', onchange: later });
  const clear = el('a', { class: 'button quiet', href: link('audit') }, 'Clear');

  function submit(quiet) {
    clearTimeout(timer);
    page.go({ search: search.value.trim(), from: from.value, to: to.value, offset: '' }, quiet === true);
  }

  function read() {
    for (const [name, input] of Object.entries({ search, from, to })) {
      state[name] = page.query.get(name) || '';
      if (document.activeElement !== input) input.value = state[name];
    }
    for (const name of ['from', 'to']) if (!/^\d{4}-\d\d-\d\d$/.test(state[name])) state[name] = '';
    state.offset = Math.max(0, Number(page.query.get('offset')) || 0);
    clear.hidden = !state.search && !state.from && !state.to;
  }

  async function verify() {
    try {
      const { intact, lines, firstBroken, head } = await get('/rest/v1/audit/verify', page.signal);
      redraw(verdict, el('p', { class: intact ? 'notice' : 'notice bad' },
        intact ? `All ${count(lines)} lines hold; the last digest is ` : `Line ${firstBroken} does not hold: it, or one before it, was changed.`,
        intact && el('span', { class: 'digest' }, head)));
    } catch (error) {
      page.complain(error);
    }
  }

  async function refresh(signal) {
    const answer = await get(`/rest/v1/audit${query({ q: filterOf(state), sort: 'id:DESC', offset: state.offset, limit: LIMIT })}`, signal);
    redraw(list, table({
      caption: 'Audit log', rows: answer.content, empty: filterOf(state) ? 'No line matches.' : 'Nobody has done anything yet.',
      columns: [
        { title: 'When', cell: (row) => moment(row.at) },
        { title: 'Who', cell: (row) => el('a', { href: finder('who', row.who), title: 'What else they did', 'data-key': `who-${row.id}` }, row.who) },
        { title: 'What', cell: (row) => el('a', { href: finder('verb', row.verb), title: 'Every such order', 'data-key': `verb-${row.id}` }, el('code', {}, row.verb)) },
        { title: 'On', kind: 'text', cell: (row) => subjectCell(row.subject) },
        { title: 'Detail', kind: 'text', cell: (row) => row.detail },
      ],
    }), pager({ offset: state.offset, limit: LIMIT, total: answer.total, go: (to_) => page.go({ offset: to_ || '' }) }));
  }

  page.update = function update(next) {
    page = next;
    read();
    page.live(refresh);
  };
  page.root.append(el('div', { class: 'head' }, el('h1', {}, 'Audit'),
    el('div', { class: 'buttons' }, el('button', { type: 'button', 'data-key': 'verify', onclick: verify }, 'Verify the chain'))),
  el('form', { class: 'tools', role: 'search', onsubmit: (event) => { event.preventDefault(); submit(); } }, search,
    el('label', { class: 'inline' }, 'from ', from), el('label', { class: 'inline' }, 'to ', to), clear),
  el('div', { class: 'complaint' }), el('div', { class: 'complaint' }, verdict), list);
  read();
  await page.live(refresh, ['audit']);
}
