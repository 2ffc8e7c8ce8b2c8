import type { ClusterObject } from '../../kubernetes/change.ts';
import type { Ipv4 } from '../../packet/address.ts';
import type { LocalPods } from '../local-pods.ts';
import { Agent } from './agent/agent.ts';
import { endpointKey, endpointValue, MAP } from './agent/layout.ts';
import type { Write } from './agent/write.ts';
import { macOf } from './pod-mac.ts';

/** Hands over every map entry that the agent writes at its start, for the node's own pods and then for the Services. */
export function agentWrites(objects: readonly ClusterObject[], pods: LocalPods, write: Write): void {
  for (const { address, ifindex } of pods.all()) write(MAP.endpoints, endpointKey(address), endpointValue(ifindex, macOf(address, 0), macOf(address, 1)));
  new Agent(write).apply(objects.map((object) => ({ op: 'add', object })));
}

const COUNTED: readonly string[] = [MAP.services, MAP.backends, MAP.reverseNat];

/** How many entries of the Services' maps objects come to, on a node. null: more Services than an agent can name. */
export function serviceEntries(objects: readonly ClusterObject[], node: { readonly name: string; readonly address: Ipv4 }): number | null {
  const keys = new Set<string>();
  const agent = new Agent(
    (map, key, value) => {
      if (!COUNTED.includes(map)) return;
      const entry = `${map} ${key.join()}`;
      if (value === null) keys.delete(entry);
      else keys.add(entry);
    },
    { node },
  );
  try {
    agent.apply(objects.map((object) => ({ op: 'add', object })));
  } catch {
    return null;
  }
  return keys.size;
}
