/** Hangul, kana and ideographs are about twice as wide as Latin letters. */
const WIDE = /[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7a3\uff00-\uff60]/g;

/** About how wide a label is, at `letter` px a Latin letter: labels are placed before they are drawn. */
export function labelWidth(text: string, letter: number): number {
  return (text.length + (text.match(WIDE)?.length ?? 0) * 0.75) * letter;
}
