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

class Pod implements LocalPod {
  readonly address: Ipv4;
  readonly ifindex: number;
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
  readonly #host: Ipv4 | undefined;
  // Pods are numbers here, from 0 in the order of coming, and objects once somebody asks: a large cluster has 100,000, of
  // which one is looked at.
  /** The pod at each address. */
  readonly #pods = new Map<number, number>();
  readonly #addresses: Ipv4[] = [];
  readonly #called: (PodName | null)[] = [];
  /** How many objects name its address. */
  readonly #uses: number[] = [];
  /** Objects that place pods here, by kind and key, as they are now. */
  readonly #objects = { EndpointSlice: new Map<string, Placed>(), Pod: new Map<string, Placed>() };

  constructor(node: NodeContext) {
    this.#node = node;
    this.#host = parseIpv4(node.address);
    for (const { name, address } of node.pods) {
      const parsed = parseIpv4(address);
      if (parsed !== undefined) this.#use(parsed, name);
    }
  }

  get size(): number {
    return this.#pods.size;
  }

  find(address: Ipv4): LocalPod | undefined {
    return this.#at(address);
  }

  /** The pod whose veth pair ends in `device`. */
  behind(device: string): LocalPod | undefined {
    const address = VETH.exec(device)?.[1];
    return address === undefined ? undefined : this.#at(Number.parseInt(address, 16));
  }

  *all(): Iterable<LocalPod> {
    for (const pod of this.#pods.values()) yield this.#make(pod);
  }

  #at(address: number): LocalPod | undefined {
    const pod = this.#pods.get(address);
    return pod === undefined ? undefined : this.#make(pod);
  }

  #make(pod: number): LocalPod {
    return new Pod(this.#addresses[pod] ?? (0 as Ipv4), this.#called[pod] ?? '', FIRST_IFINDEX + pod);
  }

  /** Which pods came and which went. */
  apply(change: ClusterChange): { readonly added: Iterable<LocalPod>; readonly removed: readonly LocalPod[] } {
    const first = this.#addresses.length;
    /** Pods that went and were there before, by address; another may have come there since. */
    const went = new Map<number, LocalPod>();
    const use = (address: Ipv4, called: PodName) => {
      this.#use(address, called);
    };
    const release = (address: Ipv4) => {
      const pod = this.#pods.get(address);
      if (pod === undefined) return;
      this.#uses[pod]! -= 1;
      if (this.#uses[pod]! > 0) return;
      if (pod < first && !went.has(address)) went.set(address, this.#make(pod));
      this.#pods.delete(address);
      this.#called[pod] = null;
    };
    for (const { op, object } of change) {
      if (object.kind !== 'EndpointSlice' && object.kind !== 'Pod') continue;
      const objects = this.#objects[object.kind];
      const key = keyOf(object);
      const old = objects.get(key);
      const places = op !== 'delete' && eachLocalPod(object, this.#node.name, this.#host, use) > 0;
      if (old) eachLocalPod(old, this.#node.name, this.#host, release);
      if (places) objects.set(key, object);
      else if (old) objects.delete(key);
    }
    const end = this.#addresses.length;
    return { added: this.#came(first, end, went), removed: [...went.values()].filter(({ address }) => !this.#pods.has(address)) };
  }

  /** Pods with these numbers that are there, but for those in another's place. */
  *#came(first: number, end: number, went: ReadonlyMap<number, LocalPod>): Iterable<LocalPod> {
    for (let pod = first; pod < end; pod++) {
      const address = this.#addresses[pod] ?? 0;
      if (this.#pods.get(address) === pod && !went.has(address)) yield this.#make(pod);
    }
  }

  #use(address: Ipv4, called: PodName): void {
    const known = this.#pods.get(address);
    if (known !== undefined) {
      this.#uses[known]! += 1;
      return;
    }
    this.#pods.set(address, this.#addresses.length);
    this.#addresses.push(address);
    this.#called.push(called);
    this.#uses.push(1);
  }
}

/** Visits the pods that an object places on the node, whose own address is `host`, and returns how many there are. */
function eachLocalPod(object: Placed, node: string, host: Ipv4 | undefined, visit: (address: Ipv4, called: PodName) => void): number {
  if (object.kind === 'Pod') {
    const address = parseIpv4(object.status?.podIP ?? '');
    if (object.spec?.nodeName !== node || object.spec.hostNetwork || address === undefined) return 0;
    visit(address, keyOf(object));
    return 1;
  }
  let placed = 0;
  for (const { nodeName, addresses, targetRef } of object.endpoints ?? []) {
    if (nodeName !== node) continue;
    for (const text of addresses) {
      const address = parseIpv4(text);
      // On the host's network: the node itself, and no pod with a link of its own.
      if (address === undefined || address === host) continue;
      if (!targetRef?.name) visit(address, formatIpv4(address));
      else visit(address, targetRef.namespace === undefined ? { namespace: object.metadata?.namespace ?? 'default', name: targetRef.name } : targetRef);
      placed += 1;
    }
  }
  return placed;
}
