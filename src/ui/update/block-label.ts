import { labelWidth } from '../race/label-width.ts';

/** px of a letter, and of a line. */
const LETTER = 7.6;
const LINE = 16;
/** px beside the words, both sides together, and under them. */
const BESIDE = 12;
const UNDER = 6;

/** A stage's name in the pieces between which it may be broken: never inside a word. */
export function nameParts(name: string): readonly string[] {
  return name.split(/(?<=[_-])/);
}

/** How tall a block's name and time are in it, px, edges included; null: its longest word has no room there. */
export function blockLabelHeight(name: string, width: number): number | null {
  const room = width - BESIDE;
  let lines = 1;
  let used = 0;
  for (const part of nameParts(name)) {
    const wide = labelWidth(part, LETTER);
    if (wide > room) return null;
    if (used + wide > room) {
      lines += 1;
      used = 0;
    }
    used += wide;
  }
  // The time stands in a line of its own.
  return (lines + 1) * LINE + UNDER;
}
