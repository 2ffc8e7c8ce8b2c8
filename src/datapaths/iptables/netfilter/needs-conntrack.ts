import type { RuleArena } from './rule-arena.ts';
import { MATCH, MATCH_STRIDE, STRIDE, TARGET } from './rule-layout.ts';

/** Whether a rule needs conntrack: NAT, connection state or marks. */
export function needsConntrack({ rules, matches, objects }: RuleArena, rule: number): boolean {
  const at = rule * STRIDE;
  const kind = rules[at + 10];
  if (kind === TARGET.nat || kind === TARGET.connmark || kind === TARGET.notrack || kind === TARGET.zone) return true;
  const first = rules[at + 8] ?? 0;
  for (let i = 0; i < (rules[at + 9] ?? 0); i++) {
    const match = (matches[(first + i) * MATCH_STRIDE] ?? 0) & 255;
    if (match === MATCH.conntrack || match === MATCH.connmark) return true;
    if (match === MATCH.object) {
      const object = objects[matches[(first + i) * MATCH_STRIDE + 1] ?? 0];
      if (object?.kind === 'conntrack-fields' || object?.kind === 'connlimit') return true;
    }
  }
  return false;
}
