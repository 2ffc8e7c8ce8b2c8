import type { Service, ServiceSpec } from 'kubernetes-types/core/v1';
import { formatIpv4, parseIpv4, parsePrefix } from '../../../packet/address.ts';
import { fitted } from './fitted.ts';
import { chainName, servicePortName } from './names.ts';

/** One port of one Service, with everything that its rules are made of (pkg/proxy/iptables, servicePortInfo). */
export interface ServicePort {
  /** `namespace/name:port`. */
  readonly name: string;
  readonly namespacedName: string;
  readonly portName: string;
  /** As iptables writes it. */
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly clusterIP: string;
  readonly port: number;
  readonly nodePort: number;
  readonly externalIPs: readonly string[];
  readonly loadBalancerVIPs: readonly string[];
  readonly loadBalancerSourceRanges: readonly string[];
  readonly internalPolicyLocal: boolean;
  readonly externalPolicyLocal: boolean;
  readonly healthCheckNodePort: number;
  /** Seconds of ClientIP affinity; 0 where there is none. */
  readonly affinitySeconds: number;
  /** KUBE-SVC-…: the other chains of the port end as it does. */
  readonly chain: string;
}

const NONE: readonly never[] = [];
const EVERYTHING = '0.0.0.0/0';
const DEFAULT_AFFINITY_SECONDS = 10_800;

/** IPv4 addresses of a list, as kube-proxy prints them after parsing: without leading zeros. */
function addressesOf(texts: readonly (string | undefined)[] | undefined): readonly string[] {
  if (!texts?.length) return NONE;
  return texts.map(addressOf).filter((address) => address !== undefined);
}

/** An IPv4 address as kube-proxy prints it after parsing; undefined where it is none. */
export function addressOf(text: string | undefined): string | undefined {
  const address = text === undefined ? undefined : parseIpv4(text.trim());
  if (address === undefined) return undefined;
  const printed = formatIpv4(address);
  // The same text is kept once.
  return printed === text ? text : printed;
}

/** IPv4 source ranges as kube-proxy prints them after parsing: without blanks and host bits. One of everything stands for all. */
function rangesOf(texts: readonly string[] | undefined): readonly string[] {
  if (!texts?.length) return NONE;
  const ranges: string[] = [];
  for (const text of texts) {
    const prefix = text.includes('/') ? parsePrefix(text.trim()) : undefined;
    if (prefix?.length === 0) return [EVERYTHING];
    if (prefix) ranges.push(`${formatIpv4(prefix.address)}/${prefix.length}`);
  }
  return ranges;
}

/** The IPv4 cluster IP: the one that stands where IPv4 stands among the families (GetClusterIPByFamily). */
function clusterIPOf(spec: ServiceSpec): string | undefined {
  const families = spec.ipFamilies ?? [];
  const index = families.indexOf('IPv4');
  const text = families.length === 0 ? spec.clusterIP : index < 0 ? undefined : (spec.clusterIPs?.[index] ?? (index === 0 ? spec.clusterIP : undefined));
  return addressOf(text);
}

/** As iptables writes it; no name is TCP. undefined: none that a Service may have, which the API server refuses. */
export function protocolOf(name: string | undefined): ServicePort['protocol'] | undefined {
  switch (name) {
    case undefined:
    case 'TCP':
      return 'tcp';
    case 'UDP':
      return 'udp';
    case 'SCTP':
      return 'sctp';
    default:
      return undefined;
  }
}

/** The Service's ports that get rules: none for headless and ExternalName ones, and for IPv6 alone (newBaseServiceInfo, pkg/proxy/serviceport.go). */
export function servicePortsOf(service: Service, namespacedName: string): readonly ServicePort[] {
  const spec = service.spec ?? {};
  if (spec.type === 'ExternalName' || !spec.clusterIP || spec.clusterIP === 'None') return [];
  const clusterIP = clusterIPOf(spec);
  if (clusterIP === undefined) return [];

  const externalIPs = addressesOf(spec.externalIPs);
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs ?? []).length > 0;
  const externalPolicyLocal = spec.externalTrafficPolicy === 'Local' && external;
  const loadBalancerSourceRanges = rangesOf(spec.loadBalancerSourceRanges);
  const ingress = (service.status?.loadBalancer?.ingress ?? []) as { ip?: string; ipMode?: string }[];
  // ipMode Proxy: the balancer wants its own address seen, so the node must not short-circuit it (KEP-1860).
  const loadBalancerVIPs = addressesOf(ingress.filter(({ ipMode = 'VIP' }) => ipMode === 'VIP').map((entry) => entry.ip));

  const ports: ServicePort[] = [];
  for (const port of spec.ports ?? []) {
    const protocol = protocolOf(port.protocol);
    if (protocol === undefined) continue;
    const name = servicePortName(namespacedName, port.name ?? '');
    ports.push({
      name,
      namespacedName,
      portName: port.name ?? '',
      protocol,
      clusterIP,
      port: port.port,
      nodePort: port.nodePort ?? 0,
      externalIPs,
      loadBalancerVIPs,
      loadBalancerSourceRanges,
      internalPolicyLocal: spec.internalTrafficPolicy === 'Local',
      externalPolicyLocal,
      healthCheckNodePort: spec.type === 'LoadBalancer' && externalPolicyLocal ? (spec.healthCheckNodePort ?? 0) : 0,
      affinitySeconds: spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS) : 0,
      chain: chainName('SVC', name, protocol),
    });
  }
  return fitted(ports);
}

/** Whether packets from outside the cluster can be meant for it. */
export function isExternallyAccessible(port: ServicePort): boolean {
  return port.nodePort !== 0 || port.loadBalancerVIPs.length > 0 || port.externalIPs.length > 0;
}

/** Endpoints anywhere in the cluster count; also where the external policy is Local, for traffic from the node itself. */
export function usesClusterEndpoints(port: ServicePort): boolean {
  return !port.internalPolicyLocal || isExternallyAccessible(port);
}

export function usesLocalEndpoints(port: ServicePort): boolean {
  return port.internalPolicyLocal || (port.externalPolicyLocal && isExternallyAccessible(port));
}

/** Whether a load balancer's clients are limited: a range of everything is no limit. */
export function hasFirewall(port: ServicePort): boolean {
  const ranges = port.loadBalancerSourceRanges;
  return port.loadBalancerVIPs.length > 0 && ranges.length > 0 && ranges[0] !== EVERYTHING;
}
