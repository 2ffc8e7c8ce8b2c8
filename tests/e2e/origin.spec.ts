import { expect, test } from '@playwright/test';

test('no request leaves the page’s own origin, from start to a packet’s arrival and an update', async ({ page, baseURL }) => {
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto('#v1&cluster=shop&mode=race&seed=1&connection=new&packet=0&profile=legacy&end');
  await page.getByRole('button', { name: 'Send packet' }).click();
  await expect(page.getByText(/^arrived at/).first()).toBeVisible();
  await page.getByRole('button', { name: 'Add Service' }).first().click();
  await expect(page.getByText('cilium_lb4_services_v2').first()).toBeVisible();
  const origin = new URL(baseURL ?? '').origin;
  // Blobs and data URLs are the page's own.
  const foreign = asked.filter((url) => new URL(url).origin !== origin && !url.startsWith('blob:') && !url.startsWith('data:'));
  expect(foreign).toEqual([]);
  expect(asked.length).toBeGreaterThan(3);
  expect(errors).toEqual([]);
});
