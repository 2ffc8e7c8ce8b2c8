import type { Stage, StageKind } from '../../datapaths/stage.ts';
import type { Walk } from '../../simulation/rules/api.ts';

/** A place on a packet's way. */
export interface PathStop {
  readonly kind: StageKind;
  readonly hook: string;
  /** '' beside chains. */
  readonly table: string;
  /** A chain's name, or the stage's. */
  readonly name: string;
  /** The name of the graph's node that the chain stands in; '' beside chains. */
  readonly node: string;
  /** Half-open range in `Walk.rules`. */
  readonly first: number;
  readonly end: number;
  /** The rule that sent the packet on from here, from 0 in its chain; null: none matched. */
  readonly matched: number | null;
  readonly stage: Stage;
}

/** The stages of a walk as stops, in order; a chain that is left and come back to stands twice. */
export function pathOf({ lane, rules, nodes }: Walk): readonly PathStop[] {
  return lane.report.stages.map((stage, index) => {
    const { kind, hook, part, name, firstStep, endStep } = stage;
    const last = endStep > firstStep ? rules[endStep - 1] : undefined;
    return { kind, hook, table: kind === 'chain' ? part : '', name, node: nodes[index] ?? '', first: firstStep, end: endStep, matched: last?.matched ? last.index : null, stage };
  });
}

/** The stop that the walked rule belongs to; −1: none. */
export function stopAt(path: readonly PathStop[], step: number): number {
  return path.findIndex(({ first, end }) => step >= first && step < end);
}

/** How many rules of the walk matched. */
export function matchedCount({ rules }: Walk): number {
  return rules.reduce((sum, { matched }) => sum + (matched ? 1 : 0), 0);
}

/** What a rule answered when it was last evaluated, up to a step: for the rules of one chain. */
export function answersIn({ rules }: Walk, table: string, chain: string, upto: number): ReadonlyMap<number, boolean> {
  const found = new Map<number, boolean>();
  for (let step = 0; step < Math.min(upto, rules.length); step++) {
    const rule = rules[step];
    if (rule?.chain === chain && rule.table === table) found.set(rule.index, rule.matched || found.get(rule.index) === true);
  }
  return found;
}
