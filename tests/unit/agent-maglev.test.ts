import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAGLEV_TABLE_SIZE, maglevTable, type MaglevBackend } from '../../src/datapaths/ebpf/agent/maglev.ts';
import { murmur3 } from '../../src/datapaths/ebpf/agent/murmur3.ts';
import { portPrefixes } from '../../src/datapaths/ebpf/agent/port-prefixes.ts';

describe('MurmurHash3, 128 bits', () => {
  // Published with the Go implementation that Cilium uses (spaolacci/murmur3).
  it.each([
    ['', 0, '00000000000000000000000000000000'],
    ['hello', 0, 'cbd8a7b341bd9b025b1e906a48ae1d19'],
    ['hello, world', 0, '342fac623a5ebc8e4cdcbc079642414d'],
    ['19 Jan 2038 at 3:14:07 AM', 0, 'b89e5988b737affc664fc2950231b2cb'],
    ['The quick brown fox jumps over the lazy dog.', 0, 'cd99481f9ee902c9695da1a38987b6e7'],
  ])('of “%s”', (text, seed, expected) => {
    const [first, second] = murmur3(new TextEncoder().encode(text), seed);
    expect(first.toString(16).padStart(16, '0') + second.toString(16).padStart(16, '0')).toBe(expected);
  });
});

const backends = (count: number): MaglevBackend[] => Array.from({ length: count }, (_, index) => ({ id: index + 1, name: `10.0.${index >> 8}.${index & 255}:80/6` }));

function counts(table: Uint32Array): Map<number, number> {
  const seen = new Map<number, number>();
  for (const id of table) seen.set(id, (seen.get(id) ?? 0) + 1);
  return seen;
}

describe('a Maglev table', () => {
  it.each([1, 2, 3, 10, 100])('of %i backends gives each nearly the same', (count) => {
    const seen = counts(maglevTable(backends(count)));
    expect(seen.size).toBe(count);
    expect([...seen.values()].reduce((sum, value) => sum + value, 0)).toBe(MAGLEV_TABLE_SIZE);
    // They take turns: no two differ by more than one slot.
    expect(Math.max(...seen.values()) - Math.min(...seen.values())).toBeLessThanOrEqual(1);
  });

  it('of none points nowhere', () => {
    expect(new Set(maglevTable([]))).toEqual(new Set([0]));
  });

  it('does not depend on the order in which backends came', () => {
    const [first, ...others] = backends(7);
    if (!first) throw new Error('none');
    expect(maglevTable([...others, first].reverse())).toEqual(maglevTable(backends(7)));
  });

  it.each([3, 10, 50])('moves few others when one of %i goes', (count) => {
    const before = maglevTable(backends(count));
    const gone = Math.ceil(count / 2);
    const after = maglevTable(backends(count).filter(({ id }) => id !== gone));
    let moved = 0;
    before.forEach((id, slot) => {
      if (id !== gone && after[slot] !== id) moved += 1;
    });
    // Taking slots in turn by `slot % count` would move nearly all of them.
    expect(moved / MAGLEV_TABLE_SIZE).toBeLessThan(0.1);
    const modulo = before.filter((_, slot) => slot % count !== slot % (count - 1)).length;
    expect(moved).toBeLessThan(modulo / 5);
  });

  it('agrees with the paper’s own order of filling, step by step', () => {
    // Eisenbud et al., table 1: permutations (3 0 4 1 5 2 6), (0 2 4 6 1 3 5), (3 4 5 6 0 1 2) fill as B1 B0 B1 B0 B2 B2 B0.
    const orders = [[3, 0, 4, 1, 5, 2, 6], [0, 2, 4, 6, 1, 3, 5], [3, 4, 5, 6, 0, 1, 2]];
    const table = new Array<number>(7).fill(-1);
    const at = [0, 0, 0];
    for (let filled = 0; filled < 7; ) {
      for (let backend = 0; backend < 3 && filled < 7; backend++) {
        const order = orders[backend] ?? [];
        while (table[order[at[backend] ?? 0] ?? 0] !== -1) at[backend] = (at[backend] ?? 0) + 1;
        table[order[at[backend] ?? 0] ?? 0] = backend;
        filled += 1;
      }
    }
    expect(table).toEqual([1, 0, 1, 0, 2, 2, 0]);
    // The same by offset and skip, for names whose hashes are known only to the code: a slow twin.
    const size = 101;
    const own = backends(5);
    const twin = new Uint32Array(size);
    const places = own.map(({ name }) => {
      const [first, second] = murmur3(new TextEncoder().encode(name), 0);
      return Array.from({ length: size }, (_, step) => Number((first + BigInt(step) * ((second % BigInt(size - 1)) + 1n)) % BigInt(size)));
    });
    for (let filled = 0; filled < size; ) {
      for (const [index, { id }] of own.entries()) {
        const slot = (places[index] ?? []).find((place) => twin[place] === 0);
        if (slot === undefined) break;
        twin[slot] = id;
        filled += 1;
      }
    }
    expect(maglevTable(own, size)).toEqual(twin);
  });
});

describe('a range of ports as prefixes', () => {
  it.each([
    { from: 80, to: 80, prefixes: ['80/16'] },
    { from: 80, to: 83, prefixes: ['80/14'] },
    { from: 0, to: 65535, prefixes: ['0/0'] },
    { from: 1, to: 7, prefixes: ['1/16', '2/15', '4/14'] },
    { from: 32000, to: 32768, prefixes: ['32000/8', '32256/7', '32768/16'] },
  ])('$from to $to', ({ from, to, prefixes }) => {
    expect(portPrefixes(from, to).map(({ port, bits }) => `${port}/${bits}`)).toEqual(prefixes);
  });

  it('covers each port of the range once, and no other', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 65535 }), fc.integer({ min: 0, max: 65535 }), (a, b) => {
        const [from, to] = a < b ? [a, b] : [b, a];
        let next = from;
        for (const { port, bits } of portPrefixes(from, to)) {
          expect(port).toBe(next);
          expect(port % 2 ** (16 - bits)).toBe(0);
          next = port + 2 ** (16 - bits);
        }
        expect(next).toBe(to + 1);
      }),
      { seed: 5, numRuns: 500 },
    );
  });
});
