import { serviceEntries } from '../datapaths/ebpf/index.ts';
import { kubeProxyRules } from '../datapaths/iptables/index.ts';
import type { ClusterObject } from '../kubernetes/change.ts';
import { nodeOf } from '../kubernetes/node.ts';
import { parseIpv4, type Ipv4 } from '../packet/address.ts';
import type { Reading } from './api.ts';

/**
 * What objects become in both lanes, as `Opened` says it of lanes that were built: both agents do their first sync, and
 * no kernel takes it. null: more Services than an agent can name.
 */
export function becomes(objects: readonly ClusterObject[]): Reading['becomes'] {
  const { name, address, clusterCIDR } = nodeOf(objects);
  const entries = serviceEntries(objects, { name, address: parseIpv4(address) ?? (0 as Ipv4) });
  return entries === null ? null : { rules: kubeProxyRules(objects, { name, clusterCIDR }), entries };
}
