import type { Service } from 'kubernetes-types/core/v1';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1';
import { keyOf, type ClusterChange } from '../../../kubernetes/change.ts';
import type { Ipv4 } from '../../../packet/address.ts';
import { BackendTable } from './backend-table.ts';
import { backendKey, backendsOf, frontendsOf, sameFrontend, type BackendAddress, type Backends, type Frontend } from './frontends.ts';
import {
  AFFINITY_MATCH_VALUE,
  affinityMatchKey,
  ALGORITHM,
  MAP,
  maglevValue,
  reverseNatKey,
  reverseNatValue,
  serviceKey,
  serviceValue,
  slotValue,
  SOURCE_RANGE_VALUE,
  sourceRangeKey,
} from './layout.ts';
import { maglevTable } from './maglev.ts';
import type { Write } from './write.ts';

export type { Write } from './write.ts';

/** rev_nat_index is 16 bits wide, and 0 means none. */
const MAX_SERVICE_IDS = 65535;

export interface AgentOptions {
  /** The node that the agent runs on; null: it serves no NodePorts, and takes every endpoint for one of its own. */
  readonly node?: { readonly name: string; readonly address: Ipv4 } | null;
  /** `loadBalancer.algorithm`. */
  readonly algorithm?: 'random' | 'maglev';
}

interface Installed {
  frontend: Frontend;
  readonly id: number;
  /** Backend ids by slot, slot 1 first. */
  slots: readonly number[];
  /** Backends that take no new connections. */
  draining: readonly number[];
}

/** What belongs to a Service's name. Lists, since nearly all have one slice and one frontend. */
interface Known {
  service: Service | null;
  slices: readonly EndpointSlice[];
  /** In the order in which they came. */
  installed: readonly Installed[];
}

const NONE: readonly never[] = [];

/**
 * Cilium's bookkeeping for Services: ids for frontends and backends, and the map entries that follow from the cluster's
 * state. Writes only what changed, in an order that never leaves a slot pointing at nothing: backends before the slots
 * and tables that name them, slots before the count that reaches them; and the other way round when they go.
 */
export class Agent {
  readonly #write: Write;
  readonly #node: { readonly name: string; readonly address: Ipv4 } | null;
  readonly #maglev: boolean;
  /** By `namespace/name`. */
  readonly #services = new Map<string, Known>();
  readonly #backends: BackendTable;
  #nextService = 1;
  readonly #freeServices: number[] = [];

  constructor(write: Write, { node = null, algorithm = 'random' }: AgentOptions = {}) {
    this.#write = write;
    this.#node = node;
    this.#maglev = algorithm === 'maglev';
    this.#backends = new BackendTable(write);
  }

  /** Services that packets can be sent to, as frontends with their number of backends. */
  *frontends(): Iterable<{ readonly frontend: Frontend; readonly backends: number }> {
    for (const { installed } of this.#services.values()) {
      for (const { frontend, slots } of installed) yield { frontend, backends: slots.length };
    }
  }

  apply(change: ClusterChange, progress?: (done: number) => void): void {
    const touched = new Map<string, Known>();
    const touch = (name: string): Known => {
      const known = this.#services.get(name) ?? { service: null, slices: NONE, installed: NONE };
      this.#services.set(name, known);
      touched.set(name, known);
      return known;
    };
    for (const { op, object } of change) {
      if (object.kind === 'Service') {
        touch(keyOf(object)).service = op === 'delete' ? null : object;
      } else if (object.kind === 'EndpointSlice' && object.addressType === 'IPv4') {
        const service = object.metadata?.labels?.['kubernetes.io/service-name'];
        if (!service) continue;
        const known = touch(`${object.metadata?.namespace ?? 'default'}/${service}`);
        const place = known.slices.findIndex((slice) => (slice.metadata?.name ?? '') === (object.metadata?.name ?? ''));
        if (op !== 'delete') known.slices = place < 0 ? known.slices.concat(object) : known.slices.with(place, object);
        else if (place >= 0) known.slices = known.slices.toSpliced(place, 1);
      }
    }
    let done = 0;
    for (const [name, known] of touched) {
      if (done++ % 1024 === 0) progress?.(done / touched.size);
      this.#reconcile(known);
      if (!known.service && known.slices.length === 0 && known.installed.length === 0) this.#services.delete(name);
    }
  }

  #reconcile(known: Known): void {
    const wanted: Frontend[] = [];
    for (const frontend of known.service ? frontendsOf(known.service, this.#node?.address ?? null) : NONE) {
      const place = wanted.findIndex((other) => sameFrontend(other, frontend));
      if (place < 0) wanted.push(frontend);
      else wanted[place] = frontend;
    }
    for (const frontend of wanted) {
      const backends = backendsOf(frontend, known.slices, this.#node?.name ?? null);
      const entry = known.installed.find((other) => sameFrontend(other.frontend, frontend));
      if (entry) {
        this.#update(entry, frontend, backends);
      } else {
        const added = { frontend, id: this.#takeServiceId(), slots: NONE, draining: NONE };
        known.installed = known.installed.concat(added);
        this.#install(added, backends);
      }
    }
    // All that is wanted is installed by now.
    if (known.installed.length === wanted.length) return;
    // An external scope sends on to its internal one: it goes first, as it came last.
    const gone = known.installed.filter(({ frontend }) => !wanted.some((other) => sameFrontend(other, frontend)));
    for (const entry of gone.toReversed()) this.#remove(entry);
    known.installed = known.installed.filter((entry) => !gone.includes(entry));
  }

  #install(entry: Installed, backends: Backends): void {
    entry.slots = backends.active.map((backend) => this.#backends.use(backend));
    entry.draining = backends.draining.length > 0 ? backends.draining.map((backend) => this.#backends.use(backend)) : NONE;
    entry.slots.forEach((backend, index) => {
      this.#write(MAP.services, serviceKey(entry.frontend, index + 1), slotValue(backend, entry.id));
    });
    this.#write(MAP.reverseNat, reverseNatKey(entry.id), reverseNatValue(entry.frontend));
    if (entry.frontend.affinitySeconds > 0) this.#match(entry, entry.slots);
    for (const range of entry.frontend.sourceRanges) this.#write(MAP.sourceRange, sourceRangeKey(entry.id, range), SOURCE_RANGE_VALUE);
    this.#hash(entry);
    this.#count(entry);
  }

  #update(entry: Installed, frontend: Frontend, backends: Backends): void {
    const before = entry.frontend;
    const old = entry.slots;
    const oldDraining = entry.draining;
    const next = this.#place(old, backends.active);
    const same = next.length === old.length && next.every((id, index) => id === old[index]);
    entry.draining = backends.draining.map((backend) => this.#backends.use(backend));
    entry.frontend = frontend;
    entry.slots = next;
    next.forEach((backend, index) => {
      if (old[index] !== backend) this.#write(MAP.services, serviceKey(frontend, index + 1), slotValue(backend, entry.id));
    });
    if (frontend.affinitySeconds > 0) this.#match(entry, before.affinitySeconds > 0 ? next.filter((id) => !old.includes(id)) : next);
    const rangeKeys = new Set(before.sourceRanges.map(rangeText));
    for (const range of frontend.sourceRanges) if (!rangeKeys.has(rangeText(range))) this.#write(MAP.sourceRange, sourceRangeKey(entry.id, range), SOURCE_RANGE_VALUE);
    const counts = next.length !== old.length || traits(before) !== traits(frontend);
    const hashes = !same || this.#usesMaglev(before) !== this.#usesMaglev(frontend);
    // A table without backends must not be reached.
    if (counts && next.length === 0) this.#count(entry);
    if (hashes) this.#hash(entry);
    if (counts && next.length > 0) this.#count(entry);
    for (let slot = old.length; slot > next.length; slot--) this.#write(MAP.services, serviceKey(frontend, slot), null);

    // What nothing reaches any more.
    if (this.#usesMaglev(before) && !this.#usesMaglev(frontend)) this.#write(MAP.maglev, reverseNatKey(entry.id), null);
    const kept = new Set(frontend.sourceRanges.map(rangeText));
    for (const range of before.sourceRanges) if (!kept.has(rangeText(range))) this.#write(MAP.sourceRange, sourceRangeKey(entry.id, range), null);
    if (before.affinitySeconds > 0) this.#unmatch(entry, frontend.affinitySeconds > 0 ? old.filter((id) => !next.includes(id)) : old);
    for (const id of old) if (!next.includes(id)) this.#backends.release(id);
    for (const id of oldDraining) this.#backends.release(id);
  }

  /** Slots keep their backends where they can: one that went is replaced by one that came, or by the last. */
  #place(old: readonly number[], backends: readonly BackendAddress[]): number[] {
    const wanted = new Set(backends.map(backendKey));
    const known = new Set(old.map((id) => this.#backends.keyOf(id)));
    const arriving = backends.filter((backend) => !known.has(backendKey(backend))).map((backend) => this.#backends.use(backend));
    const stays = (id: number | undefined) => wanted.has(this.#backends.keyOf(id ?? 0));
    const next = [...old];
    for (let slot = 0; slot < next.length; slot++) {
      if (stays(next[slot])) continue;
      const replacement = arriving.shift();
      if (replacement !== undefined) {
        next[slot] = replacement;
        continue;
      }
      while (next.length > slot && !stays(next.at(-1))) next.pop();
      const last = next.length > slot ? next.pop() : undefined;
      if (last !== undefined) next[slot] = last;
    }
    next.push(...arriving);
    return next;
  }

  #remove(entry: Installed): void {
    const { frontend, id, slots, draining } = entry;
    this.#write(MAP.services, serviceKey(frontend, 0), null);
    for (let slot = slots.length; slot > 0; slot--) this.#write(MAP.services, serviceKey(frontend, slot), null);
    if (this.#usesMaglev(frontend)) this.#write(MAP.maglev, reverseNatKey(id), null);
    for (const range of frontend.sourceRanges) this.#write(MAP.sourceRange, sourceRangeKey(id, range), null);
    if (frontend.affinitySeconds > 0) this.#unmatch(entry, slots);
    this.#write(MAP.reverseNat, reverseNatKey(id), null);
    for (const backend of [...slots, ...draining]) this.#backends.release(backend);
    this.#freeServices.push(id);
  }

  #count({ frontend, slots, id }: Installed): void {
    this.#write(MAP.services, serviceKey(frontend, 0), serviceValue(slots.length, id, frontend));
  }

  #match({ id }: Installed, backends: readonly number[]): void {
    for (const backend of backends) this.#write(MAP.affinityMatch, affinityMatchKey(backend, id), AFFINITY_MATCH_VALUE);
  }

  #unmatch({ id }: Installed, backends: readonly number[]): void {
    for (const backend of backends) this.#write(MAP.affinityMatch, affinityMatchKey(backend, id), null);
  }

  #usesMaglev({ algorithm }: Frontend): boolean {
    return this.#maglev || algorithm === ALGORITHM.maglev;
  }

  /** A whole new table, in one write: the inner map is filled before it takes the old one's place. */
  #hash({ frontend, slots, id }: Installed): void {
    if (!this.#usesMaglev(frontend)) return;
    const table = maglevTable(slots.map((backend) => ({ id: backend, name: this.#backends.keyOf(backend) })));
    this.#write(MAP.maglev, reverseNatKey(id), maglevValue(table));
  }

  #takeServiceId(): number {
    const id = this.#freeServices.pop() ?? this.#nextService++;
    if (id > MAX_SERVICE_IDS) throw new Error(`More than ${MAX_SERVICE_IDS} Service ports: rev_nat_index has 16 bits, and Cilium cannot name more either.`);
    return id;
  }
}

function rangeText({ address, length }: Frontend['sourceRanges'][number]): string {
  return `${address}/${length}`;
}

function traits({ flags, flags2, affinitySeconds, algorithm }: Frontend): string {
  return `${flags} ${flags2} ${affinitySeconds} ${algorithm}`;
}
