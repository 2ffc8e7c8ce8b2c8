import type { Service, ServiceSpec } from 'kubernetes-types/core/v1';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1';
import { parseIpv4, parsePrefix, type Ipv4, type Ipv4Prefix } from '../../../packet/address.ts';
import { PROTOCOL_NUMBER } from '../../../packet/protocol.ts';
import { ALGORITHM, SCOPE, SERVICE_FLAG, SERVICE_FLAG_2, type ServiceTraits } from './layout.ts';

/** One address and port that a Service answers on; with two scopes, once for each. */
export interface Frontend extends ServiceTraits {
  readonly address: Ipv4;
  readonly port: number;
  /** IP protocol number. */
  readonly protocol: number;
  readonly scope: number;
  readonly kind: 'ClusterIP' | 'NodePort' | 'LoadBalancer' | 'ExternalIP';
  readonly portName: string;
  /** Only endpoints on this node. */
  readonly localOnly: boolean;
  /** loadBalancerSourceRanges; empty: everybody. */
  readonly sourceRanges: readonly Ipv4Prefix[];
}

export interface BackendAddress {
  readonly address: Ipv4;
  readonly port: number;
  readonly protocol: number;
}

/** A frontend's backends: those that new connections go to, and those that only keep the connections they have. */
export interface Backends {
  readonly active: readonly BackendAddress[];
  readonly draining: readonly BackendAddress[];
}

const NONE: readonly never[] = [];
const DEFAULT_AFFINITY_SECONDS = 10_800;
const ALGORITHM_ANNOTATION = 'service.cilium.io/lb-algorithm';

/** The number of a protocol that Services can have; `undefined` for any other. No name: TCP. */
export function protocolNumber(name: string | undefined): number | undefined {
  switch (name ?? 'TCP') {
    case 'TCP':
      return PROTOCOL_NUMBER.TCP;
    case 'UDP':
      return PROTOCOL_NUMBER.UDP;
    case 'SCTP':
      return PROTOCOL_NUMBER.SCTP;
    default:
      return undefined;
  }
}

/**
 * A Service's frontends, an internal scope before its external one: none for headless and ExternalName Services, for IPv6
 * alone, and for what another proxy serves. `node`: the address that NodePorts are on; null: they get no frontend.
 */
export function frontendsOf(service: Service, node: Ipv4 | null): Frontend[] {
  const { spec, metadata } = service;
  if (!spec || spec.type === 'ExternalName' || 'service.kubernetes.io/service-proxy-name' in (metadata?.labels ?? {})) return [];
  const clusterIP = clusterIPOf(spec);
  if (clusterIP === undefined) return [];
  const affinitySeconds = spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS) : 0;
  const algorithm = metadata?.annotations?.[ALGORITHM_ANNOTATION] === 'maglev' ? ALGORITHM.maglev : 0;
  const affinity = affinitySeconds > 0 ? SERVICE_FLAG.affinity : 0;
  const internalLocal = spec.internalTrafficPolicy === 'Local';
  const externalLocal = spec.externalTrafficPolicy === 'Local';
  const outside = addressesForTheOutside(service, node);
  const frontends: Frontend[] = [];
  for (const port of spec.ports ?? []) {
    const protocol = protocolNumber(port.protocol);
    if (protocol === undefined) continue;
    const portName = port.name ?? '';
    frontends.push({
      protocol,
      portName,
      affinitySeconds,
      algorithm,
      kind: 'ClusterIP',
      address: clusterIP,
      port: port.port,
      scope: SCOPE.external,
      flags: affinity,
      flags2: internalLocal ? SERVICE_FLAG_2.internalLocal : 0,
      localOnly: internalLocal,
      sourceRanges: NONE,
    });
    for (const { kind, address, flag, sourceRanges } of outside) {
      const number = kind === 'NodePort' ? (port.nodePort ?? 0) : port.port;
      if (number === 0) continue;
      const flags = affinity | flag | SERVICE_FLAG.routable | (externalLocal ? SERVICE_FLAG.externalLocal : 0) | (sourceRanges.length > 0 ? SERVICE_FLAG.sourceRange : 0);
      const twoScopes = externalLocal !== internalLocal;
      const flags2 = (internalLocal ? SERVICE_FLAG_2.internalLocal : 0) | (twoScopes ? SERVICE_FLAG_2.twoScopes : 0);
      const frontend = { protocol, portName, affinitySeconds, algorithm, kind, address, port: number, flags, flags2, sourceRanges };
      if (twoScopes) frontends.push({ ...frontend, scope: SCOPE.internal, localOnly: internalLocal, sourceRanges: [] });
      frontends.push({ ...frontend, scope: SCOPE.external, localOnly: externalLocal });
    }
  }
  return frontends;
}

function clusterIPOf({ clusterIP, clusterIPs = [] }: ServiceSpec): Ipv4 | undefined {
  for (const text of clusterIPs) {
    const address = parseIpv4(text);
    if (address !== undefined) return address;
  }
  return parseIpv4(clusterIP ?? '');
}

interface OutsideAddress {
  readonly kind: Exclude<Frontend['kind'], 'ClusterIP'>;
  readonly address: Ipv4;
  readonly flag: number;
  readonly sourceRanges: readonly Ipv4Prefix[];
}

function addressesForTheOutside({ spec, status }: Service, node: Ipv4 | null): readonly OutsideAddress[] {
  if ((spec?.type ?? 'ClusterIP') === 'ClusterIP' && !spec?.externalIPs?.length) return NONE;
  const addresses: OutsideAddress[] = [];
  const isExternal = spec?.type === 'NodePort' || spec?.type === 'LoadBalancer';
  if (isExternal && node !== null) addresses.push({ kind: 'NodePort', address: node, flag: SERVICE_FLAG.nodePort, sourceRanges: [] });
  for (const text of spec?.externalIPs ?? []) {
    const address = parseIpv4(text);
    if (address !== undefined) addresses.push({ kind: 'ExternalIP', address, flag: SERVICE_FLAG.externalIP, sourceRanges: [] });
  }
  if (spec?.type !== 'LoadBalancer') return addresses;
  const ranges = (spec.loadBalancerSourceRanges ?? []).map((text) => parsePrefix(text.trim())).filter((range) => range !== undefined);
  // A range of everything is no limit.
  const sourceRanges = ranges.some(({ length }) => length === 0) ? [] : ranges;
  for (const entry of (status?.loadBalancer?.ingress ?? []) as { ip?: string; ipMode?: string }[]) {
    const address = parseIpv4(entry.ip ?? '');
    // ipMode Proxy: the balancer wants its own address seen (KEP-1860).
    if (address !== undefined && entry.ipMode !== 'Proxy') addresses.push({ kind: 'LoadBalancer', address, flag: SERVICE_FLAG.loadBalancer, sourceRanges });
  }
  return addresses;
}

/**
 * A frontend's backends in all slices of its Service, each once, in address order: the ready ones; if there are none,
 * those that serve until they end, which else keep only their connections. `nodeName` says which endpoints are here; null:
 * all are.
 */
export function backendsOf(frontend: Frontend, slices: Iterable<EndpointSlice>, nodeName: string | null): Backends {
  const ready: BackendAddress[] = [];
  const draining: BackendAddress[] = [];
  for (const slice of slices) {
    for (const port of slice.ports ?? []) {
      if ((port.name ?? '') !== frontend.portName || port.port === undefined || protocolNumber(port.protocol) !== frontend.protocol) continue;
      for (const endpoint of slice.endpoints) {
        const address = parseIpv4(endpoint.addresses[0] ?? '');
        if (address === undefined) continue;
        if (frontend.localOnly && nodeName !== null && endpoint.nodeName !== nodeName) continue;
        const { ready: isReady = true, serving = true, terminating = false } = endpoint.conditions ?? {};
        if (isReady || (serving && terminating)) (isReady ? ready : draining).push({ address, port: port.port, protocol: frontend.protocol });
      }
    }
  }
  const active = inOrder(ready);
  if (draining.length === 0) return { active, draining: NONE };
  const known = new Set(active.map(backendKey));
  const left = inOrder(draining.filter((backend) => !known.has(backendKey(backend))));
  return active.length > 0 ? { active, draining: left } : { active: left, draining: NONE };
}

/** By address and port, each once. */
function inOrder(backends: BackendAddress[]): readonly BackendAddress[] {
  // As they nearly always are.
  if (backends.every((backend, index) => index === 0 || compareBackends(backends[index - 1] ?? backend, backend) < 0)) return backends;
  backends.sort(compareBackends);
  return backends.filter((backend, index) => index === 0 || compareBackends(backend, backends[index - 1] ?? backend) !== 0);
}

function compareBackends(a: BackendAddress, b: BackendAddress): number {
  return a.address - b.address || a.port - b.port;
}

export function backendKey({ address, port, protocol }: BackendAddress): string {
  return `${address}:${port}/${protocol}`;
}

/** Whether two frontends of a Service are the same one. */
export function sameFrontend(a: Frontend, b: Frontend): boolean {
  return a.address === b.address && a.port === b.port && a.protocol === b.protocol && a.scope === b.scope;
}
