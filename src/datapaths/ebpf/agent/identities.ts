import type { Ipv4Prefix } from '../../../packet/address.ts';
import { maskOf } from '../../../packet/address.ts';
import type { Labels } from './label-selector.ts';

/** Identities that every cluster has (pkg/identity, reserved identities). */
export const RESERVED_IDENTITY = { host: 1, world: 2, remoteNode: 6 } as const;

/** Numbers below are reserved. */
const FIRST_IDENTITY = 256;
/** Identities of addresses outside are each node's own, and carry this bit. */
const FIRST_CIDR_IDENTITY = (1 << 24) | 1;

/** What all pods of one namespace with the same labels are together. */
export interface PodIdentity {
  readonly id: number;
  readonly namespace: string;
  readonly labels: Labels;
  readonly namespaceLabels: Labels;
}

/** What a prefix outside is, where a policy names it. */
export interface CidrIdentity {
  readonly id: number;
  readonly prefix: Ipv4Prefix;
}

/** Labels that change from pod to pod, or with every rollout, and would give each its own identity (Cilium's label filter). */
const UNIQUE_LABELS: ReadonlySet<string> = new Set([
  'pod-template-hash',
  'pod-template-generation',
  'controller-revision-hash',
  'controller-uid',
  'statefulset.kubernetes.io/pod-name',
  'apps.kubernetes.io/pod-index',
  'batch.kubernetes.io/controller-uid',
  'batch.kubernetes.io/job-completion-index',
]);

/** Numbers for sets of labels and for prefixes: the same for the same as long as somebody has it. */
export class Identities {
  readonly #pods = new Map<string, PodIdentity>();
  readonly #cidrs = new Map<string, CidrIdentity>();
  readonly #free: number[] = [];
  #next = FIRST_IDENTITY;
  #nextCidr = FIRST_CIDR_IDENTITY;

  ofPod(namespace: string, labels: Labels, namespaceLabels: Labels): PodIdentity {
    const kept = Object.fromEntries(Object.entries(labels).filter(([key]) => !UNIQUE_LABELS.has(key)));
    const key = JSON.stringify([namespace, sorted(kept), sorted(namespaceLabels)]);
    const known = this.#pods.get(key);
    if (known) return known;
    const identity = { id: this.#free.pop() ?? this.#next++, namespace, labels: kept, namespaceLabels };
    this.#pods.set(key, identity);
    return identity;
  }

  /** Everything (0.0.0.0/0) is the world. */
  ofPrefix(prefix: Ipv4Prefix): CidrIdentity {
    const key = `${prefix.address}/${prefix.length}`;
    const known = this.#cidrs.get(key);
    if (known) return known;
    const identity = { id: prefix.length === 0 ? RESERVED_IDENTITY.world : this.#nextCidr++, prefix };
    this.#cidrs.set(key, identity);
    return identity;
  }

  /** Forgets the numbers that nobody has any more. */
  keep(used: ReadonlySet<number>): void {
    for (const [key, { id }] of this.#pods) {
      if (used.has(id)) continue;
      this.#pods.delete(key);
      this.#free.push(id);
    }
    for (const [key, { id }] of this.#cidrs) if (!used.has(id)) this.#cidrs.delete(key);
  }
}

/** Whether one prefix lies within another, or is it. */
export function isWithin(inner: Ipv4Prefix, outer: Ipv4Prefix): boolean {
  return inner.length >= outer.length && ((inner.address ^ outer.address) & maskOf(outer.length)) === 0;
}

function sorted(labels: Labels): [string, string][] {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
}
