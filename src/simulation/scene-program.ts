import { ATTACH_HOOKS, type AttachHook } from '../datapaths/ebpf/attached/attachment.ts';
import type { Scene, SceneAttachment, SceneProgram } from './scene.ts';

/** The scene with another program in the mode Programs; undefined: with that which the mode begins with. */
export function withPrograms(scene: Scene, programs: SceneProgram | undefined): Scene {
  const other: { -readonly [Key in keyof Scene]: Scene[Key] } = { ...scene };
  delete other.programs;
  return programs ? { ...other, programs } : other;
}

/** The scene with another program at a hook of lane B; null: with none of a person's own. */
export function withAttached(scene: Scene, hook: AttachHook, attachment: SceneAttachment | null): Scene {
  const other: { -readonly [Key in keyof Scene]: Scene[Key] } = { ...scene };
  delete other.attached;
  const all = [...(scene.attached ?? []).filter((one) => one.hook !== hook), ...(attachment ? [attachment] : [])];
  const attached = all.sort((a, b) => ATTACH_HOOKS.indexOf(a.hook) - ATTACH_HOOKS.indexOf(b.hook));
  return attached.length > 0 ? { ...other, attached } : other;
}
