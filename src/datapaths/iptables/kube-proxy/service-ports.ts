import type { Service } from 'kubernetes-types/core/v1';
import { chainHash, servicePortName } from './names.ts';

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
  /** Ends of the chain names. */
  readonly hash: string;
}

const DEFAULT_AFFINITY_SECONDS = 10_800;
const isIpv4 = (text: string | undefined): text is string => text !== undefined && text !== '' && !text.includes(':');

/** The Service's ports that get rules: none for headless and ExternalName ones, and for IPv6 alone. */
export function servicePortsOf(service: Service): ServicePort[] {
  const spec = service.spec ?? {};
  if (spec.type === 'ExternalName' || !spec.clusterIP || spec.clusterIP === 'None') return [];
  const clusterIP = [...(spec.clusterIPs ?? []), spec.clusterIP].find(isIpv4);
  if (clusterIP === undefined) return [];

  const namespacedName = `${service.metadata?.namespace ?? 'default'}/${service.metadata?.name ?? ''}`;
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer';
  const externalPolicyLocal = spec.externalTrafficPolicy === 'Local' && (external || (spec.externalIPs ?? []).length > 0);
  const ranges = (spec.loadBalancerSourceRanges ?? []).map((range) => range.trim()).filter(isIpv4);
  const ingress = (service.status?.loadBalancer?.ingress ?? []) as { ip?: string; ipMode?: string }[];

  return (spec.ports ?? []).map((port) => {
    const protocol = (port.protocol ?? 'TCP').toLowerCase() as ServicePort['protocol'];
    const name = servicePortName(namespacedName, port.name ?? '');
    return {
      name,
      namespacedName,
      portName: port.name ?? '',
      protocol,
      clusterIP,
      port: port.port,
      nodePort: external ? (port.nodePort ?? 0) : 0,
      externalIPs: (spec.externalIPs ?? []).filter(isIpv4),
      // ipMode Proxy: the balancer wants its own address seen, so the node must not short-circuit it (KEP-1860).
      loadBalancerVIPs: spec.type === 'LoadBalancer' ? ingress.filter((entry) => entry.ipMode !== 'Proxy').map((entry) => entry.ip).filter(isIpv4) : [],
      loadBalancerSourceRanges: ranges,
      internalPolicyLocal: spec.internalTrafficPolicy === 'Local',
      externalPolicyLocal,
      healthCheckNodePort: spec.type === 'LoadBalancer' && externalPolicyLocal ? (spec.healthCheckNodePort ?? 0) : 0,
      affinitySeconds: spec.sessionAffinity === 'ClientIP' ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? DEFAULT_AFFINITY_SECONDS) : 0,
      hash: chainHash(name + protocol),
    };
  });
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
  return port.loadBalancerVIPs.length > 0 && ranges.length > 0 && !ranges.includes('0.0.0.0/0');
}
