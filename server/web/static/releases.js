// What can be installed: every release, and the way to publish one.
import { link } from './address.js';
import { get, path, post, query, remove } from './api.js';
import { ask } from './dialog.js';
import { choice, el, field } from './dom.js';
import { bytes, time } from './format.js';
import { readImage } from './image.js';
import { asSearch } from './search.js';
import { pager, redraw, table } from './table.js';

const LIMIT = 50;
const TYPES = [['application', 'Application'], ['os', 'Operating system'], ['runtime', 'Runtime']];
const SET_TYPES = { application: 'app', os: 'os', runtime: 'os_app' };

// Module, file, set: three steps of the API. What a refused file leaves behind is taken away.
async function publish(file, name, version, type) {
  const [module] = await post('/rest/v1/softwaremodules', [{ name, version, type }]);
  try {
    const form = new FormData();
    form.append('file', file, file.name);
    await post(path('/rest/v1/softwaremodules/{}/artifacts', module.id), form);
    const [set] = await post('/rest/v1/distributionsets', [{ name, version, type: SET_TYPES[type], modules: [{ id: module.id }] }]);
    return set;
  } catch (error) {
    await remove(path('/rest/v1/softwaremodules/{}', module.id)).catch(() => {});
    throw error;
  }
}

async function askToPublish() {
  const name = el('input', { name: 'name', required: true, maxlength: 128 });
  const version = el('input', { name: 'version', required: true, maxlength: 64 });
  const type = choice({ name: 'type' }, TYPES);
  const told = el('span', { class: 'hint', role: 'status' }, 'A signed image; the server checks it as a device would.');
  const file = el('input', { type: 'file', name: 'file', required: true, onchange: async () => {
    const image = file.files[0] && await readImage(file.files[0]);
    told.textContent = image ? `${image.project} ${image.version}, ${bytes(file.files[0].size)}` : 'No ESP32 application: its name and version are not known.';
    if (!image) return;
    name.value = image.project;
    version.value = image.version;
  } });
  return ask({
    title: 'Publish a release', verb: 'Publish',
    body: [field('Image', file), told, field('Name', name), field('Version', version), field('Type', type)],
    run: () => publish(file.files[0], name.value.trim(), version.value.trim(), type.value),
  });
}

export async function releases(page) {
  const list = el('div', { class: 'list' });
  const search = el('input', { type: 'search', name: 'search', placeholder: 'Name or version, or filter: version=ge=2.0', 'aria-label': 'Search releases', autocomplete: 'off' });
  const publishButton = page.may('operate') && el('button', { type: 'button', class: 'primary', 'data-key': 'publish', onclick: async () => {
    const set = await askToPublish();
    if (set) location.hash = link('release', [String(set.id)]);
  } }, 'Publish a release');

  async function refresh(signal) {
    const text = page.query.get('search') || '';
    const offset = Math.max(0, Number(page.query.get('offset')) || 0);
    if (document.activeElement !== search) search.value = text;
    const answer = await get(`/rest/v1/distributionsets${query({ q: asSearch(text, ['name', 'version']), sort: 'id:DESC', offset, limit: LIMIT })}`, signal);
    redraw(list, table({
      caption: 'Releases', rows: answer.content, href: (row) => link('release', [String(row.id)]), rowKey: (row) => String(row.id),
      empty: text ? 'No release matches.' : 'Nothing has been published yet.',
      columns: [
        { title: 'Release', cell: (row) => `${row.name} ${row.version}` },
        { title: 'Type', cell: (row) => row.typeName || row.type },
        { title: 'Description', kind: 'wide', cell: (row) => row.description || '' },
        { title: 'Published', cell: (row) => time(row.createdAt) },
        { title: 'By', cell: (row) => row.createdBy },
      ],
    }), pager({ offset, limit: LIMIT, total: answer.total, go: (to) => page.go({ offset: to || '' }) }));
  }

  page.update = function update(next) {
    page = next;
    page.live(refresh);
  };
  page.root.append(el('div', { class: 'head' }, el('h1', {}, 'Releases'), el('div', { class: 'buttons' }, publishButton)),
    el('form', { class: 'tools', role: 'search', onsubmit: (event) => { event.preventDefault(); page.go({ search: search.value.trim(), offset: '' }); } }, search),
    el('div', { class: 'complaint' }), list);
  await page.live(refresh, ['releases']);
}
