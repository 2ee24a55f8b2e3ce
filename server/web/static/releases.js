// What can be installed: every release, and the way to publish one.
import { link } from './address.js';
import { get, path, post, query, remove, upload } from './api.js';
import { ask } from './dialog.js';
import { choice, el, field } from './dom.js';
import { bytes, time } from './format.js';
import { readImage } from './image.js';
import { asSearch, quoted } from './search.js';
import { pager, redraw, table } from './table.js';

const LIMIT = 50;
const FILE_MAX = 16 << 20; // as the server has it; it would break the connection in the middle
const TYPES = [['application', 'Application'], ['os', 'Operating system'], ['runtime', 'Runtime']];
const SET_TYPES = { application: 'app', os: 'os', runtime: 'os_app' };

// A tab that was closed while it uploaded has left a module without a file: it is in nobody's way.
async function createModule(wanted) {
  const create = () => post('/rest/v1/softwaremodules', [wanted]);
  try {
    return (await create())[0];
  } catch (error) {
    if (error.status !== 409) throw error;
    const { content } = await get(`/rest/v1/softwaremodules${query({ q: `name==${quoted(wanted.name)};version==${quoted(wanted.version)};type==${wanted.type}` })}`);
    const files = content.length === 1 ? await get(path('/rest/v1/softwaremodules/{}/artifacts', content[0].id)) : null;
    if (!files || files.length > 0) throw error;
    await remove(path('/rest/v1/softwaremodules/{}', content[0].id));
    return (await create())[0];
  }
}

// Module, file, set: three steps of the API. What a refused file leaves behind is taken away.
async function publish(file, { name, version, type }, { signal, tell }) {
  if (file.size > FILE_MAX) throw new Error(`${bytes(file.size)} is larger than the ${bytes(FILE_MAX)} that the server takes.`);
  const module = await createModule({ name, version, type });
  try {
    const form = new FormData();
    form.append('file', file, file.name);
    await upload(path('/rest/v1/softwaremodules/{}/artifacts', module.id), form,
      { signal, tell: (share) => tell(share, share < 1 ? `Uploading ${bytes(file.size)}` : 'The server checks the image') });
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
    run: (going) => publish(file.files[0], { name: name.value.trim(), version: version.value.trim(), type: type.value }, going),
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
        { title: 'Release', cell: (row) => [`${row.name} ${row.version}`, row.valid === false && el('span', { class: 'tag warn' }, 'withdrawn')] },
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
