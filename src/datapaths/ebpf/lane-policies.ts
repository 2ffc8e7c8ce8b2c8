import type { ClusterChange, ClusterObject } from '../../kubernetes/change.ts';
import { keyOf } from '../../kubernetes/change.ts';
import { parseIpv4, type Ipv4 } from '../../packet/address.ts';
import type { NodeContext } from '../datapath.ts';
import type { LocalPod, LocalPods } from '../local-pods.ts';
import { PolicyAgent } from './agent/policy-agent.ts';
import type { Write } from './agent/write.ts';

/** NetworkPolicies as they are held to on the node. */
export interface PoliciesHeld {
  readonly policies: number;
  /** Pods of this node that one of them selects. */
  readonly pods: number;
}

export function hasPolicy(change: ClusterChange): boolean {
  return change.some(({ op, object }) => op !== 'delete' && object.kind === 'NetworkPolicy');
}

/** The agent's policies in the lane: identities of the node's pods, the client among them, which no object of the cluster's names. */
export class LanePolicies {
  readonly #agent: PolicyAgent;
  readonly #node: NodeContext;
  readonly #pods: LocalPods;
  readonly #policies = new Set<string>();
  /** Of pods as their entries say. */
  readonly #identities = new Map<Ipv4, number>();
  #started = false;

  constructor(node: NodeContext, pods: LocalPods, write: Write) {
    this.#node = node;
    this.#pods = pods;
    const address = parseIpv4(node.address);
    if (address === undefined) throw new Error(`The node’s address ${node.address} is no IPv4 address.`);
    this.#agent = new PolicyAgent(write, { node: { name: node.name, address }, endpointId: (pod) => pods.find(pod)?.ifindex ?? 0 });
  }

  get held(): PoliciesHeld {
    return { policies: this.#policies.size, pods: this.#agent.selected };
  }

  /** 0: the agent knows no such pod. */
  identityOf(address: Ipv4): number {
    return this.#agent.identityOf(address) ?? 0;
  }

  /** Brings identities and policies in line with a change; returns the pods that are someone else by it. */
  apply(change: ClusterChange): LocalPod[] {
    for (const { op, object } of change) {
      if (object.kind !== 'NetworkPolicy') continue;
      if (op === 'delete') this.#policies.delete(keyOf(object));
      else this.#policies.add(keyOf(object));
    }
    this.#agent.apply(this.#started ? change : [...this.#clients(change), ...change]);
    this.#started = true;
    const renamed: LocalPod[] = [];
    for (const pod of this.#pods.all()) {
      const identity = this.identityOf(pod.address);
      if (this.#identities.get(pod.address) === identity) continue;
      this.#identities.set(pod.address, identity);
      renamed.push(pod);
    }
    return renamed;
  }

  /** Pods that only the node is told of: they carry no labels. One of the cluster's own with the same name is another. */
  #clients(change: ClusterChange): ClusterChange {
    const taken = new Set(change.flatMap(({ object }) => (object.kind === 'Pod' ? [keyOf(object)] : [])));
    return this.#node.pods.map(({ name, address }) => {
      const [namespace, own] = name.includes('/') ? (name.split('/', 2) as [string, string]) : ['default', name];
      let free = own;
      while (taken.has(`${namespace}/${free}`)) free += '-of-the-node';
      const object: ClusterObject = { kind: 'Pod', metadata: { namespace, name: free, labels: {} }, spec: { nodeName: this.#node.name, containers: [] }, status: { podIP: address } };
      return { op: 'add', object };
    });
  }
}
