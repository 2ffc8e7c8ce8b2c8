import type { Raw } from './calibrate.ts';
import { LabError } from './shell.ts';

/** Reads `measured.json`. Throws `LabError` where it is not what the lab wrote. */
export function readRaw(text: string): Raw {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new LabError(`What was measured cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  const keys = ['machine', 'date', 'plan', 'packets', 'prices', 'updates'];
  const missing = typeof value === 'object' && value !== null ? keys.filter((key) => !(key in value)) : keys;
  if (missing.length > 0) throw new LabError(`What was measured lacks ${missing.join(', ')}: measure again, without --from.`);
  return value as Raw;
}
