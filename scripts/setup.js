// What a fresh clone lacks: npm's packages, and a Chromium for the browser tests. Needs Node alone.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const OLDEST = [20, 19];

/** Runs a command in the project's root with its output shown; returns its exit status (127 where it can't be started). */
export function run(command, args, options = {}) {
  const { error, status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  return error ? 127 : (status ?? 1);
}

/** Ends with a sentence where Node is too old. */
export function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  console.error(`Chain vs Map needs Node ${OLDEST.join('.')} or newer; this is ${process.versions.node}. Get it from nodejs.org.`);
  process.exit(1);
}

/** Installs npm's packages where they are missing or not those of the lock file. */
export function installPackages() {
  if (packagesMatchLock()) return;
  console.log('Installing packages (npm ci)…');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const options = { shell: process.platform === 'win32' };
  let status = run(npm, ['ci', '--no-audit', '--no-fund'], options);
  if (status !== 0) {
    // `npm ci` refuses a lock file that its registry can't wholly resolve (binaries for other platforms, say); `install` leaves those out.
    console.log('npm ci refused; npm install instead, with the lock file’s versions.');
    status = run(npm, ['install', '--no-save', '--no-audit', '--no-fund'], options);
  }
  if (status !== 0) {
    console.error('npm could not install the packages; its own words are above.');
    process.exit(status);
  }
}

function packagesMatchLock() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  const versions = (file) => {
    const { packages } = JSON.parse(readFileSync(file, 'utf8'));
    return new Map(Object.entries(packages).map(([path, entry]) => [path, entry]));
  };
  const have = versions(installed);
  for (const [path, entry] of versions(join(root, 'package-lock.json'))) {
    if (path === '' || entry.optional) continue;
    if (have.get(path)?.version !== entry.version) return false;
  }
  return true;
}

/** Path of a Chromium that the browser tests can drive, installed where there is none; `undefined` where it can't be had. */
export function findOrInstallChromium() {
  const found = findChromium();
  if (found) return found;
  console.log('Looking for a Chromium for the browser tests: Playwright’s own download…');
  run(process.execPath, [join(root, 'node_modules', 'playwright', 'cli.js'), 'install', 'chromium'], { timeout: 180_000 });
  const downloaded = findChromium();
  if (downloaded) return downloaded;
  if (process.platform === 'linux' && process.getuid?.() === 0 && run('which', ['apt-get'], { stdio: 'ignore' }) === 0) {
    console.log('…not to be had; Debian’s package instead.');
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    if (run('apt-get', ['update', '-q'], { env }) === 0) run('apt-get', ['install', '-qy', '--no-install-recommends', 'chromium'], { env });
  }
  return findChromium();
}

/** Path of a Chromium that is here: the one that CHROMIUM_PATH names, Playwright's own, or the system's. */
export function findChromium() {
  const candidates = [process.env.CHROMIUM_PATH, playwrightsOwn(), '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  return candidates.find((path) => path && existsSync(path));
}

function playwrightsOwn() {
  try {
    return createRequire(join(root, 'package.json'))('playwright').chromium.executablePath();
  } catch {
    return undefined;
  }
}
