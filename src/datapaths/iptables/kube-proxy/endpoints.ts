import type { EndpointSlice } from 'kubernetes-types/discovery/v1';
import { fitted } from './fitted.ts';
import { chainName } from './names.ts';
import { addressOf, protocolOf, usesClusterEndpoints, usesLocalEndpoints, type ServicePort } from './service-ports.ts';

const NONE: readonly never[] = [];

/** One endpoint of one Service port. */
export interface Endpoint {
  readonly ip: string;
  readonly port: number;
  /** `ip:port`: what endpoints are sorted and told apart by. */
  readonly text: string;
  readonly isLocal: boolean;
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
  /** The KUBE-SEP chain. */
  readonly chain: string;
}

/** The endpoints of one Service port in all slices of its Service, sorted by `ip:port`, each once. */
export function endpointsOf(port: ServicePort, slices: Iterable<EndpointSlice>, node: string): readonly Endpoint[] {
  const found: Endpoint[] = [];
  for (const slice of slices) {
    for (const slicePort of slice.ports ?? []) {
      if ((slicePort.name ?? '') !== port.portName || !slicePort.port) continue;
      if (protocolOf(slicePort.protocol) !== port.protocol) continue;
      for (const endpoint of slice.endpoints ?? []) {
        const address = endpoint.addresses[0];
        if (address === undefined) continue;
        // What is no address is for whoever reads the rules to refuse.
        const ip = addressOf(address) ?? address;
        const text = `${ip}:${slicePort.port}`;
        const isLocal = endpoint.nodeName === node;
        const { ready, serving, terminating } = endpoint.conditions ?? {};
        const hints = endpoint.hints as { forZones?: { name: string }[]; forNodes?: { name: string }[] } | undefined;
        found.push({
          ip,
          port: slicePort.port,
          text,
          isLocal,
          ready: ready ?? true,
          serving: serving ?? true,
          terminating: terminating ?? false,
          zoneHints: hints?.forZones?.map((zone) => zone.name) ?? NONE,
          nodeHints: hints?.forNodes?.map((hint) => hint.name) ?? NONE,
          chain: chainName('SEP', port.name, port.protocol, text),
        });
      }
    }
  }
  // Most come in order, and each once.
  let isSorted = true;
  for (let index = 1; isSorted && index < found.length; index++) isSorted = found[index - 1]!.text < found[index]!.text;
  return isSorted ? fitted(found) : eachOnce(found.sort((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0)));
}

/**
 * One that ends may share its address with one that took its place: the last that does not end stands (addEndpoints,
 * pkg/proxy/endpointslicecache.go; where slices differ, Go's order is random and this one is one of its).
 */
function eachOnce(sorted: readonly Endpoint[]): Endpoint[] {
  const once: Endpoint[] = [];
  for (const endpoint of sorted) {
    if (once.at(-1)?.text !== endpoint.text) once.push(endpoint);
    else if (!endpoint.terminating) once[once.length - 1] = endpoint;
  }
  return once;
}

export interface CategorizedEndpoints {
  /** What traffic policy Cluster chooses from. */
  readonly cluster: readonly Endpoint[];
  /** What traffic policy Local chooses from. */
  readonly local: readonly Endpoint[];
  /** Either: each gets a chain. */
  readonly reachable: readonly Endpoint[];
  readonly hasAny: boolean;
}

/** Those that are kept; the very list where all are, as nearly always. */
function only(endpoints: readonly Endpoint[], keep: (endpoint: Endpoint) => boolean): readonly Endpoint[] {
  return endpoints.every(keep) ? endpoints : endpoints.filter(keep);
}

/** Which endpoints each traffic policy may use (pkg/proxy/topology.go, CategorizeEndpoints). */
export function categorizeEndpoints(endpoints: readonly Endpoint[], port: ServicePort, node: string, zone: string): CategorizedEndpoints {
  const draining = (endpoint: Endpoint) => endpoint.serving && endpoint.terminating;
  let cluster: readonly Endpoint[] = [];
  let fallsBack = false;
  let topology: 'node' | 'zone' | null = null;
  if (usesClusterEndpoints(port)) {
    topology = topologyOf(endpoints, node, zone);
    cluster = only(endpoints, (endpoint) => {
      if (!endpoint.ready) return false;
      if (topology === 'node') return endpoint.nodeHints.includes(node);
      if (topology === 'zone') return endpoint.zoneHints.includes(zone);
      return true;
    });
    if (cluster.length === 0) {
      cluster = endpoints.filter(draining);
      fallsBack = cluster.length > 0;
    }
  }
  if (!usesLocalEndpoints(port)) return { cluster, local: NONE, reachable: cluster, hasAny: cluster.length > 0 };

  const hasAny = cluster.length > 0 || endpoints.some((endpoint) => endpoint.ready || draining(endpoint));
  let local = endpoints.filter((endpoint) => endpoint.isLocal && endpoint.ready);
  if (local.length === 0) {
    local = endpoints.filter((endpoint) => endpoint.isLocal && draining(endpoint));
    fallsBack ||= local.length > 0;
  }
  if (!usesClusterEndpoints(port)) return { cluster, local, reachable: local, hasAny };
  if (topology === null && !fallsBack) return { cluster, local, reachable: cluster, hasAny };
  const reachable = [...new Set([...cluster, ...local])];
  return { cluster, local, reachable, hasAny };
}

/** Hints hold only where every ready endpoint has one and one of them is for here. */
function topologyOf(endpoints: readonly Endpoint[], node: string, zone: string): 'node' | 'zone' | null {
  if (endpoints.every(({ nodeHints, zoneHints }) => nodeHints.length === 0 && zoneHints.length === 0)) return null;
  const ready = endpoints.filter((endpoint) => endpoint.ready);
  const holds = (hints: (endpoint: Endpoint) => readonly string[], here: string) =>
    ready.every((endpoint) => hints(endpoint).length > 0) && ready.some((endpoint) => hints(endpoint).includes(here));
  if (holds((endpoint) => endpoint.nodeHints, node)) return 'node';
  if (holds((endpoint) => endpoint.zoneHints, zone)) return 'zone';
  return null;
}
