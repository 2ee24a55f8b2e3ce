// What tests do with a page, in the words of who uses it.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect, createServer } from 'node:net';

export const { WORK, OUT, DEVICE, MANAGE, SERVER } = process.env;
const { chromium } = createRequire(import.meta.url)(process.env.PLAYWRIGHT);

export const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });

const secret = async (role) => (await readFile(`${WORK}/${role}`, 'utf8')).trim().split('\n').at(-1);
export const tokens = { read: await secret('read'), operate: await secret('operate'), admin: await secret('admin') };

export async function newPage(options) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1360, height: 850 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(20000);
  return page;
}

// The management port by another way, which can be cut: {url, cut(), mend()}.
export async function relay() {
  const { hostname, port } = new URL(MANAGE);
  const open = new Set();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [from, to] of [[near, far], [far, near]]) {
      open.add(from);
      from.on('error', () => {}).on('close', () => { open.delete(from); to.destroy(); }).pipe(to);
    }
  });
  const listen = (number) => new Promise((resolve) => { server.listen(number, hostname, resolve); });
  await listen(0);
  const own = server.address().port;
  return {
    url: `https://${hostname}:${own}`,
    cut: () => { server.close(); open.forEach((socket) => socket.destroy()); },
    mend: () => listen(own),
  };
}

export async function until(what, check, seconds = 30) {
  const end = Date.now() + 1000 * seconds;
  for (;;) {
    const value = await check();
    if (value) return value;
    assert.ok(Date.now() < end, `not within ${seconds} s: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 200); });
  }
}

export function handOn(page) {
  const button = (name) => page.getByRole('button', { name, exact: true });
  return {
    shot: (name) => page.screenshot({ path: `${OUT}/${name}.png` }),
    rows: () => page.locator('tbody tr'),
    heading: (name) => page.getByRole('heading', { level: 1, name }),
    button,
    place: (name) => page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name }),
    search: () => page.getByRole('searchbox'),
    stateIs: (word) => page.locator('h1 .badge', { hasText: word }).waitFor(),
    async logIn(token) {
      await page.getByLabel('API token').fill(token);
      await button('Log in').click();
    },
  };
}
