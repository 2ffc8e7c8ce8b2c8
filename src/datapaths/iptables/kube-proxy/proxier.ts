import type { ClusterChange } from '../../../kubernetes/change.ts';
import { ClusterState } from './cluster-state.ts';
import { DEFAULT_CONFIG, type ProxyConfig } from './config.ts';
import { categorizeEndpoints, endpointsOf, type CategorizedEndpoints } from './endpoints.ts';
import { SyncPayload } from './payload.ts';
import { PortOrder } from './port-order.ts';
import { ChainLength } from './rule-words.ts';
import type { ServicePort } from './service-ports.ts';
import { eachChain, sharedRules, type RulesContext } from './service-rules.ts';
import { standingLines } from './standing-rules.ts';

/** Above this many endpoints kube-proxy leaves comments out (endpointChainsNumberThreshold). */
const LARGE_CLUSTER_ENDPOINTS = 1000;

/** A Service port as it was synced last: made anew at every change, so that payloads may refer to it. */
interface Entry {
  readonly port: ServicePort;
  readonly endpoints: CategorizedEndpoints;
  /** Endpoints of any condition. */
  readonly total: number;
  /** Its rules in nat KUBE-SERVICES. */
  readonly places: number;
}

/** kube-proxy 1.37 in iptables mode, up to the payload that it hands to iptables-restore. */
export class Proxier {
  readonly config: ProxyConfig;
  readonly #state: ClusterState;
  readonly #order: PortOrder;
  /** By `portId`. */
  readonly #entries = new Map<string, Entry>();
  /** Service chains that stand in nat and that no port has any more. */
  readonly #stale = new Set<string>();
  #started = false;
  #forced = false;
  /** Whether stale chains were looked for once. */
  #cleaned = false;

  constructor(config: Partial<ProxyConfig>, seed: number) {
    this.config = { ...DEFAULT_CONFIG, ...config };
    this.#state = new ClusterState(this.config.node);
    this.#order = new PortOrder(seed);
  }

  /** Hears of changes and syncs. `null`: kube-proxy would queue no sync. The first call is its start: a full sync. */
  sync(change: ClusterChange, progress?: (done: number) => void): SyncPayload | null {
    const noticed = this.#state.apply(change);
    if (this.#started && !this.#forced && !noticed.queued) return null;
    // Which endpoints a port may use hangs on the node's zone too. Else what did not change stands as it was synced last.
    const anew = !this.#started || noticed.topology;
    const full = anew || this.#forced;
    this.#started = true;
    this.#forced = false;
    const changed = this.#updateEntries(anew ? [...this.#state.ports.keys(), ...noticed.services] : noticed.services, progress);
    this.#order.update(this.#entries);
    return this.#render(full, full ? new Set(this.#entries.keys()) : changed);
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
    this.#order.names.forEach((other, index) => {
      if ((this.#entries.get(other)?.places ?? 0) > 0) places.push(index);
    });
    const from = places.find((index) => this.#order.names[index] === name);
    const to = places[position];
    if (from === undefined || to === undefined || from === to) return null;
    this.#order.swap(from, to);
    return this.#render(false, new Set());
  }

  /** For each rule of nat KUBE-SERVICES in order, the Service port that it belongs to. */
  positions(): readonly string[] {
    const names: string[] = [];
    for (const name of this.#order.names) {
      for (let rule = this.#entries.get(name)?.places ?? 0; rule > 0; rule--) names.push(name);
    }
    return names;
  }

  /** All Service ports that get rules, each with its name as in `positions` and how many endpoints its own traffic policy may choose from. */
  *servicePorts(): Iterable<{ readonly id: string; readonly port: ServicePort; readonly endpoints: number }> {
    for (const name of this.#order.names) {
      const entry = this.#entries.get(name);
      if (entry) yield { id: name, port: entry.port, endpoints: (entry.port.internalPolicyLocal ? entry.endpoints.local : entry.endpoints.cluster).length };
    }
  }

  #updateEntries(services: Iterable<string>, progress?: (done: number) => void): Set<string> {
    const written = new Set<string>();
    const names = [...new Set(services)];
    const byService = new Map<string, string[]>();
    for (const [name, { port }] of this.#entries) {
      const ports = byService.get(port.namespacedName);
      if (ports) ports.push(name);
      else byService.set(port.namespacedName, [name]);
    }
    names.forEach((service, index) => {
      if (index % 1024 === 0) progress?.(index / names.length);
      for (const name of byService.get(service) ?? []) {
        const entry = this.#entries.get(name);
        if (entry) eachChain(entry.port, entry.endpoints, (chain) => this.#stale.add(chain));
        this.#entries.delete(name);
      }
      for (const port of this.#state.ports.get(service) ?? []) {
        const all = endpointsOf(port, this.#state.slicesOf(service), this.config.node);
        const endpoints = categorizeEndpoints(all, port, this.config.node, this.#state.zone);
        const shared = new ChainLength('KUBE-SERVICES');
        sharedRules(port, endpoints, this.#context(false), shared);
        const id = portId(port);
        this.#entries.set(id, { port, endpoints, total: all.length, places: shared.rules });
        written.add(id);
        if (this.#stale.size > 0) eachChain(port, endpoints, (chain) => this.#stale.delete(chain));
      }
    });
    return written;
  }

  #context(largeCluster: boolean): RulesContext {
    return { config: this.config, nodeAddress: this.#state.nodeAddress, largeCluster };
  }

  #render(full: boolean, written: ReadonlySet<string>): SyncPayload {
    let total = 0;
    for (const entry of this.#entries.values()) total += entry.total;
    const largeCluster = total > LARGE_CLUSTER_ENDPOINTS;
    // In a large cluster kube-proxy looks for stale chains at its start, and then once a sync period only.
    const keepsStale = largeCluster && this.#cleaned;
    this.#cleaned = true;
    const stale = keepsStale ? [] : [...this.#stale];
    if (!keepsStale) this.#stale.clear();
    const services: Entry[] = [];
    const places = new Set<number>();
    for (const name of this.#order.names) {
      const entry = this.#entries.get(name);
      if (!entry) continue;
      if (written.has(name)) places.add(services.length);
      services.push(entry);
    }
    return new SyncPayload({
      kind: full ? 'full' : 'partial',
      context: this.#context(largeCluster),
      standing: standingLines(this.config, this.#state.nodeAddress),
      services,
      written: places.size === services.length ? 'all' : places,
      portsWritten: written.size,
      stale,
    });
  }
}

/** Two ports of one Service may share a number, or an empty name, over two protocols. */
function portId(port: ServicePort): string {
  return `${port.name}/${port.protocol}`;
}
