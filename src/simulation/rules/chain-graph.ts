import { isGoto, isOwnChain, nextChain, rulesOf, type KnownChain, type RuleTable } from '../../datapaths/iptables/index.ts';
import type { ChainEdge, ChainGraph, ChainNode } from './api.ts';

/**
 * The chains of a table and what leads from one to another, families in the place of their members. `known` is asked only
 * where a chain that may be a Service's is drawn as itself.
 */
export function chainGraph(table: RuleTable, known: () => ReadonlyMap<string, KnownChain>, families: ReadonlyMap<string, string>): ChainGraph {
  const nodes: { -readonly [Key in keyof ChainNode]: ChainNode[Key] }[] = [];
  const byFamily = new Map<string, number>();
  const nodeOf = new Map<number, number>();
  // Families stand behind the chains, longer names first. Names do not tell whose a chain is: families may begin alike.
  const inFamilies: { readonly id: number; readonly family: string }[] = [];
  for (const { id, name } of table.chains()) {
    const family = families.get(name);
    if (family !== undefined) {
      inFamilies.push({ id, family });
      continue;
    }
    const stands = isOwnChain(name) ? known().get(name) : undefined;
    nodeOf.set(id, nodes.length);
    nodes.push({ name, chains: 1, rules: table.length[id] ?? 0, policy: table.policies.get(id) ?? null, service: stands?.service ?? null, endpoint: stands?.endpoint ?? null });
  }
  for (const family of [...new Set(families.values())].sort((a, b) => b.length - a.length)) {
    byFamily.set(family, nodes.length);
    nodes.push({ name: family, chains: 0, rules: 0, policy: null, service: null, endpoint: null });
  }
  for (const { id, family } of inFamilies) {
    const index = byFamily.get(family) ?? 0;
    nodeOf.set(id, index);
    const node = nodes[index];
    if (!node) continue;
    node.chains += 1;
    node.rules += table.length[id] ?? 0;
  }
  const edges = new Map<number, { -readonly [Key in keyof ChainEdge]: ChainEdge[Key] }>();
  for (const { id } of table.chains()) {
    const from = nodeOf.get(id) ?? 0;
    const [first, end] = rulesOf(table, id);
    for (let rule = first; rule < end; rule++) {
      const next = nextChain(table, rule);
      const to = next < 0 ? from : (nodeOf.get(next) ?? from);
      if (to === from) continue;
      const key = from * nodes.length + to;
      const edge = edges.get(key) ?? { from, to, rules: 0, goes: false };
      edge.rules += 1;
      edge.goes ||= isGoto(table, rule);
      edges.set(key, edge);
    }
  }
  return { table: table.name, nodes, edges: [...edges.values()] };
}
