import type { Chunk, Split, SplitFault } from './chunk.ts';
import { splitJson } from './split-json.ts';

/**
 * Cuts YAML into documents, and a document that is a list, as kubectl prints it (`items:` at the top, each item at a `-`
 * in one column), into its items. Each is parsed on its own: a fault in one does not hide the others, and memory holds
 * one at a time.
 */
export function splitYaml(text: string, start: number): Split {
  const chunks: Chunk[] = [];
  const faults: SplitFault[] = [];
  for (const [from, to] of documents(text, start)) {
    const first = firstSignificant(text, from, to);
    if (first < 0) continue;
    if (text[first] === '{' || text[first] === '[') {
      const split = splitJson(text, first, to);
      for (const chunk of split.chunks) chunks.push(chunk);
      faults.push(...split.faults);
    } else {
      for (const chunk of splitDocument(text, from, to)) chunks.push(chunk);
    }
  }
  return { chunks, faults };
}

const LARGEST_ANCHORED = 500_000;

/** Stretches between `---` lines (and behind `...` lines), which end a document even within a quoted text. */
function* documents(text: string, start: number): Iterable<readonly [number, number]> {
  const marker = /^(---|\.\.\.)(?=[ \t\r\n]|$)/gm;
  marker.lastIndex = start;
  let from = start;
  for (let match = marker.exec(text); match; match = marker.exec(text)) {
    yield [from, match.index];
    from = match.index + 3;
  }
  yield [from, text.length];
}

/** The first character that is no blank, comment or directive; -1: there is none. */
function firstSignificant(text: string, from: number, to: number): number {
  for (let at = from; at < to; ) {
    const character = text[at];
    if (character === ' ' || character === '\n' || character === '\r' || character === '\t') at += 1;
    else if (character === '#' || (character === '%' && (at === 0 || text[at - 1] === '\n'))) {
      const end = text.indexOf('\n', at);
      at = end < 0 ? to : end;
    } else return at;
  }
  return -1;
}

function splitDocument(text: string, from: number, to: number): Chunk[] {
  const chunk = (start: number, end: number, fields: Partial<Chunk> = {}): Chunk => ({ format: 'yaml', role: 'object', start, end, dash: -1, listKind: null, cut: false, ...fields });
  /** Starts of the items, and their dashes. */
  const items: [start: number, dash: number][] = [];
  /** `head`: before the first item. `tail`: behind the last. */
  let state: 'head' | 'items:' | 'items' | 'tail' = 'head';
  let column = -1;
  let listKind: string | null = null;
  let isBare = false;
  let hasContent = false;
  let tail = to;
  for (let line = from; line < to; ) {
    let next = text.indexOf('\n', line) + 1;
    if (next === 0 || next > to) next = to;
    let at = line;
    while (at < next && text[at] === ' ') at += 1;
    const character = text[at];
    if (at < next && character !== '\n' && character !== '\r' && character !== '#') {
      const indent = at - line;
      const isItem = character === '-' && (at + 1 >= to || ' \n\r'.includes(text[at + 1] ?? ' '));
      if (isItem && (state === 'items:' || (state === 'head' && !hasContent))) {
        isBare = state === 'head';
        column = indent;
        state = 'items';
      } else if (state === 'items:') {
        return [chunk(from, to)];
      } else if (state === 'items' && indent === 0 && !(isItem && column === 0)) {
        state = 'tail';
        tail = line;
      }
      if (state === 'items' && isItem && indent === column) items.push([line, at]);
      else if (state !== 'items' && indent === 0) {
        if (isItemsKey(text, at, next)) {
          if (state === 'tail') return [chunk(from, to)];
          state = 'items:';
        } else {
          listKind = /^kind:[ \t]*["']?(\w+)/.exec(text.slice(at, Math.min(next, at + 80)))?.[1] ?? listKind;
        }
      }
      hasContent = true;
    }
    line = next;
  }
  const first = items[0];
  if (!first || hasAliases(text, from, to)) return [chunk(from, to)];
  // kubectl writes `kind: List` behind the items: without it the text was cut off.
  const isCut = !isBare && listKind === null;
  const chunks = items.map(([start, dash], index) => chunk(start, items[index + 1]?.[0] ?? tail, { dash, listKind, cut: isCut && index === items.length - 1 }));
  return [chunk(from, first[0], { role: 'envelope' }), ...chunks, chunk(tail, to, { role: 'envelope' })];
}

/** Items that refer to each other's anchors cannot be parsed apart. kubectl prints none: small texts, written by hand, may have them. */
function hasAliases(text: string, from: number, to: number): boolean {
  return to - from <= LARGEST_ANCHORED && /(?:^|[\s[{,])\*[\w-]+[ \t]*(?:\r?$|[,\]}])/m.test(text.slice(from, to));
}

function isItemsKey(text: string, at: number, next: number): boolean {
  return text.startsWith('items:', at) && /^items:[ \t]*(#[^\n]*)?\r?\n?$/.test(text.slice(at, next));
}
