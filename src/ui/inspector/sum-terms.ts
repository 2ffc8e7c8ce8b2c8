import type { Timeline } from '../../cost/model.ts';
import type { Figure } from '../../cost/profile.ts';
import type { UpdateStage } from '../../datapaths/report.ts';
import type { StageKind } from '../../datapaths/stage.ts';
import type { Counter } from '../../datapaths/work.ts';

/** All that a lane paid for one thing: `count` × the figure's price. */
export interface SummedTerm {
  readonly key: string;
  /** null: a stage's fixed cost. */
  readonly counter: Counter | null;
  /** Kind of the stages that paid it, for a fixed cost. */
  readonly stage: StageKind | UpdateStage['kind'];
  readonly count: number;
  readonly figure: Figure;
  readonly ns: number;
}

/** What a whole time is made of, over all stages, dearest first. The sums add up to the timeline's total. */
export function sumTerms(timeline: Timeline<{ readonly kind: SummedTerm['stage'] }>): readonly SummedTerm[] {
  const found = new Map<string, { key: string; counter: Counter | null; stage: SummedTerm['stage']; count: number; figure: Figure; ns: number }>();
  for (const { stage, terms } of timeline.stages) {
    for (const { counter, count, figure } of terms) {
      const key = counter ?? `stage ${stage.kind}`;
      const own = found.get(key);
      if (own) {
        own.count += count;
        own.ns += count * figure.ns;
      } else found.set(key, { key, counter, stage: stage.kind, count, figure, ns: count * figure.ns });
    }
  }
  return [...found.values()].sort((a, b) => b.ns - a.ns);
}
