import type { ProgramSpec } from '../vm.ts';
import { HOOK_TYPE, type AttachHook } from './attachment.ts';

/** XDP programs of these sections run for a device or CPU map's entry, and at no device of their own (libbpf, section_defs). */
const XDP_OF_MAPS = /^xdp(\.frags)?\/(devmap|cpumap)$/;

/** Whether the kernel would let a program stand at a hook: its type, and for a cgroup its attach type, which the section says. */
export function fitsHook(hook: AttachHook, { type, section }: Pick<ProgramSpec, 'type' | 'section'>): boolean {
  if (type !== HOOK_TYPE[hook].type) return false;
  if (hook === 'connect4') return section === HOOK_TYPE.connect4.section;
  return !XDP_OF_MAPS.test(section);
}
