/** One row of the rule lens; rules count from 0. */
export type LensRow =
  | { readonly kind: 'passed' | 'current' | 'next' | 'match'; readonly rule: number }
  /** Rules that are not shown here. */
  | { readonly kind: 'gap'; readonly count: number };

/**
 * The rules around the one being compared: `passed` rows before it, it, the next one, a gap, and the rule that will match.
 * Near the match the rows run through to it; once there, the rows before it take the gap's place, so that the lens keeps
 * its height: always `passed + 4` rows where the chain has as many. `match` null: no rule of the chain will match.
 */
export function lensRows(current: number, match: number | null, total: number, passed: number): readonly LensRow[] {
  const height = passed + 4;
  const kindOf = (rule: number): LensRow => ({ kind: rule === current ? 'current' : rule < current ? 'passed' : rule === match ? 'match' : 'next', rule });
  const run = (from: number, count: number) => Array.from({ length: Math.max(0, count) }, (_, index) => kindOf(from + index));
  const distance = match === null ? Infinity : match - current;
  // The match is close: one run of rules holds it all.
  if (match === null || distance <= 2) {
    const after = match !== null && distance >= 0 ? Math.max(match, current + 1) : current + 1;
    const last = Math.min(total - 1, after);
    const from = Math.max(0, last - height + 1);
    return run(from, Math.min(height, total - from));
  }
  const from = Math.max(0, current - passed);
  const shown = height - 2;
  const gap = match - (from + shown);
  // A gap of one rule takes a row as well as the rule itself.
  if (gap <= 1) return run(from, Math.min(height, match - from + 1));
  return [...run(from, shown), { kind: 'gap', count: gap }, { kind: 'match', rule: match }];
}
