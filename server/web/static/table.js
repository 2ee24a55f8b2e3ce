// Tables whose rows come a page at a time from the server.
import { el } from './dom.js';
import { count } from './format.js';

// columns: {title, key (sorts by it), cell(row), kind: 'number'|'wide'}. The first cell is the
// row's link. `sort`: "key:ASC". On a phone each row becomes a card, so cells carry their titles.
export function table({ caption, columns, rows, href, rowKey, sort, onSort, empty }) {
  if (rows.length === 0) return el('div', { class: 'empty' }, empty || 'Nothing here.');
  const [by, direction] = (sort || '').split(':');
  return el('div', { class: 'table-frame' }, el('table', {},
    el('caption', { class: 'unseen' }, caption),
    el('thead', {}, el('tr', {}, columns.map((column) => {
      const sorted = column.key && column.key === by;
      const state = sorted ? (direction === 'DESC' ? 'descending' : 'ascending') : null;
      const next = `${column.key}:${sorted && direction !== 'DESC' ? 'DESC' : 'ASC'}`;
      return el('th', { scope: 'col', class: column.kind, 'aria-sort': state },
        column.key && onSort
          ? el('button', { type: 'button', class: 'sort', 'data-key': `sort-${column.key}`, onclick: () => onSort(next) },
            column.title, el('span', { class: 'arrow', 'aria-hidden': 'true' }, sorted ? (direction === 'DESC' ? '\u25be' : '\u25b4') : ''))
          : column.title);
    }))),
    el('tbody', {}, rows.map((row) => el('tr', {}, columns.map((column, index) => el('td',
      { class: column.kind, 'data-title': column.title },
      index === 0 && href ? el('a', { class: 'row', href: href(row), 'data-key': `row-${rowKey(row)}` }, column.cell(row)) : column.cell(row))))))));
}

// "1\u201350 of 1,234" and the way to the others; `go` gets an offset.
export function pager({ offset, limit, total, go }) {
  const last = Math.max(0, Math.floor((total - 1) / limit) * limit);
  const button = (word, sign, to, on) => el('button', { type: 'button', 'aria-label': word, title: word, disabled: !on, 'data-key': `page-${word}`, 'data-to': to, onclick: () => go(to) }, sign);
  return el('div', { class: 'pager' },
    el('span', { role: 'status' }, total ? `${count(offset + 1)}\u2013${count(Math.min(offset + limit, total))} of ${count(total)}` : 'none'),
    total > limit && el('div', { class: 'pager-buttons' },
      button('First page', '\u00ab', 0, offset > 0),
      button('Previous page', '\u2039', Math.max(0, offset - limit), offset > 0),
      button('Next page', '\u203a', offset + limit, offset < last),
      button('Last page', '\u00bb', last, offset < last)));
}

const CONTROLS = 'input, select, textarea'; // what is typed into them is no attribute
const isElement = (node) => node.nodeType === Node.ELEMENT_NODE;
const isControlled = (node) => isElement(node) && (node.matches(CONTROLS) || node.querySelector(CONTROLS) !== null);

// The children of `place` become `fresh`; those that are the same already stay: the text selected
// in them stays selected, and a screen reader has nothing new to say. So what a handler does must
// be told apart by the attributes of its element.
function merge(place, fresh) {
  const old = [...place.childNodes];
  fresh.forEach((node, at) => {
    const was = old[at];
    if (was === undefined) place.append(node);
    else if (isControlled(node)) was.replaceWith(node);
    else if (was.isEqualNode(node)) return;
    else if (isElement(was) && isElement(node) && was.cloneNode(false).isEqualNode(node.cloneNode(false))) merge(was, [...node.childNodes]);
    else was.replaceWith(node);
  });
  old.slice(fresh.length).forEach((node) => node.remove());
}

// Draws anew in place what has changed, without taking the focus from whoever is there.
export function redraw(place, ...children) {
  const key = place.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  merge(place, children.flat(2).filter(Boolean));
  if (!key || place.contains(document.activeElement)) return;
  const again = [...place.querySelectorAll('[data-key]')].find((element) => element.dataset.key === key);
  if (again) again.focus({ preventScroll: true });
}
