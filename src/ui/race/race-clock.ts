import type { Race } from '../../simulation/api.ts';
import { laneParts } from './lane-parts.ts';

/** Both lanes run until the slower one has ended, ns. */
export function raceEnd({ lanes }: Race): number {
  return Math.max(lanes.iptables.timeline.total, lanes.ebpf.timeline.total);
}

/** How much slower the clock runs while lane B is in its own part: the program would flash by otherwise. */
export const SLOWER = 10;
/** The part of lane B's own time over which the clock eases from one pace to the other, before it and after it. */
const EASE = 0.35;

/** A stretch of simulated time that the clock dwells on, ns. */
export interface Dwell {
  readonly start: number;
  readonly end: number;
}

/** Lane B's own part. */
export function dwellOf({ lanes }: Race): Dwell {
  const { own } = laneParts(lanes.ebpf.timeline);
  return { start: own.start, end: own.end };
}

/** By how much the clock is slowed at `tNs`: `SLOWER` within the dwell, 1 far from it, eased between. */
export function slowness({ start, end }: Dwell, tNs: number): number {
  const ease = (end - start) * EASE;
  if (ease <= 0) return 1;
  const away = tNs < start ? (start - tNs) / ease : tNs > end ? (tNs - end) / ease : 0;
  return away >= 1 ? 1 : SLOWER ** (1 - away * away * (3 - 2 * away));
}

/** Real seconds that a whole run takes at `pace` real seconds a simulated µs. */
export function runSeconds(end: number, dwell: Dwell, pace: number): number {
  const PARTS = 400;
  let sum = 0;
  for (let part = 0; part < PARTS; part++) sum += slowness(dwell, ((part + 0.5) / PARTS) * end);
  return (sum / PARTS) * (end / 1000) * pace;
}

/** Paces that read well, real seconds a simulated unit. */
const STEPS = [1, 2, 2.5, 4, 5] as const;
const LONGEST = 12;

/** The slowest pace of `STEPS` at which a run of `seconds(pace)` takes at most 12 s: between 8 and 12 s. */
export function defaultPace(seconds: (pace: number) => number): number {
  const atOne = seconds(1);
  if (!(atOne > 0)) return 1;
  const most = LONGEST / atOne;
  const power = 10 ** Math.floor(Math.log10(most));
  const step = STEPS.findLast((one) => one * power <= most * (1 + 1e-9)) ?? 1;
  return step * power;
}

/** The paces that a person can choose: four times faster to four times slower than the default. */
export function paces(normal: number): readonly number[] {
  return [normal / 4, normal / 2, normal, normal * 2, normal * 4];
}
