import { createServer } from 'node:net';
import { defineConfig, devices } from '@playwright/test';
import { findChromium } from './scripts/setup.js';

/** The first of several processes that read this file chooses; the others take its word. */
const port = Number((process.env['E2E_PORT'] ??= String(await freePort())));
const chromium = findChromium();

/** A port that nobody listens on now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new Error('No port is free.'));
      });
    });
  });
}

export default defineConfig({
  testDir: 'tests/e2e',
  fullyParallel: true,
  // One test alone, left so by mistake, would pass for all of them.
  forbidOnly: true,
  workers: 2,
  // A noisy machine is no reason to fail; a test that needs a second try is reported as flaky.
  retries: process.env['CI'] ? 1 : 0,
  timeout: 90_000,
  expect: { timeout: 20_000 },
  reporter: [['list'], ['json']],
  outputDir: 'test-results',
  use: {
    baseURL: `http://127.0.0.1:${port}/a/sub/path/`,
    locale: 'en-US',
    launchOptions: {
      ...(chromium ? { executablePath: chromium } : {}),
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
    },
  },
  projects: [{ name: 'chromium', use: { ...devices['Desktop Chrome'] } }],
  webServer: { command: 'node tests/e2e/serve.js', url: `http://127.0.0.1:${port}/a/sub/path/`, env: { PORT: String(port) }, reuseExistingServer: false },
});
