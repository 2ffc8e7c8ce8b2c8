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

/** The pods on the node: those it is told of, and those that EndpointSlices and Pods place there. */
export class LocalPods {
  readonly #node: NodeContext;
  readonly #pods = new Map<number, LocalPod>();
  /** How many objects name an address. */
  readonly #uses = new Map<number, number>();
  readonly #byObject = new Map<string, readonly number[]>();
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

  *all(): Iterable<LocalPod> {
    yield* this.#pods.values();
  }

  /** Which pods came and which went. */
  apply(change: ClusterChange): { readonly added: readonly LocalPod[]; readonly removed: readonly LocalPod[] } {
    const before = new Map<number, LocalPod | undefined>();
    for (const { op, object } of change) {
      if (object.kind !== 'EndpointSlice' && object.kind !== 'Pod') continue;
      const key = `${object.kind} ${keyOf(object)}`;
      const addresses = op === 'delete' ? [] : [...localAddresses(object, this.#node.name)];
      for (const { address, name } of addresses) {
        if (!before.has(address)) before.set(address, this.#pods.get(address));
        this.#use(address, name);
      }
      for (const address of this.#byObject.get(key) ?? []) {
        if (!before.has(address)) before.set(address, this.#pods.get(address));
        this.#release(address);
      }
      if (addresses.length > 0) this.#byObject.set(key, addresses.map(({ address }) => address));
      else this.#byObject.delete(key);
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

  #use(address: Ipv4, name: string): void {
    const uses = this.#uses.get(address) ?? 0;
    this.#uses.set(address, uses + 1);
    if (uses > 0) return;
    this.#pods.set(address, { address, name, device: `veth${address.toString(16).padStart(8, '0')}`, ifindex: this.#next++ });
  }

  #release(address: number): void {
    const uses = this.#uses.get(address) ?? 0;
    if (uses > 1) {
      this.#uses.set(address, uses - 1);
      return;
    }
    this.#uses.delete(address);
    this.#pods.delete(address);
  }
}

function* localAddresses(object: ClusterObject, node: string): Iterable<{ address: Ipv4; name: string }> {
  if (object.kind === 'Pod') {
    const address = parseIpv4(object.status?.podIP ?? '');
    if (object.spec?.nodeName === node && !object.spec.hostNetwork && address !== undefined) yield { address, name: keyOf(object) };
    return;
  }
  if (object.kind !== 'EndpointSlice') return;
  for (const endpoint of object.endpoints ?? []) {
    if (endpoint.nodeName !== node) continue;
    for (const text of endpoint.addresses) {
      const address = parseIpv4(text);
      const target = endpoint.targetRef;
      if (address !== undefined) yield { address, name: target?.name ? `${target.namespace ?? object.metadata?.namespace ?? 'default'}/${target.name}` : formatIpv4(address) };
    }
  }
}
