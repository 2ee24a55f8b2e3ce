// Charts as SVG. Each carries its numbers as text: a label for those who listen, a table beside it
// for those who read. Colours come from the style sheet, by class.
import { el, svg } from './dom.js';
import { count, percent } from './format.js';

// Rows of one bar each: {label, count, tone, href, title}. The longest fills the width.
export function bars(rows, { whole, label }) {
  const most = Math.max(1, ...rows.map((row) => row.count));
  return el('ul', { class: 'bars', 'aria-label': label }, rows.map((row) => {
    const name = row.href ? el('a', { href: row.href, title: row.title }, row.label)
      : el('span', { title: row.title }, row.label);
    return el('li', {},
      el('span', { class: 'bar-name' }, name),
      svg('svg', { class: 'bar', viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
        svg('rect', { class: 'track', width: 100, height: 10 }),
        svg('rect', { class: `fill ${row.tone || 'plain'}`, width: Math.max(row.count ? 0.6 : 0, (100 * row.count) / most), height: 10 })),
      el('span', { class: 'bar-count' }, count(row.count)),
      el('span', { class: 'bar-share' }, percent(row.count, whole)));
  }));
}

// One bar of parts: [{label, count, tone}], with a gap between them that tells them apart without
// colour.
export function stack(parts, whole, label) {
  const shown = parts.filter((part) => part.count > 0);
  const text = shown.length ? shown.map((part) => `${part.label} ${count(part.count)}`).join(', ') : 'nothing';
  let at = 0;
  return svg('svg', { class: 'stack', viewBox: '0 0 1000 10', preserveAspectRatio: 'none', role: 'img', 'aria-label': `${label}: ${text}` },
    svg('rect', { class: 'track', width: 1000, height: 10 }),
    shown.map((part) => {
      const width = whole ? (1000 * part.count) / whole : 0;
      const rect = svg('rect', { class: `fill ${part.tone}`, x: at, width: Math.max(3, width - 2), height: 10 },
        svg('title', {}, `${part.label}: ${count(part.count)} (${percent(part.count, whole)})`));
      at += width;
      return rect;
    }));
}

export function legend(parts, whole) {
  return el('ul', { class: 'legend' }, parts.map((part) => {
    const name = part.href ? el('a', { href: part.href }, part.label) : part.label;
    return el('li', {}, el('span', { class: `swatch ${part.tone}`, 'aria-hidden': 'true' }),
      el('span', { class: 'legend-name' }, name), el('span', { class: 'legend-count' }, count(part.count)),
      el('span', { class: 'legend-share' }, percent(part.count, whole)));
  }));
}

// A ring of parts with a line of text in the middle.
export function ring(parts, whole, label, middle) {
  const radius = 42;
  const round = 2 * Math.PI * radius;
  const gap = parts.filter((part) => part.count > 0).length > 1 ? 2 : 0;
  let at = 0;
  const text = parts.map((part) => `${part.label} ${count(part.count)}`).join(', ');
  return svg('svg', { class: 'ring', viewBox: '0 0 110 110', role: 'img', 'aria-label': `${label}: ${text}` },
    svg('circle', { class: 'track', cx: 55, cy: 55, r: radius }),
    parts.filter((part) => part.count > 0).map((part) => {
      const length = whole ? (round * part.count) / whole : 0;
      const arc = svg('circle', { class: `arc ${part.tone}`, cx: 55, cy: 55, r: radius, transform: 'rotate(-90 55 55)',
        'stroke-dasharray': `${Math.max(1.5, length - gap)} ${round}`, 'stroke-dashoffset': -at },
      svg('title', {}, `${part.label}: ${count(part.count)}`));
      at += length;
      return arc;
    }),
    svg('text', { x: 55, y: 54, class: 'ring-number' }, middle[0]),
    svg('text', { x: 55, y: 68, class: 'ring-word' }, middle[1]));
}

// Upright bars: [{label, count, tone, title}].
export function columns(rows, label) {
  const most = Math.max(1, ...rows.map((row) => row.count));
  const text = rows.map((row) => `${row.label}: ${count(row.count)}`).join(', ');
  return el('div', { class: 'columns', role: 'img', 'aria-label': `${label}: ${text}` }, rows.map((row) => {
    // A dozen lost devices stay visible beside a hundred thousand.
    const height = row.count ? Math.max(3, (100 * row.count) / most) : 0;
    return el('div', { class: 'column', 'aria-hidden': 'true', title: `${row.title}: ${count(row.count)}` },
      el('span', { class: 'column-count' }, count(row.count)),
      svg('svg', { viewBox: '0 0 10 100', preserveAspectRatio: 'none' },
        svg('rect', { class: `fill ${row.tone}`, y: 100 - height, width: 10, height }),
        svg('rect', { class: 'floor', y: 99, width: 10, height: 1 })),
      el('span', { class: 'column-name' }, row.label));
  }));
}
