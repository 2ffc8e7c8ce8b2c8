import type { ClusterChange, ClusterObject } from '../kubernetes/change.ts';
import { keyOf } from '../kubernetes/change.ts';
import { formatIpv4, parseIpv4, type Ipv4 } from '../packet/address.ts';
import type { NodeContext } from './datapath.ts';

export interface LocalPod {
  readonly address: Ipv4;
  readonly name: string;
  /** The node's end of the pod's veth pair, named after the address: deterministic, within 15 characters. */
  readonly device: string;
  /** Interface number, from 10 up in the order of coming. */
  readonly ifindex: number;
}

const FIRST_IFINDEX = 10;
/** `LocalPod.device`, with the address in it. */
const VETH = /^veth([0-9a-f]{8})$/;

/** What a pod is called: by its name alone, or by namespace and name, as an endpoint's `targetRef` has them. */
type PodName = string | { readonly namespace?: string; readonly name?: string };

/** Its texts are made when somebody asks: a large cluster has 100,000 pods, of which one is looked at. */
class Pod implements LocalPod {
  readonly address: Ipv4;
  readonly ifindex: number;
  /** How many objects name its address. */
  uses = 1;
  readonly #called: PodName;

  constructor(address: Ipv4, called: PodName, ifindex: number) {
    this.address = address;
    this.#called = called;
    this.ifindex = ifindex;
  }

  get name(): string {
    return typeof this.#called === 'string' ? this.#called : `${this.#called.namespace ?? 'default'}/${this.#called.name ?? ''}`;
  }

  get device(): string {
    return `veth${this.address.toString(16).padStart(8, '0')}`;
  }
}

type Placed = Extract<ClusterObject, { kind: 'EndpointSlice' | 'Pod' }>;

/** The pods on the node: those it is told of, and those that EndpointSlices and Pods place there. */
export class LocalPods {
  readonly #node: NodeContext;
  readonly #pods = new Map<number, Pod>();
  /** Objects that place pods here, by kind and key, as they are now. */
  readonly #objects = { EndpointSlice: new Map<string, Placed>(), Pod: new Map<string, Placed>() };
  #next = FIRST_IFINDEX;

  constructor(node: NodeContext) {
    this.#node = node;
    for (const { name, address } of node.pods) {
      const parsed = parseIpv4(address);
      if (parsed !== undefined) this.#use(parsed, name);
    }
  }

  get size(): number {
    return this.#pods.size;
  }

  find(address: Ipv4): LocalPod | undefined {
    return this.#pods.get(address);
  }

  /** The pod whose veth pair ends in `device`. */
  behind(device: string): LocalPod | undefined {
    const address = VETH.exec(device)?.[1];
    return address === undefined ? undefined : this.#pods.get(Number.parseInt(address, 16));
  }

  *all(): Iterable<LocalPod> {
    yield* this.#pods.values();
  }

  /** Which pods came and which went. */
  apply(change: ClusterChange): { readonly added: readonly LocalPod[]; readonly removed: readonly LocalPod[] } {
    /** Those that came or went in between, as they were before. */
    const before = new Map<number, Pod | undefined>();
    const note = (address: number, old: Pod | undefined) => {
      if (!before.has(address)) before.set(address, old);
    };
    for (const { op, object } of change) {
      if (object.kind !== 'EndpointSlice' && object.kind !== 'Pod') continue;
      const objects = this.#objects[object.kind];
      const key = keyOf(object);
      const old = objects.get(key);
      let places = false;
      if (op !== 'delete') {
        eachLocalPod(object, this.#node.name, (address, called) => {
          places = true;
          if (this.#use(address, called)) note(address, undefined);
        });
      }
      if (old) {
        eachLocalPod(old, this.#node.name, (address) => {
          const gone = this.#release(address);
          if (gone) note(address, gone);
        });
      }
      if (places) objects.set(key, object);
      else if (old) objects.delete(key);
    }
    const added: LocalPod[] = [];
    const removed: LocalPod[] = [];
    for (const [address, old] of before) {
      const now = this.#pods.get(address);
      if (now && !old) added.push(now);
      if (old && !now) removed.push(old);
    }
    return { added, removed };
  }

  /** Whether the pod is new. */
  #use(address: Ipv4, called: PodName): boolean {
    const pod = this.#pods.get(address);
    if (pod) {
      pod.uses += 1;
      return false;
    }
    this.#pods.set(address, new Pod(address, called, this.#next++));
    return true;
  }

  /** The pod, where nothing names it any more. */
  #release(address: Ipv4): Pod | null {
    const pod = this.#pods.get(address);
    if (!pod) return null;
    pod.uses -= 1;
    if (pod.uses > 0) return null;
    this.#pods.delete(address);
    return pod;
  }
}

function eachLocalPod(object: Placed, node: string, visit: (address: Ipv4, called: PodName) => void): void {
  if (object.kind === 'Pod') {
    const address = parseIpv4(object.status?.podIP ?? '');
    if (object.spec?.nodeName === node && !object.spec.hostNetwork && address !== undefined) visit(address, keyOf(object));
    return;
  }
  for (const { nodeName, addresses, targetRef } of object.endpoints ?? []) {
    if (nodeName !== node) continue;
    for (const text of addresses) {
      const address = parseIpv4(text);
      if (address === undefined) continue;
      if (!targetRef?.name) visit(address, formatIpv4(address));
      else visit(address, targetRef.namespace === undefined ? { namespace: object.metadata?.namespace ?? 'default', name: targetRef.name } : targetRef);
    }
  }
}
