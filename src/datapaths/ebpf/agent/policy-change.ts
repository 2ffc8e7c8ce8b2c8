import type { Namespace } from 'kubernetes-types/core/v1';
import type { NetworkPolicy } from 'kubernetes-types/networking/v1';
import type { ClusterObject } from '../../../kubernetes/change.ts';

/** The kinds that policies follow from, each with its `kind` set: Pods, Nodes, and these two. */
export type PolicyObject = ClusterObject | (NetworkPolicy & { kind: 'NetworkPolicy' }) | (Namespace & { kind: 'Namespace' });

/** What happened between two syncs, in order. */
export type PolicyChange = readonly { readonly op: 'add' | 'update' | 'delete'; readonly object: PolicyObject }[];
