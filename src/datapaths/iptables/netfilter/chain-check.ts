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
 * mark_source_chains (net/ipv4/netfilter/ip_tables.c): follows all jumps. Throws `RuleError` where a chain comes back to
 * itself, or jumps to one that is about to be deleted. Returns which roots (bit n: `roots[n]`) lead to each chain.
 */
export function checkChains(table: ChainsToCheck): Uint8Array {
  const { rules } = table.arena;
  const highest = table.chains.reduce((most, chain) => Math.max(most, chain), 0);
  // 1: being walked, 2: done.
  const state = new Uint8Array(highest + 1);
  /** Chains in the order in which they were done: a chain after all that it jumps to. */
  const order: number[] = [];
  for (const root of table.chains) {
    if (state[root] !== 0 || table.isGone(root)) continue;
    const stack = [{ chain: root, at: 0, run: table.runOf(root) }];
    state[root] = 1;
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      if (top.at >= top.run.length) {
        state[top.chain] = 2;
        order.push(top.chain);
        stack.pop();
        continue;
      }
      const rule = (top.run.start + top.at) * STRIDE;
      top.at += 1;
      const kind = rules[rule + 10];
      if (kind !== TARGET.jump && kind !== TARGET.goto) continue;
      const next = rules[rule + 11] ?? 0;
      if (table.isGone(next)) throw new RuleError('chain_used', { chain: table.nameOf(next), caller: table.nameOf(top.chain) });
      if (state[next] === 1) {
        const names = [...stack.slice(stack.findIndex(({ chain }) => chain === next)).map(({ chain }) => table.nameOf(chain)), table.nameOf(next)];
        throw new RuleError('circle', { chains: names.join(' → ') });
      }
      if (state[next] === 0) {
        state[next] = 1;
        stack.push({ chain: next, at: 0, run: table.runOf(next) });
      }
    }
  }
  const reached = new Uint8Array(highest + 1);
  table.roots.forEach((root, bit) => {
    reached[root] = 1 << bit;
  });
  for (const chain of order.reverse()) {
    const { start, length } = table.runOf(chain);
    for (let at = start * STRIDE; at < (start + length) * STRIDE; at += STRIDE) {
      if (rules[at + 10] === TARGET.jump || rules[at + 10] === TARGET.goto) reached[rules[at + 11] ?? 0]! |= reached[chain] ?? 0;
    }
  }
  return reached;
}
