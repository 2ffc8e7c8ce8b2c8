import type { Service } from 'kubernetes-types/core/v1';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1';
import { keyOf, type ClusterChange } from '../../../kubernetes/change.ts';
import { backendKey, backendsOf, frontendsOf, type BackendAddress, type Frontend } from './frontends.ts';
import { backendId, backendValue, MAP, reverseNatKey, reverseNatValue, serviceKey, serviceValue, slotValue } from './layout.ts';

/** Takes one element's new value, or null for a delete. Called in the order in which the kernel is to see the writes. */
export type Write = (map: string, key: Uint8Array, value: Uint8Array | null) => void;

/** rev_nat_index is 16 bits wide, and 0 means none. */
const MAX_SERVICE_IDS = 65535;

interface Installed {
  readonly frontend: Frontend;
  readonly id: number;
  /** Backend ids by slot, slot 1 first. */
  slots: number[];
}

interface Backend {
  readonly id: number;
  readonly address: BackendAddress;
  uses: number;
}

/**
 * Cilium's bookkeeping for Services: ids for frontends and backends, and the map entries that follow from the cluster's
 * state. Writes only what changed, in an order that never leaves a slot pointing at nothing: backends before the slots
 * that name them, slots before the count that reaches them; and the other way round when they go.
 */
export class Agent {
  readonly #write: Write;
  readonly #services = new Map<string, Service>();
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  /** By Service, then by `address:port/protocol`. */
  readonly #installed = new Map<string, Map<string, Installed>>();
  readonly #backends = new Map<string, Backend>();
  readonly #backendById = new Map<number, Backend>();
  #nextBackend = 1;
  #nextService = 1;
  readonly #freeServices: number[] = [];

  constructor(write: Write) {
    this.#write = write;
  }

  /** Services that packets can be sent to, as frontends with their number of backends. */
  *frontends(): Iterable<{ readonly frontend: Frontend; readonly backends: number }> {
    for (const installed of this.#installed.values()) {
      for (const { frontend, slots } of installed.values()) yield { frontend, backends: slots.length };
    }
  }

  /** The name of the frontend with that id (its rev_nat_index). */
  frontendName(id: number): string | null {
    for (const installed of this.#installed.values()) for (const entry of installed.values()) if (entry.id === id) return entry.frontend.name;
    return null;
  }

  apply(change: ClusterChange, progress?: (done: number) => void): void {
    const touched = new Set<string>();
    for (const { op, object } of change) {
      if (object.kind === 'Service') {
        const name = keyOf(object);
        if (op === 'delete') this.#services.delete(name);
        else this.#services.set(name, object);
        touched.add(name);
      } else if (object.kind === 'EndpointSlice' && object.addressType === 'IPv4') {
        const service = object.metadata?.labels?.['kubernetes.io/service-name'];
        if (!service) continue;
        const name = `${object.metadata?.namespace ?? 'default'}/${service}`;
        const slices = this.#slices.get(name) ?? new Map<string, EndpointSlice>();
        if (op === 'delete') slices.delete(object.metadata?.name ?? '');
        else slices.set(object.metadata?.name ?? '', object);
        if (slices.size > 0) this.#slices.set(name, slices);
        else this.#slices.delete(name);
        touched.add(name);
      }
    }
    let done = 0;
    for (const name of touched) {
      if (done++ % 1024 === 0) progress?.(done / touched.size);
      this.#reconcile(name);
    }
  }

  #reconcile(name: string): void {
    const service = this.#services.get(name);
    const wanted = new Map((service ? frontendsOf(service) : []).map((frontend) => [backendKey(frontend), frontend] as const));
    const installed = this.#installed.get(name) ?? new Map<string, Installed>();
    for (const [key, entry] of installed) {
      if (wanted.has(key)) continue;
      this.#remove(entry);
      installed.delete(key);
    }
    for (const [key, frontend] of wanted) {
      const backends = backendsOf(frontend, this.#slices.get(name)?.values() ?? []);
      const entry = installed.get(key);
      if (entry) {
        this.#update(entry, backends);
      } else {
        const added = { frontend, id: this.#takeServiceId(), slots: [] };
        installed.set(key, added);
        this.#install(added, backends);
      }
    }
    if (installed.size > 0) this.#installed.set(name, installed);
    else this.#installed.delete(name);
  }

  #install(entry: Installed, backends: readonly BackendAddress[]): void {
    entry.slots = backends.map((backend) => this.#use(backend));
    entry.slots.forEach((backend, index) => {
      this.#write(MAP.services, serviceKey(entry.frontend, index + 1), slotValue(backend, entry.id));
    });
    this.#write(MAP.reverseNat, reverseNatKey(entry.id), reverseNatValue(entry.frontend));
    this.#write(MAP.services, serviceKey(entry.frontend, 0), serviceValue(entry.slots.length, entry.id));
  }

  #update(entry: Installed, backends: readonly BackendAddress[]): void {
    const wanted = new Set(backends.map(backendKey));
    const old = entry.slots;
    const kept = old.filter((id) => wanted.has(this.#keyOf(id)));
    const keptKeys = new Set(kept.map((id) => this.#keyOf(id)));
    const came = backends.filter((backend) => !keptKeys.has(backendKey(backend)));
    if (kept.length === old.length && came.length === 0) return;
    // Slots keep their backends where they can: one that went is replaced by one that came, or by the last.
    const arriving = came.map((backend) => this.#use(backend));
    const next = [...old];
    for (let slot = 0; slot < next.length; slot++) {
      if (wanted.has(this.#keyOf(next[slot] ?? 0))) continue;
      const replacement = arriving.shift();
      if (replacement !== undefined) {
        next[slot] = replacement;
        continue;
      }
      while (next.length > slot && !wanted.has(this.#keyOf(next.at(-1) ?? 0))) next.pop();
      const last = next.length > slot ? next.pop() : undefined;
      if (last !== undefined) next[slot] = last;
    }
    next.push(...arriving);
    next.forEach((backend, index) => {
      if (old[index] !== backend) this.#write(MAP.services, serviceKey(entry.frontend, index + 1), slotValue(backend, entry.id));
    });
    entry.slots = next;
    if (next.length !== old.length) this.#write(MAP.services, serviceKey(entry.frontend, 0), serviceValue(next.length, entry.id));
    for (let slot = old.length; slot > next.length; slot--) this.#write(MAP.services, serviceKey(entry.frontend, slot), null);
    for (const id of old) if (!next.includes(id)) this.#release(id);
  }

  #remove(entry: Installed): void {
    this.#write(MAP.services, serviceKey(entry.frontend, 0), null);
    for (let slot = entry.slots.length; slot > 0; slot--) this.#write(MAP.services, serviceKey(entry.frontend, slot), null);
    this.#write(MAP.reverseNat, reverseNatKey(entry.id), null);
    for (const id of entry.slots) this.#release(id);
    this.#freeServices.push(entry.id);
  }

  #keyOf(id: number): string {
    const backend = this.#backendById.get(id);
    return backend ? backendKey(backend.address) : '';
  }

  #use(address: BackendAddress): number {
    const key = backendKey(address);
    const known = this.#backends.get(key);
    if (known) {
      known.uses += 1;
      return known.id;
    }
    const backend = { id: this.#nextBackend++, address, uses: 1 };
    this.#backends.set(key, backend);
    this.#backendById.set(backend.id, backend);
    this.#write(MAP.backends, backendId(backend.id), backendValue(address));
    return backend.id;
  }

  #release(id: number): void {
    const backend = this.#backendById.get(id);
    if (!backend) return;
    backend.uses -= 1;
    if (backend.uses > 0) return;
    this.#backendById.delete(id);
    this.#backends.delete(backendKey(backend.address));
    this.#write(MAP.backends, backendId(id), null);
  }

  #takeServiceId(): number {
    const id = this.#freeServices.pop() ?? this.#nextService++;
    if (id > MAX_SERVICE_IDS) throw new Error(`More than ${MAX_SERVICE_IDS} Service ports: rev_nat_index has 16 bits, and Cilium cannot name more either.`);
    return id;
  }
}
