import { stageAt } from '../inspector/stage-at.ts';
import type { RaceModel } from './race-model.ts';

/**
 * The rule that lens A stands at: the one being compared; between chains, and once the packet has arrived, the match in the
 * chain that was walked. null: before the first rule. `step`: the rule begun last, an index into the chain's trace.
 */
export function lensStep({ chain, established }: RaceModel, step: number | null, tNs: number): number | null {
  const stage = stageAt(chain.lane.timeline, tNs)?.stage;
  const comparing = stage?.kind === 'chain' && step !== null && step >= stage.firstStep && step < stage.endStep;
  if (comparing) return step;
  const { scan } = chain;
  // A known connection walks no rules of nat: the walk there is its first packet's.
  if (established || !scan || chain.lane.report.trace?.kind !== 'chain') return step;
  return tNs >= scan.end ? scan.firstStep + scan.evaluated - 1 : null;
}
