import { test as base, expect, type Locator, type Page } from '@playwright/test';

/** The page, with what every test of it holds: nothing is asked of another host, and no script fails. */
export const test = base.extend<{ readonly quiet: undefined }>({
  quiet: [
    async ({ context, baseURL }, use) => {
      const strangers: string[] = [];
      const failures: string[] = [];
      const own = new URL(baseURL ?? '').origin;
      context.on('request', (request) => {
        const { protocol, origin } = new URL(request.url());
        if (protocol !== 'data:' && protocol !== 'blob:' && origin !== own) strangers.push(request.url());
      });
      context.on('weberror', (failure) => failures.push(failure.error().message));
      await use(undefined);
      expect(strangers).toEqual([]);
      expect(failures).toEqual([]);
    },
    { auto: true },
  ],
});
export { expect };

/** A scene's fragment; what is not named is the page's default. */
export function link(change: Readonly<Record<string, string | number>> = {}): string {
  const fields = { cluster: '500', mode: 'race', seed: 1, connection: 'new', packet: 0, profile: 'legacy', ...change };
  return `./#v1&${Object.entries(fields).map(([key, value]) => `${key}=${value}`).join('&')}&end`;
}

/** The playhead: says where the clock stands and what both lanes have counted. */
export function clock(page: Page): Locator {
  return page.getByRole('slider', { name: 'Simulated time' });
}

/** What the playhead says, apart. */
export async function moment(page: Page): Promise<{ readonly at: string; readonly total: string; readonly rules: number; readonly instructions: number }> {
  const text = (await clock(page).getAttribute('aria-valuetext')) ?? '';
  const found = /^(.+) of (.+); ([\d,]+) rules evaluated, ([\d,]+) instructions run$/.exec(text);
  if (!found) throw new Error(`The playhead says “${text}”.`);
  const count = (digits: string | undefined) => Number((digits ?? '').replaceAll(',', ''));
  return { at: found[1] ?? '', total: found[2] ?? '', rules: count(found[3]), instructions: count(found[4]) };
}

/** Opens a scene and waits for its race. */
export async function open(page: Page, address = './'): Promise<void> {
  await page.goto(address);
  await expect(clock(page)).toBeVisible({ timeout: 60_000 });
}

/** Nothing stands beyond the page's right edge. */
export async function expectNoSidewaysScrolling(page: Page): Promise<void> {
  expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)).toBeLessThanOrEqual(0);
}
