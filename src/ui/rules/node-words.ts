import { m } from '../../i18n/paraglide/messages.js';
import type { ChainNode } from '../../simulation/rules/api.ts';

/** What a node counts: its rules, its members where it is a family, its policy where it is built in. */
export function nodeCounts({ chains, rules, policy }: ChainNode, number: Intl.NumberFormat): string {
  const count = ruleCount(rules, number);
  if (chains > 1) return m.rules_family({ chains: number.format(chains), rules: count });
  return policy === null ? count : m.rules_policy({ rules: count, policy });
}

export function ruleCount(rules: number, number: Intl.NumberFormat): string {
  return rules === 1 ? m.rules_one_rule() : m.rules_count({ count: number.format(rules) });
}
