import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { NOTE as BPF_NOTE, sourcesHash as bpfHash } from '../../scripts/build-bpf.js';
import { NOTE as WASM_NOTE, sourcesHash as wasmHash } from '../../scripts/build-wasm.js';

test.each([
  ['bpf-samples/*.o', 'npm run bpf', BPF_NOTE, bpfHash],
  ['wasm/pkg', 'npm run wasm', WASM_NOTE, wasmHash],
])('%s is built from the sources as they are (else: %s)', (_, __, note, hash) => {
  expect(readFileSync(note, 'utf8').trim()).toBe(hash());
});
