/** A stretch of the text that should hold one object. */
export interface Chunk {
  readonly format: 'json' | 'yaml';
  /** `envelope`: what stands around a list's items. It is no object, but a fault in it is a person's to hear of. */
  readonly role: 'object' | 'envelope';
  readonly start: number;
  readonly end: number;
  /** The offset of the `-` that makes a YAML chunk an item of a list; -1: it is none. */
  readonly dash: number;
  /** The item of a `ServiceList` need not say that it is a Service. */
  readonly listKind: string | null;
  /** The text ended before this chunk did, or before the list that it is the last of. */
  readonly cut: boolean;
}

/** The chunk's text with each character where it was, so that offsets within it count from `chunk.start`. */
export function textOf(text: string, { start, end, dash }: Chunk): string {
  if (dash < 0) return text.slice(start, end);
  return `${text.slice(start, dash)} ${text.slice(dash + 1, end)}`;
}

/** Where its own text begins, blanks left out. */
export function firstCharacter(text: string, { start, end, dash }: Chunk): number {
  if (dash >= 0) return dash;
  let at = start;
  while (at < end && /\s/.test(text[at] ?? '')) at += 1;
  return at < end ? at : start;
}

/** What a splitter found wrong between or around the chunks. */
export interface SplitFault {
  readonly offset: number;
  readonly message: string;
  readonly values: Readonly<Record<string, string | number>>;
}

export interface Split {
  readonly chunks: readonly Chunk[];
  readonly faults: readonly SplitFault[];
}
