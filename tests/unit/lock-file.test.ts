import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { missingEntries } from '../../scripts/complete-lock.js';

// `npm ci` refuses a lock file that lacks an optional dependency of another platform. `node scripts/complete-lock.js` adds them.
test('the lock file holds every optional dependency that it names', () => {
  const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as { packages: Record<string, object> };
  expect(missingEntries(lock.packages)).toEqual([]);
});

test('an optional dependency without an entry is found, a nested one is not', () => {
  const packages = {
    'node_modules/a': { optionalDependencies: { 'a-linux-x64': '1.0.0', 'a-win32-x64': '1.0.0' } },
    'node_modules/a/node_modules/a-linux-x64': {},
  };
  expect(missingEntries(packages)).toEqual([{ name: 'a-win32-x64', version: '1.0.0', dev: false }]);
});
