// One device: what it is, what it runs, what happened to it.
import { link } from './address.js';
import { get, path, post, put, query, remove } from './api.js';
import { ask } from './dialog.js';
import { choice, el, field } from './dom.js';
import { badge, moment, time } from './format.js';
import { quoted } from './search.js';
import { pager, redraw } from './table.js';
import { downgradeField, windowFields } from './terms.js';

const LIMIT = 20;
const STATUS_LIMIT = 100;

const KINDS = [['forced', 'Forced: install at once'], ['soft', 'Soft: when the device sees fit'], ['downloadonly', 'Download only']];

function facts(rows) {
  return el('dl', { class: 'facts' }, rows.filter(([, value]) => value !== undefined && value !== null && value !== '')
    .map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
}

const setLink = (set) => set && el('a', { href: link('release', [String(set.id)]) }, `${set.name} ${set.version}`);

function identity(target) {
  const { pollStatus: poll, installedDistributionSet: installed, assignedDistributionSet: assigned } = target;
  return el('section', { class: 'panel', 'aria-labelledby': 'identity' }, el('h2', { id: 'identity' }, 'Device'), facts([
    ['State', badge(target.revoked ? 'revoked' : target.updateStatus)],
    ['Name', target.name],
    ['Description', target.description],
    ['Installed', installed ? setLink(installed) : el('span', { class: 'muted' }, 'nothing known')],
    ['Assigned', assigned && (!installed || assigned.id !== installed.id) ? setLink(assigned) : null],
    ['Installed since', target.installedAt && time(target.installedAt)],
    ['Last contact', el('span', {}, time(target.lastControllerRequestAt), poll && poll.overdue && el('span', { class: 'tag warn' }, 'overdue'))],
    ['Next expected', poll && poll.nextExpectedRequestAt && !poll.overdue && time(poll.nextExpectedRequestAt)],
    ['Address', target.ipAddress || target.address],
    ['Group', target.group],
    ['Tags', target.tags && target.tags.length ? target.tags.map((tag) => el('span', { class: 'tag' }, typeof tag === 'string' ? tag : tag.name)) : null],
  ]));
}

function attributeList(attributes) {
  const names = Object.keys(attributes || {}).sort();
  return el('section', { class: 'panel', 'aria-labelledby': 'attributes' }, el('h2', { id: 'attributes' }, 'Attributes'),
    names.length ? facts(names.map((name) => [name, el('a', { href: link('fleet', [], { search: `attribute.${name}==${quoted(attributes[name])}` }), title: 'Devices with this value' }, attributes[name])]))
      : el('p', { class: 'muted' }, 'The device has not told any.'));
}

// The log of one action: what the device and the server said, the newest first.
function statusList(entries) {
  return el('ol', { class: 'log' }, entries.map((entry) => el('li', {},
    moment(entry.reportedAt),
    badge(entry.type), el('div', { class: 'messages' }, (entry.messages || []).map((text) => el('p', {}, text))),
    entry.code !== undefined && entry.code !== null && el('span', { class: 'muted' }, `code ${entry.code}`))));
}

export async function device(page) {
  const id = page.parts[0];
  const offsetOf = () => Math.max(0, Number(page.query.get('offset')) || 0);
  const about = el('div', { class: 'columns-2' });
  const history = el('section', { class: 'panel', 'aria-labelledby': 'history' });
  const buttons = el('div', { class: 'buttons' });
  const open = new Set();

  async function assign() {
    const sets = await get(`/rest/v1/distributionsets${query({ sort: 'id:DESC', limit: 100 })}`);
    const set = choice({ name: 'set' }, sets.content.map((row) => [row.id, `${row.name} ${row.version}`]));
    const kind = choice({ name: 'kind' }, KINDS);
    const maintenance = windowFields();
    const downgrade = downgradeField();
    await ask({
      title: `Update ${id}`, verb: 'Assign', body: [field('Release', set), field('How', kind), maintenance.element, downgrade.element],
      run: () => post(path('/rest/v1/targets/{}/assignedDS', id),
        { id: Number(set.value), type: kind.value, maintenanceWindow: maintenance.read(), downgrade: downgrade.allowed() }),
    });
    await page.refresh();
  }

  async function change(title, text, verb, run) {
    await ask({ title, verb, danger: true, body: [el('p', {}, text)], run });
    await page.refresh();
  }

  function actionButtons(action) {
    if (!action.active || !page.may('operate')) return null;
    const where = path('/rest/v1/targets/{}/actions/{}', id, action.id);
    const canceling = action.status === 'canceling';
    return el('div', { class: 'buttons' },
      action.forceType === 'soft' && el('button', { type: 'button', 'data-key': `force-${action.id}`, onclick: () => put(where, { forceType: 'forced' }).then(() => page.refresh(), (error) => page.complain(error)) }, 'Force'),
      canceling
        ? el('button', { type: 'button', class: 'danger', 'data-key': `quit-${action.id}`, onclick: () => change('End without the device', 'The action is closed here. What the device does with it is not known any more.', 'End it', () => remove(`${where}?force=true`)) }, 'End without the device')
        : el('button', { type: 'button', 'data-key': `cancel-${action.id}`, onclick: () => change(`Cancel action ${action.id}`, 'The device is asked to stop; it may have installed already.', 'Cancel the action', () => remove(where)) }, 'Cancel'));
  }

  async function drawAction(action, signal) {
    const show = open.has(action.id);
    const log = show ? await get(`${path('/rest/v1/targets/{}/actions/{}/status', id, action.id)}${query({ sort: 'id:DESC', limit: STATUS_LIMIT })}`, signal) : null;
    const toggle = el('button', { type: 'button', class: 'toggle', 'aria-expanded': String(show), 'data-key': `action-${action.id}`,
      onclick: () => { if (show) open.delete(action.id); else open.add(action.id); page.refresh(); } },
    el('span', { class: 'arrow', 'aria-hidden': 'true' }, show ? '\u25be' : '\u25b8'),
    el('span', { class: 'number' }, `#${action.id}`), el('span', { class: 'what' }, `${action.distributionSet.name} ${action.distributionSet.version}`), badge(action.status), el('span', { class: 'muted' }, action.forceType), time(action.createdAt));
    return el('li', {}, el('div', { class: 'action' }, toggle,
      action.rollout && el('a', { href: link('rollout', [String(action.rollout)]) }, action.rolloutName || `rollout ${action.rollout}`), actionButtons(action)),
    log && statusList(log.content));
  }

  async function refresh(signal) {
    const base = path('/rest/v1/targets/{}', id);
    const offset = offsetOf();
    const [target, attributes, actions] = await Promise.all([
      get(base, signal), get(`${base}/attributes`, signal), get(`${base}/actions${query({ sort: 'id:DESC', offset, limit: LIMIT })}`, signal)]);
    // The newest is what one comes for.
    if (!refresh.opened && actions.content.length) open.add(actions.content[0].id);
    refresh.opened = true;
    const rows = await Promise.all(actions.content.map((action) => drawAction(action, signal)));
    redraw(about, identity(target), attributeList(attributes));
    redraw(history, el('h2', { id: 'history' }, 'History'),
      rows.length ? el('ul', { class: 'actions' }, rows) : el('p', { class: 'muted' }, 'Nothing has been assigned to it.'),
      rows.length > 0 && pager({ offset, limit: LIMIT, total: actions.total, go: (to) => page.go({ offset: to || '' }) }));
    redraw(buttons,
      page.may('operate') && el('button', { type: 'button', class: 'primary', 'data-key': 'assign', onclick: () => assign().catch((error) => page.complain(error)) }, 'Assign a release'),
      page.may('admin') && (target.revoked
        ? el('button', { type: 'button', 'data-key': 'revoke', onclick: () => change(`Let ${id} in again`, 'Its token and certificate count again.', 'Let it in', () => post(`${base}/unrevoke`)) }, 'Undo revocation')
        : el('button', { type: 'button', class: 'danger', 'data-key': 'revoke', onclick: () => change(`Revoke ${id}`, 'It is refused from now on, whatever it shows.', 'Revoke', () => post(`${base}/revoke`)) }, 'Revoke')));
  }

  page.update = function update(next) {
    page = next;
    page.live(refresh);
  };
  page.root.append(el('p', { class: 'trail' }, el('a', { href: link('fleet') }, 'Fleet'), ' / '),
    el('div', { class: 'head' }, el('h1', { class: 'id' }, id), buttons), el('div', { class: 'complaint' }), about, history);
  await page.live(refresh, ['devices']);
}
