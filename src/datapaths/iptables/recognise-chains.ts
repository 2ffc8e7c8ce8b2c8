import type { RuleTable } from './netfilter/rule-table.ts';
import { commentOf, dnatOf, nextChain, rulesOf } from './rule-facts.ts';

/** What a chain of kube-proxy's stands for. */
export interface KnownChain {
  /** `namespace/name:port`, as kube-proxy wrote it into the comments. */
  readonly service: string;
  /** `ip:port` of a KUBE-SEP chain; null for the others. */
  readonly endpoint: string | null;
}

/** Chains that kube-proxy makes for one Service port or endpoint; KUBE-XLB until 1.23. */
const OWN_CHAIN = /^KUBE-(SVC|SVL|SEP|FW|EXT|XLB)-/;
const NAME = '[a-z0-9.-]+/[a-z0-9.-]+(?::[a-z0-9.-]+)?';
/** What kube-proxy says in a comment beside the Service port's name, in all of its versions with such chains. */
const COMMENT = new RegExp(`^(?:(?:masquerade |pod |route )?(?:LOCAL )?traffic for )?(${NAME})(?: (?:cluster IP|external IP|loadbalancer IP|external destinations|has no .*|health check node port|->.*))?$`);

/** Whether kube-proxy makes chains of such a name for one Service port or endpoint each. */
export function isOwnChain(chain: string): boolean {
  return OWN_CHAIN.test(chain);
}

/** The Service port that a comment of kube-proxy's names; null: it names none. */
export function serviceInComment(comment: string): string | null {
  return COMMENT.exec(comment)?.[1] ?? null;
}

/**
 * Gives kube-proxy's chains in a table their Services' names back: from the comments in them and in the rules that lead
 * to them, and, where a large cluster's rules have none, from the chains that lead to them.
 */
export function recogniseChains(table: RuleTable): Map<string, KnownChain> {
  const services = new Map<number, string>();
  const waiting: number[] = [];
  const note = (chain: number, service: string) => {
    if (services.has(chain)) return;
    services.set(chain, service);
    waiting.push(chain);
  };
  const own: boolean[] = [];
  for (const { id, name } of table.chains()) own[id] = isOwnChain(name);
  for (const { id, name } of table.chains()) {
    if (!name.startsWith('KUBE-')) continue;
    const isOwn = own[id] === true;
    const [first, end] = rulesOf(table, id);
    for (let rule = first; rule < end; rule++) {
      const next = nextChain(table, rule);
      const leads = own[next] === true && !services.has(next);
      if (!leads && (!isOwn || services.has(id))) continue;
      const service = serviceInComment(commentOf(table, rule));
      if (service === null) continue;
      if (leads) note(next, service);
      if (isOwn) note(id, service);
    }
  }
  for (let chain = waiting.pop(); chain !== undefined; chain = waiting.pop()) {
    const service = services.get(chain) ?? '';
    const [first, end] = rulesOf(table, chain);
    for (let rule = first; rule < end; rule++) {
      const next = nextChain(table, rule);
      if (own[next] === true) note(next, service);
    }
  }
  const known = new Map<string, KnownChain>();
  for (const [chain, service] of services) {
    const name = table.chainName(chain);
    known.set(name, { service, endpoint: name.startsWith('KUBE-SEP-') ? endpointOf(table, chain) : null });
  }
  return known;
}

/** `ip:port` of a KUBE-SEP chain: where its DNAT leads; null: nowhere. */
export function endpointOf(table: RuleTable, chain: number): string | null {
  const [first, end] = rulesOf(table, chain);
  for (let rule = first; rule < end; rule++) {
    const found = dnatOf(table, rule);
    if (found) return `${found.address}:${found.port}`;
  }
  return null;
}
