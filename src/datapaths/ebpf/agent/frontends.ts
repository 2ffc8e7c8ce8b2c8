import type { Service } from 'kubernetes-types/core/v1';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1';
import { parseIpv4, type Ipv4 } from '../../../packet/address.ts';
import { PROTOCOL_NUMBER } from '../../../packet/protocol.ts';

/** One address and port that a Service answers on. */
export interface Frontend {
  readonly address: Ipv4;
  readonly port: number;
  /** IP protocol number. */
  readonly protocol: number;
  /** `namespace/name:port`. */
  readonly name: string;
  readonly portName: string;
}

export interface BackendAddress {
  readonly address: Ipv4;
  readonly port: number;
  readonly protocol: number;
}

function protocolNumber(name: string | undefined): number | undefined {
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

/** The ClusterIP frontends of a Service: none for headless and ExternalName ones, for IPv6 alone, and for what another proxy serves. */
export function frontendsOf(service: Service): Frontend[] {
  const { spec, metadata } = service;
  if (!spec || spec.type === 'ExternalName' || 'service.kubernetes.io/service-proxy-name' in (metadata?.labels ?? {})) return [];
  const address = [...(spec.clusterIPs ?? []), spec.clusterIP].map((text) => parseIpv4(text ?? '')).find((parsed) => parsed !== undefined);
  if (address === undefined) return [];
  const frontends: Frontend[] = [];
  for (const port of spec.ports ?? []) {
    const protocol = protocolNumber(port.protocol);
    if (protocol === undefined) continue;
    const portName = port.name ?? '';
    frontends.push({ address, port: port.port, protocol, portName, name: `${metadata?.namespace ?? 'default'}/${metadata?.name ?? ''}${portName === '' ? '' : `:${portName}`}` });
  }
  return frontends;
}

/** A frontend's backends in all slices of its Service, each once, in address order: the ready ones; if there are none, those serving until they end. */
export function backendsOf(frontend: Frontend, slices: Iterable<EndpointSlice>): BackendAddress[] {
  const ready = new Map<string, BackendAddress>();
  const draining = new Map<string, BackendAddress>();
  for (const slice of slices) {
    for (const port of slice.ports ?? []) {
      if ((port.name ?? '') !== frontend.portName || port.port === undefined || protocolNumber(port.protocol) !== frontend.protocol) continue;
      for (const endpoint of slice.endpoints) {
        const address = parseIpv4(endpoint.addresses[0] ?? '');
        if (address === undefined) continue;
        const backend = { address, port: port.port, protocol: frontend.protocol };
        const { ready: isReady = true, serving = true, terminating = false } = endpoint.conditions ?? {};
        if (isReady) ready.set(backendKey(backend), backend);
        else if (serving && terminating) draining.set(backendKey(backend), backend);
      }
    }
  }
  const chosen = ready.size > 0 ? ready : draining;
  return [...chosen.values()].sort((a, b) => a.address - b.address || a.port - b.port);
}

export function backendKey({ address, port, protocol }: BackendAddress): string {
  return `${address}:${port}/${protocol}`;
}
