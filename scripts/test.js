// npm test: installs what is missing and runs everything that a change must not break. Last line: "N passed, N failed".
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { checkNode, findOrInstallChromium, installPackages, root, run } from './setup.js';

checkNode();
installPackages();

const cache = join(root, '.cache');
rmSync(cache, { recursive: true, force: true });
mkdirSync(cache, { recursive: true });
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
const bin = (path) => [process.execPath, join(root, 'node_modules', path)];
const readJson = (name) => JSON.parse(readFileSync(join(cache, name), 'utf8'));

let passed = 0;
let failed = 0;
const broken = [];

/** Runs one step. `count` reads how many tests it held; without it, the step is one test. */
function step(title, [command, ...args], { env, count } = {}) {
  console.log(`\n— ${title}`);
  const status = run(command, args, { env: { ...process.env, ...env } });
  let counted = { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1 };
  if (count) {
    try {
      counted = count();
    } catch {
      counted = { passed: 0, failed: 0 };
    }
    // A runner that fails, or that ran nothing, is a failure whatever it counted.
    if (counted.failed === 0 && (status !== 0 || counted.passed === 0)) counted.failed = 1;
  }
  passed += counted.passed;
  failed += counted.failed;
  if (counted.failed > 0) broken.push(title);
}

step('messages', [npm, 'run', '--silent', 'messages']);
step('types', [...bin('svelte-check/bin/svelte-check'), '--tsconfig', './tsconfig.json', '--fail-on-warnings']);
step('lint', [...bin('eslint/bin/eslint.js'), '.']);
step('unit, conformance and WASM tests', [...bin('vitest/vitest.mjs'), 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${join(cache, 'vitest.json')}`], {
  count: () => {
    // A test that is left out is as good as broken.
    const { numPassedTests, numFailedTests, numFailedTestSuites, numPendingTests, numTodoTests } = readJson('vitest.json');
    return { passed: numPassedTests, failed: numFailedTests + numPendingTests + numTodoTests || (numFailedTestSuites > 0 ? 1 : 0) };
  },
});
// The same objects in this machine's kernel, where it lets us: asked for with --lab, since it needs Linux and root.
if (process.argv.includes('--lab')) step('the kernel lab’s check', [...bin('tsx/dist/cli.mjs'), 'lab/main.ts', 'check', '--packets', '1200']);
step('build', [...bin('vite/bin/vite.js'), 'build']);

const chromium = findOrInstallChromium();
if (chromium) {
  step('browser tests', [...bin('@playwright/test/cli.js'), 'test'], {
    env: { CHROMIUM_PATH: chromium, PLAYWRIGHT_JSON_OUTPUT_NAME: join(cache, 'playwright.json') },
    count: () => {
      const { expected, unexpected, flaky, skipped } = readJson('playwright.json').stats;
      if (flaky > 0) console.log(`${flaky} of the browser tests needed a second try.`);
      return { passed: expected + flaky, failed: unexpected + skipped };
    },
  });
} else {
  console.error('No Chromium to run the browser tests in: install one and set CHROMIUM_PATH to it.');
  failed += 1;
  broken.push('browser tests');
}

console.log(broken.length === 0 ? '\nAll of it holds.' : `\nBroken: ${broken.join(', ')}.`);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
