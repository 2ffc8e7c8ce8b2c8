import { agentWrites, type Collection } from '../../datapaths/ebpf/index.ts';
import { LocalPods } from '../../datapaths/local-pods.ts';
import { PRESET_NODE } from '../../kubernetes/node.ts';
import { shop } from '../../kubernetes/shop.ts';

/** The pods of the shop on its node, the client among them. */
export function shopPods(): LocalPods {
  const pods = new LocalPods({ ...PRESET_NODE, pods: [PRESET_NODE.client] });
  pods.apply(shop().map((object) => ({ op: 'add', object })));
  return pods;
}

/** Writes into a collection what the agent writes for the shop's Services and pods; `takes`: maps that have its layout. */
export function fillMaps(collection: Collection, takes: ReadonlySet<string>): string[] {
  const filled = new Set<string>();
  agentWrites(shop(), shopPods(), (map, key, value) => {
    if (!takes.has(map) || value === null) return;
    collection.update(map, key, value);
    filled.add(map);
  });
  return [...filled];
}
