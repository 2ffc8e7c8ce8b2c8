import type { TableName } from './netfilter/hook.ts';
import type { RuleTable } from './netfilter/rule-table.ts';

interface Kept {
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
  readonly policyPackets: ReadonlyMap<number, number>;
  readonly policyBytes: ReadonlyMap<number, number>;
}

/** Counters of tables as they were, so that packets can be sent from there again. */
export class CountersKept {
  readonly #tables: ReadonlyMap<TableName, RuleTable>;
  /** null: all of them were zero. */
  readonly #kept: ReadonlyMap<TableName, Kept> | null;

  /** `counted`: the tables have counters already; else `restore` makes them zero. */
  constructor(tables: ReadonlyMap<TableName, RuleTable>, counted: boolean) {
    this.#tables = tables;
    this.#kept = counted ? new Map([...tables].map(([name, table]) => [name, keep(table)] as const)) : null;
  }

  restore(): void {
    for (const [name, table] of this.#tables) {
      const kept = this.#kept?.get(name);
      if (kept) {
        table.packets.set(kept.packets);
        table.bytes.set(kept.bytes);
      } else {
        table.packets.fill(0);
        table.bytes.fill(0);
      }
      for (const id of table.policies.keys()) {
        table.policyPackets.set(id, kept?.policyPackets.get(id) ?? 0);
        table.policyBytes.set(id, kept?.policyBytes.get(id) ?? 0);
      }
    }
  }
}

function keep(table: RuleTable): Kept {
  const { count } = table.arena;
  return { packets: table.packets.slice(0, count), bytes: table.bytes.slice(0, count), policyPackets: new Map(table.policyPackets), policyBytes: new Map(table.policyBytes) };
}
