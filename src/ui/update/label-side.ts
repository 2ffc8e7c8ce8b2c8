/** px that a character of a label takes, at most: capitals of chains' names, and Korean. */
const LETTER = 8;
const SYLLABLE = 13;
/** px that a label takes beside its words: its padding, and the gap to its place. */
const AROUND = 20;

/** px that a label takes, at most, with the gap to its place. */
export function labelRoom(words: string): number {
  return [...words].reduce((sum, one) => sum + (one > '\u1100' ? SYLLABLE : LETTER), AROUND);
}

/** On which side of new rules their label has room, with `before` and `behind` px there; under them where neither has. */
export function labelSide(words: string, before: number, behind: number): 'left' | 'right' | 'under' {
  const need = labelRoom(words);
  if (behind >= need) return 'right';
  return before >= need ? 'left' : 'under';
}
