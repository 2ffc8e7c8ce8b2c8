import type { Fault } from '../../kubernetes/fault.ts';

/** What stands in the editor from top to bottom, px: lines of one height, and after some of them the boxes of their faults. */
export interface FaultRows {
  readonly lineHeight: number;
  /** Lines that have faults, ascending, each with the height of their boxes and what stands above them. */
  readonly gaps: readonly { readonly line: number; readonly height: number; readonly before: number }[];
  readonly height: number;
}

/** Faults by the line they are shown under. */
export function faultsByLine(faults: readonly Fault[], lines: number): ReadonlyMap<number, readonly Fault[]> {
  const found = new Map<number, Fault[]>();
  for (const fault of faults) {
    const line = Math.max(1, Math.min(fault.line, lines));
    const own = found.get(line);
    if (own) own.push(fault);
    else found.set(line, [fault]);
  }
  return found;
}

/** The measured heights with one more. */
export function withHeight(heights: ReadonlyMap<number, number>, line: number, height: number): ReadonlyMap<number, number> {
  return new Map(heights).set(line, height);
}

/** Lays `lines` out with a gap under every line that has faults. `heightOf` says how tall a line's boxes are. */
export function faultRows(lines: number, faults: readonly Fault[], lineHeight: number, heightOf: (line: number) => number): FaultRows {
  const faulty = [...faultsByLine(faults, lines).keys()].sort((a, b) => a - b);
  let before = 0;
  const gaps = faulty.map((line) => {
    const gap = { line, height: heightOf(line), before };
    before += gap.height;
    return gap;
  });
  return { lineHeight, gaps, height: lines * lineHeight + before };
}

/** Where a line begins, px from the top. */
export function topOf({ lineHeight, gaps }: FaultRows, line: number): number {
  let low = 0;
  let high = gaps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((gaps[middle]?.line ?? Infinity) < line) low = middle + 1;
    else high = middle;
  }
  const last = gaps[low - 1];
  return (line - 1) * lineHeight + (last ? last.before + last.height : 0);
}

/** The first and last line that are seen, wholly or in part, between `top` and `bottom` px. */
export function visibleLines(rows: FaultRows, lines: number, top: number, bottom: number): { readonly first: number; readonly last: number } {
  return { first: lineAt(rows, lines, top), last: lineAt(rows, lines, bottom) };
}

function lineAt(rows: FaultRows, lines: number, y: number): number {
  let low = 1;
  let high = lines;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (topOf(rows, middle) <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The word at a column (from 1) of a line: what the fault points at. */
export function wordAt(text: string, column: number): { readonly before: string; readonly word: string; readonly after: string } {
  const start = Math.min(Math.max(0, column - 1), text.length);
  const rest = text.slice(start);
  const word = /^(?:\s+|"(?:[^"\\]|\\.)*"|'[^']*'|[\w./-]+|.)/u.exec(rest)?.[0] ?? '';
  return { before: text.slice(0, start), word, after: text.slice(start + word.length) };
}
