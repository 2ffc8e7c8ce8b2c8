import type { Node, Pod, Service } from 'kubernetes-types/core/v1';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1';

/** The kinds that the datapaths read, each with its `kind` set. */
export type ClusterObject =
  | (Service & { kind: 'Service' })
  | (EndpointSlice & { kind: 'EndpointSlice' })
  | (Pod & { kind: 'Pod' })
  | (Node & { kind: 'Node' });

export interface ObjectChange {
  readonly op: 'add' | 'update' | 'delete';
  readonly object: ClusterObject;
}

/** What happened between two syncs, in order. An object may occur more than once. */
export type ClusterChange = readonly ObjectChange[];

/** `namespace/name` (only the name for a Node): an object's identity within its kind. */
export function keyOf(object: ClusterObject): string {
  const { namespace, name } = object.metadata ?? {};
  return object.kind === 'Node' ? (name ?? '') : `${namespace ?? 'default'}/${name ?? ''}`;
}
