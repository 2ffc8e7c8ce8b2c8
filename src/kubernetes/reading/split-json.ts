import type { Chunk, Split, SplitFault } from './chunk.ts';

interface Scan {
  readonly elements: [start: number, end: number, listKind: string | null, cut: boolean][];
  readonly faults: SplitFault[];
  /** Brackets did not pair up, or the text ended within a value. */
  broken: boolean;
}

/**
 * Cuts JSON into the texts of its objects: one value, values after one another, and lists (an object with `items`, or a
 * bare array) into their elements. Looks at brackets and strings alone, without recursion; the elements are parsed on
 * their own, so that a fault in one does not hide the others.
 */
export function splitJson(text: string, start: number, end: number): Split {
  let scan = scanJson(text, start, end, -1);
  if (scan.broken) {
    // Brackets do not pair up somewhere. A new line that begins with `{` in the column of the first element is taken
    // for the next element, whatever is still open before it.
    const column = columnOf(text, scan.elements[0]?.[0] ?? start);
    scan = scanJson(text, start, end, column);
  }
  const chunks = scan.elements.map(([from, to, listKind, cut]): Chunk => ({ format: 'json', role: 'object', start: from, end: to, dash: -1, listKind, cut }));
  return { chunks, faults: scan.faults };
}

function columnOf(text: string, offset: number): number {
  return offset - text.lastIndexOf('\n', offset - 1) - 1;
}

function scanJson(text: string, start: number, end: number, column: number): Scan {
  const scan: Scan = { elements: [], faults: [], broken: false };
  let at = start;
  while (at < end) {
    const character = text[at];
    if (character === '{' || character === '[') at = scanValue(text, at, end, column, scan);
    else if (isBlank(character) || character === '\x1e') at += 1;
    else {
      scan.faults.push({ offset: at, message: 'fault_json_between', values: { text: text.slice(at, at + 20).split('\n', 1)[0] ?? '' } });
      const next = text.slice(at, end).search(/\n[{[]/);
      at = next < 0 ? end : at + next + 1;
    }
  }
  return scan;
}

/** Scans one value at the top; returns the offset behind it. */
function scanValue(text: string, start: number, end: number, column: number, scan: Scan): number {
  // What closes the brackets that are open.
  const open: string[] = [];
  const structure = /["{}[\]:]/g;
  const isArray = text[start] === '[';
  let listKind: string | null = null;
  /** How many brackets are open around an element of the list; 0: no list yet. */
  let listDepth = 0;
  let element = -1;
  const first = scan.elements.length;
  let key = '';
  structure.lastIndex = start;
  for (let match = structure.exec(text); match && match.index < end; match = structure.exec(text)) {
    const at = match.index;
    const character = match[0];
    if (character === '"') {
      const close = stringEnd(text, at, end);
      if (open.length === 1 && !isArray) {
        const word = text.slice(at + 1, Math.min(close - 1, at + 64));
        if (key === 'kind') listKind = word;
        key = isKey(text, close) ? word : '';
      }
      structure.lastIndex = close;
      continue;
    }
    if (character === ':') continue;
    if (character === '{' || character === '[') {
      if (column >= 0 && character === '{' && open.length > 0 && at !== start && isLineStart(text, at) && columnOf(text, at) === column) {
        if (listDepth === 0) {
          scan.elements.push([start, at, null, false]);
          return at;
        }
        if (open.length > listDepth && element >= 0) {
          scan.elements.push([element, at, null, false]);
          open.length = listDepth;
          element = -1;
        }
      }
      if (listDepth > 0 && open.length === listDepth && element < 0) element = at;
      else if (character === '[' && open.length === 1 && !isArray && key === 'items') listDepth = 2;
      if (open.length === 0 && isArray) listDepth = 1;
      open.push(character === '{' ? '}' : ']');
      continue;
    }
    // A bracket closes.
    if (open.at(-1) !== character) {
      scan.broken = true;
      // Whatever it was meant to close, only the innermost is closed: the element's own parser says what is wrong.
    }
    open.pop();
    if (listDepth > 0 && open.length === listDepth && element >= 0) {
      scan.elements.push([element, at + 1, null, false]);
      element = -1;
    }
    if (listDepth === 2 && open.length === 1) listDepth = -1; // the list has ended, its object goes on
    if (open.length === 0) {
      nameList(scan, first, listKind);
      if (listDepth === 0) scan.elements.push([start, at + 1, null, false]);
      return at + 1;
    }
  }
  scan.broken = true;
  nameList(scan, first, listKind);
  const from = element >= 0 ? element : listDepth === 0 ? start : -1;
  if (from >= 0) scan.elements.push([from, end, listKind, true]);
  else scan.faults.push({ offset: Math.max(start, end - 1), message: 'fault_cut_list', values: {} });
  return end;
}

function nameList(scan: Scan, first: number, listKind: string | null): void {
  for (let index = first; index < scan.elements.length; index++) scan.elements[index]![2] = listKind;
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\n' || character === '\r' || character === '\t';
}

function isLineStart(text: string, at: number): boolean {
  let before = at - 1;
  while (text[before] === ' ' || text[before] === '\t') before -= 1;
  return before < 0 || text[before] === '\n';
}

function isKey(text: string, at: number): boolean {
  let next = at;
  while (isBlank(text[next])) next += 1;
  return text[next] === ':';
}

/** The offset behind the string's closing quote, or `end`. */
function stringEnd(text: string, start: number, end: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0 && at < end; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text[at - 1 - slashes] === '\\') slashes += 1;
    if (slashes % 2 === 0) return at + 1;
  }
  return end;
}
