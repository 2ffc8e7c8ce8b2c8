import type { Scene, SceneProgram } from './scene.ts';

/** The scene with another program in the mode Programs; undefined: with that which the mode begins with. */
export function withPrograms(scene: Scene, programs: SceneProgram | undefined): Scene {
  const other: { -readonly [Key in keyof Scene]: Scene[Key] } = { ...scene };
  delete other.programs;
  return programs ? { ...other, programs } : other;
}
