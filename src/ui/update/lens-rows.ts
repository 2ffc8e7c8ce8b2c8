import type { RulesChange } from '../../datapaths/report.ts';
import type { SimulationApi } from '../../simulation/api.ts';
import { windows, type ChainLayout } from './chain-layout.ts';

export interface LensRow {
  /** Among all the rules that the kernel takes, from 0. */
  readonly ordinal: number;
  readonly chain: string;
  readonly text: string;
  /** The same without its comment, which says again what its chain’s name says. */
  readonly bare: string;
  /** Whether the update added it; else it is handed over unchanged. */
  readonly added: boolean;
}

/** The rules from `from` to before `to`, as they stand in the chain lane's tables now. */
export async function lensRows(inspect: SimulationApi['inspect'], layout: ChainLayout, change: RulesChange, from: number, to: number): Promise<readonly LensRow[]> {
  const added = new Set(change.rulesAdded.map(({ table, chain, index }) => `${table} ${chain} ${index}`));
  const parts = await Promise.all(
    windows(layout, Math.max(0, from), Math.min(layout.rules, to)).map(async ({ table, chain, from: start, count, first }) => {
      const snapshot = await inspect('iptables', { kind: 'rules', table, chain, from: start, count });
      if (snapshot.kind !== 'rules') return [];
      return snapshot.rows.map(({ index, text, bare }) => ({ ordinal: first + index - start, chain, text, bare, added: added.has(`${table} ${chain} ${index}`) }));
    }),
  );
  return parts.flat();
}
