import type { MapWrite } from '../../datapaths/report.ts';
import type { SimulationApi } from '../../simulation/api.ts';

const WINDOW = 1000;

const nameOf = (key: Uint8Array) => key.join();

/**
 * The bucket that each written key stands in, by the index of its write: the map is read window by window until all are
 * found. Deleted keys stand nowhere. `stopped` ends the search early.
 */
export async function findBuckets(inspect: SimulationApi['inspect'], map: string, writes: readonly MapWrite[], stopped: () => boolean): Promise<ReadonlyMap<number, number>> {
  const found = new Map<number, number>();
  const wanted = new Map<string, number[]>();
  writes.forEach((write, index) => {
    if (write.map !== map || write.operation === 'delete') return;
    const key = nameOf(write.key);
    wanted.set(key, [...(wanted.get(key) ?? []), index]);
  });
  for (let from = 0; wanted.size > 0 && !stopped(); from += WINDOW) {
    const snapshot = await inspect('ebpf', { kind: 'map', name: map, from, count: WINDOW });
    if (snapshot.kind !== 'map') break;
    for (const row of snapshot.rows) {
      const key = nameOf(row.key);
      for (const index of wanted.get(key) ?? []) found.set(index, row.bucket);
      wanted.delete(key);
    }
    if (snapshot.rows.length < WINDOW) break;
  }
  return found;
}
