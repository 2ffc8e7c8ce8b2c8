import type { Timeline } from '../../cost/model.ts';
import type { UpdateStage } from '../../datapaths/report.ts';

/** A stop on the chain's path: what happens from there to the next one. */
export interface Station {
  readonly id: 'render' | 'restore' | 'restore-nft' | 'check' | 'replace' | 'commit';
  readonly start: number;
  readonly end: number;
}

const STATION_OF: Readonly<Record<UpdateStage['kind'], Station['id'] | null>> = {
  render: 'render',
  parse: 'restore',
  fetch: 'restore',
  rebuild: 'restore',
  check: 'check',
  replace: 'replace',
  commit: 'commit',
  write: null,
};

/** The stages of a chain's update gathered into the few stops that a person follows, in order. */
export function stations(timeline: Timeline<UpdateStage>): readonly Station[] {
  const nft = timeline.stages.some(({ stage }) => stage.kind === 'commit');
  const found: { id: Station['id']; start: number; end: number }[] = [];
  for (const { stage, start, duration } of timeline.stages) {
    const plain = STATION_OF[stage.kind];
    if (plain === null) continue;
    const id = plain === 'restore' && nft ? 'restore-nft' : plain;
    const last = found.at(-1);
    if (last?.id === id) last.end = start + duration;
    else found.push({ id, start, end: start + duration });
  }
  return found;
}

/** `passed`, `here` or `to-come`, for each stop at `t`. */
export function stationStates(stops: readonly Station[], t: number): readonly ('passed' | 'here' | 'to-come')[] {
  return stops.map(({ start, end }) => (t >= end ? 'passed' : t >= start ? 'here' : 'to-come'));
}
