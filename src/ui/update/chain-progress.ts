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

/** The part of the clock in which the rules of the table pass one by one, and what is done to them there. */
export interface RulesSpan extends Span {
  readonly kind: UpdateStage['kind'];
}

/**
 * Where the field of rules stands on the clock: at the longest of the stages that go through them one by one. Where the
 * profile prices none of them apart, everything that iptables-restore does (the cost is then part of one of those figures).
 */
export function rulesSpan(timeline: Timeline<UpdateStage>): RulesSpan {
  const whole = timeline.stages.some(({ stage }) => stage.kind === 'replace');
  // Under nft the text holds the very rules that the kernel takes; under legacy it holds a part of the table's.
  const byRule = timeline.stages.filter(({ stage: { kind, work } }) => (work.rulesRebuilt ?? 0) > 0 || (work.rulesReplaced ?? 0) > 0 || (kind === 'parse' && !whole));
  const longest = byRule.reduce<Timed<UpdateStage> | null>((best, timed) => (best && best.duration >= timed.duration ? best : timed), null);
  if (longest && longest.duration > 0) return { start: longest.start, end: longest.start + longest.duration, kind: longest.stage.kind };
  const rest = timeline.stages.filter(({ stage }) => stage.kind !== 'render');
  const last = rest.at(-1);
  return { start: rest[0]?.start ?? 0, end: last ? last.start + last.duration : 0, kind: longest?.stage.kind ?? 'commit' };
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
