// One rollout, live: its groups, why it halted, and what may be done about it.
import { link } from './address.js';
import { get, path, post, query, remove } from './api.js';
import { legend, stack } from './charts.js';
import { ask } from './dialog.js';
import { announce, el } from './dom.js';
import { badge, count, percent, stateWord, time } from './format.js';
import { partsOf, progressWord, shownState } from './rollout_state.js';
import { pager, redraw, table } from './table.js';
import { windowWord } from './terms.js';

const GROUPS = 500;
const FAILURES = 20; // a page of them

// Each order in the states that allow it: address, word, and what is asked before.
const ORDERS = [
  { order: 'start', word: 'Start', states: ['ready'], primary: true },
  { order: 'approve', word: 'Approve', states: ['waiting_for_approval'], primary: true },
  { order: 'deny', word: 'Deny', states: ['waiting_for_approval'], danger: true },
  { order: 'resume', word: 'Resume', states: ['paused'], primary: true },
  { order: 'pause', word: 'Pause', states: ['running'] },
  { order: 'triggerNextGroup', word: 'Start next group', states: ['running'], sure: 'The next group starts although this one is not done.' },
  { order: 'stop', word: 'Stop', states: ['running', 'paused', 'ready'], danger: true, sure: 'It ends here. What is under way on devices is cancelled.' },
  { order: 'retry', word: 'Retry the failed', states: ['finished', 'stopped'], sure: 'A new rollout is made of the devices where this one failed or was cancelled.' },
];

// The pause doubles before each one more.
function retryWord({ retries, retrySeconds }) {
  const pause = retrySeconds % 60 === 0 ? `${count(retrySeconds / 60)} min` : `${count(retrySeconds)} s`;
  return `${retries}, the first ${pause} after the failure`;
}

const threshold = (condition) => (condition && condition.expression !== undefined ? Number(condition.expression) : null);

function groupRow(group) {
  const counts = group.totalTargetsPerStatus || {};
  const failed = counts.error || 0;
  const limit = threshold(group.errorCondition);
  const wanted = threshold(group.successCondition);
  return el('li', {},
    el('span', { class: 'group-name' }, group.name), badge(group.status),
    stack(partsOf(counts), group.totalTargets, `${group.name}: ${progressWord(counts, group.totalTargets)}`),
    el('span', { class: 'group-note' }, progressWord(counts, group.totalTargets),
      failed > 0 && `, ${count(failed)} failed (${percent(failed, group.totalTargets)})`,
      el('br'), wanted !== null && `next at ${wanted} % finished`, limit !== null && `, halts above ${limit} % failed`));
}

function failureTable(rows) {
  return table({
    caption: 'Failed devices', rows, href: (row) => link('device', [row.controllerId]), rowKey: (row) => `failed-${row.controllerId}`,
    empty: 'None on this page.',
    columns: [
      { title: 'Device', cell: (row) => row.controllerId },
      { title: 'Group', cell: (row) => row.group },
      { title: 'Tries', kind: 'number', cell: (row) => count(row.tries) },
      { title: 'When', cell: (row) => time(row.reportedAt) },
      { title: 'Its last word', kind: 'text', cell: (row) => [row.message || el('span', { class: 'muted' }, 'none'), row.code !== null && el('span', { class: 'muted' }, ` (code ${row.code})`)] },
    ],
  });
}

export async function rollout(first) {
  let page = first;
  const id = page.parts[0];
  const base = path('/rest/v1/rollouts/{}', id);
  const head = el('div', { class: 'head' });
  const reason = el('div', { class: 'complaint-like' });
  const overall = el('section', { class: 'panel overall', 'aria-labelledby': 'overall' });
  const groups = el('section', { class: 'panel', 'aria-labelledby': 'groups' });
  const failed = el('section', { class: 'failed', 'aria-labelledby': 'failed' });
  const about = el('section', { class: 'panel', 'aria-labelledby': 'about' });
  let said = null;

  async function order({ order: name, word, sure, danger }) {
    const run = () => post(`${base}/${name}`);
    let result = null;
    page.complain(null);
    try {
      if (sure) result = await ask({ title: word, verb: word, danger, body: [el('p', {}, sure)], run });
      else result = (await run()) || true;
    } catch (error) {
      page.complain(error);
      return;
    }
    if (result && result.id) location.hash = link('rollout', [String(result.id)]);
    else if (result) await page.refresh();
  }

  async function drop() {
    const gone = await ask({ title: 'Delete', verb: 'Delete', danger: true, body: [el('p', {}, 'The rollout goes; what devices have installed stays.')], run: () => remove(base) });
    if (gone) location.hash = link('rollouts');
  }

  function buttons(row) {
    if (!page.may('operate')) return null;
    return el('div', { class: 'buttons' }, ORDERS.filter(({ states }) => states.includes(row.status)).map((entry) => el('button', {
      type: 'button', class: entry.primary ? 'primary' : entry.danger ? 'danger' : null, 'data-key': `order-${entry.order}`, onclick: () => order(entry),
    }, entry.word)),
    ['ready', 'finished', 'stopped'].includes(row.status) && el('button', { type: 'button', class: 'danger quiet', 'data-key': 'order-delete', onclick: drop }, 'Delete'));
  }

  async function drawFailed(signal, total) {
    const offset = Math.max(0, Number(page.query.get('offset')) || 0);
    const answer = total > 0 && await get(`${path('/console/api/failures/{}', id)}${query({ offset, limit: FAILURES })}`, signal);
    redraw(failed, answer && [el('h2', { id: 'failed' }, 'Failed devices'), failureTable(answer.content),
      pager({ offset, limit: FAILURES, total, go: (to) => page.go({ offset: to || '' }) })]);
  }

  // Who does not see the bars grow hears of what has come to an end.
  function tell(row, list) {
    const states = [[row.name, shownState(row)], ...list.map((group) => [group.name, group.status])];
    const news = states.filter(([name, state]) => said && said.get(name) !== state);
    if (news.length > 0) announce(news.map(([name, state]) => `${name}: ${stateWord(state)}`).join(', '));
    said = new Map(states);
  }

  async function refresh(signal) {
    const [row, list] = await Promise.all([
      get(`${base}?representation=full`, signal),
      get(`${base}/deploygroups${query({ representation: 'full', limit: GROUPS, sort: 'id:ASC' })}`, signal)]);
    const set = await get(path('/rest/v1/distributionsets/{}', row.distributionSetId), signal).catch((error) => {
      if (error.name === 'AbortError') throw error;
      return null; // deleted since
    });
    const state = shownState(row);
    const parts = partsOf(row.totalTargetsPerStatus);
    tell(row, list.content);
    redraw(head, el('h1', {}, row.name, ' ', badge(state)), buttons(row));
    const why = row.halted ? 'Halted by itself: ' : '';
    if (reason.dataset.said !== row.haltReason) {
      reason.dataset.said = row.haltReason || '';
      redraw(reason, row.haltReason && el('p', { class: `notice ${why ? 'bad' : 'warn'}`, role: 'alert' }, el('strong', {}, why), row.haltReason, row.halted && '. Resuming accepts these failures and goes on.'));
    }
    redraw(overall, el('h2', { id: 'overall' }, 'Progress', el('span', { class: 'aside muted' }, progressWord(row.totalTargetsPerStatus, row.totalTargets))),
      stack(parts, row.totalTargets, 'Devices by state'), legend(parts, row.totalTargets));
    redraw(groups, el('h2', { id: 'groups' }, 'Groups'), el('ol', { class: 'groups' }, list.content.map(groupRow)));
    await drawFailed(signal, (row.totalTargetsPerStatus || {}).error || 0);
    const fact = (name, value) => value && el('div', {}, el('dt', {}, name), el('dd', {}, value));
    redraw(about, el('h2', { id: 'about' }, 'Plan'), el('dl', { class: 'facts' },
      fact('Release', set && el('a', { href: link('release', [String(set.id)]), 'data-key': 'set' }, `${set.name} ${set.version}`)),
      fact('Devices', el('a', { href: link('fleet', [], { search: row.targetFilterQuery }), 'data-key': 'filter' }, el('code', {}, row.targetFilterQuery))),
      fact('How', row.type), fact('Description', row.description), fact('Starts', row.startAt && time(row.startAt)),
      fact('Maintenance window', row.maintenanceWindow && windowWord(row.maintenanceWindow)),
      fact('Tries after a failure', row.retries > 0 && retryWord(row)),
      fact('Downgrade', row.downgrade && el('span', { class: 'tag warn' }, 'allowed')),
      fact('Created', el('span', {}, time(row.createdAt), ` by ${row.createdBy}`)),
      fact('Last change', el('span', {}, time(row.lastModifiedAt), ` by ${row.lastModifiedBy}`))));
    document.title = `${row.name}: ${stateWord(state)} \u00b7 Trustchain`;
  }

  page.update = function update(next) {
    page = next;
    page.live(refresh);
  };
  page.root.append(el('p', { class: 'trail' }, el('a', { href: link('rollouts') }, 'Rollouts'), ' / '), head, el('div', { class: 'complaint' }), reason, overall, groups, failed, about);
  await page.live(refresh, ['rollouts', 'devices']);
}
