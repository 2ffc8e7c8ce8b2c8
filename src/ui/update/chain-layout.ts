import type { RulesChange, UpdateReport } from '../../datapaths/report.ts';
import type { ChainRow } from '../../datapaths/view.ts';

/** The chains that an update hands to the kernel, in the tables' own order, each with the number of its first rule. */
export interface ChainLayout {
  readonly chains: readonly { readonly table: string; readonly chain: string; readonly rules: number; readonly first: number }[];
  readonly rules: number;
}

/**
 * `tables`: all of filter and nat (legacy); `everything`: every chain that a full sync declares; `changed`: those that a
 * partial sync declares.
 */
export type Taken = 'tables' | 'everything' | 'changed';

export function takenBy(report: UpdateReport): Taken {
  if (report.stages.some(({ kind }) => kind === 'replace')) return 'tables';
  return report.kind === 'full' ? 'everything' : 'changed';
}

/**
 * Which rules stand where in what the kernel takes. null: the count does not agree with what was counted, so nothing is
 * claimed about places.
 */
export function chainLayout(rows: readonly ChainRow[], change: RulesChange, counted: number, taken: Taken): ChainLayout | null {
  const written = new Set(change.chainsWritten);
  const chains: ChainLayout['chains'][number][] = [];
  let first = 0;
  for (const { table, chain, rules, policy } of rows) {
    if (table !== 'filter' && table !== 'nat') continue;
    // kube-proxy never declares the built-in chains.
    if (taken !== 'tables' && policy !== null) continue;
    if (taken === 'changed' && !written.has(`${table} ${chain}`)) continue;
    chains.push({ table, chain, rules, first });
    first += rules;
  }
  return first === counted || taken === 'tables' ? { chains, rules: first } : null;
}

/** The number, from 0, that a rule has among all of them; null: its chain is not there. */
export function ordinalOf(layout: ChainLayout, table: string, chain: string, index: number): number | null {
  const found = layout.chains.find((one) => one.chain === chain && one.table === table);
  return found && index < found.rules ? found.first + index : null;
}

/** Windows of chains that together hold the rules from `from` (from 0) to before `to`. */
export function windows(layout: ChainLayout, from: number, to: number): readonly { readonly table: string; readonly chain: string; readonly from: number; readonly count: number; readonly first: number }[] {
  const found: { table: string; chain: string; from: number; count: number; first: number }[] = [];
  let low = 0;
  let high = layout.chains.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const chain = layout.chains[middle];
    if (chain && chain.first + chain.rules <= from) low = middle + 1;
    else high = middle;
  }
  for (let at = low; at < layout.chains.length; at++) {
    const chain = layout.chains[at];
    if (!chain || chain.first >= to) break;
    const start = Math.max(from, chain.first);
    const end = Math.min(to, chain.first + chain.rules);
    if (end > start) found.push({ table: chain.table, chain: chain.chain, from: start - chain.first, count: end - start, first: start });
  }
  return found;
}

/** New rules that stand next to each other, as one place on the field. */
export interface NewRules {
  readonly first: number;
  readonly count: number;
  readonly chains: readonly string[];
}

/** The new rules gathered into places; rules of chains that follow each other are one place. */
export function newRules(layout: ChainLayout, change: RulesChange): readonly NewRules[] {
  const places = change.rulesAdded
    .flatMap(({ table, chain, index }) => {
      const ordinal = ordinalOf(layout, table, chain, index);
      return ordinal === null ? [] : [{ ordinal, chain }];
    })
    .sort((a, b) => a.ordinal - b.ordinal);
  const found: { first: number; count: number; chains: string[] }[] = [];
  for (const { ordinal, chain } of places) {
    const last = found.at(-1);
    if (last && last.first + last.count === ordinal) {
      last.count += 1;
      if (!last.chains.includes(chain)) last.chains.push(chain);
    } else found.push({ first: ordinal, count: 1, chains: [chain] });
  }
  return found;
}
