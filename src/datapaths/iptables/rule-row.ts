import type { RuleRow } from '../view.ts';
import { splitWords } from './netfilter/words.ts';
import { commentAt, commentIn, commentMatchAt } from './rule-comment.ts';

const FIELDS = new Set(['-s', '-d', '-p', '-m', '-j', '-g', '-i', '-o', '--dport', '--comment']);

/** A rule as a table has it, and its number in its chain. */
export interface RowOf {
  readonly index: number;
  readonly text: string;
  /** The chain that it jumps or goes to; null: none. */
  readonly chain: string | null;
  readonly packets: number;
  readonly bytes: number;
}

/** A rule's text taken apart into the columns that a person compares. */
export function ruleRow({ index, text, chain, packets, bytes }: RowOf): RuleRow {
  const starts: number[] = [];
  const words = splitWords(text, 0, starts) ?? text.split(' ');
  const found = new Map<string, string>();
  const rest: string[] = [];
  let negation = '';
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '!') {
      negation = '! ';
      continue;
    }
    const value = words[at + 1];
    if (FIELDS.has(word) && value !== undefined) {
      at += 1;
      // The protocol's own match says nothing that -p and --dport do not.
      if (word === '-m') {
        if (value !== 'comment' && value !== found.get('-p') && !['tcp', 'udp', 'sctp'].includes(value)) rest.push(value);
      } else if (word === '-i' || word === '-o') {
        rest.push(`${negation}${word} ${value}`);
      } else {
        found.set(word, `${negation}${value}`);
      }
      negation = '';
      continue;
    }
    if (found.has('-j') || found.has('-g')) found.set('target', `${found.get('target') ?? ''} ${negation}${word}`);
    else rest.push(`${negation}${word}`);
    negation = '';
  }
  const target = found.get('-j') ?? found.get('-g');
  return {
    index,
    text,
    bare: withoutComment(text, words, starts),
    source: found.get('-s') ?? null,
    destination: found.get('-d') ?? null,
    protocol: found.get('-p') ?? null,
    destinationPort: found.get('--dport') ?? null,
    rest: rest.join(' '),
    comment: commentIn(words),
    target: target === undefined ? null : `${target}${found.get('target') ?? ''}`,
    chain,
    packets,
    bytes,
  };
}

/** A rule's text without `-m comment --comment …`, which need not stand together. */
function withoutComment(text: string, words: readonly string[], starts: readonly number[]): string {
  const value = commentAt(words);
  const match = commentMatchAt(words);
  if (value < 0 || starts.length !== words.length) return text.trim();
  const place = (word: number) => starts[word] ?? text.length;
  return `${text.slice(0, place(match - 1))}${text.slice(place(match + 1), place(value - 1))}${text.slice(place(value + 1))}`.trim();
}
