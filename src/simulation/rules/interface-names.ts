import type { Implementation } from '../../datapaths/registry.ts';
import type { ClusterNode } from '../../kubernetes/node.ts';
import { parseIpv4 } from '../../packet/address.ts';

/** What a pattern ends with. */
const ANY_REST = '+';

/** How container networks name a pod's end of its link, or the bridge that pods hang on: Calico, veth pairs, Cilium, bridge and flannel. */
const PODS = /^(?:cali|veth|lxc|cni0$)/;

/**
 * The interfaces that rules name for pods, one name for each pattern, those named whole first; none where they name none.
 * Rules do not say whose they are.
 */
export function podInterfaces(lane: Implementation<'iptables'>): string[] {
  const named = new Set([...lane.tables.values()].flatMap((table) => [...table.arena.interfaces]).filter((name) => PODS.test(name)));
  const whole = [...named].filter((name) => !name.endsWith(ANY_REST));
  const patterns = [...named].filter((name) => name.endsWith(ANY_REST)).map((name) => name.slice(0, -1));
  return [...whole, ...patterns.filter((pattern) => !whole.some((name) => name.startsWith(pattern))).map((pattern) => `${pattern}0`)];
}

/**
 * Interfaces that a packet's editor offers: the node's own, the sending pod's, and those that rules name. A pattern such
 * as `cali+` gives a name that fits it, unless rules name one that does.
 */
export function interfacesOf(lane: Implementation<'iptables'>, node: ClusterNode): string[] {
  const client = parseIpv4(node.client.address);
  const pod = client === undefined ? null : lane.deviceOf(client);
  const names = new Set(['eth0', 'lo', ...(pod ? [pod] : [])]);
  const patterns = new Set<string>();
  for (const table of lane.tables.values()) {
    for (const name of table.arena.interfaces) {
      if (name === '' || name === ANY_REST) continue;
      if (name.endsWith(ANY_REST)) patterns.add(name.slice(0, -1));
      else names.add(name);
    }
  }
  for (const pattern of patterns) if (![...names].some((name) => name.startsWith(pattern))) names.add(`${pattern}0`);
  return [...names];
}
