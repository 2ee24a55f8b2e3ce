// What an update may be told beside what it is and for whom: when devices may install it, and
// whether it may be older than what they run. For one device and for a rollout alike.
import { choice, el, field } from './dom.js';

const OWN = 'own';
const DAYS = [['*', 'Every day'], ['MON-FRI', 'Weekdays'], ['SAT,SUN', 'Weekends'],
  ['MON', 'Mondays'], ['TUE', 'Tuesdays'], ['WED', 'Wednesdays'], ['THU', 'Thursdays'], ['FRI', 'Fridays'],
  ['SAT', 'Saturdays'], ['SUN', 'Sundays'], [OWN, 'Own schedule']];

const pad = (value) => String(value).padStart(2, '0');

// "+02:00": where this browser is, now.
export function ownZone() {
  const minutes = -new Date().getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

const asDuration = (hours) => {
  const minutes = Math.round(60 * hours);
  return `${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}:00`;
};

// A day of the month or of the week: the other one is '?' (hawkbit-ddi.md 4).
function asSchedule(days, time) {
  const [hour, minute] = time.split(':').map(Number);
  return days === '*' ? `0 ${minute} ${hour} * * ?` : `0 ${minute} ${hour} ? * ${days}`;
}

// The form's own schedules in words, others as they are.
export function windowWord({ schedule, duration, timezone }) {
  const own = /^0 (\d+) (\d+) (?:\* \* \?|\? \* ([A-Z,-]+))$/.exec(schedule);
  const days = own && DAYS.find(([value]) => value === (own[3] || '*'));
  const begin = days ? `${days[1]} from ${pad(own[2])}:${pad(own[1])}` : schedule;
  return `${begin} for ${duration.replace(/:00$/, '')} h, UTC${timezone}`;
}

// {element, read()}: read() gives what the API takes as maintenanceWindow, undefined for any time.
export function windowFields() {
  const days = choice({ name: 'days' }, DAYS);
  const time = el('input', { type: 'time', name: 'time', value: '02:00', required: true });
  const hours = el('input', { type: 'number', name: 'hours', value: '3', required: true, min: 0.25, max: 24, step: 0.25, inputmode: 'decimal' });
  const zone = el('input', { name: 'zone', value: ownZone(), required: true, pattern: '[+\\-][0-9]{2}:[0-9]{2}', maxlength: 6, autocomplete: 'off' });
  const schedule = el('input', { name: 'schedule', class: 'mono', value: '0 0 2 ? * SUN', required: true, maxlength: 128, autocomplete: 'off', spellcheck: 'false' });
  const timeField = field('From', time);
  const scheduleField = field('Schedule', schedule, 'Quartz cron: second, minute, hour, day, month, weekday');
  const fields = el('fieldset', { class: 'indent' },
    el('div', { class: 'quad' }, field('Days', days), timeField, field('Hours', hours), field('Offset from UTC', zone, 'Without summer time')), scheduleField);
  const when = choice({ name: 'when' }, [['any', 'At any time'], ['window', 'In a maintenance window']]);

  // What is hidden is not asked for: a disabled field is neither required nor checked.
  function show() {
    const own = days.value === OWN;
    fields.hidden = fields.disabled = when.value === 'any';
    timeField.hidden = time.disabled = own;
    scheduleField.hidden = schedule.disabled = !own;
  }

  when.addEventListener('change', show);
  days.addEventListener('change', show);
  show();
  return {
    element: [field('When devices may install it', when), fields],
    read: () => (when.value === 'any' ? undefined : {
      schedule: days.value === OWN ? schedule.value.trim() : asSchedule(days.value, time.value),
      duration: asDuration(Number(hours.value)), timezone: zone.value.trim(),
    }),
  };
}

// {element, allowed()}: nothing older is installed unless somebody says so here.
export function downgradeField() {
  const box = el('input', { type: 'checkbox', name: 'downgrade' });
  const warning = el('p', { class: 'notice warn', hidden: true },
    'Faults that were mended since come back. A device whose fuses ask for a higher secure version refuses it, which counts as failed.');
  box.addEventListener('change', () => { warning.hidden = !box.checked; });
  return {
    element: el('div', { class: 'field' }, el('label', { class: 'check' }, box, ' Also where something newer is installed (downgrade)'), warning),
    allowed: () => box.checked,
  };
}
