import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createVm } from '../../src/datapaths/ebpf/rbpf-vm.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';

const assets = readAssets();
const vm = createVm(assets.wasm);
const collection = vm.load(new Uint8Array(readFileSync(new URL('checker/programs.bpf.o', import.meta.url))), { seed: 1 });
const names = collection.spec.programs.map(({ name }) => name);

describe('the checker says what Linux’s verifier says', () => {
  test('the programs are there', () => {
    expect(names.length).toBe(37);
  });

  test.each(names)('%s', (name) => {
    const { refusal, gaveUp } = collection.check(name);
    expect(gaveUp).toBe(false);
    if (name.startsWith('ok_')) expect(refusal).toBeNull();
    else expect(refusal?.message).toMatch(/\.$/);
  });

  test.each([
    ['bad_r0_unset', 0, 'r0'],
    ['bad_r6_on_one_path', 4, 'r6'],
    ['bad_stack_below', 0, '512'],
    ['bad_packet_checked_short', 6, 'data_end'],
    ['bad_value_unchecked', 7, 'may be null'],
    ['bad_endless', 1, 'loops for ever'],
    ['bad_record_kept', 10, 'submit or discard'],
    ['bad_load_bytes_size', 5, 'upper bound'],
  ])('%s: at instruction %i, about %s', (name, instruction, words) => {
    expect(collection.check(name).refusal).toMatchObject({ instruction, message: expect.stringContaining(words) as string });
  });
});

test('the project’s own programs, which Linux loads, pass', () => {
  for (const [name, object] of Object.entries(assets.objects)) {
    const own = vm.load(object, { seed: 1 });
    for (const program of own.spec.programs) expect({ name, program: program.name, ...own.check(program.name) }).toMatchObject({ refusal: null, gaveUp: false });
    own.free();
  }
});
