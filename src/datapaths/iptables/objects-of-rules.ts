import type { ClusterObject } from '../../kubernetes/change.ts';
import { inPrefix, parseIpv4, parsePrefix, type Ipv4Prefix } from '../../packet/address.ts';
import type { TableName } from './netfilter/hook.ts';
import type { RuleTable } from './netfilter/rule-table.ts';
import { serviceInComment } from './recognise-chains.ts';
import { addressOf, commentOf, destinationOf, dnatOf, isReturn, nextChain, portOf, recentSeconds, ruleProtocol, rulesOf, sourceOf } from './rule-facts.ts';
import { namespacedName, objectsOfDrafts, portName, type Draft, type Endpoint } from './rules-drafts.ts';

/** A Service port as kube-proxy's rules show it. */
export interface RulesPort {
  /** `namespace/name:port/protocol`, the protocol as iptables writes it. */
  readonly id: string;
  /** `namespace/name:port`; without `:port` where the port has no name. */
  readonly name: string;
  readonly namespacedName: string;
  readonly portName: string;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  /** '' where no rule shows it. */
  readonly clusterIP: string;
  readonly port: number;
  /** Those that its cluster IP leads to. */
  readonly endpoints: number;
}

/** What kube-proxy's rules tell of the cluster that they were made for. */
export interface RulesObjects {
  /** Services and their EndpointSlices in kubectl's shape, in the order of KUBE-SERVICES. */
  readonly objects: readonly ClusterObject[];
  readonly ports: readonly RulesPort[];
  /** For each rule of nat KUBE-SERVICES the Service port that it leads to, '' for none; the jump to KUBE-NODEPORTS at the end left out. */
  readonly positions: readonly string[];
  /** kube-proxy's `--cluster-cidr`; null: no rule shows it. */
  readonly clusterCIDR: string | null;
  /** Endpoints that are known to be on this node. */
  readonly local: readonly string[];
}

/** Protocols as iptables writes them. */
const WRITTEN = { TCP: 'tcp', UDP: 'udp', SCTP: 'sctp' } as const satisfies Record<Draft['protocol'], RulesPort['protocol']>;

const CHAIN = /^KUBE-(SVC|SVL|EXT|FW|XLB)-(.+)$/;

/**
 * Rebuilds Services and EndpointSlices from kube-proxy's chains (pkg/proxy/iptables/proxier.go, syncProxyRules, read
 * backwards): KUBE-SERVICES and KUBE-NODEPORTS of nat, the chains that they lead to, and the refusals of filter.
 *
 * Rules say nothing of pods that get no packet (of a Service that only local endpoints may serve, where there are none,
 * it is not known which others there are), and little of nodes: an endpoint is on this node where it stands in a
 * chain of local endpoints (KUBE-SVL), where flannel's rules show it in this node's own range, or where a CNI plugin's
 * rule names its address; every other one has no node, and packets to it leave by the uplink.
 */
export function objectsOfRules(tables: ReadonlyMap<TableName, RuleTable>): RulesObjects {
  const drafts = new Map<string, Draft>();
  const nat = tables.get('nat');
  const filter = tables.get('filter');
  const positions = nat ? readNat(nat, drafts) : [];
  if (filter) readFilter(filter, drafts);
  let clusterCIDR: string | null = null;
  const isLocal = nat ? localPods(nat) : () => false;
  if (nat) for (const draft of drafts.values()) clusterCIDR = readChains(nat, draft) ?? clusterCIDR;
  const local = new Set<string>();
  for (const { localOnly, cluster } of drafts.values()) {
    for (const { address } of localOnly) local.add(address);
    for (const { address } of cluster) if (isLocal(address)) local.add(address);
  }
  const services = new Map<string, Draft[]>();
  for (const draft of drafts.values()) {
    const name = namespacedName(draft.name);
    const own = services.get(name);
    if (own) own.push(draft);
    else services.set(name, [draft]);
  }
  return {
    objects: [...services].flatMap(([name, ports]) => objectsOfDrafts(name, ports, local)),
    ports: [...drafts.values()].map((draft) => ({
      id: draft.id,
      name: draft.name,
      namespacedName: namespacedName(draft.name),
      portName: portName(draft.name),
      protocol: WRITTEN[draft.protocol],
      clusterIP: draft.clusterIP,
      port: draft.port,
      endpoints: (draft.internalLocal ? draft.localOnly : draft.cluster).length,
    })),
    positions,
    clusterCIDR,
    local: [...local],
  };
}

function draftOf(drafts: Map<string, Draft>, name: string, protocol: Draft['protocol']): Draft {
  const id = `${name}/${WRITTEN[protocol]}`;
  const found = drafts.get(id);
  if (found) return found;
  const draft: Draft = {
    id, name, protocol, clusterIP: '', port: 0, nodePort: 0, healthCheck: 0, externalIPs: new Set(), loadBalancerIPs: new Set(), ranges: new Set(),
    internalLocal: false, externalLocal: false, affinity: 0, hash: null, cluster: [], localOnly: [],
  };
  drafts.set(id, draft);
  return draft;
}

/** KUBE-SERVICES and KUBE-NODEPORTS. Returns the Service port of each rule of the first. */
function readNat(table: RuleTable, drafts: Map<string, Draft>): string[] {
  const positions: string[] = [];
  const services = table.chainId('KUBE-SERVICES');
  if (services !== undefined) {
    const [first, end] = rulesOf(table, services);
    for (let rule = first; rule < end; rule++) {
      const chain = nextChain(table, rule);
      if (chain >= 0 && table.chainName(chain) === 'KUBE-NODEPORTS') continue;
      positions.push(readPortal(table, rule, drafts)?.id ?? '');
    }
  }
  const nodePorts = table.chainId('KUBE-NODEPORTS');
  if (nodePorts === undefined) return positions;
  const [first, end] = rulesOf(table, nodePorts);
  for (let rule = first; rule < end; rule++) {
    const draft = leadsTo(table, rule, drafts)?.draft;
    if (draft) draft.nodePort = portOf(table, rule);
  }
  return positions;
}

/** The Service port whose chain a rule leads to; a rule without a comment names it after the chain. */
function leadsTo(table: RuleTable, rule: number, drafts: Map<string, Draft>): { readonly draft: Draft; readonly kind: string; readonly comment: string } | null {
  const chain = nextChain(table, rule);
  const [, kind = '', hash = ''] = CHAIN.exec(chain < 0 ? '' : table.chainName(chain)) ?? [];
  const protocol = ruleProtocol(table, rule);
  if (kind === '' || protocol === null) return null;
  const comment = commentOf(table, rule);
  const draft = draftOf(drafts, serviceInComment(comment) ?? `unnamed/${hash.toLowerCase()}`, protocol);
  draft.hash = hash;
  return { draft, kind, comment };
}

/** A rule of KUBE-SERVICES: one address of a Service port. */
function readPortal(table: RuleTable, rule: number, drafts: Map<string, Draft>): Draft | null {
  const found = leadsTo(table, rule, drafts);
  const address = addressOf(destinationOf(table, rule));
  if (!found || address === null) return null;
  const { draft, kind, comment } = found;
  const port = portOf(table, rule);
  if (draft.port === 0) draft.port = port;
  if (kind === 'FW' || comment.endsWith(' loadbalancer IP')) {
    draft.loadBalancerIPs.add(address);
  } else if (kind === 'EXT' || kind === 'XLB' || comment.endsWith(' external IP')) {
    draft.externalIPs.add(address);
  } else {
    draft.clusterIP = address;
    draft.port = port;
    if (kind === 'SVL') draft.internalLocal = true;
  }
  return draft;
}

/** What filter refuses: Service ports without endpoints, or without local ones; and the ports of health checks. */
function readFilter(table: RuleTable, drafts: Map<string, Draft>): void {
  for (const chain of ['KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'KUBE-NODEPORTS']) {
    const id = table.chainId(chain);
    if (id === undefined) continue;
    const [first, end] = rulesOf(table, id);
    for (let rule = first; rule < end; rule++) {
      const comment = commentOf(table, rule);
      const name = serviceInComment(comment);
      const protocol = ruleProtocol(table, rule);
      if (name === null || protocol === null) continue;
      if (comment.endsWith(' health check node port')) {
        // A health check is spoken to in TCP, whatever the Service's own port speaks.
        const own = Object.values(WRITTEN).map((other) => drafts.get(`${name}/${other}`)).find((draft) => draft !== undefined);
        if (own) {
          own.healthCheck = portOf(table, rule);
          // Only a Service whose packets from outside stay on the node has one.
          own.externalLocal = true;
        }
        continue;
      }
      if (!comment.includes(' has no ')) continue;
      const draft = draftOf(drafts, name, protocol);
      const port = portOf(table, rule);
      const address = addressOf(destinationOf(table, rule));
      if (address === null) draft.nodePort = port;
      else if (draft.port === 0) draft.port = port;
      const onlyLocal = comment.endsWith(' has no local endpoints');
      if (chain === 'KUBE-SERVICES' && address !== null) {
        draft.clusterIP = address;
        draft.port = port;
        if (onlyLocal) draft.internalLocal = true;
      } else {
        if (onlyLocal) draft.externalLocal = true;
        // Without endpoints nothing tells a load balancer's address from an external one: both are refused alike.
        if (address !== null && !draft.loadBalancerIPs.has(address)) draft.externalIPs.add(address);
      }
    }
  }
}

/** A Service port's own chains. Returns the pods' range, where they show it. */
function readChains(table: RuleTable, draft: Draft): string | null {
  if (draft.hash === null) return null;
  const own = (kind: string) => table.chainId(`KUBE-${kind}-${draft.hash ?? ''}`);
  let clusterCIDR: string | null = null;
  for (const [kind, endpoints] of [['SVC', draft.cluster], ['SVL', draft.localOnly]] as const) {
    const chain = own(kind);
    if (chain === undefined) continue;
    const found = balanced(table, chain);
    endpoints.push(...found.endpoints);
    draft.affinity = Math.max(draft.affinity, found.affinity);
    clusterCIDR ??= found.clusterCIDR;
  }
  for (const kind of ['EXT', 'XLB']) {
    const chain = own(kind);
    if (chain === undefined) continue;
    const [first, end] = rulesOf(table, chain);
    for (let rule = first; rule < end; rule++) {
      const next = table.chainName(nextChain(table, rule));
      if (next.startsWith('KUBE-SVL-') || /^(pod|route LOCAL|masquerade LOCAL) traffic /.test(commentOf(table, rule))) draft.externalLocal = true;
      const source = sourceOf(table, rule);
      if (source && !source.negated && next.startsWith('KUBE-SVC-')) clusterCIDR ??= source.text;
    }
    // Until 1.23 the local endpoints stood in this chain itself.
    if (kind === 'XLB') {
      draft.externalLocal = true;
      if (draft.localOnly.length === 0) draft.localOnly.push(...balanced(table, chain).endpoints);
    }
  }
  const firewall = own('FW');
  if (firewall !== undefined) {
    const [first, end] = rulesOf(table, firewall);
    for (let rule = first; rule < end; rule++) {
      const source = sourceOf(table, rule);
      if (source && !source.negated && !draft.loadBalancerIPs.has(addressOf(source) ?? '')) draft.ranges.add(source.text);
    }
  }
  return clusterCIDR;
}

/** The endpoints that a KUBE-SVC or KUBE-SVL chain chooses from. */
function balanced(table: RuleTable, chain: number): { readonly endpoints: readonly Endpoint[]; readonly affinity: number; readonly clusterCIDR: string | null } {
  const endpoints = new Map<number, Endpoint>();
  let affinity = 0;
  let clusterCIDR: string | null = null;
  const [first, end] = rulesOf(table, chain);
  for (let rule = first; rule < end; rule++) {
    const next = nextChain(table, rule);
    const name = next < 0 ? '' : table.chainName(next);
    const source = name === 'KUBE-MARK-MASQ' ? sourceOf(table, rule) : null;
    if (source?.negated) clusterCIDR ??= source.text;
    if (!name.startsWith('KUBE-SEP-')) continue;
    affinity = Math.max(affinity, recentSeconds(table, rule));
    if (endpoints.has(next)) continue;
    const [from, to] = rulesOf(table, next);
    for (let own = from; own < to; own++) {
      const found = dnatOf(table, own);
      if (found) endpoints.set(next, found);
    }
  }
  return { endpoints: [...endpoints.values()], affinity, clusterCIDR };
}

/** Which addresses other rules show to be on this node: flannel's own range, and those that CNI plugins masquerade one by one. */
function localPods(table: RuleTable): (address: string) => boolean {
  const networks: Ipv4Prefix[] = [];
  const addresses = new Set<string>();
  for (const { id, name } of table.chains()) {
    if (name !== 'POSTROUTING' && name !== 'FLANNEL-POSTRTG') continue;
    const [first, end] = rulesOf(table, id);
    for (let rule = first; rule < end; rule++) {
      const source = sourceOf(table, rule);
      const destination = destinationOf(table, rule);
      const next = nextChain(table, rule);
      const pod = addressOf(source);
      if (next >= 0 && pod !== null && /^CNI-[0-9a-f]+$/.test(table.chainName(next))) addresses.add(pod);
      // `! -s CLUSTER -d OWN -j RETURN`: what comes to this node's pods from outside keeps its source.
      if (source?.negated && destination && !destination.negated && isReturn(table, rule) && commentOf(table, rule) === 'flanneld masq') {
        const prefix = parsePrefix(destination.text);
        if (prefix) networks.push(prefix);
      }
    }
  }
  return (address) => {
    const value = parseIpv4(address);
    return addresses.has(address) || (value !== undefined && networks.some((network) => inPrefix(value, network)));
  };
}
