import { Agent } from '../datapaths/ebpf/agent/agent.ts';
import { MAP } from '../datapaths/ebpf/agent/layout.ts';
import { DEFAULT_CONFIG, Proxier, standingRules } from '../datapaths/iptables/kube-proxy/index.ts';
import type { ClusterChange, ClusterObject } from '../kubernetes/change.ts';
import { nodeOf } from '../kubernetes/node.ts';
import { parseIpv4, type Ipv4 } from '../packet/address.ts';
import type { Reading } from './api.ts';

const COUNTED: readonly string[] = [MAP.services, MAP.backends, MAP.reverseNat];
const SEED = 1;

/**
 * What objects become in both lanes, as `Opened` says it of lanes that were built: both agents do their first sync, and
 * no kernel takes it. null: more Services than an agent can name.
 */
export function becomes(objects: readonly ClusterObject[]): Reading['becomes'] {
  const { name, address, clusterCIDR } = nodeOf(objects);
  const change: ClusterChange = objects.map((object) => ({ op: 'add', object }));
  let rules = countRules(standingRules());
  const payload = new Proxier({ ...DEFAULT_CONFIG, node: name, clusterCIDR }, SEED).sync(change);
  if (payload) rules += payload.filter.rules + payload.nat.rules;
  const keys = new Set<string>();
  const agent = new Agent(
    (map, key, value) => {
      if (!COUNTED.includes(map)) return;
      const entry = `${map} ${key.join()}`;
      if (value === null) keys.delete(entry);
      else keys.add(entry);
    },
    { node: { name, address: parseIpv4(address) ?? (0 as Ipv4) } },
  );
  try {
    agent.apply(change);
  } catch {
    return null;
  }
  return { rules, entries: keys.size };
}

function countRules(text: string): number {
  return text.split('\n').filter((line) => line.startsWith('-A ')).length;
}
