import { IptablesDatapath } from '../../datapaths/iptables/iptables-datapath.ts';
import { addedService, preset, type PresetName } from '../../kubernetes/presets.ts';
import { PRESET_NODE } from '../../kubernetes/node.ts';
import type { CountedUpdate } from './update-line.ts';

const SEED = 1;

/**
 * Adds a Service to a preset and counts what kube-proxy and the kernel did. Small presets take milliseconds: they are what
 * the line of the update chart is drawn from.
 */
export function countUpdate(name: PresetName, backend: 'legacy' | 'nft', endpoints: number): CountedUpdate {
  const { name: node, address, clusterCIDR, client } = PRESET_NODE;
  const datapath = new IptablesDatapath({ seed: SEED, node: { name: node, address, clusterCIDR, pods: [client] }, backend });
  datapath.sync(preset(name, SEED).map((object) => ({ op: 'add', object })));
  const report = datapath.sync(addedService(0, endpoints, () => false).objects.map((object) => ({ op: 'add', object })));
  return { services: Number(name), report };
}
