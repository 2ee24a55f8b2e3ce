// Every rollout, with how far it is.
import { link } from './address.js';
import { get, query } from './api.js';
import { stack } from './charts.js';
import { el } from './dom.js';
import { badge, count, time } from './format.js';
import { partsOf, progressWord, shownState } from './rollout_state.js';
import { asSearch } from './search.js';
import { pager, redraw, table } from './table.js';

const LIMIT = 30;

export async function rollouts(page) {
  const list = el('div', { class: 'list' });
  const search = el('input', { type: 'search', name: 'search', placeholder: 'Name, or filter: status==running', 'aria-label': 'Search rollouts', autocomplete: 'off' });

  async function refresh(signal) {
    const text = page.query.get('search') || '';
    const offset = Math.max(0, Number(page.query.get('offset')) || 0);
    if (document.activeElement !== search) search.value = text;
    const answer = await get(`/rest/v1/rollouts${query({ q: asSearch(text, ['name']), representation: 'full', sort: 'id:DESC', offset, limit: LIMIT })}`, signal);
    redraw(list, table({
      caption: 'Rollouts', rows: answer.content, href: (row) => link('rollout', [String(row.id)]), rowKey: (row) => String(row.id),
      empty: text ? 'No rollout matches.' : 'There has been no rollout yet.',
      columns: [
        { title: 'Rollout', cell: (row) => row.name },
        { title: 'State', cell: (row) => badge(shownState(row)) },
        { title: 'Progress', kind: 'progress', cell: (row) => stack(partsOf(row.totalTargetsPerStatus), row.totalTargets, progressWord(row.totalTargetsPerStatus, row.totalTargets)) },
        { title: 'Failed', kind: 'number', cell: (row) => count((row.totalTargetsPerStatus || {}).error || 0) },
        { title: 'Devices', kind: 'number', cell: (row) => count(row.totalTargets) },
        { title: 'Created', cell: (row) => time(row.createdAt) },
        { title: 'By', cell: (row) => row.createdBy },
      ],
    }), pager({ offset, limit: LIMIT, total: answer.total, go: (to) => page.go({ offset: to || '' }) }));
  }

  page.update = function update(next) {
    page = next;
    page.live(refresh);
  };
  page.root.append(el('div', { class: 'head' }, el('h1', {}, 'Rollouts'),
    page.may('operate') && el('div', { class: 'buttons' }, el('a', { class: 'button primary', href: link('new-rollout') }, 'New rollout'))),
  el('form', { class: 'tools', role: 'search', onsubmit: (event) => { event.preventDefault(); page.go({ search: search.value.trim(), offset: '' }); } }, search),
  el('div', { class: 'complaint' }), list);
  await page.live(refresh, ['rollouts', 'devices']);
}
