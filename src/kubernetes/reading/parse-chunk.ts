import { isAlias, isMap, isScalar, isSeq, parseDocument, type Document, type Node, type YAMLError } from 'yaml';
import { parseBlockYaml } from './block-yaml.ts';
import type { Path } from './finding.ts';

/** etcd takes objects of up to 1.5 MB: what is larger is no object. */
const LARGEST_OBJECT = 2_000_000;
/** Above this a map's keys are not compared with each other, which costs their number squared. */
const LARGEST_UNIQUE = 200_000;
/** No object that is read here comes near it. */
const DEEPEST = 48;
const MOST_ALIASES = 100;
/** What would only use up the parser's stack, and seconds. */
const TOO_DEEP = /(?:[{[]\s*){200}|(?:[-?] +){200}|(?:[{[]\s*"[^"]{0,20}"\s*:\s*){200}/;

export type Parsed =
  | { readonly value: unknown }
  | { readonly offset: number; readonly message: string; readonly values: Readonly<Record<string, string | number>> };

/** Reads one chunk's text; offsets count from its start. Never throws, whatever the text is. */
export function parseChunk(text: string, format: 'json' | 'yaml'): Parsed {
  if (text.length > LARGEST_OBJECT) return { offset: 0, message: 'fault_too_large', values: { size: Math.ceil(text.length / 1e6) } };
  try {
    const value = (format === 'json' ? parseJson(text) : parseBlockYaml(text)) ?? parseYaml(text);
    if ('value' in value && isDeeperThan(value.value, DEEPEST)) return tooDeep();
    return value;
  } catch (reason) {
    // Both parsers recurse, or refuse to: the stack ends first on a text of brackets alone.
    if (reason instanceof RangeError) return tooDeep();
    throw reason;
  }
}

function tooDeep(): Parsed {
  return { offset: 0, message: 'fault_too_deep', values: { depth: DEEPEST } };
}

/** `undefined`: it is not quite JSON. YAML, which takes JSON in, says where and why, or can read it. */
function parseJson(text: string): Parsed | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (reason) {
    if (reason instanceof SyntaxError) return undefined;
    throw reason;
  }
}

function documentOf(text: string): Document.Parsed {
  return parseDocument(text, { prettyErrors: false, uniqueKeys: text.length <= LARGEST_UNIQUE, logLevel: 'error', merge: true });
}

function parseYaml(text: string): Parsed {
  if (TOO_DEEP.test(text)) return tooDeep();
  const document = documentOf(text);
  const [first] = document.errors;
  if (first) return yamlFault(text, first);
  try {
    return { value: document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown };
  } catch (reason) {
    if (!(reason instanceof ReferenceError)) throw reason;
    // An alias of no anchor, or aliases that unfold into too much.
    const unknown = /^Unresolved alias.*: (\S+)$/.exec(reason.message)?.[1];
    if (unknown === undefined) return { offset: 0, message: 'fault_aliases', values: {} };
    return { offset: Math.max(0, text.indexOf(`*${unknown}`)), message: 'fault_yaml', values: { reason: reason.message } };
  }
}

function yamlFault(text: string, { code, message, pos }: YAMLError): Parsed {
  const offset = Math.min(pos[0], Math.max(0, text.length - 1));
  if (code === 'TAB_AS_INDENT') return { offset, message: 'fault_tab', values: {} };
  if (code === 'DUPLICATE_KEY') return { offset, message: 'fault_key_twice', values: { key: wordAt(text, offset) } };
  return { offset, message: 'fault_yaml', values: { reason: message } };
}

function wordAt(text: string, offset: number): string {
  return /^["']?([^\s:"']{1,60})/.exec(text.slice(offset, offset + 80))?.[1] ?? '';
}

function isDeeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (depth === 0) return true;
  const values: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  return values.some((inner) => isDeeperThan(inner, depth - 1));
}

/**
 * Finds values in a chunk's text: the value itself where it is a single one, its key where it holds others, and the
 * nearest value around it where it is missing. Costs a parse with positions when it is first asked.
 */
export class Locator {
  readonly #text: string;
  #root: Node | null | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** The value's offset in the text. */
  find(path: Path): number {
    this.#root ??= rootOf(this.#text);
    return locateOne(this.#root, path);
  }
}

function rootOf(text: string): Node | null {
  if (text.length > LARGEST_OBJECT || TOO_DEEP.test(text)) return null;
  try {
    return documentOf(text).contents;
  } catch (reason) {
    if (reason instanceof RangeError) return null;
    throw reason;
  }
}

function locateOne(root: Node | null, path: Path): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === step);
      if (!pair) break;
      offset = (isScalar(pair.key) ? pair.key.range?.[0] : undefined) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      offset = startOf(node) ?? offset;
    } else break;
  }
  return isScalar(node) || isAlias(node) ? (startOf(node) ?? offset) : offset;
}

function startOf(node: unknown): number | undefined {
  if (isMap(node) || isSeq(node) || isScalar(node) || isAlias(node)) return node.range?.[0];
  return undefined;
}
