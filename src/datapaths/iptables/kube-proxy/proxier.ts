import type { ClusterChange } from '../../../kubernetes/change.ts';
import { ChainLength } from './chain-length.ts';
import { ClusterState } from './cluster-state.ts';
import { allowsLocalhostNodePorts, DEFAULT_CONFIG, type ProxyConfig } from './config.ts';
import { categorizeEndpoints, endpointsOf } from './endpoints.ts';
import { fitted } from './fitted.ts';
import { PayloadBuffers } from './payload-buffers.ts';
import { SyncPayload } from './payload.ts';
import { PortOrder, type PortSlot } from './port-order.ts';
import type { ServicePort } from './service-ports.ts';
import { eachChain, sharedRules, type RulesContext } from './service-rules.ts';
import { standingLines } from './standing-rules.ts';
import { syncedPort, type SyncedPort } from './synced-port.ts';

/** Above this many endpoints kube-proxy leaves comments out (endpointChainsNumberThreshold). */
const LARGE_CLUSTER_ENDPOINTS = 1000;
const NONE: readonly never[] = [];

/** kube-proxy 1.37 in iptables mode, up to the payload that it hands to iptables-restore. */
export class Proxier {
  readonly config: ProxyConfig;
  readonly #state: ClusterState;
  readonly #order: PortOrder;
  /** The ports of each Service, by its `namespace/name`. */
  readonly #slots = new Map<string, readonly PortSlot[]>();
  /** Endpoints of all ports, of any condition. */
  #endpoints = 0;
  /** Service chains that stand in nat and that no port has any more. */
  readonly #stale = new Set<string>();
  #started = false;
  #forced = false;
  /** Whether stale chains were looked for once. */
  #cleaned = false;
  readonly #buffers = new PayloadBuffers();

  constructor(config: Partial<ProxyConfig>, seed: number) {
    this.config = { ...DEFAULT_CONFIG, ...config };
    this.#state = new ClusterState(this.config.node);
    this.#order = new PortOrder(seed);
  }

  /** Hears of changes and syncs. `null`: kube-proxy would queue no sync. The first call is its start: a full sync. */
  sync(change: ClusterChange, progress?: (done: number) => void): SyncPayload | null {
    const first = !this.#started;
    const { queued, topology, services } = this.#state.apply(change);
    if (!first && !this.#forced && !queued) return null;
    const full = first || topology || this.#forced;
    this.#started = true;
    this.#forced = false;
    // Which endpoints a port may use hangs on the node's zone too. Else what did not change stands as it was synced last.
    const anew = topology && !first ? new Set([...this.#state.ports.keys(), ...services]) : services;
    const changed = full ? 'all' : new Set<SyncedPort>();
    this.#update(first ? this.#state.ports : anew, changed, progress);
    return this.#render(full ? 'full' : 'partial', changed);
  }

  /** The next sync is a full one, even without a change: as when the canary chain was lost, and once an hour (needFullSync). */
  forceFullSync(): void {
    this.#forced = true;
  }

  /**
   * Moves a Service port to the given place among the rules of KUBE-SERVICES, from 0, by changing places with the one
   * there: any order is one that a Go map may give. Takes effect in the returned payload, a partial sync that writes no
   * Service's own chains. `null`: there is no such port or no such place, or it stands there already.
   */
  place(name: string, position: number): SyncPayload | null {
    const places: number[] = [];
    let from: number | undefined;
    this.#eachLength((slot, rules, index) => {
      if (rules === 0) return;
      if (slot.id === name) from = index;
      places.push(index);
    });
    const to = places[position];
    if (from === undefined || to === undefined || from === to) return null;
    this.#order.swap(from, to);
    return this.#render('partial', new Set());
  }

  /** For each rule of nat KUBE-SERVICES in order, the Service port that it belongs to. */
  positions(): readonly string[] {
    const names: string[] = [];
    this.#eachLength(({ id }, rules) => {
      for (let rule = 0; rule < rules; rule++) names.push(id);
    });
    return names;
  }

  /** Visits the ports in order, each with the number of its rules in nat KUBE-SERVICES. */
  #eachLength(visit: (slot: PortSlot, rules: number, index: number) => void): void {
    const context = this.#context();
    const chain = new ChainLength('KUBE-SERVICES');
    this.#order.slots.forEach((slot, index) => {
      const before = chain.rules;
      if (slot.service) sharedRules(slot.service, context, chain);
      visit(slot, chain.rules - before, index);
    });
  }

  /** All Service ports that get rules, each with its name as in `positions` and how many endpoints its own traffic policy may choose from. */
  *servicePorts(): Iterable<{ readonly id: string; readonly port: ServicePort; readonly endpoints: number }> {
    for (const { id, service } of this.#order.slots) {
      if (service) yield { id, port: service.port, endpoints: (service.port.internalPolicyLocal ? service.local : service.cluster).length };
    }
  }

  /** Makes the ports of these Services anew; they go into `changed`. */
  #update(services: { keys(): Iterable<string>; readonly size: number }, changed: Set<SyncedPort> | 'all', progress?: (done: number) => void): void {
    const added: PortSlot[] = [];
    let someGone = false;
    let done = 0;
    for (const name of services.keys()) {
      if (done % 1024 === 0) progress?.(done / services.size);
      done += 1;
      const before = this.#slots.get(name) ?? NONE;
      for (const slot of before) this.#takeOut(slot);
      const after: PortSlot[] = [];
      for (const port of this.#state.ports.get(name) ?? NONE) {
        const id = portId(port);
        let slot = before.find((one) => one.id === id) ?? after.find((one) => one.id === id);
        if (!slot) {
          slot = { id, service: null };
          added.push(slot);
        }
        if (!after.includes(slot)) after.push(slot);
        this.#putIn(slot, port);
      }
      if (changed !== 'all') for (const { service } of after) if (service) changed.add(service);
      if (before.some(({ service }) => service === null)) someGone = true;
      if (after.length > 0) this.#slots.set(name, fitted(after));
      else this.#slots.delete(name);
    }
    this.#order.update(added, someGone);
  }

  #putIn(slot: PortSlot, port: ServicePort): void {
    // Of two ports of one name and protocol, which the API server refuses, the later stands.
    this.#takeOut(slot);
    const all = endpointsOf(port, this.#state.slicesOf(port.namespacedName), this.config.node);
    const service = syncedPort(port, categorizeEndpoints(all, port, this.config.node, this.#state.zone), all.length);
    slot.service = service;
    this.#endpoints += service.total;
    if (this.#stale.size > 0) eachChain(service, (chain) => this.#stale.delete(chain));
  }

  #takeOut(slot: PortSlot): void {
    const { service } = slot;
    if (!service) return;
    eachChain(service, (chain) => this.#stale.add(chain));
    this.#endpoints -= service.total;
    slot.service = null;
  }

  #context(): RulesContext {
    const { config } = this;
    const { nodeAddress } = this.#state;
    return { config, nodeAddress, localhostNodePorts: allowsLocalhostNodePorts(config, nodeAddress), largeCluster: this.#endpoints > LARGE_CLUSTER_ENDPOINTS };
  }

  /** @param written the ports whose own chains are written */
  #render(kind: 'full' | 'partial', written: ReadonlySet<SyncedPort> | 'all'): SyncPayload {
    const context = this.#context();
    // In a large cluster kube-proxy looks for stale chains at its start, and then once a sync period only.
    const keepsStale = context.largeCluster && this.#cleaned;
    this.#cleaned = true;
    const stale = keepsStale ? NONE : [...this.#stale];
    if (!keepsStale) this.#stale.clear();
    const services: SyncedPort[] = [];
    for (const { service } of this.#order.slots) if (service) services.push(service);
    return new SyncPayload({ kind, context, standing: standingLines(this.config, context.nodeAddress), services, written, stale, buffers: this.#buffers });
  }
}

/** Two ports of one Service may share a number, or an empty name, over two protocols. */
function portId(port: ServicePort): string {
  return `${port.name}/${port.protocol}`;
}
