// A new rollout: what, for whom, in which steps, and when to halt.
import { link } from './address.js';
import { get, post, query } from './api.js';
import { ask } from './dialog.js';
import { choice, el, field } from './dom.js';
import { count } from './format.js';
import { asSearch } from './search.js';
import { redraw } from './table.js';
import { downgradeField, ownZone, windowFields } from './terms.js';

const TYPING_MS = 300;
const FIRST_STEPS = [1, 10, 89];
const KINDS = [['forced', 'Forced: install at once'], ['soft', 'Soft: when the device sees fit'], ['downloadonly', 'Download only']];
const STARTS = [['now', 'As soon as it is ready'], ['at', 'At a time'], ['hand', 'When somebody starts it']];
const EVERYBODY = 'controllerid==*';

const numberField = (name, value, attributes = {}) => el('input', { type: 'number', name, value: String(value), required: true, min: 0, max: 100, step: 'any', inputmode: 'decimal', ...attributes });

// Steps as shares of the whole become what the API takes: shares of what is left (hawkbit-ddi.md
// 10). The last one takes the rest, whatever rounding did.
export function shares(steps) {
  let left = 100;
  return steps.map((step, index) => {
    const share = index === steps.length - 1 ? 100 : Math.min(100, (100 * step) / left);
    left -= step;
    return Math.round(share * 100) / 100;
  });
}

// {element, read()}: when it starts; read() gives what the API takes, undefined for by hand.
function startFields() {
  const start = choice({ name: 'start' }, STARTS);
  const time = el('input', { type: 'datetime-local', name: 'startAt', required: true });
  const timeField = field('Start at', time, `Your time, now UTC${ownZone()}`);
  const show = () => { timeField.hidden = time.disabled = start.value !== 'at'; };
  start.addEventListener('change', show);
  show();
  return {
    element: el('div', { class: 'pair' }, field('Start', start), timeField),
    read: () => ({ now: () => Date.now(), at: () => new Date(time.value).getTime(), hand: () => undefined })[start.value](),
  };
}

function stepsProblem(steps) {
  const sum = steps.reduce((total, step) => total + step, 0);
  if (steps.some((step) => !(step > 0))) return 'Each step is more than 0 %.';
  return Math.abs(sum - 100) > 0.001 ? `The steps add up to ${Math.round(sum * 100) / 100} %, not 100 %.` : '';
}

export async function newRollout(page) {
  const sets = await get(`/rest/v1/distributionsets${query({ sort: 'id:DESC', limit: 200 })}`, page.signal);
  const name = el('input', { name: 'name', required: true, maxlength: 128, autocomplete: 'off' });
  const set = choice({ name: 'set', required: true }, sets.content.filter((row) => row.valid !== false).map((row) => [row.id, `${row.name} ${row.version}`]), page.query.get('set') || undefined);
  const filter = el('textarea', { name: 'filter', class: 'mono', rows: 2, spellcheck: 'false', placeholder: 'all devices' });
  filter.value = page.query.get('filter') || '';
  const matching = el('span', { class: 'hint', role: 'status' }, '\u2026');
  const kind = choice({ name: 'kind' }, KINDS);
  const success = numberField('success', 90);
  const failure = numberField('failure', 5, { max: 100 });
  const retries = numberField('retries', 0, { max: 10, step: 1, oninput: () => { pause.disabled = !(Number(retries.value) > 0); } });
  const pause = numberField('pause', 5, { min: 1, max: 10080, step: 1, disabled: true });
  const maintenance = windowFields();
  const downgrade = downgradeField();
  const begin = startFields();
  const stepList = el('ol', { class: 'steps' });
  const stepNote = el('span', { class: 'hint', role: 'status' });
  const trouble = el('div', { role: 'alert' });
  const button = el('button', { type: 'submit', class: 'primary' }, 'Create rollout');
  let steps = FIRST_STEPS.slice();
  let devices = null;
  let timer = null;
  let asked = 0;

  const asFilter = () => asSearch(filter.value.trim(), ['controllerid', 'name']) || EVERYBODY;

  async function countDevices() {
    const turn = ++asked;
    try {
      const answer = await get(`/console/api/devices${query({ q: asFilter(), limit: 1 })}`, page.signal);
      if (turn !== asked) return;
      devices = answer.total;
      matching.textContent = devices === 0 ? 'No device matches.' : `${count(devices)} devices match.`;
    } catch (error) {
      if (error.name === 'AbortError' || turn !== asked) return;
      devices = null;
      matching.textContent = error.message;
    }
    noteSteps();
  }

  function noteSteps() {
    stepNote.textContent = stepsProblem(steps);
    let left = devices;
    [...stepList.querySelectorAll('.step-size')].forEach((place, index) => {
      const size = index === steps.length - 1 ? left : Math.min(left, Math.ceil((devices * (steps[index] || 0)) / 100));
      left -= size;
      place.textContent = devices === null ? '' : `\u2248 ${count(size)} device${size === 1 ? '' : 's'}`;
    });
  }

  function drawSteps() {
    redraw(stepList, steps.map((step, index) => el('li', {}, `Group ${index + 1}`,
      el('input', { type: 'number', value: String(step), min: 0.01, max: 100, step: 'any', 'aria-label': `Percent of the devices in group ${index + 1}`, 'data-key': `step-${index}`, inputmode: 'decimal',
        oninput: (event) => { steps[index] = Number(event.target.value); noteSteps(); } }),
      el('span', { class: 'muted' }, '% ', el('span', { class: 'step-size' })),
      steps.length > 1 ? el('button', { type: 'button', class: 'quiet', 'aria-label': `Remove group ${index + 1}`, 'data-key': `less-${index}`, onclick: () => { steps.splice(index, 1); drawSteps(); } }, '\u2212') : null)));
    noteSteps();
  }

  function addStep() {
    const sum = steps.reduce((total, step) => total + step, 0);
    if (sum < 100) steps.push(Math.round((100 - sum) * 100) / 100);
    else steps.splice(-1, 1, steps.at(-1) / 2, steps.at(-1) / 2);
    drawSteps();
  }

  async function submit(event) {
    event.preventDefault();
    trouble.replaceChildren();
    if (stepsProblem(steps)) {
      redraw(trouble, el('p', { class: 'notice bad' }, stepsProblem(steps)));
      return;
    }
    const conditions = {
      successCondition: { condition: 'THRESHOLD', expression: success.value }, successAction: { action: 'NEXTGROUP', expression: '' },
      errorCondition: { condition: 'THRESHOLD', expression: failure.value }, errorAction: { action: 'PAUSE', expression: '' },
    };
    const create = () => post('/rest/v1/rollouts', {
      name: name.value.trim(), distributionSetId: Number(set.value), targetFilterQuery: asFilter(), type: kind.value,
      ...conditions, maintenanceWindow: maintenance.read(), downgrade: downgrade.allowed(),
      retries: Number(retries.value), ...(Number(retries.value) > 0 ? { retrySeconds: 60 * Number(pause.value) } : {}),
      startAt: begin.read(),
      groups: shares(steps).map((share, index) => ({ name: `group-${index + 1}`, targetPercentage: share, ...conditions })),
    });
    button.disabled = true;
    try {
      const made = downgrade.allowed() ? await askForDowngrade(create) : await create();
      if (made) location.hash = link('rollout', [String(made.id)]);
    } catch (error) {
      redraw(trouble, el('p', { class: 'notice bad' }, error.message));
    }
    button.disabled = false;
  }

  function askForDowngrade(create) {
    const version = set.selectedOptions[0].textContent;
    return ask({
      title: 'Allow a downgrade?', verb: 'Create with downgrade', stay: 'Go back', danger: true, run: create,
      body: [el('p', {}, `Devices that run something newer go back to ${version}, and to the faults it has.`)],
    });
  }

  filter.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(countDevices, TYPING_MS); });
  page.root.append(...[el('p', { class: 'trail' }, el('a', { href: link('rollouts') }, 'Rollouts'), ' / '),
    el('div', { class: 'head' }, el('h1', {}, 'New rollout')),
    sets.content.length === 0 && el('p', { class: 'notice warn' }, 'There is nothing to roll out yet: ', el('a', { href: link('releases') }, 'publish a release'), ' first.'),
    el('form', { class: 'panel form', onsubmit: submit },
      el('div', { class: 'pair' }, field('Name', name), field('Release', set)),
      field('Devices', filter), el('p', { class: 'field' }, matching),
      el('fieldset', {}, el('legend', {}, 'Groups, one after the other'), stepList, el('div', { class: 'buttons step-buttons' },
        el('button', { type: 'button', 'data-key': 'add-step', onclick: addStep }, 'Add a group'), stepNote)),
      el('div', { class: 'pair' },
        field('Next group when finished, %', success), field('Halt when failed, more than %', failure)),
      el('div', { class: 'pair' },
        field('Tries after a failure', retries, 'Before a device counts as failed'), field('Pause before the first, minutes', pause, 'Doubles before each one more')),
      field('How', kind), maintenance.element, downgrade.element,
      begin.element,
      trouble, el('div', { class: 'buttons' }, button, el('a', { class: 'button quiet', href: link('rollouts') }, 'Never mind')))].filter(Boolean));
  drawSteps();
  await countDevices();
}
