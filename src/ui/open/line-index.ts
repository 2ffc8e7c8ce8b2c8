/** Where each line of a text begins, so that any window of a long text is cheap. */
export interface LineIndex {
  readonly text: string;
  readonly starts: Uint32Array;
  readonly lines: number;
}

/** Counts a line after every newline, as editors do; CRLF is one line end. */
export function indexLines(text: string): LineIndex {
  let starts = new Uint32Array(1024);
  let lines = 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    if (lines === starts.length) {
      const more = new Uint32Array(starts.length * 2);
      more.set(starts);
      starts = more;
    }
    starts[lines] = at + 1;
    lines += 1;
  }
  return { text, starts: starts.subarray(0, lines), lines };
}

/** Longer lines than this are shown cut: a person reads no more, and a page cannot lay out megabytes in one line. */
export const LONGEST_LINE = 2000;

/** A line's text, from 1, without its end. Lines that are not there are empty. */
export function lineText({ text, starts, lines }: LineIndex, line: number): string {
  if (line < 1 || line > lines) return '';
  const start = starts[line - 1] ?? 0;
  const end = line < lines ? (starts[line] ?? text.length) - 1 : text.length;
  const shown = text.slice(start, Math.min(end, start + LONGEST_LINE));
  return shown.endsWith('\r') ? shown.slice(0, -1) : shown;
}

/** The offset of a line and column, both from 1. */
export function offsetOf({ starts, text }: LineIndex, line: number, column: number): number {
  return Math.min(text.length, (starts[line - 1] ?? text.length) + column - 1);
}
