import type { Timed } from '../../cost/model.ts';
import type { Stage } from '../../datapaths/stage.ts';
import type { Lane } from '../../simulation/api.ts';

/** The clock is set to a step's very start: what rounding takes from it is less than this part of a step. */
const ROUNDING = 1e-6;

/** A stage's time is divided evenly among its steps: they are alike, and only their sum is priced. */
export function stepStart({ stage, start, duration }: Timed<Stage>, step: number): number {
  const steps = stage.endStep - stage.firstStep;
  return steps > 0 ? start + (duration * (step - stage.firstStep)) / steps : start;
}

/** The last rule or instruction that was begun by `tNs`, as an index into the lane's trace; null before the first. */
export function lastStep({ timeline }: Pick<Lane, 'timeline'>, tNs: number): number | null {
  let last: number | null = null;
  for (const { stage, start, duration } of timeline.stages) {
    const steps = stage.endStep - stage.firstStep;
    if (steps === 0) continue;
    const each = duration / steps;
    if (tNs < start - each * ROUNDING) break;
    const begun = duration > 0 ? Math.floor((tNs - start) / each + ROUNDING) : steps - 1;
    last = stage.firstStep + Math.min(steps - 1, Math.max(0, begun));
  }
  return last;
}

/** Where the clock goes for one step (a rule or an instruction of either lane) or one stage, forwards (1) or back (−1). */
export function stepTime(lanes: readonly Pick<Lane, 'timeline'>[], tNs: number, size: 'step' | 'stage', direction: 1 | -1): number {
  const total = Math.max(0, ...lanes.map(({ timeline }) => timeline.total));
  const least = total * 1e-9;
  let best = direction > 0 ? total : 0;
  const offer = (time: number) => {
    if (direction > 0 ? time > tNs + least && time < best : time < tNs - least && time > best) best = time;
  };
  for (const { timeline } of lanes) {
    offer(timeline.total);
    for (const timed of timeline.stages) {
      const { stage, start, duration } = timed;
      offer(start);
      const steps = stage.endStep - stage.firstStep;
      if (size === 'stage' || steps < 2 || duration <= 0) continue;
      const at = ((tNs - start) / duration) * steps;
      const step = direction > 0 ? Math.floor(at + ROUNDING) + 1 : Math.ceil(at - ROUNDING) - 1;
      if (step > 0 && step < steps) offer(stepStart(timed, stage.firstStep + step));
    }
  }
  return best;
}
