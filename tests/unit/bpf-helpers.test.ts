import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createVm } from '../../src/datapaths/ebpf/rbpf-vm.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';

const vm = createVm(readAssets().wasm);
const load = (name: string, cpus = 2) => vm.load(new Uint8Array(readFileSync(new URL(`../conformance/bpf/objects/${name}`, import.meta.url))), { seed: 1, cpus });
const hex = (text: string) => new Uint8Array(Buffer.from(text.replace(/\s/g, ''), 'hex'));
/** Of so many bytes in all: Ethernet, IPv4 with protocol 253, zeros. */
const packet = (length: number) => hex(`000000000000 020000000001 0800 4500${(length - 14).toString(16).padStart(4, '0')}0001000040fd00000a0000010a000002 ${'00'.repeat(length - 34)}`);
const u32 = (value: number) => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
};
const number = (bytes: Uint8Array | null) => (bytes ? new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true) : null);

describe('callbacks', () => {
  // bpf_loop adds i² until i reaches len & 31, and counts the iterations; three nested loops follow.
  test('bpf_loop, one within another', () => {
    const sum = (n: number) => Array.from({ length: n }, (_, i) => i * i).reduce((a, b) => a + b, 0);
    const length = 100;
    const stop = length & 31;
    const expected = sum(stop + 1) + sum(0) + sum(1) + sum(2) + (stop + 1 + 3 * 1000) * 65536;
    for (const variant of ['clang14-v1', 'clang22-v4']) expect(load(`tc_loop.${variant}.o`).run('loop', { data: packet(length) }).returnValue).toBe(expected);
  });

  test('every step of a callback is recorded, with the same registers each time', () => {
    const steps = () => {
      const collection = load('tc_loop.clang14-v1.o');
      collection.updateAllCpus('h', u32(5), new Uint8Array(8));
      const { steps: recorded, instructions } = collection.run('foreach', { data: packet(60), detail: 'steps' });
      return { recorded, instructions };
    };
    const first = steps();
    expect(first.recorded?.instruction.length).toBe(first.instructions);
    // Memory of the VM lies elsewhere the second time.
    const second = steps();
    expect(second.recorded?.registers).toEqual(first.recorded?.registers);
  });
});

describe('tail calls', () => {
  test('a program that calls itself is stopped after 33 times', () => {
    const collection = load('tc_tailloop.clang19-v4.o');
    expect(collection.run('self', { data: packet(60) }).returnValue).toBe(34);
  });

  test('from a function: the other program’s result is the function’s, and its caller goes on', () => {
    const collection = load('tc_tailloop.clang19-v4.o');
    // Even lengths find the program: it runs 33 times in the function’s place. Odd ones do not, and the function goes on.
    expect(collection.run('viasub', { data: packet(60) }).returnValue).toBe(1000 + 33);
    expect(collection.run('viasub', { data: packet(61) }).returnValue).toBe(1000 + 61);
    expect(number(collection.lookup('c', u32(2)))).toBe(33 + 61);
  });
});

test('VLAN tags: the first is noted beside the packet, the second pushes it in, and a pop takes it out again', () => {
  const collection = load('tc_vlan.clang14-v1.o');
  const tagged = (count: number) => {
    const data = packet(60);
    data[16] = [0, 2, 6][count] ?? 0;
    return collection.run('push', { data }).data.length;
  };
  expect([tagged(0), tagged(1), tagged(2)]).toEqual([60, 64, 68]);
  const inFrame = hex(`000000000000 020000000001 8100 0064 0800 ${Buffer.from(packet(60).subarray(14)).toString('hex')}`);
  expect(collection.run('pop', { data: inFrame }).data.length).toBe(60);
});

test('a look-up on another CPU finds that CPU’s value', () => {
  const collection = load('percpu_elem.clang16-v2.o');
  const data = packet(64);
  expect(collection.run('pc', { data }).returnValue).toBe(2);
  expect(collection.lookup('pa', u32(0))).toEqual(hex('0100000000000000 0100000000000000'));
});

test('a lock in a value is neither written nor shown', () => {
  const collection = load('tc_spin.clang14-v3.o');
  collection.update('m', u32(0), hex('ffffffff 05000000 0000000000000000'));
  expect(collection.entries('m', 0, 1)[0]?.value).toEqual(hex('00000000 05000000 0000000000000000'));
});

test('an LRU map of 4 keeps what was used', () => {
  const collection = load('lru_small.clang14-v3.o');
  for (const length of [60, 61, 62, 60, 63, 60, 64]) collection.run('lr', { data: packet(length) });
  const keys = collection.entries('l', 0, 10).map(({ key }) => number(key));
  expect(keys).toContain(60);
  expect(keys.length).toBeLessThanOrEqual(4);
});

test('without a reader, perf records are refused; with one they arrive', () => {
  const bytes = new Uint8Array(readFileSync(new URL('../conformance/bpf/objects/tc_ring.clang19-v4.o', import.meta.url)));
  const ENOENT = -2;
  expect(vm.load(bytes, { seed: 1, readers: false }).run('perf', { data: packet(60) }).returnValue).toBe(ENOENT);
  const read = vm.load(bytes, { seed: 1 });
  expect(read.run('perf', { data: packet(60) }).returnValue).toBe(0);
  // The record and, behind it, the packet.
  expect(read.takeRecords('pe').map((record) => record.length)).toEqual([32 + 60]);
});

test('a bloom filter knows what was put in', () => {
  const collection = load('tc_queue.clang22-v4.o');
  const odd = packet(61);
  const run = () => collection.run('bloom', { data: odd }).returnValue;
  run();
  // Found at once (0), put in again (0), found (0).
  expect(run()).toBe(0);
});
