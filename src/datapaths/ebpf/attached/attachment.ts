/**
 * Where in this lane a program of a person's own can stand, in the order in which a packet of a pod comes to them:
 * `connect4`, as the pod's process calls connect(); `xdp` and `from-container` (tc, ingress), at the node's end of the
 * sending pod's veth; `to-container` (tc, egress), at the node's end of the receiving pod's.
 */
export const ATTACH_HOOKS = ['connect4', 'xdp', 'from-container', 'to-container'] as const;
export type AttachHook = (typeof ATTACH_HOOKS)[number];

/** What a hook takes: the program type as bpftool prints it, and what the kernel calls the hook. */
export const HOOK_TYPE: Readonly<Record<AttachHook, { readonly type: string; readonly section: string }>> = {
  connect4: { type: 'cgroup_sock_addr', section: 'cgroup/connect4' },
  xdp: { type: 'xdp', section: 'xdp' },
  'from-container': { type: 'sched_cls', section: 'tc' },
  'to-container': { type: 'sched_cls', section: 'tc' },
};

/** `before`: the lane's own program at the hook follows, where this one hands on to it; `instead`: it does not run. */
export type AttachPlace = 'before' | 'instead';

/** An object of a person's own, one program of which is to stand at a hook. */
export interface Attachment {
  readonly hook: AttachHook;
  readonly place: AttachPlace;
  readonly object: Uint8Array;
  /** null: the first program of the object that the hook takes. */
  readonly program: string | null;
  /** Bytes for global constants, by variable name. */
  readonly constants: Readonly<Record<string, Uint8Array>>;
}

/** Why a map of the object is its own although a pinned one has its name. */
export type Unlike = 'type' | 'key' | 'value' | 'flags' | 'programs';

/** What came of an attachment. */
export interface AttachedProgram {
  readonly hook: AttachHook;
  readonly place: AttachPlace;
  /** Its name in the object; '' where there is none that could be meant. */
  readonly program: string;
  /** Why it does not stand there: what the VM or its checker says of it; null: it does. */
  readonly fault: { readonly kind: 'none' | 'type' | 'load' | 'refused'; readonly message: string; readonly instruction: number | null } | null;
  /** Maps that are the lane's own: what one program writes, the other finds. */
  readonly shared: readonly string[];
  /** Maps that have a pinned one's name, and are not it. */
  readonly apart: readonly { readonly map: string; readonly why: Unlike }[];
}
