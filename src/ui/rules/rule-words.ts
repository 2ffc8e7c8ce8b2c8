import type { RuleRow } from '../../datapaths/view.ts';

/** A rule around the chain that it leads to. */
export interface RuleWords {
  /** The rule as it was written, but for its comment, which stands apart; up to the option that leads to a chain. */
  readonly before: string;
  /** `-j ` or what stands in its place; '': it leads to none. */
  readonly option: string;
  /** The chain that the rule leads to; null: it ends in a target of netfilter's. */
  readonly chain: string | null;
  readonly after: string;
}

/** A rule's text around the chain that it leads to, its comment left out. */
export function ruleWords({ bare, chain }: Pick<RuleRow, 'bare' | 'chain'>): RuleWords {
  const jump = chain === null ? undefined : [...bare.matchAll(/(?:^|\s)(?:-j|-g|--jump|--goto)\s+"?/g)].findLast(({ index, 0: option }) => namesAt(bare, index + option.length, chain));
  if (chain === null || !jump) return { before: bare, option: '', chain: null, after: '' };
  const at = jump.index + jump[0].length;
  const option = jump[0].trimStart();
  return { before: bare.slice(0, at - option.length), option, chain, after: bare.slice(at + chain.length) };
}

/** Whether a name stands at a place of a text, and ends there. */
function namesAt(text: string, at: number, name: string): boolean {
  return text.startsWith(name, at) && /^["\s]?$/.test(text.charAt(at + name.length));
}
