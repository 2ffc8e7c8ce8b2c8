import type { MapInfo, MapRow } from '../../datapaths/view.ts';
import type { ProgramAccess, ProgramRun } from '../../simulation/programs/api.ts';

/** What may be done with the entries of a map from here. */
export interface MapRights {
  readonly put: boolean;
  readonly remove: boolean;
  /** Whether it has keys and values that could be listed. */
  readonly list: boolean;
}

const NO_ENTRIES = new Set(['ringbuf', 'perf_event_array', 'user_ringbuf']);
const KEYLESS = new Set(['queue', 'stack', 'bloom_filter']);
const NEVER_EMPTY = new Set(['array', 'percpu_array']);

export function mapRights({ type }: Pick<MapInfo, 'type'>): MapRights {
  const list = !NO_ENTRIES.has(type);
  return { list, put: list && !KEYLESS.has(type), remove: list && !NEVER_EMPTY.has(type) && !KEYLESS.has(type) };
}

/** Bytes of a value as user space gives it: one CPU's (each of a multiple of 8 where there are several). */
export function valueSizes({ valueSize, cpus }: MapInfo): readonly number[] {
  return cpus > 1 ? [valueSize, Math.ceil(valueSize / 8) * 8 * cpus] : [valueSize];
}

/** A value as one a CPU. */
export function perCpu({ valueSize, cpus }: MapInfo, value: Uint8Array): Uint8Array[] {
  if (cpus <= 1) return [value];
  const each = Math.ceil(valueSize / 8) * 8;
  return Array.from({ length: cpus }, (_, cpu) => value.subarray(cpu * each, cpu * each + valueSize));
}

/** Entries that the run wrote after this place: they stand in the map by now, and do not yet at that step. */
export function writtenLater(run: ProgramRun, map: string, place: number): ReadonlySet<string> {
  return new Set(run.accesses.filter((access) => access.map === map && access.operation === 'update' && access.atInstruction > place).map(({ key }) => keyOf(key)));
}

export function keyOf(key: Uint8Array): string {
  return String(key);
}

/** Whether a row is what an access is about. */
export function isRowOf(row: Pick<MapRow, 'key'>, access: ProgramAccess | null, map: string): boolean {
  return access !== null && access.map === map && keyOf(access.key) === keyOf(row.key);
}
