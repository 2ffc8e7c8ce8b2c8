import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createVm } from '../../src/datapaths/ebpf/rbpf-vm.ts';
import { BpfError, type Collection } from '../../src/datapaths/ebpf/vm.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';

const vm = createVm(readAssets().wasm);
const object = (name: string) => new Uint8Array(readFileSync(new URL(`../conformance/bpf/objects/${name}`, import.meta.url)));
const hex = (text: string) => new Uint8Array(Buffer.from(text.replace(/\s/g, ''), 'hex'));
/** Ethernet, IPv4, TCP. */
const PACKET = hex(`000000000000 020000000001 0800 4500003c00010000400600000a0000010a000002 03e80050000000000000000050020000 ${'00'.repeat(24)}`);
const FUEL = 200_000;

/** Whatever the bytes are, there is an answer or a sentence: a trap of the WASM instance would be a RuntimeError. */
function survive(bytes: Uint8Array): void {
  let collection: Collection | null = null;
  try {
    vm.inspect(bytes);
    collection = vm.load(bytes, { seed: 1, cpus: 2 });
    collection.setFuel(FUEL);
    for (const { name } of collection.spec.programs.slice(0, 3)) {
      try {
        collection.run(name, { data: PACKET });
      } catch (error) {
        expect(error).toBeInstanceOf(BpfError);
      }
    }
  } catch (error) {
    expect(error).toBeInstanceOf(BpfError);
    expect((error as BpfError).message).toMatch(/[.?]$/);
  } finally {
    collection?.free();
  }
}

describe('broken objects', () => {
  const good = object('xdp_count.clang14-v1.o');

  test('cut off at every length', () => {
    for (let length = 0; length < good.length; length++) survive(good.slice(0, length));
  });

  test('with any one bit wrong', () => {
    for (let at = 0; at < good.length; at++) {
      const bytes = good.slice();
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at * 5) % 8);
      survive(bytes);
    }
  });

  test('with several bytes wrong', () => {
    const tail = object('tc_tail.clang16-v2.o');
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(tail.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 12 }), (changes) => {
        const bytes = tail.slice();
        for (const [at, value] of changes) bytes[at] = value;
        survive(bytes);
      }),
      { seed: 20261124, numRuns: 1500 },
    );
  });
});

describe('what an object may ask for that is not there', () => {
  const fault = (run: () => unknown) => {
    try {
      run();
    } catch (error) {
      return (error as BpfError).message;
    }
    return 'no fault';
  };
  const failure = (name: string, program: string) => {
    const collection = vm.load(object(name), { seed: 1 });
    return fault(() => collection.run(program, { data: PACKET }));
  };

  test.each([
    ['kernel functions', 'kfunc.clang14-v1.o', 'kf', /kernel’s own function bpf_dynptr_from_skb/],
    ['a kernel’s settings', 'kfunc.clang14-v1.o', 'kc', /LINUX_KERNEL_VERSION.*a kernel’s symbol or setting/],
    ['timers', 'timer.clang14-v3.o', 'timer', /bpf_timer_init, which the VM does not have/],
    ['a kernel’s types', 'tracing.clang22-v4.o', 'rtp', /running kernel’s own types \(CO-RE\)/],
    ['an element of a device map', 'xdp_frags.clang22-v4.o', 'dmp', /EINVAL/],
  ])('%s', (_, name, program, sentence) => {
    expect(failure(name, program)).toMatch(sentence);
  });

  test('a weak kernel function that is not called', () => {
    expect(vm.load(object('kfunc.clang14-v1.o'), { seed: 1 }).run('fine', { data: PACKET }).returnValue).toBe(4);
  });

  test('the wrong byte order', () => {
    const bytes = object('act.clang14-v3.o');
    bytes[5] = 2;
    expect(fault(() => vm.inspect(bytes))).toMatch(/big-endian/);
  });

  test('jump tables', () => {
    expect(fault(() => vm.inspect(object('tc_alu.clang22-v4.o')))).toMatch(/\.jumptables/);
  });

  test.each([
    ['TCP without its IPv4 header whole', '000000000000 020000000001 0800 45000028', /IPv4 header/],
    ['IPv6 cut off', `000000000000 020000000001 86dd ${'60'.repeat(30)}`, /IPv6 header/],
    ['less than an Ethernet header', '0000', /too short/],
  ])('a packet: %s', (_, packet, sentence) => {
    expect(fault(() => vm.load(object('act.clang14-v3.o'), { seed: 1 }).run('act', { data: hex(packet) }))).toMatch(sentence);
  });
});
