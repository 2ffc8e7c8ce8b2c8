import { emptySet, type IpSet } from './ipset.ts';
import { isTableName, type TableName } from './hook.ts';
import { restore } from './restore.ts';
import { ruleSentence, type RuleFault } from './parse/rule-fault.ts';
import { RestoreError } from './restore-error.ts';
import type { RuleTable } from './rule-table.ts';
import type { NoteEffect, Rule } from './rule.ts';

/** A rule that is read and kept, but that a simulation cannot honour in full. */
export interface DumpNote {
  /** From 1, in the whole text. */
  readonly line: number;
  readonly table: TableName;
  /** The match or target by its name. */
  readonly module: string;
  readonly effect: NoteEffect;
}

/** Something that cannot be taken, with its place and the reason: as a sentence in English, and as what another language says it with. The table it stands in is left out. */
export interface DumpFault {
  readonly line: number;
  readonly column: number;
  readonly word: string;
  readonly reason: string;
  readonly fault: RuleFault;
}

/** Rules of IPv6, which the lane does not have. */
export interface LeftOut {
  readonly fromLine: number;
  readonly toLine: number;
  readonly table: string;
  readonly rules: number;
}

/** What `readDump` made of a text. */
export interface Dump {
  readonly tables: Map<TableName, RuleTable>;
  /** The sets that rules name: those given, and empty ones for the others. */
  readonly sets: ReadonlyMap<string, IpSet>;
  readonly notes: readonly DumpNote[];
  readonly faults: readonly DumpFault[];
  readonly leftOut: readonly LeftOut[];
  /** Rules taken. */
  readonly rules: number;
}

export interface ReadDumpOptions {
  readonly sets?: ReadonlyMap<string, IpSet>;
  readonly progress?: (done: number) => void;
}

interface Section {
  readonly table: string;
  readonly text: string;
  /** Where it begins in the text. */
  readonly start: number;
  /** Lines before it. */
  readonly firstLine: number;
  readonly lines: number;
  readonly fromIp6tables: boolean;
}

/**
 * Reads a person's own rules: the text of `iptables-save` or for `iptables-restore` (or `iptables -S`, which is the table
 * filter). Tables are taken one by one: a fault keeps its own table out, and the others are read.
 */
export function readDump(text: string, options: ReadDumpOptions = {}): Dump {
  const tables = new Map<TableName, RuleTable>();
  const sets = new Map(options.sets ?? []);
  const notes: DumpNote[] = [];
  const faults: DumpFault[] = [];
  const leftOut: LeftOut[] = [];
  let rules = 0;
  for (const section of sectionsOf(text, faults)) {
    const kept = withoutIpv6(section, leftOut);
    if (kept === null) continue;
    const table = section.table as TableName;
    const read = (line: number, rule: Rule) => {
      const at = section.firstLine + line;
      for (const { module, effect } of rule.notes) notes.push({ line: at, table, module, effect });
      for (const set of setsOf(rule)) {
        if (sets.has(set)) continue;
        sets.set(set, emptySet(set));
        notes.push({ line: at, table, module: set, effect: 'empty-set' });
      }
    };
    const firstNote = notes.length;
    try {
      const { progress } = options;
      const base = section.start;
      const total = Math.max(1, text.length);
      rules += restore(tables, kept, { read, ...(progress ? { progress: (done) => progress(Math.min(1, (base + done * kept.length) / total)) } : {}) }).rules;
    } catch (error) {
      if (!(error instanceof RestoreError)) throw error;
      notes.length = firstNote;
      faults.push({ line: section.firstLine + error.line, column: error.column, word: error.word, reason: error.reason, fault: error.fault });
      if (isTableName(section.table) && tables.get(section.table)?.ruleCount === 0) tables.delete(section.table);
    }
  }
  return { tables, sets, notes, faults, leftOut, rules };
}

function setsOf(rule: Rule): string[] {
  const asked = rule.matches.flatMap((match) => (match.kind === 'set' ? [match.set] : []));
  return rule.target.kind === 'set' ? [...asked, rule.target.set] : asked;
}

const STRAY: RuleFault = { code: 'stray', values: {} };

/** Cuts the text into tables. What stands between them is a comment, blank, or a fault. */
function* sectionsOf(text: string, faults: DumpFault[]): Iterable<Section> {
  let line = 0;
  let fromIp6tables = false;
  let open: { readonly table: string; readonly start: number; readonly firstLine: number } | null = null;
  let strayed = false;
  const listing = /^\s*-[PNA] /m.test(text) && !/^\s*\*/m.test(text);
  if (listing) {
    yield { table: 'filter', text: `*filter\n${text}${text.endsWith('\n') ? '' : '\n'}COMMIT\n`, start: 0, firstLine: -1, lines: text.split('\n').length, fromIp6tables: false };
    return;
  }
  for (let at = 0; at <= text.length && at >= 0; ) {
    const newline = text.indexOf('\n', at);
    const end = newline < 0 ? text.length : newline;
    const next = newline < 0 ? text.length + 1 : newline + 1;
    let from = at;
    while (from < end && (text.charCodeAt(from) === 32 || text.charCodeAt(from) === 9)) from += 1;
    const first = text.charCodeAt(from);
    if (first === 35 && from < end) {
      if (/generated by (x?tables-|ip)/i.test(text.slice(from, end))) fromIp6tables = /ip6tables/i.test(text.slice(from, end));
    } else if (first === 42 && from < end) {
      if (open) yield { ...open, text: text.slice(open.start, at), lines: line - open.firstLine, fromIp6tables };
      open = { table: text.slice(from + 1, end).trim(), start: at, firstLine: line };
    } else if (open && first === 67 && text.slice(from, end).trim() === 'COMMIT') {
      yield { ...open, text: text.slice(open.start, Math.min(next, text.length)), lines: line + 1 - open.firstLine, fromIp6tables };
      open = null;
    } else if (!open && !strayed && text.slice(from, end).trim() !== '') {
      // Once is enough: what follows it is of the same kind.
      strayed = true;
      faults.push({ line: line + 1, column: from - at + 1, word: text.slice(from, Math.min(end, from + 40)).trim(), reason: ruleSentence(STRAY), fault: STRAY });
    }
    line += 1;
    at = next;
  }
  if (open) yield { ...open, text: text.slice(open.start), lines: line - open.firstLine, fromIp6tables };
}

/** What only ip6tables reads. `ipv6-icmp` by itself is a protocol in IPv4 too, and `-6` says whose rule it is. */
const IPV6_ONLY = / (?:-s|-d|--source|--destination|--src|--dst) [0-9a-fA-F]*:[0-9a-fA-F:.]*(?:\/|\s|$)|-m icmp6|--icmpv6-type|icmp6-[a-z]| -m (?:hl|eui64|rt|ipv6header|frag|mh|hbh) | -j HL /;
const IPV6_RULE = new RegExp(`${IPV6_ONLY.source}| (?:-p|--protocol) (?:ipv6-icmp|icmpv6)(?:\\s|$)`);
const IPV6_LINE = new RegExp(`${IPV6_ONLY.source}| (?:-6|--ipv6)(?:\\s|$)`);
const IPV4_RULE = / (?:-s|-d|--source|--destination|--src|--dst) \d{1,3}\./;
const RULE_LINE = /^\s*(?:\[\d+:\d+\]\s*)?-[AI] /;

/** The section without its IPv6 rules, their lines left blank; null where all of it is IPv6. */
function withoutIpv6(section: Section, leftOut: LeftOut[]): string | null {
  const { text, table, firstLine } = section;
  if (!section.fromIp6tables && !IPV6_RULE.test(text) && !IPV6_LINE.test(text)) return text;
  const lines = text.split('\n');
  if (section.fromIp6tables || (IPV6_RULE.test(text) && !IPV4_RULE.test(text))) {
    const rules = lines.filter((line) => RULE_LINE.test(line)).length;
    leftOut.push({ fromLine: firstLine + 1, toLine: firstLine + section.lines, table, rules });
    return null;
  }
  return lines
    .map((line, index) => {
      if (!RULE_LINE.test(line) || !IPV6_LINE.test(line)) return line;
      leftOut.push({ fromLine: firstLine + index + 1, toLine: firstLine + index + 1, table, rules: 1 });
      return '';
    })
    .join('\n');
}
