import type { Reading } from '../../simulation/api.ts';

/** Services that can be opened, of all that the text names; those left out are counted by their error's object. */
export function countServices(reading: Reading): { good: number; total: number } {
  const kept = new Set(reading.services.map(({ name }) => name));
  const left = new Set<string>();
  for (const { severity, object } of reading.faults) {
    if (severity !== 'error' || !object?.startsWith('Service ')) continue;
    const name = object.slice('Service '.length);
    if (!kept.has(name)) left.add(name);
  }
  return { good: kept.size, total: kept.size + left.size };
}
