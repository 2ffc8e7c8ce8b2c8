import { keyOf, type ClusterObject } from '../kubernetes/change.ts';
import type { Fault } from '../kubernetes/fault.ts';
import { PRESET_NODE, type ClusterNode } from '../kubernetes/node.ts';
import { preset } from '../kubernetes/presets.ts';
import type { Reading } from './api.ts';
import type { SceneCluster } from './scene.ts';
import { SimulationError } from './simulation-error.ts';

/** A scene's cluster as objects, with the node that packets are sent on. */
export interface Cluster {
  readonly objects: readonly ClusterObject[];
  readonly node: ClusterNode;
  readonly ignored: Readonly<Record<string, number>>;
  readonly faults: readonly Fault[];
}

/** Makes a preset, or reads a person's text. */
export function loadCluster(cluster: SceneCluster, seed: number): Cluster {
  if (cluster.kind === 'preset') return { objects: preset(cluster.preset, seed), node: PRESET_NODE, ignored: {}, faults: [] };
  throw new SimulationError('simulation_engine', { reason: 'no reader' });
}

/** What the text of a cluster holds, before any lane is built for it. */
export function readText(cluster: SceneCluster): Reading {
  const { objects, ignored, faults } = loadCluster(cluster, 0);
  return { lines: 0, services: [], endpoints: countEndpoints(objects), ignored, faults };
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
