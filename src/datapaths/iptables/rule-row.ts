import type { RuleRow } from '../view.ts';
import { splitWords } from './netfilter/words.ts';

const FIELDS = new Set(['-s', '-d', '-p', '-m', '-j', '-g', '-i', '-o', '--dport', '--comment']);

/** A rule's text taken apart into the columns that a person compares. */
export function ruleRow(index: number, text: string, packets: number, bytes: number): RuleRow {
  const words = splitWords(text) ?? text.split(' ');
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
    source: found.get('-s') ?? null,
    destination: found.get('-d') ?? null,
    protocol: found.get('-p') ?? null,
    destinationPort: found.get('--dport') ?? null,
    rest: rest.join(' '),
    comment: found.get('--comment') ?? null,
    target: target === undefined ? null : `${target}${found.get('target') ?? ''}`,
    packets,
    bytes,
  };
}
