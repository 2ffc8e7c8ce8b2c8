import { isOfCluster } from '../change.ts';

/**
 * What the lines of a YAML object say of it, by their columns, before it is parsed: for objects that are not read, which
 * then need no parsing, and for those that cannot be parsed, which should still be named.
 */
export interface Hint {
  readonly kind: string | null;
  readonly apiVersion: string | null;
}

/** Larger texts are no objects. */
const LONGEST = 2_000_000;

export function hintOf(text: string): Hint {
  const column = columnOf(text);
  return column < 0 ? { kind: null, apiVersion: null } : { kind: field(text, 'kind', column), apiVersion: field(text, 'apiVersion', column) };
}

/** `Service shop/cart`; null where the kind or the name is not to be found. */
export function nameHint(text: string): string | null {
  const column = columnOf(text);
  const kind = column < 0 ? null : field(text, 'kind', column);
  if (kind === null) return null;
  const lines = text.split('\n');
  const metadata = lines.findIndex((line) => line.startsWith(`${' '.repeat(column)}metadata:`));
  if (metadata < 0) return null;
  const inner: string[] = [];
  for (const line of lines.slice(metadata + 1)) {
    if (line.trim() !== '' && indentOf(line) <= column) break;
    inner.push(line);
  }
  const indent = indentOf(inner.find((line) => line.trim() !== '') ?? '');
  const name = field(inner.join('\n'), 'name', indent);
  if (name === null) return null;
  return isOfCluster(kind) ? `${kind} ${name}` : `${kind} ${field(inner.join('\n'), 'namespace', indent) ?? 'default'}/${name}`;
}

/** The column of the object's own keys, from 0; -1: nothing looks like a key. */
function columnOf(text: string): number {
  if (text.length > LONGEST) return -1;
  return /^( *)[A-Za-z"'][^\n]*:/m.exec(text)?.[1]?.length ?? -1;
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

function field(text: string, key: string, column: number): string | null {
  const start = `${' '.repeat(column)}${key}:`;
  const at = text.startsWith(start) ? 0 : text.indexOf(`\n${start}`) + 1;
  if (at === 0 && !text.startsWith(start)) return null;
  return /^[ \t]+["']?([\w.-]+)/.exec(text.slice(at + start.length, at + start.length + 300).split('\n', 1)[0] ?? '')?.[1] ?? null;
}
