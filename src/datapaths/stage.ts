import type { Work } from './work.ts';

/**
 * What kind of place a stage is. The cost model prices a stage by its kind (a fixed cost) and its work (a cost for each
 * unit); the picture draws each kind its own way.
 */
export type StageKind =
  | 'way-in' // the client pod's socket, its veth, up to the node's side: both lanes the same
  | 'way-out' // from the node's side into the server pod's socket queue: both lanes the same
  | 'conntrack' // a look-up in nf_conntrack, and for a known connection the NAT it remembers
  | 'chain' // one run of rules within one chain
  | 'confirm' // a new connection's entry put into nf_conntrack
  | 'route' // the routing decision and the IP stack's forwarding work
  | 'program' // instructions of an eBPF program up to its next map access
  | 'map' // one map access of a helper: look-up, update or delete
  | 'redirect' // a program's redirect to another interface
  | 'answer'; // a reply that the datapath made itself, such as REJECT's

/**
 * One place that a packet passed, in order of passing. A chain that is left for another and come back to gives two
 * stages with the same `name`.
 */
export interface Stage {
  readonly kind: StageKind;
  /** The field's own name: a hook, `KUBE-SERVICES`, `cil_from_container`, `cilium_lb4_services_v2`… */
  readonly name: string;
  /** Where it happened: the netfilter hook (`PREROUTING`), or the section of the program (`tc`). */
  readonly hook: string;
  /** The table of a chain stage (`nat`, `filter`…), the helper of a map stage (`map_lookup_elem`…), the hook of a program that is a person's own, else ''. */
  readonly part: string;
  readonly work: Work;
  /** Half-open range of this stage's steps in the trace, empty unless `steps` were asked for. */
  readonly firstStep: number;
  readonly endStep: number;
}

/** Stages whose whole cost both lanes share. */
export function isShared(stage: Stage): boolean {
  return stage.kind === 'way-in' || stage.kind === 'way-out';
}
