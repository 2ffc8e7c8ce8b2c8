import { isTableName, type TableName } from './hook.ts';
import { RuleError } from './parse-rule.ts';
import { RestoreError } from './restore-error.ts';
import { RuleTable, type Policy } from './rule-table.ts';
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
}

/**
 * Puts the text of `iptables-restore` or `iptables-save` into tables, table by table as each is committed. Throws
 * `RestoreError` with the line; the table at fault stays as it was.
 */
export function restore(tables: Map<TableName, RuleTable>, text: string, options: RestoreOptions = {}): RestoreCounts {
  const counts = { tables: [] as TableName[], chains: 0, rules: 0, deletes: 0 };
  let table: RuleTable | null = null;
  let textId = -1;
  let lineNumber = 0;
  try {
    for (let at = 0; at < text.length; ) {
      const newline = text.indexOf('\n', at);
      let end = newline < 0 ? text.length : newline;
      const next = end + 1;
      if (end > at && text.charCodeAt(end - 1) === 13) end -= 1;
      lineNumber += 1;
      if (lineNumber % 65536 === 0) options.progress?.(at / text.length);
      const first = text.charCodeAt(at);
      if (end === at || first === 35) {
        // An empty line or a comment.
      } else if (first === 42) {
        if (table) throw new RuleError(`A new table begins before the table ${table.name} was committed.`);
        const name = text.slice(at + 1, end).trim();
        if (!isTableName(name)) throw new RuleError(`There is no table ${name} here.`);
        table = tables.get(name) ?? new RuleTable(name);
        tables.set(name, table);
        table.begin();
        if (!options.noflush) table.flushAll();
        textId = table.addText(text);
        counts.tables.push(name);
      } else if (!table) {
        throw new RuleError(`“${text.slice(at, Math.min(end, at + 40))}” stands outside any table: a table begins with *filter, *nat, *mangle or *raw.`);
      } else if (first === 58) {
        declare(table, text.slice(at + 1, end));
        counts.chains += 1;
      } else if (end - at === 6 && text.startsWith('COMMIT', at)) {
        table.commit();
        table = null;
      } else {
        const kind = command(table, textId, text, at, end);
        if (kind === 'rule') counts.rules += 1;
        else counts.deletes += 1;
      }
      at = next;
    }
    if (table) throw new RuleError(`The text ends before the table ${table.name} was committed: it is cut off.`);
  } catch (error) {
    if (table) abandon(table);
    if (error instanceof RuleError) throw new RestoreError(error.message, lineNumber);
    throw error;
  }
  return counts;
}

/** commit() abandons by itself where its check fails. */
function abandon(table: RuleTable): void {
  try {
    table.abandon();
  } catch {
    // Already abandoned.
  }
}

function declare(table: RuleTable, line: string): void {
  const [name, policy, counters, ...rest] = line.trim().split(/\s+/);
  if (!name || !policy || rest.length > 0) throw new RuleError('A chain is declared as “:NAME POLICY [packets:bytes]”.');
  if (policy !== '-' && policy !== 'ACCEPT' && policy !== 'DROP') throw new RuleError(`A policy is ACCEPT or DROP (or - for a chain of one’s own), not ${policy}.`);
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
  if (!match) throw new RuleError(`Counters are written [packets:bytes], not ${text}.`);
  return [Number(match[1]), Number(match[2])];
}

function command(table: RuleTable, textId: number, text: string, from: number, end: number): 'rule' | 'other' {
  let at = from;
  let counters: readonly [number, number] | null = null;
  if (text.charCodeAt(at) === 91) {
    const close = text.indexOf(']', at);
    if (close < 0 || close > end) throw new RuleError('Counters are written [packets:bytes].');
    counters = readCounters(text.slice(at, close + 1));
    at = close + 1;
    while (text.charCodeAt(at) === 32) at += 1;
  }
  const words = splitWords(text.slice(at, end));
  if (!words) throw new RuleError('A quote is opened and not closed.');
  const [verb, chain, third] = words;
  if (verb === undefined) return 'other';
  if (chain === undefined) throw new RuleError(`“${verb}” needs a chain.`);
  switch (verb) {
    case '-A':
    case '--append': {
      table.add(chain, words, 2, textId, afterChain(text, at, end), end, counters);
      return 'rule';
    }
    case '-I':
    case '--insert': {
      const number = third !== undefined && /^\d+$/.test(third) ? Number(third) : null;
      if (number === 0) throw new RuleError('Rules are numbered from 1.');
      table.add(chain, words, number === null ? 2 : 3, textId, afterChain(text, at, end), end, counters, (number ?? 1) - 1);
      return 'rule';
    }
    case '-N':
    case '--new-chain':
      table.declare(chain, null);
      return 'other';
    case '-X':
    case '--delete-chain':
      table.deleteChain(chain);
      return 'other';
    case '-F':
    case '--flush': {
      const id = table.chainId(chain);
      if (id === undefined) throw new RuleError(`There is no chain ${chain} in the table ${table.name}.`);
      table.flush(id);
      return 'other';
    }
    case '-P':
    case '--policy':
      if (third !== 'ACCEPT' && third !== 'DROP') throw new RuleError('A policy is ACCEPT or DROP.');
      table.declare(chain, third);
      return 'other';
    default:
      throw new RuleError(`The command ${verb} is not known here: rules come with -A or -I, chains go with -X.`);
  }
}

/** Where the options begin: after `-A CHAIN `. */
function afterChain(text: string, from: number, end: number): number {
  const first = text.indexOf(' ', from);
  if (first < 0 || first > end) return end;
  const second = text.indexOf(' ', first + 1);
  return second < 0 || second > end ? end : second + 1;
}
