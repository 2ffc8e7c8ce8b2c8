import type { MadePacket } from './made-packet.ts';
import type { Scene } from './scene.ts';

/** The scene with another packet that was sent in the mode Rules; undefined: with none. */
export function withMade(scene: Scene, made: MadePacket | undefined): Scene {
  const other: { -readonly [Key in keyof Scene]: Scene[Key] } = { ...scene };
  delete other.made;
  return made ? { ...other, made } : other;
}
