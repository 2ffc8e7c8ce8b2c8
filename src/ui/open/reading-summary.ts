import type { Reading } from '../../simulation/api.ts';

export interface ServiceCount {
  readonly good: number;
  readonly total: number;
  /** Names of the Services that are left out, in the text's order, with the line of their first error. */
  readonly left: readonly { readonly name: string; readonly line: number }[];
}

/** Services that can be opened, of all that the text names; those left out are known by their errors' object. */
export function countServices(reading: Reading): ServiceCount {
  const kept = new Set(reading.services.map(({ name }) => name));
  const left = new Map<string, number>();
  for (const { severity, object, line } of reading.faults) {
    if (severity !== 'error' || !object?.startsWith('Service ')) continue;
    const name = object.slice('Service '.length);
    if (!kept.has(name) && !left.has(name)) left.set(name, line);
  }
  return { good: reading.services.length, total: reading.services.length + left.size, left: [...left].map(([name, line]) => ({ name, line })) };
}

/** A row of the list of what was read. */
export interface ReadRow {
  readonly name: string;
  readonly line: number;
  /** null: left out. */
  readonly service: Reading['services'][number] | null;
}

/**
 * At most `most` rows, in the text's order; of a longer list those that are left out come first into the choice, for they
 * are what a person has to look at.
 */
export function readRows(reading: Reading, most: number): readonly ReadRow[] {
  const { left } = countServices(reading);
  const missing: ReadRow[] = left.slice(0, most).map(({ name, line }) => ({ name, line, service: null }));
  const kept: ReadRow[] = reading.services.slice(0, most - missing.length).map((service) => ({ name: service.name, line: service.line, service }));
  return [...missing, ...kept].sort((a, b) => a.line - b.line);
}
