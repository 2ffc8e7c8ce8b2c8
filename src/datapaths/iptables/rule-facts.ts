import { formatIpv4, type Ipv4 } from '../../packet/address.ts';
import { protocolOf, type Protocol } from '../../packet/protocol.ts';
import { FLAG, MATCH, MATCH_STRIDE, NEGATED, STRIDE, TARGET } from './netfilter/rule-layout.ts';
import type { RuleTable } from './netfilter/rule-table.ts';
import { splitWords } from './netfilter/words.ts';
import { commentIn } from './rule-comment.ts';

/** A network that a rule names, with whether the rule asks for anything but it. */
export interface Network {
  /** `address/length`. */
  readonly text: string;
  readonly address: number;
  readonly mask: number;
  readonly negated: boolean;
}

/*
 * What single rules of a table say, read from the compiled form: whichever way a rule was written (`--dport` or
 * `--destination-port`, a mask or a length, its options in any order), it is the same there. A rule is named by its
 * index in the table's arena.
 */

/** The chain that a rule jumps or goes to, by id; -1: its target is none. */
export function nextChain(table: RuleTable, rule: number): number {
  const kind = table.arena.rules[rule * STRIDE + 10];
  return kind === TARGET.jump || kind === TARGET.goto ? (table.arena.rules[rule * STRIDE + 11] ?? -1) : -1;
}

export function isGoto(table: RuleTable, rule: number): boolean {
  return table.arena.rules[rule * STRIDE + 10] === TARGET.goto;
}

export function isReturn(table: RuleTable, rule: number): boolean {
  return table.arena.rules[rule * STRIDE + 10] === TARGET.return;
}

/** The text of `--comment`, without quotes and escapes; '' where there is none. */
export function commentOf(table: RuleTable, rule: number): string {
  const text = table.ruleText(rule);
  // A large cluster's rules have none.
  return text.includes('--comment') ? (commentIn(splitWords(text) ?? []) ?? '') : '';
}

/** The network that packets come from; null: from any, or a mask with holes, which no length says. */
export function sourceOf(table: RuleTable, rule: number): Network | null {
  return network(table, rule, 1, FLAG.source);
}

/** The network that packets go to; null: as above. */
export function destinationOf(table: RuleTable, rule: number): Network | null {
  return network(table, rule, 3, FLAG.destination);
}

/** The one address that a rule asks for; null: any, a network, or all but one. */
export function addressOf(found: Network | null): string | null {
  return found && !found.negated && found.mask >>> 0 === 0xffffffff ? formatIpv4(found.address as Ipv4) : null;
}

function network(table: RuleTable, rule: number, field: number, negation: number): Network | null {
  const { rules } = table.arena;
  const at = rule * STRIDE;
  const mask = (rules[at + field + 1] ?? 0) >>> 0;
  if (mask === 0) return null;
  const rest = ~mask >>> 0;
  if ((rest & (rest + 1)) !== 0) return null;
  const address = (rules[at + field] ?? 0) >>> 0;
  const length = Math.clz32(rest);
  return { text: `${formatIpv4(address as Ipv4)}/${length}`, address, mask, negated: ((rules[at] ?? 0) & negation) !== 0 };
}

export function ruleProtocol(table: RuleTable, rule: number): Exclude<Protocol, 'ICMP'> | null {
  const { rules } = table.arena;
  if (((rules[rule * STRIDE] ?? 0) & FLAG.protocol) !== 0) return null;
  const protocol = protocolOf(rules[rule * STRIDE + 7] ?? 0);
  return protocol === undefined || protocol === 'ICMP' ? null : protocol;
}

/** The one destination port that a rule asks for; 0: none, or several. */
export function portOf(table: RuleTable, rule: number): number {
  for (const at of matchesOf(table, rule)) {
    const { matches } = table.arena;
    const kind = (matches[at] ?? 0) & (NEGATED - 1);
    if ((kind !== MATCH.tcp && kind !== MATCH.ports) || ((matches[at + 3] ?? 0) & 2) !== 0) continue;
    const range = matches[at + 2] ?? 0;
    if ((range & 0xffff) === range >>> 16) return range & 0xffff;
  }
  return 0;
}

/** `--seconds` of a rule's `-m recent --rcheck`; 0: it has none. */
export function recentSeconds(table: RuleTable, rule: number): number {
  for (const at of matchesOf(table, rule)) {
    const { matches, objects } = table.arena;
    if (((matches[at] ?? 0) & (NEGATED - 1)) !== MATCH.recent) continue;
    const match = objects[matches[at + 1] ?? 0];
    if (match?.kind === 'recent' && match.action === 'rcheck') return match.seconds;
  }
  return 0;
}

/** Where a rule's DNAT leads: one address with a port; null: it has no such target. */
export function dnatOf(table: RuleTable, rule: number): { readonly address: string; readonly port: number } | null {
  const { rules, objects } = table.arena;
  if (rules[rule * STRIDE + 10] !== TARGET.nat) return null;
  const target = objects[rules[rule * STRIDE + 11] ?? 0];
  if (target?.kind !== 'nat' || target.name !== 'DNAT') return null;
  const { addresses, ports } = target.range;
  if (!addresses || !ports || addresses[0] !== addresses[1] || ports[0] !== ports[1]) return null;
  return { address: formatIpv4(addresses[0]), port: ports[0] };
}

/** The rules of a chain, first and behind the last one, by index in the arena. */
export function rulesOf(table: RuleTable, chain: number): readonly [first: number, end: number] {
  const first = table.start[chain] ?? 0;
  return [first, first + (table.length[chain] ?? 0)];
}

function* matchesOf(table: RuleTable, rule: number): Iterable<number> {
  const { rules } = table.arena;
  const first = rules[rule * STRIDE + 8] ?? 0;
  for (let match = first; match < first + (rules[rule * STRIDE + 9] ?? 0); match++) yield match * MATCH_STRIDE;
}
