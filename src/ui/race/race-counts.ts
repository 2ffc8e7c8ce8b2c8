import { lastStep } from './lane-steps.ts';
import type { RaceModel } from './race-model.ts';
import { accessStart } from './held-access.ts';

/** What both lanes have counted by a time. */
export interface RaceCounts {
  /** Index into the chain's trace of the rule begun last; null: none yet. */
  readonly chainStep: number | null;
  readonly rules: number;
  readonly conntrackLookups: number;
  /** Index into the program's trace of the instruction begun last. */
  readonly programStep: number | null;
  readonly instructions: number;
  /** Map accesses begun. */
  readonly accesses: number;
}

export function countsAt({ chain, map }: RaceModel, tNs: number): RaceCounts {
  const chainStep = lastStep(chain.lane, tNs);
  const programStep = lastStep(map.lane, tNs);
  // A millionth of a stage: the clock is set to an access's very start.
  const begun = map.accesses.filter((access) => accessStart(map.lane, access) <= tNs * (1 + 1e-9));
  const conntrackLookups = chain.lane.timeline.stages.reduce((sum, { stage, start }) => (start <= tNs ? sum + (stage.work.conntrackLookups ?? 0) : sum), 0);
  return {
    chainStep,
    rules: chainStep === null ? 0 : chainStep + 1,
    conntrackLookups,
    programStep,
    instructions: programStep === null ? 0 : programStep + 1,
    accesses: begun.length,
  };
}
