import type { RulesChange } from '../report.ts';
import { isServiceChain, type SyncPayload } from './kube-proxy/index.ts';
import type { TableName } from './netfilter/hook.ts';
import type { Netfilter } from './netfilter/netfilter.ts';
import type { RuleTable } from './netfilter/rule-table.ts';

/** New rules that are named one by one. */
const RULES_SHOWN = 100;
/** Chains that were handed over and are named. */
const CHAINS_SHOWN = 1000;

type Payload = Pick<SyncPayload, 'eachChain'>;

interface Before {
  readonly rules: number;
  readonly chains: ReadonlyMap<TableName, ReadonlySet<string>>;
  /** By table and chain, the texts of the chains that the payload declares: only those can change. */
  readonly texts: ReadonlyMap<TableName, ReadonlyMap<string, ReadonlyMap<string, number>>>;
}

function countTexts(table: RuleTable, chain: string): Map<string, number> {
  const counts = new Map<string, number>();
  const id = table.chainId(chain);
  if (id === undefined) return counts;
  const start = table.start[id] ?? 0;
  for (let rule = start; rule < start + (table.length[id] ?? 0); rule++) {
    const text = table.ruleText(rule);
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return counts;
}

/** Notes the tables as they are before a payload, so that `changeSince` can say what it did. */
export function noteBefore(netfilter: Netfilter, payload: Payload): Before {
  const texts = new Map<TableName, Map<string, ReadonlyMap<string, number>>>([...netfilter.tables.keys()].map((name) => [name, new Map()]));
  const stand = [...netfilter.tables.values()].some((table) => [...table.chains()].some(({ name }) => isServiceChain(name)));
  payload.eachChain((name, chain) => {
    // At the first sync no Service's chain stands: of a large cluster there are 150,000.
    if (!stand && isServiceChain(chain)) return false;
    const table = netfilter.tables.get(name);
    if (table?.chainId(chain) !== undefined) texts.get(name)?.set(chain, countTexts(table, chain));
    return true;
  });
  const chains = new Map<TableName, ReadonlySet<string>>();
  for (const [name, table] of netfilter.tables) chains.set(name, new Set([...table.chains()].map((chain) => chain.name)));
  return { rules: countRules(netfilter), chains, texts };
}

export function countRules(netfilter: Netfilter): number {
  let rules = 0;
  for (const table of netfilter.tables.values()) rules += table.ruleCount;
  return rules;
}

export function changeSince(before: Before, netfilter: Netfilter, payload: Payload): RulesChange {
  const rulesAdded: RulesChange['rulesAdded'][number][] = [];
  const chainsWritten: string[] = [];
  let unchangedHandedOver = 0;
  let added = 0;
  /** Chains that stood before and were handed over: only in them may rules be the same. */
  let left = 0;
  for (const stood of before.texts.values()) left += stood.size;
  /** By table, chains that did not stand before and whose rules are counted. */
  const counted = new Map<RuleTable, Set<number>>([...netfilter.tables.values()].map((table) => [table, new Set()]));
  payload.eachChain((name, chain) => {
    // Of new chains a few are named; the others are counted below.
    if (left === 0 && chainsWritten.length >= CHAINS_SHOWN && rulesAdded.length >= RULES_SHOWN) return false;
    const table = netfilter.tables.get(name);
    const id = table?.chainId(chain);
    if (!table || id === undefined) return true;
    if (chainsWritten.length < CHAINS_SHOWN) chainsWritten.push(`${name} ${chain}`);
    const stood = before.texts.get(name)?.get(chain);
    if (stood) left -= 1;
    else if (rulesAdded.length >= RULES_SHOWN) return true;
    else counted.get(table)?.add(id);
    const start = table.start[id] ?? 0;
    const old = new Map(stood ?? []);
    for (let index = 0; index < (table.length[id] ?? 0); index++) {
      const text = old.size > 0 || rulesAdded.length < RULES_SHOWN ? table.ruleText(start + index) : '';
      const same = old.get(text) ?? 0;
      if (same > 0) {
        old.set(text, same - 1);
        unchangedHandedOver += 1;
      } else {
        added += 1;
        if (rulesAdded.length < RULES_SHOWN) rulesAdded.push({ table: name, chain, index, text });
      }
    }
    return true;
  });
  const chainsAdded: string[] = [];
  const chainsRemoved: string[] = [];
  for (const [name, table] of netfilter.tables) {
    const old = before.chains.get(name) ?? new Set();
    const known = counted.get(table);
    for (const { id, name: chain } of table.chains()) {
      if (old.has(chain)) continue;
      if (!table.policies.has(id)) chainsAdded.push(chain);
      if (!known?.has(id)) added += table.length[id] ?? 0;
    }
    for (const chain of old) if (table.chainId(chain) === undefined) chainsRemoved.push(chain);
  }
  const rulesAfter = countRules(netfilter);
  return { rulesBefore: before.rules, rulesAfter, chainsAdded, chainsRemoved, rulesAdded, added, removed: before.rules + added - rulesAfter, chainsWritten, unchangedHandedOver };
}
