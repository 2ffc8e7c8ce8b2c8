import type { Timed, Timeline } from '../../cost/model.ts';
import type { UpdateReport, UpdateStage } from '../../datapaths/report.ts';
import type { Counter } from '../../datapaths/work.ts';

/** A span of the clock, in ns. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** How much of a stage has passed at `t`: 0 to 1. A stage without a cost of its own is passed as soon as it is reached. */
export function passed({ start, duration }: Pick<Timed<unknown>, 'start' | 'duration'>, t: number): number {
  if (t < start) return 0;
  return duration <= 0 ? 1 : Math.min(1, (t - start) / duration);
}

/** What the update has counted by `t`: each stage's work, as far as the clock has come in it. */
export function countedBy(timeline: Timeline<UpdateStage>, counter: Counter, t: number): number {
  return Math.floor(timeline.stages.reduce((sum, timed) => sum + (timed.stage.work[counter] ?? 0) * passed(timed, t), 0) + 1e-9);
}

/**
 * When the kernel takes the rules in: the stage that replaces them, or, where the profile has no price of its own for it,
 * everything that iptables-restore does (the cost is then part of one of those figures).
 */
export function rulesSpan(timeline: Timeline<UpdateStage>): Span {
  const stages = timeline.stages.filter(({ stage }) => (stage.work.rulesReplaced ?? 0) > 0);
  const own = spanOf(stages);
  if (own && own.end > own.start) return own;
  return spanOf(timeline.stages.filter(({ stage }) => stage.kind !== 'render')) ?? { start: 0, end: 0 };
}

function spanOf(stages: readonly Timed<UpdateStage>[]): Span | null {
  const first = stages[0];
  const last = stages.at(-1);
  return first && last ? { start: first.start, end: last.start + last.duration } : null;
}

/** Rules that the kernel takes: under legacy all of the tables, under nft those of the payload. */
export function rulesTaken(report: UpdateReport): number {
  const whole = report.stages.some(({ kind }) => kind === 'replace');
  return whole ? (report.rules?.rulesAfter ?? 0) : (report.work.rulesReplaced ?? 0);
}

/** Of `total` rules, those taken by `t`. */
export function rulesBy(timeline: Timeline<UpdateStage>, total: number, t: number): number {
  const { start, end } = rulesSpan(timeline);
  // An entry at the clock is whole: rounding errors of a sum must not lose the last one.
  return Math.floor(total * passed({ start, duration: end - start } as Pick<Timed<unknown>, 'start' | 'duration'>, t) + 1e-6);
}

/** When the n-th map write (from 0) is done: the writes share their stage's time alike, being priced by the write. */
export function writeEnds(timeline: Timeline<UpdateStage>, writes: number, index: number): number {
  const stage = timeline.stages.find((timed) => timed.stage.kind === 'write');
  if (!stage || writes === 0) return 0;
  return stage.start + (stage.duration * (index + 1)) / writes;
}
