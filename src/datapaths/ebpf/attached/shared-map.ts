import type { Collection } from '../vm.ts';

const ROWS = 4096;

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** All entries, bucket by bucket as they stand. */
export function entriesOf(collection: Collection, map: string): Entry[] {
  const { entries: count } = collection.info(map);
  const all: Entry[] = [];
  for (let from = 0; from < count; from += ROWS) all.push(...collection.entries(map, from, ROWS));
  return all;
}

/** Puts those entries in the place of what a map holds, each bucket in the same order: a hash map's newest stands first. */
export function fillMap(collection: Collection, map: string, entries: readonly Entry[]): void {
  collection.clear(map);
  for (const { key, value } of entries.toReversed()) collection.update(map, key, value);
}

/** Copies a map of maps: every inner one anew, with its entries. */
export function copyOuter(from: Collection, to: Collection, outer: string): void {
  to.clear(outer);
  for (const { key, value } of entriesOf(from, outer).toReversed()) {
    const inner = to.createInner(outer, key);
    fillMap(to, inner, entriesOf(from, innerName(outer, value)));
  }
}

/** The VM numbers its maps; an outer map's element is that number, counted from 1. */
function innerName(outer: string, element: Uint8Array): string {
  return `${outer}/${new DataView(element.buffer, element.byteOffset).getUint32(0, true) - 1}`;
}

export function sameBytes(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
