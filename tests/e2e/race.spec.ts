import { execFileSync } from 'node:child_process';
import { clock, expect, link, moment, open, test } from './page-test.ts';

interface Line {
  readonly datapath: string;
  readonly verdict: string;
  readonly endpoint: string;
  readonly work: Readonly<Record<string, number>>;
  readonly time: { readonly total: number };
}

/** The same packet on the command line. */
function send(...args: readonly string[]): readonly Line[] {
  const text = execFileSync(process.execPath, ['node_modules/tsx/dist/cli.mjs', 'src/cli.ts', 'send', '--from', 'default/client', ...args], { encoding: 'utf8' });
  return text.trim().split('\n').map((line) => JSON.parse(line) as Line);
}

const microseconds = (ns: number) => `${new Intl.NumberFormat('en', { maximumSignificantDigits: 3 }).format(ns / 1000)} µs`;

test('opens with 5,000 Services, the target last, a new connection', async ({ page }) => {
  await open(page);
  await expect(page.getByText('position 5,000 of 5,000')).toBeVisible();
  await expect(page.getByRole('radio', { name: 'New' })).toBeChecked();
  await expect(page).toHaveURL(/#v1&cluster=5000&mode=race/);
  expect((await moment(page)).rules).toBe(0);
});

test('a packet runs through both lanes, to the end', async ({ page }) => {
  await open(page, link({ cluster: 'shop' }));
  await page.getByRole('button', { name: 'Send packet' }).click();
  await expect(page.getByText(/^arrived at [\d.]+ µs$/)).toBeVisible({ timeout: 40_000 });
  await expect(page.locator('[role=status]').filter({ hasText: /iptables: .* eBPF: / })).toHaveText(/iptables: [\d.]+ µs; eBPF: [\d.]+ µs/, { timeout: 40_000 });
  const { at, total } = await moment(page);
  expect(at).toBe(total);
});

for (const [name, change, args] of [
  ['a first packet to the last of 500 Services', { cluster: '500' }, ['--cluster', 'preset:500']],
  ['another seed, packet and kernel', { cluster: '50', seed: 7, packet: 3, profile: 'nft' }, ['--cluster', 'preset:50', '--seed', '7', '--packet', '3', '--profile', 'nft']],
  ['20,000 Services, each lane in a worker of its own', { cluster: '20000' }, ['--cluster', 'preset:20000']],
  ['a known connection', { cluster: 'shop', connection: 'established' }, ['--cluster', 'preset:shop', '--established']],
] as const) {
  test(`page and command line agree: ${name}`, async ({ page }) => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await open(page, link(change));
    await page.getByRole('button', { name: 'Send packet' }).click();
    const shown = await moment(page);
    expect(page.workers()).toHaveLength('cluster' in change && change.cluster === '20000' ? 2 : 1);
    // The header before, and after one lane or both.
    const [address = '', ...after] = await page.getByRole('row', { name: /^dst / }).getByRole('cell').allTextContents();
    const lines = send(...args, '--to', `${address.trim()}/TCP`);
    const [chain, map] = ['iptables', 'ebpf'].map((id) => lines.find(({ datapath }) => datapath === id));
    expect(chain?.verdict).toBe('delivered');
    expect(map?.verdict).toBe('delivered');
    expect(shown.rules).toBe(chain?.work['rulesEvaluated'] ?? 0);
    expect(shown.instructions).toBe(map?.work['instructions']);
    expect(shown.total).toBe(microseconds(Math.max(chain?.time.total ?? 0, map?.time.total ?? 0)));
    expect(after.join(' ')).toContain(chain?.endpoint);
    expect(after.join(' ')).toContain(map?.endpoint);
  });
}

test('the clock is scrubbed by keyboard, and stepping back is exact', async ({ page }) => {
  await open(page, link({ cluster: '50' }));
  await clock(page).focus();
  await page.keyboard.press('End');
  const end = await moment(page);
  expect(end.at).toBe(end.total);
  await page.keyboard.press('Home');
  expect(await moment(page)).toMatchObject({ at: '0 ns', rules: 0, instructions: 0 });
  // The shared way in is one stage, and one step: both lanes begin their own work after it.
  await page.keyboard.press('PageUp');
  const begun = await moment(page);
  expect(begun.instructions).toBe(1);
  const passed = [begun];
  for (let step = 0; step < 12; step++) {
    await page.keyboard.press('ArrowRight');
    passed.push(await moment(page));
  }
  expect(passed.at(-1)?.instructions).toBeGreaterThan(8);
  for (let step = 11; step >= 0; step--) {
    await page.keyboard.press('ArrowLeft');
    expect(await moment(page)).toEqual(passed[step]);
  }
});

test('single steps show every rule', async ({ page }) => {
  await open(page, link({ cluster: '50' }));
  await clock(page).focus();
  // Into KUBE-SERVICES, past the program.
  while ((await moment(page)).rules < 10) await page.keyboard.press('PageUp');
  await page.keyboard.press('PageDown');
  const lens = page.getByRole('group', { name: 'The rules around the one being compared' });
  const before = await moment(page);
  for (let step = 1; step <= 5; step++) {
    await page.keyboard.press('ArrowRight');
    expect((await moment(page)).rules).toBe(before.rules + step);
    await expect(lens).toContainText(/KUBE-/);
  }
});

test('while it plays, the lens stands at the rule that is counted', async ({ page }) => {
  await open(page, link({ cluster: '500' }));
  await page.getByRole('button', { name: 'Send packet' }).click();
  const lens = page.getByRole('group', { name: 'The rules around the one being compared' });
  await expect(lens.locator('.row.current')).toBeVisible();
  const pairs = await page.evaluate(() => new Promise<[number, number][]>((resolve) => {
    const found: [number, number][] = [];
    const count = (selector: string) => Number(document.querySelector(selector)?.textContent.replace(/\D/g, ''));
    const look = () => {
      // Within KUBE-SERVICES: another chain's name would stand in the lens.
      if (document.querySelector('.lens .row.current') && !document.querySelector('.lens .elsewhere')) found.push([count('.lens .row.current .index'), count('.numbers.chain .figure .value')]);
      if (found.length < 60) requestAnimationFrame(look);
      else resolve(found);
    };
    look();
  }));
  // One rule of PREROUTING, the jump, was read before them.
  expect(pairs.filter(([rule, counted]) => rule !== counted - 1)).toEqual([]);
  expect(new Set(pairs.map(([rule]) => rule)).size).toBeGreaterThan(5);
});

test('a link gives the same numbers again', async ({ page, context }) => {
  await open(page, link({ cluster: '500', seed: 42, position: 123 }));
  await expect(page.getByText('position 124 of 500')).toBeVisible();
  await page.getByRole('slider', { name: 'Destination’s position in the chain' }).focus();
  await page.keyboard.press('ArrowRight');
  await expect(page.getByText('position 125 of 500')).toBeVisible();
  await page.keyboard.press('PageUp');
  await expect(page.getByText('position 225 of 500')).toBeVisible();
  await clock(page).focus();
  await page.keyboard.press('End');
  const numbers = await moment(page);
  await expect(page).toHaveURL(/position=224/);
  const second = await context.newPage();
  await open(second, page.url());
  await clock(second).focus();
  await second.keyboard.press('End');
  expect(await moment(second)).toEqual(numbers);
});

test('the browser’s back and forward go through the scenes', async ({ page }) => {
  await open(page, link({ cluster: 'shop' }));
  await page.getByText('Established', { exact: true }).click();
  await expect(page).toHaveURL(/connection=established/);
  await expect(page.getByText('nf_conntrack', { exact: true })).toBeVisible();
  await page.goBack();
  await expect(page.getByRole('radio', { name: 'New' })).toBeChecked();
  await expect(page.getByText('nf_conntrack', { exact: true })).toBeHidden();
  await page.goForward();
  await expect(page.getByText('nf_conntrack', { exact: true })).toBeVisible();
});

test('a destination is found by name, and its position set by number', async ({ page }) => {
  await open(page, link({ cluster: 'shop' }));
  await page.getByRole('button', { name: 'Destination' }).click();
  await page.getByRole('searchbox').fill('cart');
  await page.getByRole('button', { name: /^shop\/cart/ }).first().click();
  await expect(page).toHaveURL(/target=shop\/cart/);
  await page.getByRole('button', { name: 'Destination' }).click();
  await page.getByRole('spinbutton').fill('3');
  await page.keyboard.press('Tab');
  await expect(page.getByText(/position 3 of \d+/)).toBeVisible();
});

test('Add Service goes to the update, and both lanes take it', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await open(page, link({ cluster: '50' }));
  await page.getByRole('button', { name: 'Add Service' }).click();
  await expect(page).toHaveURL(/mode=update.*added=2/);
  await expect(page.getByRole('button', { name: 'Update' })).toHaveAttribute('aria-current', 'page');
  await expect(page.getByText('cilium_lb4_services_v2').first()).toBeVisible();
});

test('the second packet is the next of the seed’s sequence; a new scene begins with its own', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await open(page, link({ cluster: 'shop' }));
  const send = page.getByRole('button', { name: 'Send packet' });
  await send.click();
  await expect(page).toHaveURL(/packet=0&/);
  await send.click();
  await expect(page).toHaveURL(/packet=1&/);
  await page.getByText('Established', { exact: true }).click();
  await expect(page.getByText('nf_conntrack', { exact: true })).toBeVisible();
  await send.click();
  await expect(page).toHaveURL(/connection=established&packet=1&/);
});

test('the destination is dragged along the chain', async ({ page }) => {
  await open(page, link({ cluster: '500' }));
  const handle = page.getByRole('slider', { name: 'Destination’s position in the chain' });
  const box = await handle.boundingBox();
  if (!box) throw new Error('The handle is not there.');
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let step = 1; step <= 8; step++) await page.mouse.move(x - step * 12, y);
  await page.mouse.up();
  await expect(page).toHaveURL(/position=\d+/);
  const position = Number(/position=(\d+)/.exec(page.url())?.[1]);
  expect(position).toBeGreaterThan(10);
  expect(position).toBeLessThan(490);
  await expect(handle).toHaveAttribute('aria-valuenow', String(position + 1));
  await clock(page).focus();
  await page.keyboard.press('End');
  // The rule at that position matched: everything after it was never read.
  await expect(page.getByText(`${499 - position} rules never read, off the clock`)).toBeVisible();
});

test('without motion, Play goes stage by stage, and the end is drawn at once', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await open(page, link({ cluster: 'shop' }));
  await page.getByRole('button', { name: 'Play' }).click();
  const first = await moment(page);
  expect(first.instructions).toBe(1);
  await page.getByRole('button', { name: 'Play' }).click();
  expect((await moment(page)).instructions).toBeGreaterThan(1);
  await page.getByRole('button', { name: 'Send packet' }).click();
  const end = await moment(page);
  expect(end.at).toBe(end.total);
});

test('a cluster with NetworkPolicies: the map’s lane drops what they forbid and says why, and kube-proxy’s rules let it pass', async ({ page }) => {
  await open(page, link({ cluster: 'shop' }));
  await page.getByRole('button', { name: 'Open' }).click();
  const pod = (name: string, ip: string) => `apiVersion: v1\nkind: Pod\nmetadata: { namespace: shop, name: ${name}-0, labels: { app: ${name} } }\nspec: { nodeName: n1, containers: [] }\nstatus: { podIP: ${ip} }\n---\n`;
  const text = `${pod('cart', '10.244.1.20')}apiVersion: v1\nkind: Service\nmetadata: { namespace: shop, name: cart }\nspec: { clusterIP: 10.96.0.20, ports: [{ port: 80, targetPort: 8080, protocol: TCP }] }\n---\napiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\nmetadata: { namespace: shop, name: cart-1, labels: { kubernetes.io/service-name: cart } }\naddressType: IPv4\nports: [{ port: 8080, protocol: TCP }]\nendpoints: [{ addresses: [10.244.1.20], nodeName: n1 }]\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { namespace: shop, name: none }\nspec: { podSelector: {}, policyTypes: [Ingress] }\n`;
  await page.getByRole('dialog').getByRole('textbox').fill(text);
  const sheet = page.getByRole('dialog');
  await expect(sheet).toContainText('The map’s lane enforces them');
  await sheet.getByRole('button', { name: /^Open/ }).last().click();
  await expect(page.getByText('only the map’s lane enforces NetworkPolicies')).toBeVisible({ timeout: 30_000 });
  await expect(page.getByRole('img', { name: /eBPF: .*cil_to_container: DROP_POLICY \(-133\)/ })).toBeAttached();
  await clock(page).press('End');
  await expect(page.getByText(/^dropped at/)).toBeVisible();
});
