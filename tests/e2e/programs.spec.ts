import { readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, expectNoSidewaysScrolling, link, test } from './page-test.ts';

const OBJECT = new URL('../../bpf-samples/from_container.bpf.o', import.meta.url);

// C and instructions stand beside each other.
test.use({ viewport: { width: 1440, height: 900 } });

/** Opens the mode and waits for the first run. */
async function open(page: Page): Promise<void> {
  await page.goto(link({ cluster: 'shop', mode: 'programs' }));
  await expect(result(page)).toContainText('TC_ACT_', { timeout: 60_000 });
}

const result = (page: Page) => page.getByRole('region', { name: 'Result' });
const checker = (page: Page) => page.getByRole('region', { name: 'Checker' });
const step = (page: Page) => page.getByRole('region', { name: 'This step' });
const slider = (page: Page) => page.getByRole('slider', { name: 'Step' });
const listing = (page: Page) => page.getByRole('group', { name: 'Instructions' });
const place = async (page: Page) => Number(await slider(page).inputValue());

async function write(page: Page, text: string): Promise<void> {
  await page.getByRole('combobox', { name: 'Object' }).selectOption({ label: 'Assembler' });
  await page.getByRole('textbox', { name: 'Assembler' }).fill(text);
}

test('the project’s own program is stepped in both directions by keyboard', async ({ page }) => {
  await open(page);
  await expect(checker(page)).toContainText('instructions followed');
  // Held at the first map look-up: its entry stands in the map, its key on the stack.
  await expect(step(page)).toContainText('map_');
  const held = await place(page);
  await page.keyboard.press('ArrowRight');
  expect(await place(page)).toBe(held + 1);
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  expect(await place(page)).toBe(held - 1);
  await page.keyboard.press('PageDown');
  expect(await place(page)).toBe(held);
  await page.keyboard.press('Home');
  expect(await place(page)).toBe(0);
  await expect(page.getByRole('row', { name: 'r1 ctx' })).toContainText('__sk_buff');
  await page.keyboard.press('End');
  await expect(step(page)).toContainText('The program has ended');
  expect(await place(page)).toBe(Number(await slider(page).getAttribute('max')));
  await expect(page.getByRole('button', { name: 'One instruction forward' })).toBeDisabled();
});

test('a second run finds the connection; reset forgets it', async ({ page }) => {
  await open(page);
  const instructions = async () => Number(((await result(page).textContent()) ?? '').match(/([\d,]+) instructions/)?.[1]?.replaceAll(',', ''));
  const first = await instructions();
  await page.getByRole('button', { name: 'Run again' }).click();
  await expect(result(page)).toContainText('of run 2');
  expect(await instructions()).toBeLessThan(first);
  await page.getByRole('button', { name: 'Reset all' }).click();
  await page.getByRole('button', { name: 'Run on packet' }).click();
  await expect(result(page)).toContainText('of run 1');
  expect(await instructions()).toBe(first);
});

test('assembler: a fault has its place, what is unsafe is refused, what is mended runs', async ({ page }) => {
  await open(page);
  await write(page, '.program xdp mine\nr0 = 2\nr1 == 3\nexit\n');
  await expect(page.getByRole('alert').filter({ hasText: 'line 3, column 4' })).toBeVisible();
  await expect(checker(page)).toContainText('The text has faults');
  await expect(page.getByRole('button', { name: 'Run on packet' })).toBeDisabled();

  await write(page, '.program xdp mine\nr1 = *(u32 *)(r1 + 0)\nr0 = *(u8 *)(r1 + 0)\nexit\n');
  await expect(checker(page)).toContainText('refused');
  await expect(checker(page)).toContainText('refused at instruction 1');
  await expect(listing(page)).toContainText('refused here');
  await expect(page.getByRole('button', { name: 'Run on packet' })).toBeDisabled();

  // Of the program before nothing is told any more.
  await write(page, '.program xdp mine\nr0 == 2\nexit\n');
  await expect(checker(page)).toContainText('The text has faults');
  await expect(checker(page)).not.toContainText('refused');

  await write(page, '.program xdp mine\nr0 = 2\nexit\n');
  await page.getByRole('button', { name: 'Run on packet' }).click();
  await expect(result(page)).toContainText('XDP_PASS (2)');
  await expect(result(page)).toContainText('every byte as it was');
});

test('a program of the project becomes text that assembles to the same', async ({ page }) => {
  await open(page);
  const counted = await page.getByText(/^[\d,]+ instructions$/).first().textContent();
  await page.getByRole('button', { name: 'Edit as assembler' }).click();
  await expect(page.getByRole('textbox', { name: 'Assembler' })).toHaveValue(/^\.program tc cil_from_container\n/);
  await expect(page.getByText(/^[\d,]+ instructions$/).first()).toHaveText(counted ?? '');
});

test('a runaway program ends with a sentence, and the page goes on', async ({ page }) => {
  await open(page);
  // Too long for the checker to follow: the machine itself stops it.
  await write(page, 'r1 = 0\nhere: r1 += 1\nif r1 != 0x7fffffff goto here\nr0 = 0\nexit\n');
  await expect(checker(page)).toContainText('following every path');
  await expect(checker(page)).toContainText('not decided', { timeout: 60_000 });
  await page.getByRole('button', { name: 'Run on packet' }).click();
  await expect(result(page).getByRole('alert')).toContainText('had not ended after 200000 instructions');
  await write(page, 'here: r0 = 0\ngoto here\n');
  await expect(checker(page)).toContainText('It loops for ever');
  await expect(page.getByRole('button', { name: 'Run on packet' })).toBeDisabled();
  await write(page, 'r0 = 0\nexit\n');
  await page.getByRole('button', { name: 'Run on packet' }).click();
  await expect(result(page)).toContainText('TC_ACT_OK');
});

test('an object of one’s own is read in the page; what is none says so', async ({ page }) => {
  await open(page);
  const choose = page.getByLabel('Choose .o').first();
  await choose.setInputFiles({ name: 'notes.o', mimeType: 'application/octet-stream', buffer: Buffer.from('no object at all') });
  await expect(page.getByRole('alert').filter({ hasText: 'notes.o' })).toContainText('ELF');
  await choose.setInputFiles({ name: 'cut.o', mimeType: 'application/octet-stream', buffer: readFileSync(OBJECT).subarray(0, 4000) });
  await expect(page.getByRole('alert').filter({ hasText: 'cut.o' })).toBeVisible();
  await choose.setInputFiles({ name: 'mine.o', mimeType: 'application/octet-stream', buffer: readFileSync(OBJECT) });
  await expect(page.getByRole('alert')).toHaveCount(0);
  await expect(page.getByText('the lines that the object tells of')).toBeVisible();
  await page.getByRole('button', { name: 'Run on packet' }).click();
  await expect(result(page)).toContainText('TC_ACT_REDIRECT');
});

test('map entries are written, changed and deleted by hex', async ({ page }) => {
  await open(page);
  await write(page, '.map m hash key 4 value 2 max 1\nr0 = 0\nexit\n');
  const maps = page.getByRole('region', { name: 'Maps' });
  await expect(maps).toContainText('hash, 0 of 1');
  await maps.getByRole('button', { name: 'Add' }).click();
  await maps.getByLabel('Key').fill('01 02 03');
  await maps.getByLabel('Value').fill('aa bb');
  await maps.getByRole('button', { name: 'Write' }).click();
  await expect(maps.getByRole('alert')).toContainText('3 bytes were given, it has 4');
  await maps.getByLabel('Key').fill('01020304');
  await maps.getByRole('button', { name: 'Write' }).click();
  await expect(maps.getByRole('cell', { name: '01 02 03 04', exact: true })).toBeVisible();
  await maps.getByRole('button', { name: 'Add' }).click();
  await maps.getByLabel('Key').fill('ff ff ff ff');
  await maps.getByRole('button', { name: 'Write' }).click();
  await expect(maps.getByRole('alert')).toContainText('full');
  await maps.getByRole('button', { name: 'Cancel' }).click();
  await maps.getByRole('button', { name: 'Delete the entry 01 02 03 04' }).click();
  await expect(maps).toContainText('hash, 0 of 1');
});

test('the packet is edited by its fields and by hex', async ({ page }) => {
  await open(page);
  const packet = page.getByRole('region', { name: 'Packet' });
  await packet.getByLabel('Destination address').fill('10.102.14.999');
  await packet.getByLabel('Destination address').press('Enter');
  await expect(packet.getByRole('alert')).toContainText('no IPv4 address');
  await packet.getByLabel('Destination address').fill('10.244.1.21');
  await packet.getByLabel('Destination address').press('Enter');
  await expect(packet.getByRole('alert')).toHaveCount(0);
  await expect(result(page)).not.toContainText('TC_ACT_');
  await packet.getByRole('button', { name: 'Edit as hex' }).click();
  const hex = packet.getByRole('textbox', { name: 'Edit as hex' });
  await expect(hex).toHaveValue(/0a f4\s01 15/);
  await hex.fill('00 11 xx');
  await hex.blur();
  await expect(packet.getByRole('alert')).toContainText('“x” is no hex digit');
  // The last good packet is not what is written there.
  const run = page.getByRole('button', { name: /^Run/ });
  await expect(run).toBeDisabled();
  for (const bytes of ['00', '']) {
    await hex.fill(bytes);
    await hex.blur();
    await expect(packet.getByRole('alert')).toContainText(`these are ${bytes.length / 2}`);
    await expect(run).toBeDisabled();
  }
  await packet.getByRole('button', { name: 'Show fields' }).click();
  await expect(run).toBeEnabled();
  await packet.getByRole('button', { name: 'Edit as hex' }).click();
  await hex.fill('00 '.repeat(13));
  await hex.blur();
  await expect(packet.getByRole('alert')).toContainText('14 to');
  await hex.fill('00 '.repeat(60));
  await hex.blur();
  await run.click();
  await expect(result(page)).toContainText('TC_ACT_');
});

test('the mode is a link, is kept while another is looked at, and speaks Korean', async ({ page }) => {
  await open(page);
  await write(page, 'r0 = 2\nexit\n');
  await expect(page.getByText('2 instructions').first()).toBeVisible();
  await page.getByRole('button', { name: 'Race' }).click();
  await expect(page).toHaveURL(/mode=race/);
  await page.getByRole('button', { name: 'Programs' }).click();
  await expect(page).toHaveURL(/mode=programs/);
  await expect(page.getByRole('textbox', { name: 'Assembler' })).toHaveValue('r0 = 2\nexit\n');
  await page.getByRole('button', { name: '한국어' }).click();
  await page.getByRole('button', { name: '패킷으로 실행' }).click();
  await expect(page.getByRole('region', { name: '결과' })).toContainText('TC_ACT_SHOT (2)');
});

test('a link carries the object, its program and the packet', async ({ page, context }) => {
  await page.goto(link({ cluster: 'shop', mode: 'programs', object: 'connect4', program: 'cil_sock4_sendmsg' }));
  await expect(page.getByRole('combobox', { name: 'Program', exact: true })).toHaveValue('cil_sock4_sendmsg', { timeout: 60_000 });
  await expect(result(page)).toContainText('instructions');
  await page.getByRole('combobox', { name: 'Object' }).selectOption('xdp_node');
  await expect(page).toHaveURL(/object=xdp_node&end$/);
  const packet = page.getByRole('region', { name: 'Packet' });
  await packet.getByLabel('Destination port').fill('4321');
  await packet.getByLabel('Destination port').press('Enter');
  await expect(page).toHaveURL(/object=xdp_node&bytes=[0-9a-f]{28,}&end$/);
  const second = await context.newPage();
  await second.goto(page.url());
  await expect(result(second)).toContainText('XDP_', { timeout: 60_000 });
  await expect(second.getByRole('region', { name: 'Packet' }).getByLabel('Destination port')).toHaveValue('4321');
});

test('a link carries assembler text; another link is followed', async ({ page, context }) => {
  await open(page);
  await page.getByRole('combobox', { name: 'Object' }).selectOption({ label: 'Assembler' });
  await expect(page).toHaveURL(/object=text&asm=/);
  const before = page.url();
  await page.getByRole('textbox', { name: 'Assembler' }).fill('.program xdp mine\nr0 = 1\nexit\n');
  await expect.poll(() => page.url()).not.toBe(before);
  const second = await context.newPage();
  await second.goto(page.url());
  await expect(result(second)).toContainText('XDP_DROP (1)', { timeout: 60_000 });
  await expect(second.getByRole('textbox', { name: 'Assembler' })).toHaveValue('.program xdp mine\nr0 = 1\nexit\n');
  await second.goto(link({ cluster: 'shop', mode: 'programs', object: 'to_container' }));
  await expect(second.getByRole('combobox', { name: 'Object' })).toHaveValue('to_container');
  await second.goto(link({ cluster: 'shop', mode: 'programs', object: 'nowhere' }));
  await expect(second.getByRole('alert').first()).toContainText('There is no object nowhere here.');
});

test('the hooks say where the object’s programs belong', async ({ page }) => {
  await page.goto(link({ cluster: 'shop', mode: 'programs', object: 'node' }));
  const hooks = page.getByRole('region', { name: 'Hooks' });
  await expect(hooks.getByRole('listitem').filter({ hasText: 'tc' }).first()).toContainText('this program', { timeout: 60_000 });
  await hooks.getByRole('button', { name: 'cil_xdp_entry' }).click();
  await expect(hooks.getByRole('listitem').filter({ hasText: 'XDP' })).toContainText('this program');
  await expect(page).toHaveURL(/object=node&program=cil_xdp_entry&end$/);
});

for (const [width, height] of [[1440, 900], [1280, 720], [390, 844]] as const) {
  test(`fits ${width} × ${height}`, async ({ page }) => {
    await page.setViewportSize({ width, height });
    await open(page);
    await expectNoSidewaysScrolling(page);
    await expect(page.getByRole('button', { name: /^Run/ })).toBeInViewport();
    // On a desk nothing but the panels scrolls.
    if (width > 1000) expect(await page.evaluate(() => document.documentElement.scrollHeight)).toBeLessThanOrEqual(height);
  });
}

const COUNTS = '.program tc counts\nr0 = -1\nexit\n';
const attachMenu = (page: Page) => page.getByRole('button', { name: 'Attach to lane B' });
const mark = (page: Page) => page.getByRole('button', { name: /^Your program in lane B/ });

test('a program of one’s own is attached to lane B by keyboard, runs in Race, stands in the link, and is detached', async ({ page }) => {
  await open(page);
  await write(page, COUNTS);
  await expect(checker(page)).toContainText('2 instructions followed');
  await attachMenu(page).press('Enter');
  const menu = page.getByRole('dialog', { name: 'Attach to lane B' });
  await expect(menu.getByRole('radio', { name: /^from-container/ })).toBeChecked();
  await expect(menu.getByRole('radio', { name: /^from-container/ })).toBeFocused();
  await expect(menu.getByRole('radio', { name: 'before cil_from_container' })).toBeChecked();
  await menu.getByRole('button', { name: 'Attach and race' }).press('Enter');

  await expect(page.getByRole('button', { name: 'Race', exact: true })).toHaveAttribute('aria-current', 'page');
  await expect(mark(page)).toContainText('your program', { timeout: 60_000 });
  await expect(page.getByRole('img', { name: /eBPF: client pod, veth, counts: TC_ACT_UNSPEC, cil_from_container/ })).toBeAttached();
  await mark(page).click();
  const said = page.getByRole('dialog', { name: /^Your program in lane B/ });
  await expect(said).toContainText('TC_ACT_UNSPEC (-1)');
  await expect(said).toContainText('hands on to the next program at the hook');
  await page.keyboard.press('Escape');

  // The link carries it: another page shows the same.
  const address = page.url();
  expect(address).toContain('attached=from-container:before:text:');
  const again = await page.context().newPage();
  await again.goto(address);
  await expect(mark(again)).toContainText('your program', { timeout: 60_000 });
  await again.close();

  await mark(page).click();
  await page.getByRole('button', { name: 'Detach counts from from-container' }).click();
  await expect(mark(page)).toBeHidden();
  await expect(page.getByRole('img', { name: /eBPF: client pod, veth, cil_from_container/ })).toBeAttached();
  expect(page.url()).not.toContain('attached=');
});

test('a person’s own object, with a constant rewritten, takes the place of the lane’s', async ({ page }) => {
  await open(page);
  await page.locator('input[type=file]').first().setInputFiles({ name: 'mine.o', mimeType: 'application/octet-stream', buffer: readFileSync(OBJECT) });
  const events = page.getByRole('textbox', { name: /^enable_events/ });
  await expect(events).toHaveValue('00');
  await events.fill('01');
  await events.press('Enter');
  await expect(result(page)).toContainText('perf_event_output', { timeout: 30_000 });
  await attachMenu(page).click();
  await expect(page.getByRole('dialog', { name: 'Attach to lane B' })).toContainText('with enable_events = 01');
  await page.getByRole('radio', { name: 'in place of cil_from_container' }).check();
  await page.getByRole('button', { name: 'Attach and race' }).click();
  await expect(mark(page)).toContainText('your program', { timeout: 60_000 });
  await mark(page).click();
  await expect(page.getByRole('dialog', { name: /^Your program in lane B/ })).toContainText('cilium_lb4_services_v2');
  expect(page.url()).toContain('attached=from-container:instead:file:mine.o:');
});

test('what the checker refuses cannot be attached, and the page says why', async ({ page }) => {
  await open(page);
  await write(page, '.program tc mine\nr2 = *(u32 *)(r1 + 76)\nr0 = *(u8 *)(r2 + 0)\nexit\n');
  await expect(checker(page)).toContainText('refused');
  await attachMenu(page).click();
  const menu = page.getByRole('dialog', { name: 'Attach to lane B' });
  await expect(menu).toContainText('The checker refuses mine at instruction 1');
  await expect(menu.getByRole('button', { name: 'Attach and race' })).toBeHidden();
});
