import type { RunAccess } from './vm.ts';

const HEADER = 32;
const OPERATIONS = ['lookup', 'update', 'delete'] as const;

/** A map as accesses refer to it, by its index in the collection. */
export interface AccessedMap {
  readonly name: string;
  readonly buckets: number;
}

/** Reads the records that `machine::access::pack` lays one behind the other. */
export function unpackAccesses(bytes: Uint8Array, mapOf: (index: number) => AccessedMap): RunAccess[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const accesses: RunAccess[] = [];
  for (let at = 0; at + HEADER <= bytes.length; ) {
    const keyLength = view.getUint32(at + 24, true);
    const valueLength = view.getUint32(at + 28, true);
    const key = bytes.slice(at + HEADER, at + HEADER + keyLength);
    const value = bytes.slice(at + HEADER + keyLength, at + HEADER + keyLength + valueLength);
    const map = mapOf(view.getUint32(at, true));
    accesses.push({
      map: map.name,
      operation: OPERATIONS[view.getUint8(at + 4)] ?? 'lookup',
      found: view.getUint8(at + 5) === 1,
      bucket: view.getUint32(at + 8, true),
      buckets: map.buckets,
      elementsCompared: view.getUint32(at + 12, true),
      trieNodesWalked: view.getUint32(at + 16, true),
      atInstruction: view.getUint32(at + 20, true),
      key,
      value: view.getUint8(at + 6) === 1 ? value : null,
    });
    at += HEADER + keyLength + valueLength;
  }
  return accesses;
}

/** Reads records of a length (u32, little-endian) and as many bytes each. */
export function unpackRecords(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: Uint8Array[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = view.getUint32(at, true);
    records.push(bytes.slice(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return records;
}
