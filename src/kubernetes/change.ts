import type { Namespace, Node, Pod, Service } from 'kubernetes-types/core/v1';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1';
import type { NetworkPolicy } from 'kubernetes-types/networking/v1';

/** The kinds that the datapaths read, each with its `kind` set. */
export type ClusterObject =
  | (Service & { kind: 'Service' })
  | (EndpointSlice & { kind: 'EndpointSlice' })
  | (Pod & { kind: 'Pod' })
  | (Node & { kind: 'Node' })
  | (NetworkPolicy & { kind: 'NetworkPolicy' })
  | (Namespace & { kind: 'Namespace' });

export interface ObjectChange {
  readonly op: 'add' | 'update' | 'delete';
  readonly object: ClusterObject;
}

/** What happened between two syncs, in order. An object may occur more than once. */
export type ClusterChange = readonly ObjectChange[];

/** Kinds whose objects are the whole cluster's. */
const OF_CLUSTER: ReadonlySet<string> = new Set(['Node', 'Namespace']);

export function isOfCluster(kind: string): boolean {
  return OF_CLUSTER.has(kind);
}

/** `namespace/name` (only the name for what is the whole cluster's): an object's identity within its kind. */
export function keyOf(object: ClusterObject): string {
  const { namespace, name } = object.metadata ?? {};
  return isOfCluster(object.kind) ? (name ?? '') : `${namespace ?? 'default'}/${name ?? ''}`;
}
