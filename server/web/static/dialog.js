// A question over the page: the browser's own dialog, with its keys and its focus.
import { el, replace } from './dom.js';

// Resolves to what run({signal, tell}) gave once it has worked; null when the asked one thought
// better of it, which aborts the signal. tell(share, words) shows how far it is. What goes wrong is
// said in the dialog, which stays open.
export function ask({ title, verb, body, run, danger, stay = 'Keep as it is' }) {
  const opener = document.activeElement;
  const key = opener && opener.dataset ? opener.dataset.key : null;
  return new Promise((resolve) => {
    const trouble = el('div', { role: 'alert' });
    const bar = el('progress', { max: 1, 'aria-labelledby': 'dialog-doing' });
    const doing = el('p', { class: 'hint', id: 'dialog-doing', role: 'status' });
    const going = el('div', { class: 'going', hidden: true }, bar, doing);
    const leaving = new AbortController();
    const go = el('button', { type: 'submit', class: danger ? 'danger' : 'primary' }, verb);
    let result = null;

    function tell(share, words) {
      going.hidden = false;
      if (share < 1) bar.value = share;
      else bar.removeAttribute('value');
      if (doing.textContent !== words) doing.textContent = words;
    }

    async function submit(event) {
      event.preventDefault();
      go.disabled = true;
      trouble.replaceChildren();
      try {
        result = (await run({ signal: leaving.signal, tell })) || true;
        dialog.close();
      } catch (error) {
        replace(trouble, el('p', { class: 'notice bad' }, error.message));
        go.disabled = false;
        going.hidden = true;
      }
    }

    const dialog = el('dialog', { 'aria-labelledby': 'dialog-title', onclose: () => {
      leaving.abort();
      dialog.remove();
      const back = key ? [...document.querySelectorAll('[data-key]')].find((element) => element.dataset.key === key) : opener;
      if (back && back.isConnected) back.focus();
      resolve(result);
    } },
    el('form', { method: 'dialog', onsubmit: submit },
      el('h2', { id: 'dialog-title' }, title), body, going, trouble,
      el('div', { class: 'buttons end' }, el('button', { type: 'button', onclick: () => dialog.close() }, stay), go)));
    document.body.append(dialog);
    dialog.showModal();
  });
}
