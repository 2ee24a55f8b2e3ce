// Who did what, when. Each line's digest covers the one before it; the server can check them all.
import { get, query } from './api.js';
import { el } from './dom.js';
import { absolute, count } from './format.js';
import { pager, redraw, table } from './table.js';

const LIMIT = 100;

export async function audit(page) {
  const list = el('div', { class: 'list' });
  const verdict = el('div', { role: 'status' });

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
    const offset = Math.max(0, Number(page.query.get('offset')) || 0);
    const answer = await get(`/rest/v1/audit${query({ sort: 'id:DESC', offset, limit: LIMIT })}`, signal);
    redraw(list, table({
      caption: 'Audit log', rows: answer.content, empty: 'Nobody has done anything yet.',
      columns: [
        { title: 'When', cell: (row) => el('span', {}, absolute(row.at)) },
        { title: 'Who', cell: (row) => row.who },
        { title: 'What', cell: (row) => el('code', {}, row.verb) },
        { title: 'On', kind: 'text', cell: (row) => row.subject },
        { title: 'Detail', kind: 'text', cell: (row) => row.detail },
      ],
    }), pager({ offset, limit: LIMIT, total: answer.total, go: (to) => page.go({ offset: to || '' }) }));
  }

  page.update = function update(next) {
    page = next;
    page.live(refresh);
  };
  page.root.append(el('div', { class: 'head' }, el('h1', {}, 'Audit'),
    el('div', { class: 'buttons' }, el('button', { type: 'button', 'data-key': 'verify', onclick: verify }, 'Verify the chain'))),
  el('div', { class: 'complaint' }), el('div', { class: 'complaint' }, verdict), list);
  await page.live(refresh, ['audit']);
}
