import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { PresetName } from '../../kubernetes/presets.ts';
import { CommandError } from '../command.ts';

/** What a page's first picture of a cluster takes: both lanes opened, the first packet raced, the first rules read. */
export interface FirstPicture {
  readonly rules: number;
  /** Map entries. */
  readonly entries: number;
  readonly ms: number;
  readonly openMs: number;
  readonly raceMs: number;
  readonly windowMs: number;
  /** Memory of the whole process at its most, MB. */
  readonly peakMB: number;
}

/** Measures it in a process of its own: nothing is warm there, and no other memory counts. */
export function firstPicture(size: PresetName): FirstPicture {
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [...process.execArgv, fileURLToPath(new URL('./first-picture-probe.ts', import.meta.url)), size], { encoding: 'utf8' });
  if (status !== 0) throw new CommandError(`The first picture was not made: ${error?.message ?? stderr.trim()}`);
  return JSON.parse(stdout) as FirstPicture;
}
