import { MATCH, MATCH_STRIDE, STRIDE, TARGET } from './netfilter/rule-layout.ts';
import type { RuleTable } from './netfilter/rule-table.ts';
import { BITWISE, COMPARE, compatMatch, compatTarget, COUNTER, jump, META, PAYLOAD, VERDICT } from './nft-messages.ts';

const SCTP = 132;
/** Any port: the range from 0 to 65535 in one integer. */
const ANY_PORT = 0xffff << 16;
const ANY_MARK = -1;

// The modules' structs in bytes, filled up to a multiple of eight (include/uapi/linux/netfilter/xt_*.h, x86-64).
const COMMENT = compatMatch('comment', 256);
const CONNTRACK = compatMatch('conntrack', 168);
const STATISTIC = compatMatch('statistic', 24);
const ADDRTYPE = compatMatch('addrtype', 8);
const RECENT = compatMatch('recent', 232);
const NFACCT = compatMatch('nfacct', 40);
const TCP_MATCH = compatMatch('tcp', 16);
const UDP_MATCH = compatMatch('udp', 16);
const SCTP_MATCH = compatMatch('sctp', 296);
const MARK_TARGET = compatTarget('MARK', 8);
const REJECT = compatTarget('REJECT', 8);
const MASQUERADE = compatTarget('MASQUERADE', 24);
const DNAT = compatTarget('DNAT', 48);

/**
 * Bytes of the expressions as which iptables-nft 1.8.9 hands over a rule of kube-proxy's: addresses, protocol, single
 * ports and marks are nf_tables’ own expressions (add_addr, add_nft_tcpudp, add_nft_mark in iptables/nft.c), the other
 * matches and targets iptables’ modules with their structs (add_match, add_target). Throws for what kube-proxy never writes.
 */
export function expressionBytes(table: RuleTable, rule: number): number {
  const { rules } = table.arena;
  const at = rule * STRIDE;
  if (rules[at + 5] !== 0 || rules[at + 6] !== 0) throw unknown(table, rule);
  const protocol = rules[at + 7] ?? 0;
  let bytes = COUNTER + (protocol === 0 ? 0 : META + COMPARE) + address(rules[at + 2] ?? 0) + address(rules[at + 4] ?? 0);
  const first = rules[at + 8] ?? 0;
  for (let i = 0; i < (rules[at + 9] ?? 0); i++) bytes += matchBytes(table, rule, (first + i) * MATCH_STRIDE, protocol);
  return bytes + targetBytes(table, rule);
}

/** Whole bytes of an address are compared as such; any other mask is put on first. */
function address(mask: number): number {
  if (mask === 0) return 0;
  return PAYLOAD + COMPARE + (mask === -1 || mask === 0xffffff00 >> 0 || mask === 0xffff0000 >> 0 || mask === 0xff000000 >> 0 ? 0 : BITWISE);
}

function matchBytes(table: RuleTable, rule: number, at: number, protocol: number): number {
  const { matches } = table.arena;
  const a = matches[at + 1] ?? 0;
  const b = matches[at + 2] ?? 0;
  const kind = (matches[at] ?? 0) & 255;
  switch (kind) {
    case MATCH.comment:
      return COMMENT;
    case MATCH.tcp:
    case MATCH.ports: {
      if (protocol === SCTP) return SCTP_MATCH;
      const flags = kind === MATCH.tcp && (matches[at + 3] ?? 0) >> 2 !== 0;
      const bytes = flags ? null : portBytes(a, b, kind === MATCH.tcp ? TCP_MATCH : UDP_MATCH);
      if (bytes !== null) return bytes;
      break;
    }
    case MATCH.conntrack:
      return CONNTRACK;
    case MATCH.mark:
      return META + (b === ANY_MARK ? 0 : BITWISE) + COMPARE;
    case MATCH.random:
      return STATISTIC;
    case MATCH.addrtype:
      return ADDRTYPE;
    case MATCH.recent:
      return RECENT;
    case MATCH.always: {
      const match = table.objects[a];
      if (match?.kind === 'fixed' && match.module === 'nfacct') return NFACCT;
      break;
    }
  }
  throw unknown(table, rule);
}

/** `-m tcp` and `-m udp` with one destination port are nf_tables’ own; without a port they stay iptables’ module. null: neither. */
function portBytes(source: number, destination: number, module: number): number | null {
  if (source !== ANY_PORT) return null;
  if (destination === ANY_PORT) return module;
  return (destination & 0xffff) === destination >>> 16 ? PAYLOAD + COMPARE : null;
}

function targetBytes(table: RuleTable, rule: number): number {
  const { rules } = table.arena;
  const argument = rules[rule * STRIDE + 11] ?? 0;
  switch (rules[rule * STRIDE + 10]) {
    case TARGET.none:
      return 0;
    case TARGET.accept:
    case TARGET.drop:
    case TARGET.return:
      return VERDICT;
    case TARGET.jump:
      return jump(table.chainName(argument));
    case TARGET.mark:
      return MARK_TARGET;
    case TARGET.reject:
      return REJECT;
    case TARGET.nat: {
      const target = table.objects[argument];
      if (target?.kind !== 'nat') break;
      if (target.name === 'DNAT') return DNAT;
      if (target.name === 'MASQUERADE') return MASQUERADE;
    }
  }
  throw unknown(table, rule);
}

function unknown(table: RuleTable, rule: number): Error {
  return new Error(`How iptables-nft hands over “${table.ruleText(rule)}” is not known here: add it to nft-rule-bytes.ts.`);
}
