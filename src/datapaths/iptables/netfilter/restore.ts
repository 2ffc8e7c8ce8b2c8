import { isTableName, type TableName } from './hook.ts';
import { parseRule } from './parse/parse-rule.ts';
import { RuleError } from './parse/rule-error.ts';
import { RestoreError } from './restore-error.ts';
import { WrittenText } from './rule-texts.ts';
import { RuleTable, type Policy } from './rule-table.ts';
import type { Rule } from './rule.ts';
import { splitWords } from './words.ts';

/** How much of a text was what. */
export interface RestoreCounts {
  readonly tables: readonly TableName[];
  readonly chains: number;
  readonly rules: number;
  readonly deletes: number;
}

export interface RestoreOptions {
  /** Keep the chains that the text does not name (`--noflush`). */
  readonly noflush?: boolean;
  readonly progress?: (done: number) => void;
  /** Told of each rule that was read, with its line. */
  readonly read?: (line: number, rule: Rule) => void;
}

/** Characters of a rule, about: how much room is made at once. */
const TYPICAL_RULE = 100;

/**
 * Puts the text of `iptables-restore` or `iptables-save` into tables, table by table as each is committed. Throws
 * `RestoreError` with the place; the table at fault stays as it was.
 */
export function restore(tables: Map<TableName, RuleTable>, text: string, options: RestoreOptions = {}): RestoreCounts {
  const counts = { tables: [] as TableName[], chains: 0, rules: 0, deletes: 0 };
  let table: RuleTable | null = null;
  const written = new WrittenText(text);
  let textId = -1;
  let lineNumber = 0;
  let start = 0;
  let end = 0;
  try {
    for (let at = 0; at < text.length; ) {
      const newline = text.indexOf('\n', at);
      end = newline < 0 ? text.length : newline;
      const next = end + 1;
      lineNumber += 1;
      if (lineNumber % 8192 === 0) options.progress?.(at / text.length);
      // Blanks and a carriage return around the line do not count.
      while (end > at && isBlank(text.charCodeAt(end - 1))) end -= 1;
      while (at < end && isBlank(text.charCodeAt(at))) at += 1;
      start = at;
      const first = text.charCodeAt(at);
      if (end === at || first === 35) {
        // An empty line or a comment.
      } else if (first === 42) {
        if (table) throw new RuleError('table_uncommitted', { table: table.name });
        const name = text.slice(at + 1, end).trim();
        if (!isTableName(name)) throw new RuleError('no_table', { table: name });
        table = tables.get(name) ?? new RuleTable(name);
        tables.set(name, table);
        const commit = text.indexOf('\nCOMMIT', at);
        table.begin(Math.ceil(((commit < 0 ? text.length : commit) - at) / TYPICAL_RULE));
        if (!options.noflush) table.flushAll();
        textId = table.addText(written);
        counts.tables.push(name);
      } else if (!table) {
        throw new RuleError('outside_table', { text: text.slice(at, Math.min(end, at + 40)) });
      } else if (first === 58) {
        declare(table, text.slice(at + 1, end));
        counts.chains += 1;
      } else if (end - at === 6 && text.startsWith('COMMIT', at)) {
        table.commit();
        table = null;
      } else {
        const line = lineNumber;
        const kind = command(table, textId, text, at, end, options.read ? (rule) => options.read?.(line, rule) : undefined);
        if (kind === 'rule') counts.rules += 1;
        else counts.deletes += 1;
      }
      at = next;
    }
    if (table) throw new RuleError('cut_off', { table: table.name });
  } catch (error) {
    // commit() abandons by itself where its check fails.
    if (table?.changing) table.abandon();
    if (error instanceof RuleError) throw placed(error, text.slice(start, end), lineNumber);
    throw error;
  }
  return counts;
}

const isBlank = (code: number) => code === 32 || code === 9 || code === 13;

/** The error with its line, and its word's column if it knows its word. */
function placed(error: RuleError, line: string, lineNumber: number): RestoreError {
  const starts: number[] = [];
  const words = error.word === null ? null : splitWords(line, afterCounters(line), starts);
  const column = words ? starts[error.word ?? 0] : undefined;
  return new RestoreError(error, lineNumber, (column ?? 0) + 1, column === undefined ? '' : (words?.[error.word ?? 0] ?? ''));
}

function declare(table: RuleTable, line: string): void {
  const [name, policy, counters, ...rest] = line.trim().split(/\s+/);
  if (!name || !policy || rest.length > 0) throw new RuleError('chain_form');
  if (policy !== '-' && policy !== 'ACCEPT' && policy !== 'DROP') throw new RuleError('policy_not', { policy });
  table.declare(name, policy === '-' ? null : (policy satisfies Policy));
  const id = table.chainId(name);
  const read = counters === undefined ? null : readCounters(counters);
  if (id !== undefined && read && table.policies.has(id)) {
    table.policyPackets.set(id, read[0]);
    table.policyBytes.set(id, read[1]);
  }
}

function readCounters(text: string): readonly [number, number] {
  const match = /^\[(\d+):(\d+)\]$/.exec(text);
  if (!match) throw new RuleError('counters_not', { text });
  return [Number(match[1]), Number(match[2])];
}

function afterCounters(line: string): number {
  return line.startsWith('[') ? line.indexOf(']') + 1 : 0;
}

function command(table: RuleTable, textId: number, text: string, from: number, end: number, read: ((rule: Rule) => void) | undefined): 'rule' | 'other' {
  let at = from;
  let counters: readonly [number, number] | null = null;
  if (text.charCodeAt(at) === 91) {
    const close = text.indexOf(']', at);
    if (close < 0 || close > end) throw new RuleError('counters_form');
    counters = readCounters(text.slice(at, close + 1));
    at = close + 1;
    while (text.charCodeAt(at) === 32) at += 1;
  }
  const line = text.slice(at, end);
  const words = splitWords(line);
  if (!words) throw new RuleError('quote_open');
  const [verb, chain, third] = words;
  if (verb === undefined) return 'other';
  if (chain === undefined) return forAllChains(table, verb);
  switch (verb) {
    case '-A':
    case '--append':
      addRules(table, chain, words, 2, { id: textId, start: afterWords(text, at, end, 2), end, listed: line.includes(',') }, counters, undefined, read);
      return 'rule';
    case '-I':
    case '--insert': {
      const number = ruleNumber(third, 2);
      addRules(table, chain, words, number === null ? 2 : 3, { id: textId, start: afterWords(text, at, end, number === null ? 2 : 3), end, listed: line.includes(',') }, counters, (number ?? 1) - 1, read);
      return 'rule';
    }
    case '-R':
    case '--replace': {
      const number = ruleNumber(third, 2);
      if (number === null) throw new RuleError('replace_number', {}, 2);
      table.remove(chain, number);
      addRules(table, chain, words, 3, { id: textId, start: afterWords(text, at, end, 3), end, listed: line.includes(',') }, counters, number - 1, read);
      return 'rule';
    }
    case '-D':
    case '--delete': {
      const number = ruleNumber(third, 2);
      if (number !== null) table.remove(chain, number);
      else for (const each of expandAddresses(words, 2)) table.remove(chain, numberOf(table, chain, each));
      return 'other';
    }
    case '-N':
    case '--new-chain':
      if (table.has(chain)) throw new RuleError('chain_exists', { chain }, 1);
      table.declare(chain, null);
      return 'other';
    case '-X':
    case '--delete-chain':
      table.deleteChain(chain);
      return 'other';
    case '-Z':
    case '--zero':
      table.zero(chain, ruleNumber(third, 2));
      return 'other';
    case '-F':
    case '--flush': {
      const id = table.chainId(chain);
      if (id === undefined) throw new RuleError('no_chain', { chain, table: table.name }, 1);
      table.flush(id);
      return 'other';
    }
    case '-P':
    case '--policy':
      if (third !== 'ACCEPT' && third !== 'DROP') throw new RuleError('policy_form', {}, 2);
      table.declare(chain, third);
      return 'other';
    default:
      throw new RuleError('no_command', { verb }, 0);
  }
}

function ruleNumber(text: string | undefined, word: number): number | null {
  const number = text !== undefined && /^\d+$/.test(text) ? Number(text) : null;
  if (number === 0) throw new RuleError('from_one', {}, word);
  return number;
}

/** `-F`, `-X` and `-Z` without a chain. */
function forAllChains(table: RuleTable, verb: string): 'other' {
  const chains = [...table.chains()].filter(({ name }) => table.has(name));
  if (verb === '-F' || verb === '--flush') for (const { id } of chains) table.flush(id);
  else if (verb === '-Z' || verb === '--zero') for (const { name } of chains) table.zero(name);
  else if (verb === '-X' || verb === '--delete-chain') for (const { id, name } of chains) {
    if (!table.policies.has(id)) table.deleteChain(name);
  }
  else throw new RuleError('verb_chain', { verb }, 0);
  return 'other';
}

/** Which rule of a chain says what `words` say; the first. */
function numberOf(table: RuleTable, chain: string, words: readonly string[]): number {
  const meaning = (of: readonly string[], from: number) => JSON.stringify(parseRule(of, from));
  const wanted = meaning(words, 2);
  const index = table.rulesNow(chain).findIndex((rule) => meaning(splitWords(table.ruleText(rule)) ?? [], 0) === wanted);
  if (index < 0) throw new RuleError('no_such_rule', { chain });
  return index + 1;
}

/** Where a rule's options stand in the text; `listed`: there is a comma in them. */
interface RuleText {
  readonly id: number;
  readonly start: number;
  readonly end: number;
  readonly listed: boolean;
}

function addRules(
  table: RuleTable,
  chain: string,
  words: readonly string[],
  from: number,
  text: RuleText,
  counters: readonly [number, number] | null,
  place: number | undefined,
  read: ((rule: Rule) => void) | undefined,
): void {
  for (const each of text.listed ? expandAddresses(words, from) : [words]) {
    const rule = parseRule(each, from);
    read?.(rule);
    table.add(chain, rule, text.id, text.start, text.end, counters, place);
  }
}

const ADDRESS_OPTIONS = new Set(['-s', '--source', '--src', '-d', '--destination', '--dst']);

/** `-s 10.0.0.1,10.0.0.2` makes a rule for each address, as iptables does. */
function* expandAddresses(words: readonly string[], from: number): Iterable<readonly string[]> {
  for (let at = from; at + 1 < words.length; at++) {
    const list = words[at + 1] ?? '';
    if (!ADDRESS_OPTIONS.has(words[at] ?? '') || !list.includes(',')) continue;
    for (const address of list.split(',')) yield* expandAddresses(words.with(at + 1, address), at + 2);
    return;
  }
  yield words;
}

/** Where the options begin: after `-A CHAIN `, or `-I CHAIN 3 `. */
function afterWords(text: string, from: number, end: number, count: number): number {
  let at = from;
  for (let word = 0; word < count; word++) {
    while (at < end && text.charCodeAt(at) !== 32 && text.charCodeAt(at) !== 9) at += 1;
    while (at < end && (text.charCodeAt(at) === 32 || text.charCodeAt(at) === 9)) at += 1;
  }
  return at;
}
