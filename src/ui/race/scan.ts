import type { Timeline } from '../../cost/model.ts';
import type { Stage } from '../../datapaths/stage.ts';

/** The walk through KUBE-SERVICES of nat: the run of rules that the strip draws. Times in ns. */
export interface Scan {
  /** Index of its stage. */
  readonly stage: number;
  readonly table: string;
  readonly chain: string;
  readonly start: number;
  readonly end: number;
  /** Rules compared, the one that matched among them. */
  readonly evaluated: number;
  /** The trace's first step in it. */
  readonly firstStep: number;
}

const SCANNED = 'KUBE-SERVICES';

/** null: the packet's way did not lead through that chain, as for an established connection. */
export function findScan({ stages }: Timeline<Stage>): Scan | null {
  const stage = stages.findIndex((timed) => timed.stage.kind === 'chain' && timed.stage.name === SCANNED && timed.stage.part === 'nat' && (timed.stage.work.rulesEvaluated ?? 0) > 0);
  const found = stages[stage];
  if (!found) return null;
  return {
    stage,
    table: found.stage.part,
    chain: found.stage.name,
    start: found.start,
    end: found.start + found.duration,
    evaluated: found.stage.work.rulesEvaluated ?? 0,
    firstStep: found.stage.firstStep,
  };
}
