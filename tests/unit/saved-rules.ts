import type { TableName } from '../../src/datapaths/iptables/index.ts';
import { restore } from '../../src/datapaths/iptables/netfilter/restore.ts';
import type { RuleTable } from '../../src/datapaths/iptables/netfilter/rule-table.ts';

/** What iptables-save prints after texts were given to `iptables-restore --noflush`, one after the other. */
export function savedRules(...texts: readonly string[]): string {
  const tables = new Map<TableName, RuleTable>();
  for (const text of texts) restore(tables, text, { noflush: true });
  const lines: string[] = [];
  for (const [name, table] of tables) {
    const chains = [...table.chains()];
    lines.push(`*${name}`, ...chains.map(({ id, name: chain }) => `:${chain} ${table.policies.get(id) ?? '-'} [0:0]`));
    for (const { id, name: chain } of chains) {
      const start = table.start[id] ?? 0;
      for (let rule = start; rule < start + (table.length[id] ?? 0); rule++) lines.push(`-A ${chain} ${table.ruleText(rule)}`);
    }
    lines.push('COMMIT');
  }
  return `${lines.join('\n')}\n`;
}
