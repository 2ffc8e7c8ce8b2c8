import type { Implementation } from '../../datapaths/registry.ts';
import type { ClusterNode } from '../../kubernetes/node.ts';
import { parseIpv4 } from '../../packet/address.ts';

/** What a pattern ends with. */
const ANY_REST = '+';

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
