import { keyOf, type ClusterObject } from '../kubernetes/change.ts';
import type { Fault } from '../kubernetes/fault.ts';
import { nodeOf, PRESET_NODE, type ClusterNode } from '../kubernetes/node.ts';
import { preset } from '../kubernetes/presets.ts';
import { readCluster, summarize, type ClusterReading } from '../kubernetes/read.ts';
import type { Reading } from './api.ts';
import { becomes } from './becomes.ts';
import { readRules, rulesReading, type OwnRules, type RulesCluster } from './rules/read-rules.ts';
import type { SceneCluster } from './scene.ts';

/** A scene's cluster as objects, with the node that packets are sent on. */
export interface Cluster {
  readonly objects: readonly ClusterObject[];
  readonly node: ClusterNode;
  readonly ignored: Readonly<Record<string, number>>;
  readonly faults: readonly Fault[];
  /** Only of rules that are a person's own: `objects` are what they tell of the cluster. */
  readonly rules?: OwnRules;
}

/** Presets and texts as objects. The text that was read last is kept: a person reads it first, and opens it then. */
export class ClusterSource {
  #last: { readonly text: string; readonly reading: ClusterReading } | null = null;
  #lastRules: { readonly text: string; readonly cluster: RulesCluster } | null = null;

  load(cluster: SceneCluster, seed: number, progress?: (done: number) => void): Cluster {
    if (cluster.kind === 'preset') return { objects: preset(cluster.preset, seed), node: PRESET_NODE, ignored: {}, faults: [] };
    if (cluster.kind === 'rules') {
      const read = this.#readRules(cluster.text, progress);
      // Packets of lanes before may have raised them.
      read.counters.restore();
      return read;
    }
    const { objects, ignored, faults } = this.#read(cluster.text, progress);
    return { objects, node: nodeOf(objects), ignored, faults };
  }

  /** What a cluster holds, before any lane is built for it. `progress`: 0 to 1. */
  read(cluster: SceneCluster, progress?: (done: number) => void): Reading {
    if (cluster.kind === 'preset') {
      const reading = { lines: 0, objects: preset(cluster.preset, 0), objectLines: [], ignored: {}, faults: [] };
      return { lines: 0, ...summarize(reading), ignored: {}, faults: [], becomes: becomes(reading.objects) };
    }
    if (cluster.kind === 'rules') return rulesReading(cluster.text, this.#readRules(cluster.text, progress));
    const reading = this.#read(cluster.text, progress);
    const { lines, ignored, faults } = reading;
    return { lines, ...summarize(reading), ignored, faults, becomes: becomes(reading.objects) };
  }

  #readRules(text: string, progress?: (done: number) => void): RulesCluster {
    if (this.#lastRules?.text !== text) {
      // The old one goes first: two texts of tens of MB need not fit into memory.
      this.#lastRules = null;
      this.#lastRules = { text, cluster: readRules(text, progress) };
    }
    return this.#lastRules.cluster;
  }

  #read(text: string, progress?: (done: number) => void): ClusterReading {
    if (this.#last?.text !== text) this.#last = { text, reading: readCluster(text, progress) };
    return this.#last.reading;
  }
}

/** Every IPv4 address that a cluster already uses, dotted decimal. */
export function addressesOf({ objects, node }: Cluster): Set<string> {
  const taken = new Set([node.address, node.client.address]);
  for (const object of objects) {
    if (object.kind === 'Service') for (const address of [object.spec?.clusterIP, ...(object.spec?.clusterIPs ?? []), ...(object.spec?.externalIPs ?? [])]) if (address) taken.add(address);
    if (object.kind === 'EndpointSlice') for (const { addresses } of object.endpoints ?? []) for (const address of addresses) taken.add(address);
    if (object.kind === 'Pod' && object.status?.podIP) taken.add(object.status.podIP);
  }
  return taken;
}

/** The address of a pod on the cluster's node by its name (`namespace/name`), or of the node by its own; null: there is none. */
export function addressOfSender({ objects, node }: Cluster, name: string): string | null {
  if (name === node.client.name) return node.client.address;
  if (name === node.name) return node.address;
  for (const object of objects) {
    if (object.kind === 'Pod' && object.spec?.nodeName === node.name && keyOf(object) === name && object.status?.podIP) return object.status.podIP;
    if (object.kind !== 'EndpointSlice') continue;
    const namespace = object.metadata?.namespace ?? 'default';
    for (const { nodeName, targetRef, addresses } of object.endpoints ?? []) {
      if (nodeName === node.name && targetRef?.name && `${targetRef.namespace ?? namespace}/${targetRef.name}` === name) return addresses[0] ?? null;
    }
  }
  return null;
}

/** Endpoints of IPv4 EndpointSlices, ready or not. */
export function countEndpoints(objects: readonly ClusterObject[]): number {
  return objects.reduce((sum, object) => (object.kind === 'EndpointSlice' && object.addressType === 'IPv4' ? sum + (object.endpoints?.length ?? 0) : sum), 0);
}
