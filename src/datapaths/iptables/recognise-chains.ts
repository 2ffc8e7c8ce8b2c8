import type { RuleTable } from './netfilter/rule-table.ts';
import { splitWords } from './netfilter/words.ts';
import { isServiceChain } from './kube-proxy/index.ts';

/** What a chain of kube-proxy's stands for. */
export interface KnownChain {
  /** `namespace/name:port`, as kube-proxy wrote it into the comments. */
  readonly service: string;
  /** `ip:port` of a KUBE-SEP chain; null for the others. */
  readonly endpoint: string | null;
}

/** Comments of rules that lead to a Service's chain, or stand in it. */
const SERVICE = /^(\S+\/\S+) (?:cluster IP|external IP|loadbalancer IP|has no)|^(?:masquerade |pod |route |masquerade LOCAL |route LOCAL )traffic for (\S+\/\S+) external/;
const ENDPOINT = /^(\S+\/\S+) -> (\d+\.\d+\.\d+\.\d+:\d+)$/;
const PLAIN = /^[a-z0-9.-]+\/[a-z0-9.-]+(:[a-z0-9.-]+)?$/;

/** Gives kube-proxy's chains in a table their Services' names back, from the comments and the addresses in the rules. */
export function recogniseChains(table: RuleTable): Map<string, KnownChain> {
  const known = new Map<string, KnownChain>();
  for (const { id, name } of table.chains()) {
    if (!name.startsWith('KUBE-')) continue;
    const start = table.start[id] ?? 0;
    for (let rule = start; rule < start + (table.length[id] ?? 0); rule++) {
      const words = splitWords(table.ruleText(rule)) ?? [];
      const after = (option: string) => words[words.indexOf(option) + 1];
      const comment = words.includes('--comment') ? (after('--comment') ?? '') : '';
      const target = words.includes('-j') ? (after('-j') ?? '') : '';
      const endpoint = ENDPOINT.exec(comment);
      const service = endpoint?.[1] ?? SERVICE.exec(comment)?.slice(1).find((group) => group !== undefined) ?? (PLAIN.test(comment) ? comment : undefined);
      if (service === undefined) continue;
      if (endpoint?.[2] !== undefined && isServiceChain(target)) known.set(target, { service, endpoint: endpoint[2] });
      else if (isServiceChain(target) && !known.has(target)) known.set(target, { service, endpoint: null });
      if (isServiceChain(name) && !known.has(name)) known.set(name, { service, endpoint: words.includes('--to-destination') ? (after('--to-destination') ?? null) : null });
    }
  }
  return known;
}
