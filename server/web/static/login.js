// The way in: an API token, tried at once.
import { token } from './api.js';
import { el, field, replace } from './dom.js';

export function login(app, start, reason) {
  const input = el('input', { type: 'password', name: 'token', autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', required: true, autofocus: true });
  const trouble = el('div', { role: 'alert' }, reason && el('p', { class: 'notice bad' }, reason));
  const button = el('button', { class: 'primary', type: 'submit' }, 'Log in');

  async function submit(event) {
    event.preventDefault();
    const value = input.value.trim();
    trouble.replaceChildren();
    button.disabled = true;
    // What cannot be in a header is no token.
    if (!/^[\x21-\x7e]+$/.test(value)) {
      replace(trouble, el('p', { class: 'notice bad' }, 'That is not a token: letters and digits only.'));
    } else {
      token.set(value);
      try {
        await start();
        return;
      } catch (error) {
        token.forget();
        replace(trouble, el('p', { class: 'notice bad' }, error.message));
      }
    }
    button.disabled = false;
    input.select();
  }

  replace(app, el('main', { class: 'login' },
    el('form', { onsubmit: submit, class: 'panel' },
      el('div', { class: 'brand' }, el('img', { src: 'icon.svg', alt: '', width: 32, height: 32 }), el('h1', {}, 'Trustchain')),
      el('p', { class: 'muted' }, 'The update server\u2019s console.'),
      field('API token', input), trouble, button,
      el('p', { class: 'hint' }, 'Made by ', el('code', {}, 'trustchain token create'), '. It stays in this tab and is gone when the tab is closed.'))));
  input.focus();
}
