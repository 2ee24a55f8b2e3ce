// A thousand devices that speak DDI (docs/hawkbit-ddi.md) as far as a console can tell: they poll,
// and report how an update went.
import assert from 'node:assert/strict';

export const COUNT = 1000;
const CITIES = ['berlin', 'porto', 'lyon', 'oslo'];
const tokenOf = (number) => `device-token-${String(number).padStart(19, '0')}`;
export const idOf = (number) => `thermo-${String(number).padStart(4, '0')}`;

// Tries to be more than a text in every field a device or an operator can fill.
export const HOSTILE = '<img src=x onerror=alert(1)>"\'><script>alert(2)</script>';

export class Fleet {
  constructor({ manage, device, token }) {
    Object.assign(this, { manage, device, token });
  }

  async ask(method, path, body) {
    const response = await fetch(this.manage + path, {
      method, headers: { Authorization: `Bearer ${this.token}`, ...(body ? { 'Content-Type': 'application/json' } : {}) },
      body: body && JSON.stringify(body),
    });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  async create() {
    const all = Array.from({ length: COUNT }, (_, index) => ({
      controllerId: idOf(index + 1), name: `${CITIES[index % 4]} hall ${index + 1}`, securityToken: tokenOf(index + 1),
    }));
    all[6].name = HOSTILE;
    for (let first = 0; first < COUNT; first += 250) await this.ask('POST', '/rest/v1/targets', all.slice(first, first + 250));
  }

  async ddi(number, method, path, body) {
    const response = await fetch(`${this.device}/default/controller/v1/${idOf(number)}${path}`, {
      method, headers: { Authorization: `TargetToken ${tokenOf(number)}`, Accept: 'application/json', ...(body ? { 'Content-Type': 'application/json' } : {}) },
      body: body && JSON.stringify(body),
    });
    assert.equal(response.status, 200, `${method} ${path} of ${idOf(number)}`);
    const text = await response.text();
    return text ? JSON.parse(text) : null;
  }

  attributes(number, data) {
    return this.ddi(number, 'PUT', '/configData', { mode: 'merge', data });
  }

  // Takes what it is offered and says how it went. False: it was offered nothing.
  async update(number, finished, details) {
    const { _links: links } = await this.ddi(number, 'GET', '');
    const offer = links && links.deploymentBase;
    if (!offer) return false;
    const id = /deploymentBase\/(\d+)/.exec(offer.href)[1];
    await this.ddi(number, 'GET', `/deploymentBase/${id}`);
    await this.ddi(number, 'POST', `/deploymentBase/${id}/feedback`, { status: { execution: 'closed', result: { finished }, details } });
    return true;
  }

  // Devices that are offered something take it, until so many have; `fails(number)` says which fail.
  async updateAll(numbers, fails, most) {
    let count = 0;
    for (const number of numbers) {
      if (count >= most) break;
      const bad = fails(number);
      if (await this.update(number, bad ? 'failure' : 'success', [bad ? 'health check failed: sensor bus silent, rolled back' : 'installed'])) count += 1;
    }
    return count;
  }
}
