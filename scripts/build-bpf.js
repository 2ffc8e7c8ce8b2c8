// npm run bpf: builds bpf-samples/*.bpf.c with clang and notes what they were built from, so that a test can tell when
// an object is older than its sources. Needs clang, llvm-strip and the kernel's UAPI headers (linux-libc-dev).
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { noteOf } from './built-note.js';
import { run } from './setup.js';

const samples = join(dirname(fileURLToPath(import.meta.url)), '..', 'bpf-samples');
export const NOTE = join(samples, 'sources.sha256');

const FLAGS = ['-O2', '-g', '-Wall', '-Wextra', '-Werror', '-target', 'bpf', '-mcpu=v3'];

/** What the note holds: SHA-256 over the flags and every source file's name and text, and over what was built of them. */
export function note() {
  const sources = ['.', 'include'].flatMap((folder) => readdirSync(join(samples, folder)).filter((file) => /\.[ch]$/.test(file)).sort().map((name) => `${folder}/${name}`));
  const built = readdirSync(samples).filter((name) => name.endsWith('.bpf.o')).sort();
  return noteOf(samples, [FLAGS], sources, built);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // Debian keeps asm/ in a folder of its architecture.
  const multiarch = ['x86_64', 'aarch64'].map((cpu) => `/usr/include/${cpu}-linux-gnu`).filter(existsSync);
  for (const source of readdirSync(samples).filter((name) => name.endsWith('.bpf.c'))) {
    const object = join('bpf-samples', source.replace(/\.c$/, '.o'));
    const flags = [...FLAGS, ...multiarch.flatMap((folder) => ['-I', folder])];
    // Without -ffile-prefix-map the object would name the folder that it was built in.
    const prefix = `-ffile-prefix-map=${join(samples, '..')}=.`;
    if (run('clang', [...flags, prefix, '-c', join('bpf-samples', source), '-o', object]) !== 0) process.exit(1);
    // DWARF goes; BTF, which carries the source lines, stays.
    if (run('llvm-strip', ['-g', object]) !== 0) process.exit(1);
    console.log(`${object} built`);
  }
  writeFileSync(NOTE, note());
}
