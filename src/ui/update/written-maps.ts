import type { MapWrite } from '../../datapaths/report.ts';

/** What an update wrote to one map, each write with its index in the order of writing. */
export interface WrittenMap {
  readonly name: string;
  readonly writes: readonly { readonly index: number; readonly write: MapWrite }[];
}

/** The maps in the order in which each was first written to. */
export function writtenMaps(writes: readonly MapWrite[]): readonly WrittenMap[] {
  const found = new Map<string, { index: number; write: MapWrite }[]>();
  writes.forEach((write, index) => {
    const own = found.get(write.map);
    if (own) own.push({ index, write });
    else found.set(write.map, [{ index, write }]);
  });
  return [...found].map(([name, own]) => ({ name, writes: own }));
}
