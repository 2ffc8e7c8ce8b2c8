import type { Timed, Timeline } from '../../cost/model.ts';

/** The stage that the clock stands in at `tNs`; null once the last one has ended. */
export function stageAt<S>(timeline: Timeline<S>, tNs: number): Timed<S> | null {
  return timeline.stages.find(({ start, duration }) => tNs < start + duration) ?? null;
}
