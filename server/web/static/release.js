// One release: its files, who has it, what rolls it out.
import { link } from './address.js';
import { get, path, post, query } from './api.js';
import { stack } from './charts.js';
import { ask } from './dialog.js';
import { el } from './dom.js';
import { badge, bytes, count, stateTone, stateWord, time } from './format.js';
import { shownState } from './rollout_state.js';
import { quoted } from './search.js';
import { redraw, table } from './table.js';

const fact = (name, value) => value && el('div', {}, el('dt', {}, name), el('dd', {}, value));

function artifactList(artifacts) {
  if (artifacts.length === 0) return el('p', { class: 'muted' }, 'No files.');
  return artifacts.map((artifact) => el('dl', { class: 'facts' },
    fact('File', artifact.providedFilename), fact('Size', bytes(artifact.size)),
    fact('SHA-256', el('span', { class: 'digest' }, artifact.hashes.sha256))));
}

// Its actions by state, and the same as numbers.
function progress(statistics) {
  const { total = 0, ...states } = statistics.actions;
  const parts = Object.entries(states).map(([word, number]) => {
    const state = word.toLowerCase();
    return { label: stateWord(state), tone: stateTone(state), count: number };
  });
  if (!total) return el('p', { class: 'muted' }, 'It has not been assigned to any device.');
  return el('div', { class: 'overall' }, stack(parts, total, 'Actions by state'),
    el('ul', { class: 'legend' }, parts.map((part) => el('li', {}, el('span', { class: `swatch ${part.tone}`, 'aria-hidden': 'true' }),
      el('span', {}, part.label), el('span', {}, count(part.count))))));
}

export async function release(page) {
  const id = page.parts[0];
  const base = path('/rest/v1/distributionsets/{}', id);
  const head = el('div', { class: 'head' });
  const about = el('div', { class: 'columns-2' });
  const usage = el('section', { class: 'panel', 'aria-labelledby': 'usage' });
  const plans = el('div', {});

  async function withdraw() {
    await ask({
      title: 'Withdraw the release', verb: 'Withdraw', danger: true,
      body: [el('p', {}, 'No device is given it any more: its rollouts stop, and updates to it that are under way are cancelled. Devices that have it keep it. This cannot be undone.')],
      run: () => post(`${base}/invalidate`, { actionCancelationType: 'soft' }),
    });
    await page.refresh();
  }

  async function refresh(signal) {
    const set = await get(base, signal);
    const [files, statistics, rollouts] = await Promise.all([
      Promise.all(set.modules.map((module) => get(path('/rest/v1/softwaremodules/{}/artifacts', module.id), signal))),
      get(`${base}/statistics`, signal),
      get(`/rest/v1/rollouts${query({ q: `distributionset.id==${id}`, sort: 'id:DESC', limit: 20 })}`, signal).catch((error) => {
        if (error.name === 'AbortError') throw error;
        return null;
      })]);
    const title = `${set.name} ${set.version}`;
    redraw(head, el('h1', {}, title), el('div', { class: 'buttons' },
      el('a', { class: 'button', href: link('fleet', [], { search: `installedds.name==${quoted(set.name)};installedds.version==${quoted(set.version)}` }), 'data-key': 'devices' }, 'Devices that run it'),
      page.may('operate') && set.valid !== false && el('button', { type: 'button', class: 'danger', 'data-key': 'withdraw', onclick: withdraw }, 'Withdraw'),
      page.may('operate') && set.valid !== false && el('a', { class: 'button primary', href: link('new-rollout', [], { set: id }), 'data-key': 'roll' }, 'Roll out')));
    redraw(about,
      el('section', { class: 'panel', 'aria-labelledby': 'about' }, el('h2', { id: 'about' }, 'Release'), el('dl', { class: 'facts' },
        fact('Type', set.typeName || set.type), fact('Description', set.description), fact('Published', time(set.createdAt)), fact('By', set.createdBy),
        fact('State', set.valid === false ? badge('withdrawn') : set.locked ? 'locked: it has been assigned' : 'open'),
        fact('Modules', set.modules.map((module) => `${module.name} ${module.version}`).join(', ')))),
      el('section', { class: 'panel', 'aria-labelledby': 'files' }, el('h2', { id: 'files' }, 'Files'), artifactList(files.flat())));
    redraw(usage, el('h2', { id: 'usage' }, 'Updates'), progress(statistics));
    redraw(plans, rollouts && rollouts.content.length > 0 && table({
      caption: 'Rollouts of it', rows: rollouts.content, href: (row) => link('rollout', [String(row.id)]), rowKey: (row) => `rollout-${row.id}`,
      columns: [
        { title: 'Rollout', cell: (row) => row.name },
        { title: 'State', cell: (row) => badge(shownState(row)) },
        { title: 'Devices', kind: 'number', cell: (row) => count(row.totalTargets) },
        { title: 'Created', cell: (row) => time(row.createdAt) },
      ],
    }));
    document.title = `${title} \u00b7 Trustchain`;
  }

  page.root.append(el('p', { class: 'trail' }, el('a', { href: link('releases') }, 'Releases'), ' / '), head,
    el('div', { class: 'complaint' }), about, usage, plans);
  await page.live(refresh, ['releases', 'devices', 'rollouts']);
}
