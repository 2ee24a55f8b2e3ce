// What somebody does with the console in a day, in a real browser; tests/web/run starts it.
import assert from 'node:assert/strict';
import { COUNT, Fleet, HOSTILE, idOf } from './devices.mjs';
import { DEVICE, MANAGE, WORK, browser, handOn, newPage, tokens, until } from './hand.mjs';
import { finish, test } from './tap.mjs';

const fleet = new Fleet({ manage: MANAGE, device: DEVICE, token: tokens.admin });
const all = Array.from({ length: COUNT }, (_, index) => index + 1);

const page = await newPage();

// Whatever the browser complains of, anywhere in the run, except the refusals that tests provoke.
const complaints = [];
const expected = [];
page.on('console', (message) => {
  if (!['error', 'warning'].includes(message.type())) return;
  const text = message.text();
  if (/status of (\d+)/.test(text) && expected.includes(Number(/status of (\d+)/.exec(text)[1]))) return;
  complaints.push(text);
});
page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`));
page.on('dialog', (dialog) => { complaints.push(`a dialog: ${dialog.message()}`); dialog.dismiss(); });
const foreign = [];
page.on('request', (request) => { if (!request.url().startsWith(MANAGE)) foreign.push(request.url()); });

const { shot, rows, heading, button, place, search, stateIs, logIn } = handOn(page);

await test('pages come with a policy that lets nothing else in, and are kept by their ETag', async () => {
  const names = ['', 'app.js', 'style.css', 'icon.svg'];
  for (const name of names) {
    const answer = await fetch(`${MANAGE}/console/${name}`);
    assert.equal(answer.status, 200, name);
    const policy = answer.headers.get('content-security-policy');
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.match(policy, /require-trusted-types-for 'script'/);
    assert.doesNotMatch(policy, /unsafe|https?:|\*|data:/);
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(answer.headers.get('referrer-policy'), 'no-referrer');
    const etag = answer.headers.get('etag');
    const again = await fetch(`${MANAGE}/console/${name}`, { headers: { 'If-None-Match': etag } });
    assert.equal(again.status, 304, name);
    assert.equal(await again.text(), '');
  }
  assert.equal((await fetch(`${MANAGE}/console/..%2fapp.js`)).status, 404);
  assert.equal((await fetch(`${MANAGE}/console/nothing.js`)).status, 404);
  assert.equal((await fetch(`${DEVICE}/console/`)).status, 404, 'not on the device port');
  for (const path of ['/console/api/summary', '/console/api/devices', '/console/events'])
    assert.equal((await fetch(MANAGE + path)).status, 401, path);
});

await test('an empty fleet says so', async () => {
  await page.goto(`${MANAGE}/console/`);
  await logIn(tokens.admin);
  await heading('Fleet').waitFor();
  await page.getByText('No devices yet. They appear').waitFor();
  await button('Log out').click();
});

await fleet.create();
await fleet.attributes(7, { hw: 'rev3', note: '<b>bold</b><script>alert(3)', '<i onclick=alert(4)>key': '1' });
await fleet.attributes(8, { hw: 'rev3' });

await test('a wrong token is told apart from a right one, and no token is kept after logging out', async () => {
  expected.push(401);
  await page.reload();
  await logIn('this-is-not-a-token');
  await page.getByText('The server does not know this token.').waitFor();
  await logIn('n\u00f6t a header');
  await page.getByText('letters and digits only').waitFor();
  expected.pop();
  await logIn(tokens.admin);
  await heading('Fleet').waitFor();
  const kept = () => page.evaluate(() => [sessionStorage.length, localStorage.length, document.cookie]);
  assert.deepEqual(await kept(), [1, 0, '']);
  await button('Log out').click();
  await page.getByLabel('API token').waitFor();
  assert.deepEqual(await kept(), [0, 0, '']);
  await logIn(tokens.admin);
  await heading('Fleet').waitFor();
});

await test('a thousand devices come by the page', async () => {
  await page.getByText(`1\u201350 of 1,000`).waitFor();
  assert.equal(await rows().count(), 50);
  await button('Last page').click();
  await page.getByText('951\u20131,000 of 1,000').waitFor();
  await page.goBack();
  await page.getByText('1\u201350 of 1,000').waitFor();
  await button('Device').click();
  await page.getByRole('link', { name: idOf(COUNT) }).waitFor();
  assert.equal(await rows().first().getByRole('link').textContent(), idOf(COUNT));
  await page.reload();
  await page.getByRole('link', { name: idOf(COUNT) }).waitFor();
});

await test('text and filters find devices; a link to them finds the same; a broken filter is told', async () => {
  await search().fill('OSLO hall 1');
  await page.getByText('of 28').waitFor();
  await search().fill('attribute.hw==rev3');
  await page.getByText('1\u20132 of 2').waitFor();
  const address = page.url();
  await search().fill('100%');
  await page.getByText('No device matches.').waitFor();
  expected.push(400);
  await search().fill('attribute.hw==');
  await page.locator('.complaint .notice').waitFor();
  expected.pop();
  await page.goto(address);
  await page.getByText('1\u20132 of 2').waitFor();
});

await test('what a device calls itself stays text', async () => {
  await page.goto(`${MANAGE}/console/#/fleet?search=${encodeURIComponent(idOf(7))}`);
  await page.getByText(HOSTILE).waitFor();
  await page.getByRole('link', { name: idOf(7) }).click();
  await heading(idOf(7)).waitFor();
  await page.getByText('<b>bold</b><script>alert(3)').waitFor();
  await page.getByText('<i onclick=alert(4)>key').waitFor();
  assert.equal(await page.locator('main img, main script, main b, main i').count(), 0);
});

await test('a release is published; one signed by a stranger is refused with the reason', async () => {
  await place('Releases').click();
  await page.getByText('Nothing has been published yet.').waitFor();
  for (const version of ['1.0.0', '1.1.0', '1.2.0']) {
    await place('Releases').click();
    await heading('Releases').waitFor();
    await button('Publish a release').click();
    await page.getByLabel('Image').setInputFiles(`${WORK}/${version}.bin`);
    await page.getByText(`thermo ${version},`).waitFor();
    assert.equal(await page.getByLabel('Version').inputValue(), version);
    await button('Publish').click();
    await heading(`thermo ${version}`).waitFor();
    await page.getByText(`${version}.bin`).waitFor();
  }
  await place('Releases').click();
  await heading('Releases').waitFor();
  expected.push(400, 422);
  await button('Publish a release').click();
  await page.getByLabel('Image').setInputFiles(`${WORK}/6.6.6.bin`);
  await page.getByText('thermo 6.6.6,').waitFor();
  await button('Publish').click();
  await page.locator('dialog .notice').filter({ hasText: /sign|key/ }).waitFor();
  await button('Keep as it is').click();
  expected.length = 0;
  await page.getByText('1\u20133 of 3').waitFor();
  const { total } = await fleet.ask('GET', '/rest/v1/softwaremodules?q=version==6.6.6');
  assert.equal(total, 0, 'what was refused leaves nothing behind');
});

async function createRollout({ name, set, filter = '', steps = ['10', '90'] }) {
  await place('Rollouts').click();
  await heading('Rollouts').waitFor();
  await page.getByRole('link', { name: 'New rollout' }).click();
  await heading('New rollout').waitFor();
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Release').selectOption({ label: set });
  await page.getByLabel('Devices', { exact: true }).fill(filter);
  while (await page.getByLabel(/^Percent of the devices/).count() > steps.length) await page.getByRole('button', { name: /^Remove group/ }).last().click();
  for (const [index, step] of steps.entries()) await page.getByLabel(`Percent of the devices in group ${index + 1}`).fill(step);
  await page.getByText(/devices match/).waitFor();
  await button('Create rollout').click();
  await heading(name).waitFor();
}

// Devices take what they are offered, until so many have; `fails` says which ones fail.
async function updates(wanted, fails) {
  let done = 0;
  await until(`${wanted} updates`, async () => {
    done += await fleet.updateAll(all, fails, wanted - done);
    return done >= wanted;
  }, 120);
  return done;
}

const group = (number) => page.locator('.groups > li').nth(number - 1);

await test('a rollout is created and watched to its end, without a reload', async () => {
  await page.locator('#stream.live').waitFor();
  await createRollout({ name: 'first wave', set: 'thermo 1.0.0' });
  await stateIs('Running');
  await group(1).getByText('Running').waitFor();
  await group(2).getByText(/Scheduled|Ready/).waitFor();
  await page.evaluate(() => { document.body.dataset.loaded = 'once'; });
  const { total } = await fleet.ask('GET', '/rest/v1/actions?limit=1');
  assert.equal(total, 100, 'only the first group is offered anything');
  assert.equal(await updates(100, () => false), 100);
  await group(1).getByText('100 of 100 finished').waitFor();
  await group(2).getByText('Running').waitFor();
  await shot('rollout-running');
  assert.equal(await updates(900, () => false), 900);
  await stateIs('Finished');
  assert.equal(await page.evaluate(() => document.body.dataset.loaded), 'once');
});

await test('it halts by itself, says why, and goes on when told to', async () => {
  await createRollout({ name: 'second wave', set: 'thermo 1.1.0' });
  await stateIs('Running');
  await updates(100, (number) => number % 4 === 0);
  await stateIs('Halted');
  await page.getByRole('alert').getByText(/Halted by itself: .*failed/).waitFor();
  await group(1).getByText(/\d+ failed \(/).waitFor();
  await group(2).getByText(/0 of 900 finished/).waitFor();
  await page.getByText('health check failed: sensor bus silent, rolled back').first().waitFor();
  assert.ok(await page.getByRole('table', { name: 'Failed devices' }).locator('tbody tr').count() > 5, 'who failed, and why');
  await shot('rollout-halted');
  // What is not counted yet when it is resumed may halt it a second time.
  await until('every report is counted', async () => (await fleet.ask('GET', '/rest/v1/rollouts/2?representation=full')).totalTargetsPerStatus.running === 0);
  await page.locator('#live').evaluate((place) => { place.textContent = ''; });
  await button('Resume').click();
  await stateIs('Running');
  await page.locator('#live').getByText('second wave: Running').waitFor({ state: 'attached' });
  await group(2).getByText('Running').waitFor();
});

await test('it is paused and resumed by hand', async () => {
  await button('Pause').click();
  await stateIs('Paused');
  await page.getByText('paused by tester-admin').waitFor();
  await button('Resume').click();
  await stateIs('Running');
});

await test('a rollout keeps to a window, tries again, and goes back only when that is said twice', async () => {
  await page.goto(`${MANAGE}/console/#/new-rollout`);
  await heading('New rollout').waitFor();
  await page.getByLabel('Name').fill(HOSTILE);
  await page.getByLabel('Release').selectOption({ label: 'thermo 1.0.0' });
  await page.getByLabel('Devices', { exact: true }).fill('controllerid==thermo-000*');
  await page.getByText('9 devices match.').waitFor();
  assert.deepEqual(await page.locator('.step-size').allTextContents(), ['\u2248 1 device', '\u2248 1 device', '\u2248 7 devices']);
  assert.ok(await page.getByLabel('Pause before the first').isDisabled());
  await page.getByLabel('Tries after a failure').fill('2');
  await page.getByLabel('Pause before the first').fill('10');
  assert.ok(await page.getByLabel('Days').isHidden());
  await page.getByLabel('When devices may install it').selectOption('In a maintenance window');
  await page.getByLabel('Days').selectOption('Weekends');
  await page.getByLabel('From', { exact: true }).fill('03:30');
  await page.getByLabel('Hours').fill('2.5');
  await page.getByLabel('Offset from UTC').fill('+02:00');
  await page.getByLabel('Also where something newer is installed').check();
  await page.getByText('Faults that were mended since come back.').waitFor();
  await page.locator('select[name=start]').selectOption('At a time');
  await page.getByLabel('Start at').fill('2099-01-02T03:04');
  await shot('new-rollout-window');
  await button('Create rollout').click();
  await page.getByRole('dialog').getByText('go back to thermo 1.0.0').waitFor();
  await shot('downgrade');
  await button('Go back').click();
  await button('Create rollout').click();
  await button('Create with downgrade').click();
  await heading(HOSTILE).waitFor();
  await page.getByText('Weekends from 03:30 for 02:30 h, UTC+02:00').waitFor();
  await page.getByText('2, the first 10 min after the failure').waitFor();
  await page.getByText('allowed', { exact: true }).waitFor();
  const { content } = await fleet.ask('GET', '/rest/v1/rollouts?sort=id:DESC&limit=2');
  assert.deepEqual(content[0].maintenanceWindow, { schedule: '0 30 3 ? * SAT,SUN', duration: '02:30:00', timezone: '+02:00' });
  assert.deepEqual([content[0].retries, content[0].retrySeconds, content[0].downgrade], [2, 600, true]);
  assert.equal(content[0].startAt, await page.evaluate(() => new Date(2099, 0, 2, 3, 4).getTime()));
  assert.equal(content[1].downgrade, false, 'not unless it is asked for');
  assert.equal(content[1].maintenanceWindow, undefined);
});

await test('a device shows what happened to it', async () => {
  await page.goto(`${MANAGE}/console/#/fleet?search=${encodeURIComponent('updatestatus==error')}`);
  await rows().first().getByRole('link').click();
  await page.getByText('health check failed: sensor bus silent, rolled back').waitFor();
  await page.getByRole('link', { name: 'second wave' }).waitFor();
  await button('Assign a release').waitFor();
  await shot('device');
});

await test('the audit log has all of it, and holds', async () => {
  await place('Audit').click();
  await heading('Audit').waitFor();
  await page.getByText('rollout.pause').first().waitFor();
  await page.getByText('rollout.resume').first().waitFor();
  await page.getByText('tester-admin').first().waitFor();
  await page.getByRole('link', { name: 'rollout.pause' }).first().click();
  await page.getByText('1\u20131 of 1').waitFor();
  await search().fill('second wave');
  await page.getByText('1\u20131 of 1').waitFor();
  await page.getByText('rollout.create').waitFor();
  await page.getByLabel('to', { exact: true }).fill('2001-01-01');
  await page.getByText('No line matches.').waitFor();
  await page.reload();
  await page.getByText('No line matches.').waitFor();
  assert.equal(await page.getByLabel('to', { exact: true }).inputValue(), '2001-01-01');
  await page.getByLabel('to', { exact: true }).fill('2999-12-31');
  await page.getByText('1\u20131 of 1').waitFor();
  await page.getByRole('link', { name: 'Clear' }).click();
  await page.getByText(HOSTILE).first().waitFor();
  await button('Verify the chain').click();
  await page.getByText(/All [\d,]+ lines hold/).waitFor();
  await shot('audit');
});

await test('without a mouse: log in, search, open a device, assign to it', async () => {
  await button('Log out').press('Enter');
  await page.getByLabel('API token').waitFor();
  await page.keyboard.type(tokens.operate);
  await page.keyboard.press('Enter');
  await page.goto(`${MANAGE}/console/#/fleet`);
  await page.getByText('1\u201350 of 1,000').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('thermo-0009');
  await page.getByText('1\u20131 of 1').waitFor();
  await page.keyboard.press('Tab');
  await page.locator('h1').focus();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await heading(idOf(9)).waitFor();
  for (let step = 0; step < 20; step += 1) {
    await page.keyboard.press('Tab');
    if (await page.evaluate(() => document.activeElement.dataset.key === 'assign')) break;
  }
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(await page.evaluate(() => document.activeElement.dataset.key), 'assign', 'the focus comes back');
  assert.equal(await place('Audit').count(), 0, 'the audit log is for admins');
});

await test('who may only look has nothing to press, and the server would refuse it', async () => {
  await button('Log out').click();
  await logIn(tokens.read);
  await place('Fleet').click();
  await heading('Fleet').waitFor();
  await page.getByRole('link', { name: idOf(9), exact: true }).click();
  await heading(idOf(9)).waitFor();
  assert.equal(await page.locator('main .buttons button').count(), 0);
  await place('Rollouts').click();
  await page.getByRole('link', { name: 'second wave' }).click();
  await heading('second wave').waitFor();
  assert.equal(await page.locator('main .buttons button').count(), 0);
  const answer = await fetch(`${MANAGE}/rest/v1/rollouts/1/pause`, { method: 'POST', headers: { Authorization: `Bearer ${tokens.read}` } });
  assert.equal(answer.status, 403);
  await button('Log out').click();
});

// How far things moved by themselves, as browsers count it: below 0.1 is good.
await page.addInitScript(() => {
  window.moved = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
});

// What is there to be read against less than 4.5 to 1, or typed into with an edge of less than 3 to 1
// (WCAG 2.1, 1.4.3 and 1.4.11). Runs in the page.
function pale() {
  const numbers = (text) => (/^rgba?\(/.test(text) ? text.match(/[\d.]+/g).map(Number) : [0, 0, 0, 0]);
  const over = ([r, g, b, a = 1], [R, G, B]) => [a * r + (1 - a) * R, a * g + (1 - a) * G, a * b + (1 - a) * B];
  const light = (colour) => {
    const [r, g, b] = colour.map((part) => (part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const behind = (element) => (element === null ? [255, 255, 255] : over(numbers(getComputedStyle(element).backgroundColor), behind(element.parentElement)));
  const found = [];
  const check = (element, colour, ground, least, what) => {
    const value = ratio(over(numbers(colour), ground), ground);
    if (value < least) found.push(`${value.toFixed(2)} ${what} ${element.tagName} ${element.className} ${element.textContent.slice(0, 30)}`);
  };
  for (const element of document.querySelectorAll('body *')) {
    const style = getComputedStyle(element);
    if (!element.checkVisibility() || element.closest('svg, :disabled, .unseen')) continue;
    if ([...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())) check(element, style.color, behind(element), 4.5, 'text');
    if (!element.matches('input:not([type=checkbox]), select, textarea')) continue;
    check(element, style.borderTopColor, behind(element.parentElement), 3, 'edge');
    const hint = getComputedStyle(element, '::placeholder');
    const [r, g, b, a = 1] = numbers(hint.color);
    if (element.placeholder) check(element, `rgba(${r}, ${g}, ${b}, ${a * hint.opacity})`, behind(element), 4.5, 'placeholder');
  }
  return found;
}

await test('on a phone nothing sticks out, light and dark, and nothing jumps', async () => {
  await logIn(tokens.admin);
  await place('Fleet').click();
  await heading('Fleet').waitFor();
  for (const scheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: scheme });
    for (const [size, viewport] of [['desktop', { width: 1360, height: 850 }], ['small-phone', { width: 360, height: 740 }], ['phone', { width: 390, height: 844 }]]) {
      await page.setViewportSize(viewport);
      for (const view of ['fleet', 'releases', 'rollouts', 'rollout/2', 'new-rollout', 'audit', `device/${idOf(7)}`]) {
        await page.goto(`${MANAGE}/console/#/${view}`);
        await page.reload();
        await page.locator('main h1').waitFor();
        await page.waitForTimeout(500);
        const moved = await page.evaluate(() => window.moved);
        assert.ok(moved < 0.1, `${view} moves by ${moved} on a ${size}`);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        if (size === 'desktop') assert.deepEqual(await page.evaluate(pale), [], `${view} in ${scheme}`);
        if (size === 'phone' && view === 'fleet') assert.ok(await button('Last contact').isVisible(), 'a phone sorts, too');
        assert.ok(over <= 0, `${view} sticks out by ${over} pixels on a ${size}`);
        await shot(`${view.replace('/', '-')}-${size}-${scheme}`);
      }
    }
  }
});

await test('the browser had nothing to complain of, and asked nobody else', async () => {
  assert.deepEqual(complaints, []);
  assert.deepEqual(foreign, []);
  // And would have: an inline script and a text as markup are both refused.
  await page.evaluate(() => {
    const script = document.createElement('script');
    try { script.textContent = 'window.broken = 1'; document.body.append(script); } catch { /* refused */ }
    try { document.body.innerHTML = '<b>x</b>'; } catch { /* refused */ }
  });
  assert.equal(await page.evaluate(() => window.broken), undefined);
  assert.equal(await page.locator('body > b').count(), 0);
  assert.ok(complaints.length > 0, 'the watch itself is broken');
});

await browser.close();
process.exitCode = finish();
