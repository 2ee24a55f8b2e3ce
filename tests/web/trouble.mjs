// What goes wrong while somebody watches: a server that hangs, is gone, or refuses; a token that is
// revoked; an upload that is given up. tests/web/run starts it.
import assert from 'node:assert/strict';
import { kill } from 'node:process';
import { Fleet } from './devices.mjs';
import { DEVICE, MANAGE, SERVER, WORK, browser, handOn, newPage, relay, tokens, until } from './hand.mjs';
import { finish, test } from './tap.mjs';

const fleet = new Fleet({ manage: MANAGE, device: DEVICE, token: tokens.admin });
const names = ['north', 'south', 'east'].map((side) => `gate-${side}`);
await fleet.ask('POST', '/rest/v1/targets', names.map((controllerId) => ({ controllerId, name: `the ${controllerId}` })));

const live = (page) => page.locator('#stream.live').waitFor();
const complaint = (page) => page.locator('.complaint .notice');

// Logged in, at a view, with what the test needs to know of it.
async function at(view, { token = tokens.admin, manage = MANAGE, prepare } = {}) {
  const page = await newPage();
  if (prepare) await prepare(page);
  await page.goto(`${manage}/console/#/${view}`);
  const hand = handOn(page);
  await hand.logIn(token);
  await page.locator('main h1').waitFor();
  await live(page);
  return { page, ...hand };
}

await test('a server that hangs is noticed by its silence, and found again', async () => {
  const { page } = await at('fleet', { prepare: (fresh) => fresh.clock.install() });
  kill(Number(SERVER), 'SIGSTOP');
  try {
    await page.clock.fastForward(41000);
    await page.locator('#stream.broken').waitFor();
  } finally {
    kill(Number(SERVER), 'SIGCONT');
  }
  await page.clock.fastForward(5000);
  await live(page);
  await page.context().close();
});

await test('a server that is gone: the page says so, of when it is, and follows again without a reload', async () => {
  const way = await relay();
  const { page } = await at(`device/${names[0]}`, { manage: way.url });
  await page.evaluate(() => { document.body.dataset.loaded = 'once'; });
  way.cut();
  await page.locator('#stream.broken').waitFor();
  await complaint(page).getByText(/cannot be reached\. This is how it was at \d{4}-/).waitFor({ timeout: 30000 });
  await page.getByText('the gate-north').waitFor();
  await way.mend();
  await live(page);
  await complaint(page).waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => document.body.dataset.loaded), 'once');
  await page.context().close();
  way.cut();
});

await test('a reload while the store is away waits for it, and asks for no token', async () => {
  const { page } = await at('releases');
  await page.route('**/rest/v1/userinfo', (route) => route.fulfill({ status: 503, body: '' }));
  await page.reload();
  await page.getByText('The server is busy').waitFor();
  assert.equal(await page.getByLabel('API token').count(), 0);
  await page.unroute('**/rest/v1/userinfo');
  await page.getByRole('heading', { level: 1, name: 'Releases' }).waitFor();
  await page.context().close();
});

async function tokenFor(name, role) {
  const { token } = await fleet.ask('POST', '/rest/v1/tokens', { name, role });
  return token;
}

await test('a revoked token ends its streams, and whoever held it is logged out where they are', async () => {
  const token = await tokenFor('leaver', 'operate');
  const { page } = await at('new-rollout', { token });
  const giveUp = AbortSignal.timeout(8000);
  const stream = await fetch(`${MANAGE}/console/events`, { signal: giveUp, headers: { Authorization: `Bearer ${token}` } });
  assert.equal(stream.status, 200);
  await fleet.ask('DELETE', '/rest/v1/tokens/leaver');
  await stream.text(); // to its end
  await page.getByText('does not know this token any more').waitFor();
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);
  const again = await fetch(`${MANAGE}/console/events`, { headers: { Authorization: `Bearer ${token}` } });
  assert.equal(again.status, 401);
  await page.context().close();
});

await test('an order that is refused says why until the next one, whatever is drawn anew', async () => {
  const { page, button } = await at(`device/${names[0]}`);
  await page.route('**/rest/v1/distributionsets?*', (route) => route.fulfill({ status: 409, json: { message: 'not today' } }));
  await button('Assign a release').click();
  await complaint(page).getByText('not today').waitFor();
  const drawn = page.waitForResponse(/\/attributes$/);
  await fleet.ask('PUT', `/rest/v1/targets/${names[0]}`, { description: 'drawn anew' });
  await drawn;
  await page.getByText('drawn anew').waitFor();
  await page.waitForTimeout(300);
  assert.equal(await complaint(page).textContent(), 'not today');
  await page.context().close();
});

await test('what is selected stays selected when something else changes', async () => {
  const { page } = await at(`device/${names[1]}`);
  const selected = () => page.evaluate(() => String(getSelection()));
  await page.getByText('the gate-south').evaluate((element) => getSelection().selectAllChildren(element));
  assert.equal(await selected(), 'the gate-south');
  await fleet.ask('PUT', `/rest/v1/targets/${names[1]}`, { description: 'by the river' });
  await page.getByText('by the river').waitFor();
  assert.equal(await selected(), 'the gate-south');
  await page.context().close();
});

const modulesOf = async (version) => (await fleet.ask('GET', `/rest/v1/softwaremodules?q=version==${version}`)).total;

async function publish({ page, button }, version) {
  await button('Publish a release').click();
  await page.getByLabel('Image').setInputFiles(`${WORK}/${version}.bin`);
  await page.getByText(`thermo ${version},`).waitFor();
  await button('Publish').click();
}

await test('an upload shows how far it is, is given up with Escape, and leaves nothing that is in the way', async () => {
  const hand = await at('releases', { token: tokens.operate });
  const { page } = hand;
  const network = await page.context().newCDPSession(page);
  const throttle = (uploadThroughput) => network.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput });
  await throttle(300000);
  await publish(hand, '2.0.0');
  const bar = page.getByRole('progressbar');
  await until('half of it is there', async () => (await bar.getAttribute('value')) > 0.3);
  await page.getByText(/Uploading 1\.\d+ MiB/).waitFor();
  await hand.shot('upload');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await until('it is taken away', async () => (await modulesOf('2.0.0')) === 0);
  await throttle(-1);
  // As if the tab had been closed in the middle.
  await fleet.ask('POST', '/rest/v1/softwaremodules', [{ name: 'thermo', version: '2.0.0', type: 'application' }]);
  await publish(hand, '2.0.0');
  await hand.heading('thermo 2.0.0').waitFor();
  await page.getByText('2.0.0.bin').waitFor();
  assert.equal(await modulesOf('2.0.0'), 1);
  await page.context().close();
});

await test('a file that is no image, and one larger than any flash, are refused in words', async () => {
  const { page, button } = await at('releases', { token: tokens.operate });
  for (const [name, buffer, words] of [['notes.txt', Buffer.from('not an image'), /image/], ['huge.bin', Buffer.alloc(20 << 20, 0xe9), /larger than|too large/]]) {
    await button('Publish a release').click();
    await page.getByLabel('Image').setInputFiles({ name, mimeType: 'application/octet-stream', buffer });
    await page.getByLabel('Name').fill('thermo');
    await page.getByLabel('Version').fill('9.9.9');
    await button('Publish').click();
    await page.locator('dialog .notice').filter({ hasText: words }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  }
  assert.equal(await modulesOf('9.9.9'), 0);
  await page.context().close();
});

await test('a release is withdrawn, and cannot be rolled out any more', async () => {
  await fleet.ask('POST', '/rest/v1/distributionsets', [{ name: 'thermo', version: '0.9.0', type: 'app', modules: [{ id: (await fleet.ask('GET', '/rest/v1/softwaremodules?limit=1')).content[0].id }] }]);
  const { page, button, heading, place } = await at('releases', { token: tokens.operate });
  await page.getByRole('link', { name: 'thermo 0.9.0' }).click();
  await heading('thermo 0.9.0').waitFor();
  await button('Withdraw').click();
  await page.getByRole('dialog').getByText('This cannot be undone.').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click();
  await page.locator('main .badge', { hasText: 'Withdrawn' }).waitFor();
  assert.equal(await page.getByRole('link', { name: 'Roll out' }).count(), 0);
  await place('Releases').click();
  await page.getByRole('link', { name: 'thermo 0.9.0 withdrawn' }).waitFor();
  await page.context().close();
});

await browser.close();
process.exitCode = finish();
