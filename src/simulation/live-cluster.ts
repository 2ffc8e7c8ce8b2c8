import { keyOf, type ClusterChange, type ClusterObject } from '../kubernetes/change.ts';
import { addedService } from '../kubernetes/presets.ts';
import type { UpdateChange } from './api.ts';
import { addressesOf, countEndpoints, type Cluster } from './cluster.ts';
import { countReady, rolledOut, rolloutPart, rolloutPods, ROLLOUT_PHASES, scaled, type NewPods, type RolloutPod, type ServiceObject, type SliceObject } from './churn.ts';
import type { SceneStep } from './scene-steps.ts';
import { SimulationError } from './simulation-error.ts';

export interface StepTaken {
  /** What the agents hear. */
  readonly change: ClusterChange;
  readonly done: UpdateChange;
}

/** A Service and its IPv4 slices, in their order. */
interface Own {
  readonly service: ServiceObject;
  slices: readonly SliceObject[];
}

const toNumber = (address: string) => address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
const toText = (address: number) => [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');

/**
 * A cluster that changes step by step, as the API server would hold it. Every object of a step follows from the cluster
 * and the steps before: the same steps give the same objects.
 */
export class LiveCluster {
  readonly #cluster: Cluster;
  /** Of each added Service, its objects. */
  readonly #added: (readonly ClusterObject[])[] = [];
  #endpoints: number;
  #taken: Set<string> | null = null;
  #services: Map<string, Own> | null = null;
  #rollout: { readonly service: string; readonly pods: readonly RolloutPod[] } | null = null;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#endpoints = countEndpoints(cluster.objects);
  }

  /** Endpoints of IPv4 EndpointSlices, ready or not. */
  get endpoints(): number {
    return this.#endpoints;
  }

  /** Takes one step. Throws `SimulationError` where there is nothing that it could change. */
  take(step: SceneStep): StepTaken {
    const taken = step.kind === 'add' ? this.#add(step.endpoints) : this.#change(step);
    if (step.kind !== 'rollout') this.#rollout = null;
    return { change: taken.change, done: { ...taken.done, writes: step.writes } };
  }

  #add(endpoints: number): { readonly change: ClusterChange; readonly done: Omit<UpdateChange, 'writes'> } {
    const addresses = this.#addresses();
    const { name, address, objects } = addedService(this.#added.length, endpoints, (candidate) => addresses.has(candidate));
    // The presets' Services have their pods on the presets' node: here they come to the node that is looked at.
    const placed = objects.map((object): ClusterObject => (object.kind === 'EndpointSlice' ? { ...object, endpoints: object.endpoints.map((endpoint) => ({ ...endpoint, nodeName: this.#cluster.node.name })) } : object));
    for (const used of addressesOf({ ...this.#cluster, objects: placed })) addresses.add(used);
    this.#added.push(placed);
    this.#endpoints += endpoints;
    if (this.#services) for (const object of placed) note(this.#services, object);
    return { change: placed.map((object) => ({ op: 'add', object })), done: { kind: 'add', service: name, address, before: 0, endpoints, rollout: null } };
  }

  #change(step: Exclude<SceneStep, { kind: 'add' }>): { readonly change: ClusterChange; readonly done: Omit<UpdateChange, 'writes'> } {
    const { service: name } = step;
    // A roll-out goes on where it stood: what belongs to the Service is looked up first.
    const services = this.#services ?? this.#index();
    const own = services.get(name);
    if (!own) throw new SimulationError('simulation_service', { service: name });
    const before = countReady(own.slices);
    const address = own.service.spec?.clusterIP ?? '';
    const done = { service: name, address, before, rollout: null };
    switch (step.kind) {
      case 'scale': {
        const changed = scaled(own.service, own.slices, step.endpoints, this.#pods(own));
        return { change: this.#put(own, changed), done: { ...done, kind: 'scale', endpoints: step.endpoints } };
      }
      case 'delete': {
        services.delete(name);
        this.#endpoints -= countEndpoints(own.slices);
        // The garbage collector takes the slices a moment later: both fall into one sync.
        const objects: readonly ClusterObject[] = [own.service, ...own.slices];
        return { change: objects.map((object) => ({ op: 'delete', object })), done: { ...done, kind: 'delete', endpoints: 0 } };
      }
      case 'rollout': {
        if (step.update === 1) this.#rollout = { service: name, pods: rolloutPods(own.slices) };
        const pods = this.#rollout?.service === name ? this.#rollout.pods : [];
        const { pod, phase } = rolloutPart(step.update);
        const old = pods[pod];
        if (!old) throw new SimulationError('simulation_rollout', { service: name, updates: pods.length * ROLLOUT_PHASES.length });
        const slice = own.slices.find(({ metadata }) => metadata?.name === old.slice);
        const changed = slice ? [rolledOut(slice, old.address, phase, this.#pods(own))] : [];
        const change = this.#put(own, changed);
        return { change, done: { ...done, kind: 'rollout', endpoints: countReady(own.slices), rollout: { update: step.update, updates: pods.length * ROLLOUT_PHASES.length, pod, phase } } };
      }
    }
  }

  /** Puts slices into the place of those with their names, and says so. */
  #put(own: Own, changed: readonly SliceObject[]): ClusterChange {
    const change: ClusterChange = changed.map((object) => ({ op: own.slices.some(({ metadata }) => metadata?.name === object.metadata?.name) ? 'update' : 'add', object }));
    this.#endpoints -= countEndpoints(own.slices);
    const byName = new Map([...own.slices, ...changed].map((slice) => [slice.metadata?.name ?? '', slice] as const));
    own.slices = [...byName.values()];
    this.#endpoints += countEndpoints(own.slices);
    return change;
  }

  /** New pods take the addresses after the Service's own, as far as they are free; an address is never used twice. */
  #pods({ slices }: Own): NewPods {
    const own = slices.flatMap(({ endpoints }) => endpoints.map(({ addresses }) => toNumber(addresses[0] ?? '')));
    const [base = '', length = '0'] = this.#cluster.node.clusterCIDR.split('/');
    const first = toNumber(base);
    const last = first + 2 ** (32 - Number(length)) - 1;
    let next = own.length > 0 ? Math.max(...own) : toNumber(this.#cluster.node.client.address);
    return {
      node: this.#cluster.node.name,
      address: () => {
        const taken = this.#addresses();
        for (let tried = first; tried <= last; tried++) {
          next = next >= last || next < first ? first : next + 1;
          const text = toText(next);
          // Network and broadcast addresses of a node's range are no pod's.
          if ((next & 255) === 0 || (next & 255) === 255 || taken.has(text)) continue;
          taken.add(text);
          return text;
        }
        throw new SimulationError('simulation_no_address', { range: this.#cluster.node.clusterCIDR });
      },
    };
  }

  #addresses(): Set<string> {
    this.#taken ??= addressesOf(this.#cluster);
    return this.#taken;
  }

  /** Only once something but an addition happens: of a large cluster the index takes a moment. */
  #index(): Map<string, Own> {
    const services = new Map<string, Own>();
    const objects = [...this.#cluster.objects, ...this.#added.flat()];
    // A list may give the slices first.
    for (const object of objects) if (object.kind === 'Service') note(services, object);
    for (const object of objects) if (object.kind === 'EndpointSlice') note(services, object);
    this.#services = services;
    return services;
  }
}

function note(services: Map<string, Own>, object: ClusterObject): void {
  if (object.kind === 'Service') services.set(keyOf(object), { service: object, slices: [] });
  if (object.kind !== 'EndpointSlice' || object.addressType !== 'IPv4') return;
  const own = services.get(`${object.metadata?.namespace ?? 'default'}/${object.metadata?.labels?.['kubernetes.io/service-name'] ?? ''}`);
  if (own) own.slices = [...own.slices, object];
}
