import type { ProgramSpec } from '../../datapaths/ebpf/vm.ts';

/** A place between the wire and a socket, and the object's programs that are for it. */
export interface Rung {
  /** As the kernel or libbpf's sections name it; null: no hook, a place that the packet passes. */
  readonly hook: string | null;
  readonly place: 'nic' | 'xdp' | 'tc' | 'stack' | 'cgroup' | 'socket';
  /** Names of programs, in the object's order. */
  readonly programs: readonly string[];
}

export interface Ladder {
  /** From the NIC to the socket. */
  readonly rungs: readonly Rung[];
  /** Programs for hooks beside this way (tracing, sockets among themselves…): section and name. */
  readonly elsewhere: readonly { readonly section: string; readonly program: string }[];
}

type Placed = Pick<ProgramSpec, 'name' | 'section' | 'type'>;

/**
 * Where an object's programs belong on a packet's way into a node, by their sections (libbpf's `section_defs`). A bare
 * `tc` section says no direction: whoever attaches it chooses. A hook without a program stands there for the way's sake.
 */
export function hookLadder(specs: readonly Placed[]): Ladder {
  const at = (place: Rung['place'], hook: string): Rung => ({ hook, place, programs: specs.filter((spec) => hookOf(spec) === hook).map(({ name }) => name) });
  const hooks = (place: Rung['place'], usual: string): Rung[] => {
    const found = [...new Set(specs.flatMap((spec) => (placeOf(spec) === place ? [hookOf(spec)] : [])))];
    return (found.length === 0 ? [usual] : found).map((hook) => at(place, hook));
  };
  const between = (place: 'nic' | 'stack' | 'socket'): Rung => ({ hook: null, place, programs: [] });
  return {
    rungs: [between('nic'), ...hooks('xdp', 'XDP'), ...hooks('tc', 'tc'), between('stack'), ...hooks('cgroup', 'cgroup connect4'), between('socket')],
    elsewhere: specs.filter((spec) => placeOf(spec) === null).map(({ section, name }) => ({ section, program: name })),
  };
}

function placeOf({ type, section }: Placed): Rung['place'] | null {
  if (type === 'xdp') return 'xdp';
  if (type === 'sched_cls' || type === 'sched_act') return 'tc';
  return type.startsWith('cgroup_') && section.startsWith('cgroup') ? 'cgroup' : null;
}

function hookOf(spec: Placed): string {
  const [, attached = ''] = /\/([a-z0-9_]+)/.exec(spec.section) ?? [];
  switch (placeOf(spec)) {
    case 'xdp':
      return 'XDP';
    case 'tc':
      return ['ingress', 'egress'].includes(attached) ? `tc ${attached}` : 'tc';
    case 'cgroup':
      // `cgroup_skb/ingress` beside `cgroup/connect4`.
      return `cgroup ${attached === '' ? spec.section.replace(/^cgroup_?/, '') : attached}`.trimEnd();
    default:
      return '';
  }
}
