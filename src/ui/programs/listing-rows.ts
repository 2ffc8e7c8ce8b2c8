import type { InstructionRow } from '../../datapaths/view.ts';

/** A row of the listing: an instruction, or the line of C or the function that the next ones come from. */
export type ListingRow =
  | { readonly kind: 'instruction'; readonly slot: number; readonly text: string; readonly note: string; /** Where a jump or call goes. */ readonly target: number | null }
  | { readonly kind: 'source'; readonly slot: number; readonly line: number; readonly text: string }
  | { readonly kind: 'function'; readonly slot: number; readonly name: string };

const JUMP = /goto[l]? ([+-]\d+)$/;
const LOCAL_CALL = /^call pc([+-]\d+)$/;
const HELPER = /^call (\w+)#(\d+)$/;

/** Instructions in their order, each line of C once before the instructions that it became. `withSource`: C lines too. */
export function listingRows(rows: readonly InstructionRow[], withSource: boolean): ListingRow[] {
  const listing: ListingRow[] = [];
  const functions = rows.filter(({ begins }) => begins !== undefined).length;
  let before: InstructionRow | null = null;
  for (const row of rows) {
    const { index: slot, text, begins, line, source, file } = row;
    // A program of one function needs no headings.
    if (begins !== undefined && functions > 1) listing.push({ kind: 'function', slot, name: begins });
    const newLine = line !== null && line > 0 && source !== null && source.trim() !== '' && (before?.line !== line || before.file !== file);
    if (withSource && newLine) listing.push({ kind: 'source', slot, line, text: source.trim() });
    listing.push({ kind: 'instruction', slot, ...parts(text), target: targetOf(text, slot) });
    before = row;
  }
  return listing;
}

/** `call map_lookup_elem#1` as the call and, beside it, the helper's name. */
function parts(text: string): { readonly text: string; readonly note: string } {
  const helper = HELPER.exec(text);
  return helper ? { text: `call ${helper[2]}`, note: helper[1] ?? '' } : { text, note: '' };
}

function targetOf(text: string, slot: number): number | null {
  const distance = (JUMP.exec(text) ?? LOCAL_CALL.exec(text))?.[1];
  return distance === undefined ? null : slot + 1 + Number(distance);
}

/** The row that shows a slot's instruction; 0 where there is none. */
export function rowOfSlot(listing: readonly ListingRow[], slot: number): number {
  return Math.max(0, listing.findIndex((row) => row.kind === 'instruction' && row.slot === slot));
}

/** The slots of all instructions that come from one line of C. */
export function slotsOfLine(rows: readonly InstructionRow[], file: string, line: number): number[] {
  return rows.flatMap((row) => (row.file === file && row.line === line ? [row.index] : []));
}
