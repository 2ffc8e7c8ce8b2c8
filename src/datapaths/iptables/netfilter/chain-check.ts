import { STRIDE, TARGET } from './rule-layout.ts';
import { RuleError } from './parse/rule-error.ts';
import type { RuleArena } from './rule-arena.ts';

/** A table's chains as they will be after a commit. */
export interface ChainsToCheck {
  readonly arena: RuleArena;
  readonly roots: readonly number[];
  readonly chains: readonly number[];
  runOf(chain: number): { readonly start: number; readonly length: number };
  nameOf(chain: number): string;
  isGone(chain: number): boolean;
}

/**
 * mark_source_chains (net/ipv4/netfilter/ip_tables.c): follows all jumps from the roots; nothing behind a rule that takes
 * every packet is reached. Throws `RuleError` where a chain comes back to itself, or where any jumps to one that is about
 * to be deleted. Returns which roots (bit n: `roots[n]`) lead to each chain.
 */
export function checkChains(table: ChainsToCheck): Uint8Array {
  const { rules } = table.arena;
  const highest = table.chains.reduce((most, chain) => Math.max(most, chain), 0);
  // 1: being walked, 2: done.
  const state = new Uint8Array(highest + 1);
  /** Chains in the order in which they were done: a chain after all that it jumps to. */
  const order: number[] = [];
  // The chains that are being walked, by depth, each with its next rule and its end: a large table has 150,000 chains.
  const stack: number[] = [];
  const next: number[] = [];
  const ends: number[] = [];
  const enter = (chain: number) => {
    const { start, length } = table.runOf(chain);
    state[chain] = 1;
    stack.push(chain);
    next.push(start);
    ends.push(start + length);
  };
  for (const root of table.roots) {
    if (state[root] !== 0) continue;
    enter(root);
    while (stack.length > 0) {
      const top = stack.length - 1;
      const chain = stack[top]!;
      const rule = next[top]!++;
      if (rule >= ends[top]!) {
        state[chain] = 2;
        order.push(chain);
        stack.pop();
        next.pop();
        ends.pop();
        continue;
      }
      const kind = rules[rule * STRIDE + 10];
      if (takesAll(rules, rule * STRIDE)) next[top] = ends[top]!;
      if (kind !== TARGET.jump && kind !== TARGET.goto) continue;
      const target = rules[rule * STRIDE + 11] ?? 0;
      if (table.isGone(target)) throw new RuleError('chain_used', { chain: table.nameOf(target), caller: table.nameOf(chain) });
      if (state[target] === 1) {
        const names = [...stack.slice(stack.indexOf(target)), target].map((one) => table.nameOf(one));
        throw new RuleError('circle', { chains: names.join(' → ') });
      }
      if (state[target] === 0) enter(target);
    }
  }
  for (const chain of table.chains) {
    if (state[chain] !== 0 || table.isGone(chain)) continue;
    const { start, length } = table.runOf(chain);
    for (let at = start * STRIDE; at < (start + length) * STRIDE; at += STRIDE) {
      if (rules[at + 10] !== TARGET.jump && rules[at + 10] !== TARGET.goto) continue;
      const target = rules[at + 11] ?? 0;
      if (table.isGone(target)) throw new RuleError('chain_used', { chain: table.nameOf(target), caller: table.nameOf(chain) });
    }
  }
  const reached = new Uint8Array(highest + 1);
  table.roots.forEach((root, bit) => {
    reached[root] = 1 << bit;
  });
  for (const chain of order.reverse()) {
    const { start, length } = table.runOf(chain);
    for (let at = start * STRIDE; at < (start + length) * STRIDE; at += STRIDE) {
      if (takesAll(rules, at)) break;
      if (rules[at + 10] === TARGET.jump || rules[at + 10] === TARGET.goto) reached[rules[at + 11] ?? 0]! |= reached[chain] ?? 0;
    }
  }
  return reached;
}

/** ACCEPT, DROP or RETURN for every packet. */
function takesAll(rules: Int32Array, at: number): boolean {
  const kind = rules[at + 10];
  if (kind !== TARGET.accept && kind !== TARGET.drop && kind !== TARGET.return) return false;
  return (rules[at]! | rules[at + 2]! | rules[at + 4]! | rules[at + 5]! | rules[at + 6]! | rules[at + 7]! | rules[at + 9]!) === 0;
}
