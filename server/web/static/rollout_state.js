// What rollouts, groups and lists of them say alike.
import { count, stateTone, stateWord } from './format.js';

// Where two states side by side would look alike.
const TONES = { notstarted: 'none', cancelled: 'warn' };
const ORDER = ['finished', 'running', 'scheduled', 'error', 'cancelled', 'notstarted'];

// A rollout's or group's devices by state, in the order in which they go through them.
export function partsOf(counts) {
  return ORDER.map((state) => ({
    label: state === 'running' ? 'Updating' : stateWord(state), count: (counts || {})[state] || 0,
    tone: TONES[state] || stateTone(state),
  }));
}

// Halted because devices failed is another thing than paused by somebody or by the plan.
export const shownState = ({ halted, status }) => (halted ? 'halted' : status);

export function progressWord(counts, total) {
  const done = (counts || {}).finished || 0;
  return `${count(done)} of ${count(total)} finished`;
}
