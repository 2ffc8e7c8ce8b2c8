import type { ClusterObject } from '../../kubernetes/change.ts';

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** A Service port as it is put together from rule after rule. */
export interface Draft {
  readonly id: string;
  readonly name: string;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  clusterIP: string;
  port: number;
  nodePort: number;
  healthCheck: number;
  readonly externalIPs: Set<string>;
  readonly loadBalancerIPs: Set<string>;
  readonly ranges: Set<string>;
  internalLocal: boolean;
  externalLocal: boolean;
  affinity: number;
  /** End of its chains' names; null: it has none. */
  hash: string | null;
  /** Endpoints of its KUBE-SVC chain, and of that of local ones. */
  readonly cluster: Endpoint[];
  readonly localOnly: Endpoint[];
}

/** Name of the node that the rules are from: they do not say it. */
export const RULES_NODE = 'this-node';

/** A Service with its ports and its EndpointSlices, in kubectl's shape. `local`: the addresses of endpoints on this node. */
export function objectsOfDrafts(service: string, drafts: readonly Draft[], local: ReadonlySet<string>): ClusterObject[] {
  const slash = service.indexOf('/');
  const namespace = service.slice(0, slash);
  const name = service.slice(slash + 1);
  const union = (of: (draft: Draft) => Iterable<string>) => [...new Set(drafts.flatMap((draft) => [...of(draft)]))];
  const first = <T>(of: (draft: Draft) => T, none: T) => drafts.map(of).find((value) => value !== none) ?? none;
  const clusterIP = first(({ clusterIP: address }) => address, '');
  const loadBalancerIPs = union((draft) => draft.loadBalancerIPs);
  const externalIPs = union((draft) => draft.externalIPs);
  const ranges = union((draft) => draft.ranges);
  const healthCheck = first((draft) => draft.healthCheck, 0);
  const affinity = first((draft) => draft.affinity, 0);
  const balanced = loadBalancerIPs.length > 0 || healthCheck > 0;
  const type = balanced ? 'LoadBalancer' : drafts.some(({ nodePort }) => nodePort > 0) ? 'NodePort' : 'ClusterIP';
  const slices = slicesOf(drafts);
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name },
      spec: {
        type,
        ...(clusterIP === '' ? {} : { clusterIP, clusterIPs: [clusterIP] }),
        ipFamilies: ['IPv4'],
        ipFamilyPolicy: 'SingleStack',
        ...(externalIPs.length > 0 ? { externalIPs } : {}),
        ...(ranges.length > 0 ? { loadBalancerSourceRanges: ranges } : {}),
        ...(healthCheck > 0 ? { healthCheckNodePort: healthCheck } : {}),
        internalTrafficPolicy: drafts.some((draft) => draft.internalLocal) ? 'Local' : 'Cluster',
        ...(type !== 'ClusterIP' || externalIPs.length > 0 ? { externalTrafficPolicy: drafts.some((draft) => draft.externalLocal) ? 'Local' : 'Cluster' } : {}),
        sessionAffinity: affinity > 0 ? 'ClientIP' : 'None',
        ...(affinity > 0 ? { sessionAffinityConfig: { clientIP: { timeoutSeconds: affinity } } } : {}),
        ports: drafts.map((draft) => ({
          ...(portName(draft.name) === '' ? {} : { name: portName(draft.name) }),
          port: draft.port,
          protocol: draft.protocol,
          ...(draft.nodePort > 0 ? { nodePort: draft.nodePort } : {}),
        })),
      },
      ...(loadBalancerIPs.length > 0 ? { status: { loadBalancer: { ingress: loadBalancerIPs.map((ip) => ({ ip, ipMode: 'VIP' })) } } } : {}),
    },
    ...slices.map(
      ({ ports, addresses, ending }, index): ClusterObject => ({
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { namespace, name: `${name}-${index}`, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        ports,
        endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: !ending, serving: true, terminating: ending }, ...(local.has(address) ? { nodeName: RULES_NODE } : {}) })),
      }),
    ),
  ];
}

interface SliceDraft {
  readonly ports: { name?: string; port: number; protocol: Draft['protocol'] }[];
  readonly addresses: readonly string[];
  /** They still serve, but end: only so are they in a chain of local endpoints and not among all of them. */
  readonly ending: boolean;
}

/** A slice for each set of addresses that have the same ports, as the EndpointSlice controller makes them. */
function slicesOf(drafts: readonly Draft[]): SliceDraft[] {
  const slices = new Map<string, SliceDraft>();
  for (const draft of drafts) {
    const { cluster, localOnly } = draft;
    const all = new Set(cluster.map(({ address, port }) => `${address}:${port}`));
    const ending = all.size === 0 ? [] : localOnly.filter(({ address, port }) => !all.has(`${address}:${port}`));
    addSlices(slices, draft, all.size === 0 ? localOnly : cluster, false);
    addSlices(slices, draft, ending, true);
  }
  return [...slices.values()];
}

function addSlices(slices: Map<string, SliceDraft>, draft: Draft, endpoints: readonly Endpoint[], ending: boolean): void {
  const byPort = new Map<number, Set<string>>();
  for (const { address, port } of endpoints) {
    const own = byPort.get(port);
    if (own) own.add(address);
    else byPort.set(port, new Set([address]));
  }
  for (const [port, own] of byPort) {
    const addresses = [...own].sort();
    // A port's name stands once in a slice: pods whose port of that name has another number need one of their own.
    const key = `${ending ? 'ending ' : ''}${byPort.size === 1 ? addresses.join() : `${draft.id} ${port}`}`;
    const found = slices.get(key);
    const entry = { ...(portName(draft.name) === '' ? {} : { name: portName(draft.name) }), port, protocol: draft.protocol };
    if (found) found.ports.push(entry);
    else slices.set(key, { ports: [entry], addresses, ending });
  }
}

/** `namespace/name` of `namespace/name:port`. */
export function namespacedName(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? name : name.slice(0, colon);
}

/** The port's name in `namespace/name:port`; '' where it has none. */
export function portName(name: string): string {
  const colon = name.indexOf(':');
  return colon < 0 ? '' : name.slice(colon + 1);
}
