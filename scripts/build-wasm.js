// npm run wasm: builds wasm/pkg with wasm-pack and notes what it was built from and how, and what came out, so that a
// test can tell when the package is older than its sources or was changed by hand. Needs Rust with the target wasm32-unknown-unknown (`rustup target add …`),
// `cargo install wasm-pack` and `cargo install wasm-bindgen-cli` of the version in wasm/Cargo.lock.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { noteOf } from './built-note.js';
import { root, run } from './setup.js';

const crate = join(dirname(fileURLToPath(import.meta.url)), '..', 'wasm');
export const NOTE = join(crate, 'sources.sha256');

const WASM_PACK = ['build', 'wasm', '--mode', 'no-install', '--release', '--target', 'web', '--no-pack'];
// Compiled programs stand in the VM's own table of functions.
const LINK = ['-C', 'link-arg=--growable-table'];
// rustc has inlined what is worth it; once more costs 6 KB gzipped.
const INLINING = ['--flexible-inline-max-function-size=0', '--always-inline-max-function-size=1', '--one-caller-inline-max-function-size=0'];
const FEATURES = ['--enable-bulk-memory', '--enable-nontrapping-float-to-int', '--enable-sign-ext', '--enable-mutable-globals', '--enable-reference-types', '--enable-multivalue'];
const WASM_OPT = ['-O3', ...INLINING, ...FEATURES, '--strip-debug', '--strip-producers'];

/** What the note holds: SHA-256 over the flags and every source file's name and text, and over what was built of them. */
export function note() {
  const list = (folder, fits) => readdirSync(join(crate, folder), { recursive: true }).map(String).filter(fits).map((name) => `${folder}/${name.replaceAll('\\', '/')}`).sort();
  const sources = ['Cargo.toml', 'Cargo.lock', ...list('src', (name) => name.endsWith('.rs'))];
  return noteOf(crate, [WASM_PACK, LINK, WASM_OPT], sources, list('pkg', (name) => /\.(wasm|js|ts)$/.test(name)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // Panics name source files: without this they would name the folder that they were built in.
  const remap = `--remap-path-prefix=${root}=. --remap-path-prefix=${process.env.CARGO_HOME ?? join(process.env.HOME ?? '', '.cargo')}=cargo`;
  const env = { ...process.env, RUSTFLAGS: `${process.env.RUSTFLAGS ?? ''} ${LINK.join(' ')} ${remap}`.trim() };
  if (run('wasm-pack', WASM_PACK, { env }) !== 0) process.exit(1);
  const built = join(crate, 'pkg', 'chain_vs_map_vm_bg.wasm');
  const optimise = join(root, 'node_modules', 'binaryen', 'bin', 'wasm-opt');
  if (run(process.execPath, [optimise, ...WASM_OPT, built, '-o', built]) !== 0) process.exit(1);
  // wasm-pack would keep its folder out of git.
  rmSync(join(crate, 'pkg', '.gitignore'), { force: true });
  writeFileSync(NOTE, note());
}
