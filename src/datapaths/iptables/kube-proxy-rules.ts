import type { ClusterObject } from '../../kubernetes/change.ts';
import type { NodeContext } from '../datapath.ts';
import { DEFAULT_CONFIG, Proxier, standingRules } from './kube-proxy/index.ts';

const SEED = 1;

/** How many rules stand after kube-proxy's first sync, its own included: no kernel takes them. */
export function kubeProxyRules(objects: readonly ClusterObject[], { name, clusterCIDR }: Pick<NodeContext, 'name' | 'clusterCIDR'>): number {
  const payload = new Proxier({ ...DEFAULT_CONFIG, node: name, clusterCIDR }, SEED).sync(objects.map((object) => ({ op: 'add', object })));
  const standing = standingRules().split('\n').filter((line) => line.startsWith('-A ')).length;
  return payload ? standing + payload.filter.rules + payload.nat.rules : standing;
}
