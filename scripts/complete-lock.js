// Completes package-lock.json after `npm install` on a machine whose registry lacks binaries for other
// platforms: npm leaves their entries out, and `npm ci` then refuses the lock file everywhere.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const OPERATING_SYSTEM = /(darwin|linux|win32|android|freebsd|openharmony)/;
const PROCESSOR = /(arm64|x64|ia32|loong64|ppc64|riscv64|s390x|arm)/;

/** Optional dependencies that packages of the lock name and that no entry holds: `{ name, version, dev }` each. */
export function missingEntries(packages) {
  const missing = [];
  for (const [path, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!resolves(packages, path, name)) missing.push({ name, version, dev: entry.dev === true });
    }
  }
  return missing;
}

function resolves(packages, path, name) {
  for (let base = path; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    if (packages[`${base === '' ? '' : `${base}/`}node_modules/${name}`]) return true;
    if (base === '') return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = join(fileURLToPath(import.meta.url), '..', '..', 'package-lock.json');
  const lock = JSON.parse(readFileSync(file, 'utf8'));
  const missing = missingEntries(lock.packages);
  for (const { name, version, dev } of missing) {
    const [os] = OPERATING_SYSTEM.exec(name) ?? [];
    const [cpu] = PROCESSOR.exec(name) ?? [];
    lock.packages[`node_modules/${name}`] = { version, ...(dev ? { dev } : {}), optional: true, ...(os ? { os: [os] } : {}), ...(cpu ? { cpu: [cpu] } : {}) };
  }
  const { '': project, ...rest } = lock.packages;
  lock.packages = { '': project, ...Object.fromEntries(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1))) };
  writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  console.log(`${missing.length} entries added to package-lock.json.`);
}
