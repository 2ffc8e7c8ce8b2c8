import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NOTE as BPF_NOTE, note as bpfNote } from '../../scripts/build-bpf.js';
import { NOTE as WASM_NOTE, note as wasmNote } from '../../scripts/build-wasm.js';
import { noteOf } from '../../scripts/built-note.js';

test.each([
  ['bpf-samples/*.o', 'npm run bpf', BPF_NOTE, bpfNote],
  ['wasm/pkg', 'npm run wasm', WASM_NOTE, wasmNote],
])('%s is what was built, from the sources and flags as they are (else: %s)', (_, __, file, note) => {
  expect(readFileSync(file, 'utf8')).toBe(note());
});

test('a note tells a change of flags, of a source and of what was built', () => {
  const folder = mkdtempSync(join(tmpdir(), 'note-'));
  try {
    const write = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
    };
    const note = (flags: readonly string[] = ['-O2']) => noteOf(folder, [flags], ['a.c'], ['a.o']).split('\n');
    write('a.c', 'one');
    write('a.o', 'built');
    const [sources, built] = note();
    expect(note(['-O3'])).toEqual([expect.not.stringMatching(sources ?? ''), built, '']);
    write('a.o', 'built by hand');
    expect(note()).toEqual([sources, expect.not.stringMatching(built ?? ''), '']);
    write('a.o', 'built');
    write('a.c', 'two');
    expect(note()).toEqual([expect.not.stringMatching(sources ?? ''), built, '']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
