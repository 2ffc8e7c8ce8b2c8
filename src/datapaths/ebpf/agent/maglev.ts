import { murmur3 } from './murmur3.ts';

/** Slots of a table (`maglev.tableSize`): a prime; `LB_MAGLEV_LUT_SIZE` in bpf-samples/include/service_maps.h. */
export const MAGLEV_TABLE_SIZE = 16381;

export interface MaglevBackend {
  readonly id: number;
  /** What its place in the table follows from, on every node alike: `address:port/protocol`. */
  readonly name: string;
}

/**
 * A Maglev lookup table (Eisenbud et al., NSDI 2016, section 3.4): backend ids by a packet's hash. Each backend has its
 * own order of all slots, by two hashes of its name; they take turns, each the first slot of its order that is free. So
 * all get nearly the same number, and few slots change hands when a backend comes or goes. All zeros without backends.
 */
export function maglevTable(backends: readonly MaglevBackend[], size = MAGLEV_TABLE_SIZE, seed = 0): Uint32Array {
  const table = new Uint32Array(size);
  if (backends.length === 0) return table;
  const encoder = new TextEncoder();
  const orders = [...backends]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ id, name }) => {
      const [first, second] = murmur3(encoder.encode(name), seed);
      return { id, next: Number(first % BigInt(size)), skip: Number(second % BigInt(size - 1)) + 1 };
    });
  const taken = new Uint8Array(size);
  for (let filled = 0; ; ) {
    for (const order of orders) {
      while (taken[order.next]) order.next = (order.next + order.skip) % size;
      taken[order.next] = 1;
      table[order.next] = order.id;
      filled += 1;
      if (filled === size) return table;
    }
  }
}
