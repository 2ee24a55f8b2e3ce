// The address is the state: every view, filter and page can be linked to and gone back to.

// "#/device/sensor-7?page=2" as {view, parts, query}; what is not known is the fleet.
export function readAddress(known) {
  const [path, search] = location.hash.replace(/^#\/?/, '').split('?');
  const [view, ...parts] = path.split('/').map((part) => {
    try { return decodeURIComponent(part); } catch { return part; }
  });
  return { view: known(view) ? view : 'fleet', parts, query: new URLSearchParams(search || '') };
}

export function link(view, parts = [], query = {}) {
  const pairs = Object.entries(query).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  const search = new URLSearchParams(pairs).toString();
  return `#/${[view, ...parts.map(encodeURIComponent)].join('/')}${search ? `?${search}` : ''}`;
}
