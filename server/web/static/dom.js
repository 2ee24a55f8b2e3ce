// Elements from names, attributes and children. A text is only ever a text node: what a device
// calls itself cannot become markup.

const SVG = 'http://www.w3.org/2000/svg';

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'value') element.value = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function el(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function svg(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

export function replace(element, ...children) {
  element.replaceChildren(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// A control with its label around it.
export function field(label, control, hint) {
  return el('label', { class: 'field' }, el('span', { class: 'label' }, label), control,
    hint && el('span', { class: 'hint' }, hint));
}

// A list of [value, text] to choose from.
export function choice(attributes, options, chosen) {
  const select = el('select', attributes, options.map(([value, text]) => el('option', { value }, text)));
  if (chosen !== undefined) select.value = String(chosen);
  return select;
}

// Says something to those who do not see the page change.
export function announce(text) {
  const place = document.getElementById('live');
  if (place) place.textContent = text;
}
