import type { Node } from 'kubernetes-types/core/v1';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1';
import { keyOf, type ClusterChange, type ClusterObject } from '../../../kubernetes/change.ts';
import { deepEqual } from './deep-equal.ts';
import { addressOf, servicePortsOf, type ServicePort } from './service-ports.ts';

const NONE: readonly never[] = [];
const ZONE = 'topology.kubernetes.io/zone';

/** What a batch of changes means to kube-proxy. */
export interface Noticed {
  /** Whether a sync is queued at all. */
  readonly queued: boolean;
  /** Services, as `namespace/name`, whose own chains are to be written anew; none at the start, when all are. */
  readonly services: ReadonlySet<string>;
  /** The node's own zone changed: everything is written anew. */
  readonly topology: boolean;
}

/** kube-proxy's picture of the cluster: Services, EndpointSlices, and its own node (pkg/proxy/*changetracker.go). */
export class ClusterState {
  readonly ports = new Map<string, readonly ServicePort[]>();
  /** By Service, in the order in which they came: nearly always one, and a list is small. */
  readonly #slices = new Map<string, readonly EndpointSlice[]>();
  /** Each slice's Service as it was last told: a deletion names that one. */
  readonly #serviceOfSlice = new Map<string, string>();
  readonly #node: string;
  zone = '';
  /** As it was at kube-proxy's start: a later change of it is not heard of. Without one kube-proxy assumes loopback. */
  nodeAddress = '127.0.0.1';
  #started = false;

  constructor(node: string) {
    this.#node = node;
  }

  slicesOf(service: string): Iterable<EndpointSlice> {
    return this.#slices.get(service) ?? [];
  }

  /** Takes the changes over. Later changes of the same object undo earlier ones: only the difference counts. */
  apply(change: ClusterChange): Noticed {
    const first = !this.#started;
    this.#started = true;
    const before = new Map<string, readonly ServicePort[]>();
    /** Services that are not as they were before the first of these changes. */
    const pending = new Set<string>();
    const services = new Set<string>();
    let topology = false;
    let queued = false;
    for (const { op, object } of change) {
      const gone = op === 'delete' || isForOthers(object);
      if (object.kind === 'Service') {
        const name = keyOf(object);
        if (!first && !before.has(name)) before.set(name, this.ports.get(name) ?? NONE);
        const ports = gone ? NONE : servicePortsOf(object, name);
        if (ports.length > 0) this.ports.set(name, ports);
        else this.ports.delete(name);
        if (first) continue;
        if (samePorts(before.get(name) ?? NONE, ports)) pending.delete(name);
        else pending.add(name);
        // A sync is queued at once, even if a later change undoes this one.
        if (pending.size > 0) queued = true;
      } else if (object.kind === 'EndpointSlice') {
        const service = this.#applySlice(object, gone);
        if (service !== null && !first) {
          services.add(service);
          queued = true;
        }
      } else if (object.kind === 'Node' && object.metadata?.name === this.#node && !gone) {
        const zone = object.metadata.labels?.[ZONE] ?? '';
        if (zone !== this.zone) topology = true;
        this.zone = zone;
        if (first) this.nodeAddress = hostAddressOf(object) ?? this.nodeAddress;
      }
    }
    for (const name of pending) services.add(name);
    return { queued: queued || topology, services, topology };
  }

  /** Returns the Service whose endpoints changed, or null: kube-proxy compares whole objects, labels too. */
  #applySlice(slice: EndpointSlice, gone: boolean): string | null {
    if (slice.addressType !== 'IPv4') return null;
    const id = keyOf(slice);
    if (gone) {
      const service = this.#serviceOfSlice.get(id);
      this.#serviceOfSlice.delete(id);
      return service !== undefined && this.#drop(service, slice) ? service : null;
    }
    const name = slice.metadata?.labels?.['kubernetes.io/service-name'];
    if (!name) {
      // What it said before stands for good: a deletion of it names no Service either.
      this.#serviceOfSlice.delete(id);
      return null;
    }
    const service = `${slice.metadata?.namespace ?? 'default'}/${name}`;
    this.#serviceOfSlice.set(id, service);
    const slices = this.#slices.get(service) ?? [];
    const place = placeOf(slices, slice);
    if (place >= 0 && deepEqual(slices[place], slice)) return null;
    this.#slices.set(service, place < 0 ? slices.concat(slice) : slices.with(place, slice));
    return service;
  }

  /** Whether the Service had a slice of that name. */
  #drop(service: string, slice: EndpointSlice): boolean {
    const slices = this.#slices.get(service) ?? [];
    const place = placeOf(slices, slice);
    if (place < 0) return false;
    if (slices.length > 1) this.#slices.set(service, slices.toSpliced(place, 1));
    else this.#slices.delete(service);
    return true;
  }
}

/** Whatever their order. */
function samePorts(a: readonly ServicePort[], b: readonly ServicePort[]): boolean {
  return a.length === b.length && a.every((port) => deepEqual(port, b.find(({ name, protocol }) => name === port.name && protocol === port.protocol)));
}

/** The node's first IPv4 address in the cluster, else its first outside (GetNodeHostIPs, pkg/util/node, and detectNodeIPs, cmd/kube-proxy/app). */
function hostAddressOf({ status }: Node): string | undefined {
  const addresses = status?.addresses ?? [];
  for (const kind of ['InternalIP', 'ExternalIP']) {
    for (const { type, address } of addresses) {
      const printed = type === kind ? addressOf(address) : undefined;
      if (printed !== undefined) return printed;
    }
  }
  return undefined;
}

function placeOf(slices: readonly EndpointSlice[], { metadata }: EndpointSlice): number {
  return slices.findIndex((other) => (other.metadata?.name ?? '') === (metadata?.name ?? ''));
}

/** kube-proxy's informers leave out what another proxy serves, and slices of headless Services (cmd/kube-proxy/app/server.go). */
function isForOthers(object: ClusterObject): boolean {
  const labels = object.metadata?.labels;
  if (!labels || object.kind === 'Node') return false;
  return 'service.kubernetes.io/service-proxy-name' in labels || (object.kind === 'EndpointSlice' && 'service.kubernetes.io/headless' in labels);
}
