import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from 'kubernetes-types/networking/v1';
import { parsePrefix, type Ipv4Prefix } from '../../../packet/address.ts';
import { protocolNumber } from './frontends.ts';
import { isWithin, RESERVED_IDENTITY, type CidrIdentity, type PodIdentity } from './identities.ts';
import { selects } from './label-selector.ts';
import type { PolicyPorts } from './policy-layout.ts';
import { portPrefixes } from './port-prefixes.ts';

/** One entry of a pod's policies: NetworkPolicy only ever allows. Identity 0: whoever it is. */
export interface PolicyEntry {
  readonly identity: number;
  readonly egress: boolean;
  readonly ports: PolicyPorts;
}

/** A container's port that has a name. */
export interface NamedPort {
  readonly name: string;
  readonly protocol: number;
  readonly port: number;
}

/** Who is in the cluster. */
export interface Directory {
  readonly pods: readonly { readonly identity: PodIdentity; readonly namedPorts: readonly NamedPort[] }[];
  readonly cidrs: readonly CidrIdentity[];
}

export type Direction = 'Ingress' | 'Egress';

const ANYBODY = 0;
const ALL_PORTS: PolicyPorts = null;

/** Whether a policy is about this pod's packets in one direction. */
function isAbout({ metadata, spec }: NetworkPolicy, direction: Direction, pod: PodIdentity): boolean {
  if (!spec || (metadata?.namespace ?? 'default') !== pod.namespace || !selects(spec.podSelector, pod.labels)) return false;
  const types = spec.policyTypes ?? ['Ingress', ...(spec.egress ? ['Egress'] : [])];
  return types.includes(direction);
}

/**
 * Everything that a pod's policies allow, both ways; null where none selects the pod, and all is allowed. A direction
 * that no policy is about is allowed as a whole; to the pod's own node's packets a pod is always open (its kubelet probes
 * it).
 */
export function policyEntries(policies: Iterable<NetworkPolicy>, pod: { readonly identity: PodIdentity; readonly namedPorts: readonly NamedPort[] }, directory: Directory): PolicyEntry[] | null {
  const all = [...policies];
  const ingress = all.filter((policy) => isAbout(policy, 'Ingress', pod.identity));
  const egress = all.filter((policy) => isAbout(policy, 'Egress', pod.identity));
  if (ingress.length + egress.length === 0) return null;
  const entries: PolicyEntry[] = [];
  if (ingress.length === 0) entries.push({ identity: ANYBODY, egress: false, ports: ALL_PORTS });
  else entries.push({ identity: RESERVED_IDENTITY.host, egress: false, ports: ALL_PORTS });
  if (egress.length === 0) entries.push({ identity: ANYBODY, egress: true, ports: ALL_PORTS });

  for (const { metadata, spec } of ingress) {
    for (const { from, ports } of spec?.ingress ?? []) {
      const allowed = portsOf(ports, [pod]);
      for (const identity of peersOf(from, metadata?.namespace ?? 'default', directory)) for (const each of allowed) entries.push({ identity, egress: false, ports: each });
    }
  }
  for (const { metadata, spec } of egress) {
    for (const { to, ports } of spec?.egress ?? []) {
      for (const identity of peersOf(to, metadata?.namespace ?? 'default', directory)) {
        const owners = directory.pods.filter((other) => identity === ANYBODY || other.identity.id === identity);
        for (const each of portsOf(ports, owners)) entries.push({ identity, egress: true, ports: each });
      }
    }
  }
  return entries;
}

/** Prefixes that policies name, exceptions among them: each is an identity of its own. */
export function prefixesOf({ spec }: NetworkPolicy): Ipv4Prefix[] {
  const peers = [...(spec?.ingress ?? []).flatMap(({ from }) => from ?? []), ...(spec?.egress ?? []).flatMap(({ to }) => to ?? [])];
  const texts = peers.flatMap(({ ipBlock }) => (ipBlock ? [ipBlock.cidr, ...(ipBlock.except ?? [])] : []));
  return texts.map((text) => parsePrefix(text)).filter((prefix) => prefix !== undefined);
}

/** Identities that peers stand for; none given: anybody. */
function peersOf(peers: readonly NetworkPolicyPeer[] | undefined, namespace: string, { pods, cidrs }: Directory): Set<number> {
  if (!peers || peers.length === 0) return new Set([ANYBODY]);
  const identities = new Set<number>();
  for (const { ipBlock, namespaceSelector, podSelector } of peers) {
    if (ipBlock) {
      const block = parsePrefix(ipBlock.cidr);
      const except = (ipBlock.except ?? []).map((text) => parsePrefix(text)).filter((prefix) => prefix !== undefined);
      if (!block) continue;
      // An address has the identity of the longest prefix that holds it: every known prefix within the block is meant.
      for (const { id, prefix } of cidrs) if (isWithin(prefix, block) && !except.some((hole) => isWithin(prefix, hole))) identities.add(id);
      continue;
    }
    for (const { identity } of pods) {
      const inNamespace = namespaceSelector ? selects(namespaceSelector, identity.namespaceLabels) : identity.namespace === namespace;
      if (inNamespace && selects(podSelector ?? {}, identity.labels)) identities.add(identity.id);
    }
  }
  return identities;
}

/** What ports stand for at the pods that they are ports of: a name may be another number at each. */
function portsOf(ports: readonly NetworkPolicyPort[] | undefined, owners: readonly { readonly namedPorts: readonly NamedPort[] }[]): PolicyPorts[] {
  if (!ports || ports.length === 0) return [ALL_PORTS];
  return ports.flatMap(({ port, endPort, protocol: name }): PolicyPorts[] => {
    const protocol = protocolNumber(name);
    if (protocol === undefined) return [];
    if (port === undefined) return [{ protocol, ports: null }];
    if (typeof port === 'number') return portPrefixes(port, Math.max(port, endPort ?? port)).map((prefix) => ({ protocol, ports: prefix }));
    const numbers = new Set(owners.flatMap(({ namedPorts }) => namedPorts.filter((named) => named.name === port && named.protocol === protocol).map((named) => named.port)));
    return [...numbers].map((number) => ({ protocol, ports: { port: number, bits: 16 } }));
  });
}
