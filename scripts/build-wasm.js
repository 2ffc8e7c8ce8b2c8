// npm run wasm: builds wasm/pkg with wasm-pack and notes what it was built from, so that a test can tell when the
// package is older than its sources. Needs Rust with the target wasm32-unknown-unknown (`rustup target add …`),
// `cargo install wasm-pack` and `cargo install wasm-bindgen-cli` of the version in wasm/Cargo.lock.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { root, run } from './setup.js';

const crate = join(dirname(fileURLToPath(import.meta.url)), '..', 'wasm');
export const NOTE = join(crate, 'sources.sha256');

/** SHA-256 over every source file's name and text, in order. */
export function sourcesHash() {
  const hash = createHash('sha256');
  const sources = readdirSync(join(crate, 'src'), { recursive: true }).map(String).filter((name) => name.endsWith('.rs')).map((name) => join('src', name));
  for (const name of ['Cargo.toml', 'Cargo.lock', ...sources.sort()]) hash.update(`${name.replaceAll('\\', '/')}\n`).update(readFileSync(join(crate, name)));
  return hash.digest('hex');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // Panics name source files: without this they would name the folder that they were built in.
  const remap = `--remap-path-prefix=${root}=. --remap-path-prefix=${process.env.CARGO_HOME ?? join(process.env.HOME ?? '', '.cargo')}=cargo`;
  const env = { ...process.env, RUSTFLAGS: `${process.env.RUSTFLAGS ?? ''} ${remap}`.trim() };
  if (run('wasm-pack', ['build', 'wasm', '--mode', 'no-install', '--release', '--target', 'web', '--no-pack'], { env }) !== 0) process.exit(1);
  const built = join(crate, 'pkg', 'chain_vs_map_vm_bg.wasm');
  const optimise = join(root, 'node_modules', 'binaryen', 'bin', 'wasm-opt');
  const features = ['--enable-bulk-memory', '--enable-nontrapping-float-to-int', '--enable-sign-ext', '--enable-mutable-globals', '--enable-reference-types', '--enable-multivalue'];
  if (run(process.execPath, [optimise, '-O3', ...features, '--strip-debug', '--strip-producers', built, '-o', built]) !== 0) process.exit(1);
  // wasm-pack would keep its folder out of git.
  rmSync(join(crate, 'pkg', '.gitignore'), { force: true });
  writeFileSync(NOTE, `${sourcesHash()}\n`);
}
