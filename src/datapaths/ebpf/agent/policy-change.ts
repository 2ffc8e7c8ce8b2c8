import type { ClusterChange, ClusterObject } from '../../../kubernetes/change.ts';

/** The kinds that policies follow from: Pods, Nodes, Namespaces and NetworkPolicies; others are passed over. */
export type PolicyObject = ClusterObject;

/** What happened between two syncs, in order. */
export type PolicyChange = ClusterChange;
