import { execFileSync } from 'node:child_process';
import type { Page } from '@playwright/test';
import { durationParts } from '../../src/ui/inspector/duration.ts';
import { byteParts } from '../../src/ui/update/bytes.ts';
import { expect, link, test } from './page-test.ts';

type Work = Readonly<Record<string, number>>;

interface Answer {
  readonly change: { readonly kind: string; readonly service: string; readonly rollout: { readonly update: number; readonly updates: number } | null };
  readonly chain: { readonly kind: string; readonly total: number; readonly work: Work; readonly rulesAfter: number; readonly removed: number };
  readonly map: { readonly total: number; readonly work: Work };
}

// Without motion the end of an update stands at once.
test.use({ viewport: { width: 1440, height: 900 }, contextOptions: { reducedMotion: 'reduce' } });

const number = new Intl.NumberFormat('en');
const figure = ({ value, unit }: { readonly value: string; readonly unit: string }) => `${value} ${unit}`;
const lane = (page: Page, name: 'iptables' | 'eBPF') => page.getByRole('region', { name, exact: true });
const playhead = (page: Page) => page.getByRole('slider', { name: 'Time of the update' });

/** The same scene's update in Node. */
function inNode(page: Page): Answer {
  const text = execFileSync(process.execPath, ['node_modules/tsx/dist/cli.mjs', 'tests/e2e/node-update.ts', new URL(page.url()).hash], { encoding: 'utf8' });
  return JSON.parse(text) as Answer;
}

async function start(page: Page, change: Readonly<Record<string, string | number>>): Promise<void> {
  await page.goto(link({ mode: 'update', ...change }));
  await expect(page.getByRole('button', { name: 'Change a Service' })).toBeEnabled({ timeout: 60_000 });
}

/** Every figure that both lanes show at the update's end is Node's. */
async function expectNodes(page: Page, backend: 'legacy' | 'nft'): Promise<Answer> {
  const answer = inNode(page);
  const { chain, map } = answer;
  const whole = backend === 'legacy';
  const rules = whole ? chain.rulesAfter : (chain.work['rulesReplaced'] ?? 0);
  const bytes = chain.work['bytesCopied'] ?? 0;
  const entries = (map.work['entriesWritten'] ?? 0) + (map.work['entriesDeleted'] ?? 0);
  const total = Math.max(chain.total, map.total);
  expect(rules).toBeGreaterThan(0);
  expect(bytes).toBeGreaterThan(0);

  const words = `of ${figure(durationParts(total, 'en'))}: ${number.format(rules)} rules handed over, ${map.work['entriesWritten'] ?? 0} entries written`;
  await expect(playhead(page)).toHaveAttribute('aria-valuetext', new RegExp(`${words.replaceAll('.', '\\.')}$`), { timeout: 60_000 });
  await expect(playhead(page)).toHaveAttribute('aria-valuenow', String(Math.round(total)));
  const iptables = lane(page, 'iptables');
  await expect(iptables).toContainText(new RegExp(`of ${number.format(rules)} rules (made anew|checked by the kernel|handed to the kernel|read by iptables-restore)`));
  await expect(iptables).toContainText(`of ${figure(byteParts(bytes, 'en'))} copied, ${number.format(chain.work['systemCalls'] ?? 0)} calls`);
  await expect(iptables).toContainText(`of ${figure(durationParts(chain.total, 'en'))}`);
  await expect(iptables).toContainText(`kube-proxy writes ${number.format((chain.work['rulesHandedOver'] ?? 0) + (chain.work['chainsHandedOver'] ?? 0))} lines`);
  const ebpf = lane(page, 'eBPF');
  await expect(ebpf.getByText(number.format(entries), { exact: true }).first()).toBeVisible();
  await expect(ebpf).toContainText(entries === 0 ? 'nothing to write' : `${number.format(map.work['systemCalls'] ?? 0)} bpf() calls`);
  if (map.total > 0) await expect(ebpf).toContainText(durationParts(map.total, 'en').value);
  return answer;
}

async function change(page: Page, button: RegExp): Promise<void> {
  await page.getByRole('button', { name: 'Change a Service' }).click();
  await page.getByRole('button', { name: button }).click();
}

for (const backend of ['legacy', 'nft'] as const) {
  test(`an added Service, scaled, rolled out and deleted: page and Node agree (${backend})`, async ({ page }) => {
    await start(page, { cluster: '50', profile: backend });
    await page.getByRole('button', { name: 'Add Service' }).first().click();
    await expect(page).toHaveURL(/added=2/);
    const added = await expectNodes(page, backend);
    expect(added.change.kind).toBe('add');

    // The Service that was changed last stands ready.
    await change(page, /^One endpoint more$/);
    await expect(page).toHaveURL(/changes=scale:shop\/added-1:3/);
    await expectNodes(page, backend);

    await change(page, /^Roll out/);
    const rollout = page.getByRole('region', { name: 'Roll out' });
    // Played to its end by itself: three pods, three updates each.
    await expect(rollout).toContainText('update 9 of 9', { timeout: 60_000 });
    const last = await expectNodes(page, backend);
    expect(last.change.rollout).toMatchObject({ update: 9, updates: 9 });
    await rollout.getByRole('button', { name: 'Back' }).click();
    await expect(page).toHaveURL(/rollout:shop\/added-1:8/);
    await expectNodes(page, backend);

    await change(page, /^Delete/);
    await expect(page).toHaveURL(/delete:shop\/added-1/);
    const deleted = await expectNodes(page, backend);
    expect(deleted.chain.removed).toBeGreaterThan(0);
    expect(deleted.map.work['entriesDeleted']).toBeGreaterThan(0);
  });
}

test('everything written again is more than the change, and both are Node’s', async ({ page }) => {
  await start(page, { cluster: '500', added: 2 });
  await playhead(page).focus();
  await page.keyboard.press('End');
  const changed = await expectNodes(page, 'legacy');
  await page.getByText('Everything', { exact: true }).click();
  await expect(page).toHaveURL(/:everything/);
  const everything = await expectNodes(page, 'legacy');
  expect(everything.chain.kind).toBe('full');
  expect(everything.chain.work['bytesHandedOver']).toBeGreaterThan(5 * (changed.chain.work['bytesHandedOver'] ?? 0));
});

test('the published figure stands with its source’s words', async ({ page }) => {
  await start(page, { cluster: '50', added: 2 });
  await expect(page.getByRole('heading', { name: /^“11 min to add one rule”, examined/ })).toContainText('at 5,000 Services, 40,000 rules');
  await expect(page.getByText(/“Latency to Add Rules…” \(Huawei, KubeCon 2017\)/)).toBeVisible();
});
