import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createVm } from '../../src/datapaths/ebpf/rbpf-vm.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';

const assets = readAssets();
const vm = createVm(assets.wasm);
const load = (file: string) => vm.load(new Uint8Array(readFileSync(new URL(`checker/${file}`, import.meta.url))), { seed: 1 });
const collection = load('programs.bpf.o');
const found = load('found.bpf.o');
const names = [collection, found].flatMap((loaded) => loaded.spec.programs.map(({ name }) => [name, loaded] as const));

describe('the checker says what Linux’s verifier says', () => {
  test('the programs are there', () => {
    expect(names.length).toBe(37 + 20);
  });

  test.each(names)('%s', (name, loaded) => {
    const { refusal, gaveUp } = loaded.check(name);
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

  test.each([
    ['bad_socket_kept', 'still held'],
    ['bad_socket_unchecked', 'a socket that was looked up'],
    ['bad_lock_touched', 'which only helpers may'],
    ['bad_tail_call_into_a_hash', 'a program array'],
    ['bad_stack_address_returned', 'an address of the stack'],
    ['bad_helper_of_another_context', 'may not call bpf_skb_load_bytes'],
    ['bad_filter_that_writes', 'may not call bpf_skb_store_bytes'],
    ['bad_filter_that_marks', 'may not be written'],
    ['bad_answer', 'more than 3'],
  ])('%s: about %s', (name, words) => {
    expect(found.check(name).refusal?.message).toContain(words);
  });
});

test('the project’s own programs, which Linux loads, pass', () => {
  for (const [name, object] of Object.entries(assets.objects)) {
    const own = vm.load(object, { seed: 1 });
    for (const program of own.spec.programs) expect({ name, program: program.name, ...own.check(program.name) }).toMatchObject({ refusal: null, gaveUp: false });
    own.free();
  }
});
