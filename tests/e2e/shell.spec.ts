import { clock, expect, expectNoSidewaysScrolling, link, moment, open, test } from './page-test.ts';

const CLUSTER = `apiVersion: v1
kind: Service
metadata: { name: web, namespace: demo }
spec:
  clusterIP: 10.96.7.7
  ports: [{ name: http, port: 80, targetPort: 8080, protocol: TCP }]
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: web-1, namespace: demo, labels: { kubernetes.io/service-name: web } }
addressType: IPv4
ports: [{ name: http, port: 8080, protocol: TCP }]
endpoints: [{ addresses: [10.244.0.77], conditions: { ready: true } }]
`;

test('a cluster of one’s own is pasted and raced', async ({ page }) => {
  await open(page, link({ cluster: 'shop' }));
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('textbox').first().fill(CLUSTER);
  await page.getByRole('button', { name: /^Open 1/ }).click();
  await expect(page.getByRole('button', { name: 'Destination' })).toContainText('demo/web:http');
  await expect(page.getByRole('button', { name: 'Destination' })).toContainText('10.96.7.7');
  await clock(page).focus();
  await page.keyboard.press('End');
  expect((await moment(page)).instructions).toBeGreaterThan(50);
  await expect(page).toHaveURL(/cluster=text&.*text=/);
});

test('a fault in pasted YAML is shown with its line', async ({ page }) => {
  await open(page, link({ cluster: 'shop' }));
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('textbox').first().fill(CLUSTER.replace('clusterIP: 10.96.7.7', 'clusterIP: 10.96.7.777'));
  await expect(page.getByText(/line 5\b/i).first()).toBeVisible();
  // What is wrong is said beside its place, before anything is asked for.
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByRole('listitem').filter({ hasText: 'Line 5, column' })).toContainText('10.96.7.777');

  // Closed and opened again, the text is there.
  await dialog.getByRole('button', { name: 'Close' }).first().click();
  await expect(dialog).toBeHidden();
  await page.getByRole('button', { name: 'Open' }).click();
  await expect(dialog).toContainText('10.96.7.777');
  await expect(dialog.getByRole('listitem').filter({ hasText: 'Line 5, column' })).toBeVisible();
});

test('rules with faults: the first of each table is told, and that there may be more', async ({ page }) => {
  await open(page, link({ cluster: 'shop' }));
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('textbox').first().fill('*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j NOWHERE\n-A PREROUTING -m frobnicate -j ACCEPT\nCOMMIT\n*raw\n-A OUTPUT -p tcp --dport\nCOMMIT\n');
  const dialog = page.getByRole('dialog');
  await expect(dialog.getByText('faults: 2 or more')).toBeVisible();
  await expect(dialog.getByRole('listitem').filter({ hasText: 'Line 3, column' })).toContainText('NOWHERE');
  await expect(dialog).toContainText('there may be more behind it');
});

test('a syntax fault has its line, and what is whole beside it opens', async ({ page }) => {
  await open(page, link({ cluster: 'shop' }));
  await page.getByRole('button', { name: 'Open' }).click();
  const broken = 'apiVersion: v1\nkind: Service\nmetadata: { name: broken, namespace: demo\nspec:\n  clusterIP: 10.96.7.8\n';
  await page.getByRole('textbox').first().fill(`${CLUSTER}---\n${broken}`);
  const first = CLUSTER.split('\n').length + 1;
  const places = page.getByRole('dialog').getByText(/^Line \d+, column \d+/);
  await expect(places.first()).toBeVisible();
  const line = Number(/line (\d+)/i.exec((await places.first().textContent()) ?? '')?.[1]);
  expect(line).toBeGreaterThanOrEqual(first);
  expect(line).toBeLessThanOrEqual(first + 5);
  await places.first().click();
  await expect(page.getByRole('dialog')).toContainText('This is not valid YAML');
  await page.getByRole('button', { name: /^Open 1/ }).click();
  await expect(page.getByRole('button', { name: 'Destination' })).toContainText('demo/web:http');
});

test('20 MB are pasted: read beside the page, opened, and raced', async ({ page }) => {
  await open(page, link({ cluster: 'shop' }));
  await page.getByRole('button', { name: 'Open' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox').focus();
  const SERVICES = 2000;
  const size = await page.evaluate((count) => {
    const note = 'x'.repeat(9_700);
    const object = (index: number) => {
      const [high, low] = [Math.floor(index / 250), index % 250];
      return `apiVersion: v1\nkind: Service\nmetadata: { name: s${index}, namespace: demo, annotations: { note: ${note} } }\nspec: { clusterIP: 10.97.${high}.${low}, ports: [{ port: 80, protocol: TCP }] }\n---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: { name: s${index}-1, namespace: demo, labels: { kubernetes.io/service-name: s${index} } }\naddressType: IPv4\nports: [{ port: 8080, protocol: TCP }]\nendpoints: [{ addresses: [10.244.${high}.${low + 1}] }]\n`;
    };
    const text = Array.from({ length: count }, (_, index) => object(index)).join('---\n') + '---\napiVersion: v1\nkind: Service\nmetadata: { name: last, namespace: demo }\nspec: { clusterIP: 10.97.300.1 }\n';
    const clipboardData = new DataTransfer();
    clipboardData.setData('text', text);
    document.activeElement?.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
    return text.length;
  }, SERVICES);
  expect(size).toBeGreaterThan(20_000_000);
  // While the worker reads, the page answers: a control takes the focus, and the text scrolls.
  await dialog.getByRole('button', { name: 'Close' }).first().focus();
  await expect(dialog.getByRole('button', { name: 'Close' }).first()).toBeFocused();
  await expect(dialog).toContainText('Services of 2,001', { timeout: 60_000 });
  // Its faults stand at the very end, and the text goes there.
  await dialog.getByText('Line 24,004, column 20').click();
  await expect(dialog).toContainText('10.97.300.1');
  await page.getByRole('button', { name: 'Open 2,000 of 2,001' }).click();
  await expect(page.getByText('position 2,000 of 2,000')).toBeVisible({ timeout: 60_000 });
  await clock(page).focus();
  await page.keyboard.press('End');
  expect((await moment(page)).rules).toBeGreaterThan(SERVICES);
});

test.describe('a link that cannot be read says so, and the page goes on', () => {
  for (const [name, fragment, sentence] of [
    ['cut off', 'v1&cluster=500&mode=race', /cut off/],
    ['of a later version', 'v7&cluster=500&end', /later version/],
    ['nonsense', 'hello', /cannot be read/],
    ['with an impossible value', 'v1&cluster=500&mode=race&seed=x&connection=new&packet=0&profile=legacy&end', /seed/],
  ] as const) {
    test(name, async ({ page }) => {
      await open(page, `./#${fragment}`);
      await expect(page.getByRole('alert')).toHaveText(sentence);
      await expect(page.getByText('position 5,000 of 5,000')).toBeVisible();
      await page.getByRole('button', { name: 'Close this message' }).click();
      await expect(page.getByRole('alert')).toBeHidden();
    });
  }
  test('to a Service that is not there', async ({ page }) => {
    await open(page, link({ cluster: 'shop', target: 'shop/nowhere:http' }));
    await expect(page.getByRole('alert')).toHaveText(/no Service port shop\/nowhere:http/);
  });
});

test('50,000 Services can be cancelled, and what was there stays', async ({ page }) => {
  await open(page, link({ cluster: '50' }));
  await page.getByRole('slider', { name: 'Services' }).focus();
  await page.keyboard.press('End');
  await expect(page.getByRole('progressbar')).toBeVisible();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'Cancelled' })).toBeVisible();
  await expect(page.getByText('position 50 of 50')).toBeVisible();
  await expect(page).toHaveURL(/cluster=50&/);
  await clock(page).focus();
  await page.keyboard.press('End');
  expect((await moment(page)).rules).toBeGreaterThan(50);
});

for (const [name, lacking, sentence] of [
  ['workers', 'delete window.Worker', /no module workers/],
  ['WebAssembly', 'delete window.WebAssembly', /no WebAssembly/],
] as const) {
  test(`a browser without ${name} gets a sentence`, async ({ page }) => {
    await page.addInitScript(lacking);
    await page.goto('./');
    await expect(page.getByRole('alert')).toHaveText(sentence);
  });
}

test('theme and language are chosen, and kept', async ({ page }) => {
  await open(page, link({ cluster: 'shop' }));
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(await background()).toBe('rgb(255, 255, 255)');
  await page.getByRole('button', { name: 'Theme' }).click();
  await page.getByRole('button', { name: 'Dark' }).click();
  expect(await background()).toBe('rgb(15, 19, 23)');
  await page.getByRole('button', { name: '한국어' }).click();
  await expect(page.getByRole('button', { name: '패킷 보내기' })).toBeVisible();
  await expect(page.locator('html')).toHaveAttribute('lang', 'ko');
  await page.reload();
  await expect(page.getByRole('button', { name: '패킷 보내기' })).toBeVisible();
  expect(await background()).toBe('rgb(15, 19, 23)');
});

test('without a choice the device’s theme is drawn, and followed', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await open(page, link({ cluster: 'shop' }));
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  expect(await background()).toBe('rgb(15, 19, 23)');
  await page.emulateMedia({ colorScheme: 'light' });
  await expect.poll(background).toBe('rgb(255, 255, 255)');
  await page.getByRole('button', { name: 'Theme' }).click();
  await page.getByRole('button', { name: 'Light' }).click();
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.reload();
  expect(await background()).toBe('rgb(255, 255, 255)');
});

test('Share gives the scene’s address', async ({ page }) => {
  await open(page, link({ cluster: '50', seed: 9 }));
  await page.getByRole('button', { name: 'Share' }).click();
  await expect(page.getByRole('textbox', { name: 'Link' })).toHaveValue(/\/a\/sub\/path\/#v1&cluster=50&.*seed=9.*&end$/);
});

for (const [width, height] of [[1440, 900], [1280, 720], [900, 800], [720, 600], [390, 844], [360, 640]] as const) {
  test(`nothing scrolls sideways at ${width} × ${height}, in English and Korean`, async ({ page }) => {
    await page.setViewportSize({ width, height });
    await open(page, link({ cluster: '500', position: 200 }));
    await clock(page).focus();
    await page.keyboard.press('End');
    await expectNoSidewaysScrolling(page);
    await page.getByRole('button', { name: '한국어' }).click();
    await expect(page.getByRole('button', { name: '패킷 보내기' })).toBeVisible();
    await expectNoSidewaysScrolling(page);
  });
}

test('on a phone, destination and inspector are in a sheet', async ({ page }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await open(page, link({ cluster: 'shop' }));
  await expect(page.getByRole('button', { name: 'Destination' })).toBeHidden();
  await page.getByRole('button', { name: 'Details' }).click();
  await expect(page.getByRole('button', { name: 'Destination' })).toBeVisible();
  await expect(page.getByText('Packet header')).toBeVisible();
  await page.getByText('Established', { exact: true }).click();
  await page.getByRole('button', { name: 'Close', exact: true }).click();
  await expect(page).toHaveURL(/connection=established/);
});

test('the whole page is worked by keyboard: every control is reached', async ({ page }) => {
  await open(page, link({ cluster: 'shop' }));
  const reached = new Set<string>();
  for (let press = 0; press < 60; press++) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent.trim() ?? ''));
  }
  for (const name of ['Race', 'Update', 'Open', 'Theme', 'Share', 'Services', 'Destination', 'Send packet', 'Add Service', 'Play', 'One step back', 'One step forward', 'Speed', 'Kernel tables', 'Simulated time', 'Destination’s position in the chain']) expect(reached).toContain(name);
});

test('a Service without endpoints is refused in both lanes, and no ratio is shown', async ({ page }) => {
  await open(page, link({ cluster: 'shop' }));
  await page.getByRole('button', { name: 'Open' }).click();
  await page.getByRole('textbox').first().fill(CLUSTER.slice(0, CLUSTER.indexOf('---')));
  await page.getByRole('button', { name: /^Open 1/ }).click();
  await expect(page.getByText('no rule: no endpoints')).toBeVisible();
  await expect(page.getByRole('slider', { name: 'Destination’s position in the chain' })).toBeHidden();
  await clock(page).focus();
  await page.keyboard.press('End');
  await expect(page.getByText('no ratio: not both reached a pod')).toBeVisible();
  await expect(page.getByText(/^(refused|dropped) at [\d.]+ µs$/)).toBeVisible();
});

test('on a projector all of it is drawn larger, and meets the pointer where it is seen', async ({ page }) => {
  await page.setViewportSize({ width: 1920, height: 1080 });
  await open(page, link({ cluster: '500', connection: 'established' }));
  const boxOf = (selector: string) => page.locator(selector).first().boundingBox().then((box) => box!);
  expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0);
  expect(await page.evaluate(() => document.documentElement.scrollHeight - innerHeight)).toBeLessThanOrEqual(1);
  expect(await page.evaluate(() => document.documentElement.getBoundingClientRect().width / document.documentElement.offsetWidth)).toBeCloseTo(1.2, 2);
  // The clock follows the pointer.
  const clockBox = await boxOf('.clock');
  await page.mouse.click(clockBox.x + 100, clockBox.y + 10);
  const knob = await boxOf('.knob');
  expect(Math.abs(knob.x + knob.width / 2 - (clockBox.x + 100))).toBeLessThan(12);
  // A menu stands under its button.
  const button = page.getByRole('button', { name: 'Destination' });
  await button.click();
  const [from, menu] = [(await button.boundingBox())!, (await page.getByRole('dialog', { name: 'Destination' }).boundingBox())!];
  expect(Math.abs(menu.x - from.x)).toBeLessThan(3);
  expect(menu.y).toBeGreaterThan(from.y + from.height);
  expect(menu.y).toBeLessThan(from.y + from.height + 12);
});
