import type { ClusterObject } from './change.ts';

/** The node that packets are sent on, and the pod that sends them. Addresses are dotted decimal. */
export interface ClusterNode {
  readonly name: string;
  readonly address: string;
  /** kube-proxy's `--cluster-cidr`: the addresses of all pods. */
  readonly clusterCIDR: string;
  readonly client: { readonly name: string; readonly address: string };
}

/** Of the presets: one node with every pod on it, the set-up that the lab measures (pod to pod on one node). */
export const PRESET_NODE: ClusterNode = {
  name: 'node-1',
  address: '192.168.0.11',
  clusterCIDR: '10.244.0.0/14',
  client: { name: 'default/client', address: '10.244.0.10' },
};

const toNumber = (address: string) => address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
const toText = (address: number) => [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');

/** Addresses that are a node's own, by the node's name: a Node says so, or a Pod on its host's network, which has its node's. */
export function hostAddresses(objects: readonly ClusterObject[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const declared = new Map<string, string>();
  for (const object of objects) {
    if (object.kind === 'Node') {
      const internal = object.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
      if (internal !== undefined) declared.set(object.metadata?.name ?? '', internal);
    } else if (object.kind === 'Pod' && object.spec?.hostNetwork && object.spec.nodeName !== undefined && object.status?.podIP !== undefined) {
      found.set(object.spec.nodeName, object.status.podIP);
    }
  }
  for (const [name, address] of declared) found.set(name, address);
  return found;
}

/**
 * The node to look at in a person's cluster: the one that most endpoints are on. The objects do not say `--cluster-cidr`:
 * it is the smallest prefix that holds every endpoint and pod CIDR. The client takes the first free address next to a
 * pod of that node.
 */
export function nodeOf(objects: readonly ClusterObject[]): ClusterNode {
  const endpointsByNode = new Map<string, number>();
  const addresses = new Set<number>();
  const onNode = new Map<string, number>();
  const cidrs: number[] = [];
  const hosts = hostAddresses(objects);
  const hostNumbers = new Set([...hosts.values()].map(toNumber));
  for (const object of objects) {
    if (object.kind === 'Node') {
      const cidr = object.spec?.podCIDR;
      if (cidr && /^\d+\.\d+\.\d+\.\d+\/\d+$/.test(cidr)) cidrs.push(toNumber(cidr.split('/')[0] ?? ''));
    }
    if (object.kind !== 'EndpointSlice' || object.addressType !== 'IPv4') continue;
    for (const { nodeName, addresses: own, targetRef } of object.endpoints ?? []) {
      const address = toNumber(own[0] ?? '');
      if (!Number.isInteger(address)) continue;
      // Host-network endpoints (the API server's) have no pod, and say nothing of pod addresses.
      if ((targetRef?.kind !== 'Pod' && nodeName === undefined) || hostNumbers.has(address)) continue;
      addresses.add(address);
      if (nodeName === undefined) continue;
      endpointsByNode.set(nodeName, (endpointsByNode.get(nodeName) ?? 0) + 1);
      if (!onNode.has(nodeName)) onNode.set(nodeName, address);
    }
  }
  const [name] = [...endpointsByNode].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0] ?? [PRESET_NODE.name];
  if (addresses.size === 0) return { ...PRESET_NODE, name };
  const internal = hosts.get(name);
  let client = onNode.get(name) ?? Math.min(...addresses);
  while (addresses.has(client)) client += 1;
  const all = [...addresses, ...cidrs, client];
  let low = Infinity;
  let high = 0;
  for (const address of all) {
    low = Math.min(low, address);
    high = Math.max(high, address);
  }
  const length = Math.min(24, Math.clz32((low ^ high) >>> 0));
  const base = length === 0 ? 0 : (low & (0xffffffff << (32 - length))) >>> 0;
  const address = internal !== undefined && /^\d+\.\d+\.\d+\.\d+$/.test(internal) ? internal : PRESET_NODE.address;
  return { name, address, clusterCIDR: `${toText(base)}/${length}`, client: { name: 'default/client', address: toText(client) } };
}
