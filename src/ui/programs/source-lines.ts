import type { InstructionRow } from '../../datapaths/view.ts';

/** A line of source as it is shown; `gap`: lines before it that are not known. */
export interface SourceLine {
  readonly number: number;
  readonly text: string;
  readonly gap: boolean;
  /** Whether instructions came from it. */
  readonly ran: boolean;
}

/** `./bpf-samples/include/maps.h` as `bpf-samples/include/maps.h`. */
export function plainPath(file: string): string {
  return file.replace(/^(\.\/)+/, '');
}

/** Files that instructions come from, the program's own first. */
export function sourceFiles(rows: readonly InstructionRow[]): string[] {
  return [...new Set(rows.flatMap(({ file }) => (file === null || file === '' ? [] : [file])))];
}

/** A file line by line: whole where its text is at hand, else the lines that the object itself tells of. */
export function sourceLines(rows: readonly InstructionRow[], file: string, text: string | null): SourceLine[] {
  const told = new Map<number, string>();
  for (const row of rows) if (row.file === file && row.line !== null && row.line > 0) told.set(row.line, row.source ?? '');
  if (text !== null) return text.replace(/\n$/, '').split('\n').map((line, index) => ({ number: index + 1, text: line, gap: false, ran: told.has(index + 1) }));
  let before = 0;
  return [...told]
    .sort(([a], [b]) => a - b)
    .map(([number, line]) => {
      const gap = number > before + 1;
      before = number;
      return { number, text: line, gap, ran: true };
    });
}
