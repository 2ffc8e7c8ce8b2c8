import { MATCH, MATCH_STRIDE, STRIDE, TARGET } from './rule-layout.ts';
import type { RuleTable } from './rule-table.ts';

// Sizes in bytes as the kernel reports them (IPT_SO_GET_INFO after iptables-legacy-restore 1.8.9 on Linux 6.18, x86-64;
// `npm run lab -- blob` asks a machine's own kernel). A table is one blob of ipt_entry, matches and target each.
const ENTRY = 112;
const STANDARD_TARGET = 40;
/** Name of a chain, or the table's end: an entry whose target is ERROR. */
const ERROR_ENTRY = 176;

/** By kind of match. */
const MATCH_BYTES = new Int32Array(256);
for (const [kind, bytes] of [
  [MATCH.comment, 288],
  [MATCH.tcp, 48],
  [MATCH.icmp, 40],
  [MATCH.conntrack, 200],
  [MATCH.mark, 48],
  [MATCH.connmark, 48],
  [MATCH.random, 56],
  [MATCH.nth, 56],
  [MATCH.addrtype, 40],
  [MATCH.multiport, 80],
  [MATCH.recent, 264],
  [MATCH.set, 56],
] as const) MATCH_BYTES[kind] = bytes;
const UDP_BYTES = 48;
const SCTP_BYTES = 328;
const SCTP = 132;

const NAT_BYTES = { DNAT: 80, SNAT: 56, MASQUERADE: 56, REDIRECT: 56, NETMAP: 56 } as const;

/** What legacy ip_tables copies when it hands a table out or takes one in: entries and bytes, heads and ends of chains included. */
export function blobSize(table: RuleTable): { readonly entries: number; readonly bytes: number } {
  let entries = 1;
  let bytes = ERROR_ENTRY;
  for (const { id } of table.chains()) {
    const own = table.policies.has(id) ? 1 : 2;
    entries += own;
    bytes += ENTRY + STANDARD_TARGET + (own === 2 ? ERROR_ENTRY : 0);
    const start = table.start[id] ?? 0;
    const length = table.length[id] ?? 0;
    entries += length;
    for (let rule = start; rule < start + length; rule++) bytes += ruleBytes(table, rule);
  }
  return { entries, bytes };
}

function ruleBytes({ arena: { rules, matches, objects } }: RuleTable, rule: number): number {
  const at = rule * STRIDE;
  let bytes = ENTRY;
  const first = rules[at + 8] ?? 0;
  for (let i = 0; i < (rules[at + 9] ?? 0); i++) {
    const kind = (matches[(first + i) * MATCH_STRIDE] ?? 0) & 255;
    bytes += kind === MATCH.ports ? (rules[at + 7] === SCTP ? SCTP_BYTES : UDP_BYTES) : (MATCH_BYTES[kind] ?? 0);
  }
  switch (rules[at + 10]) {
    case TARGET.nat: {
      const target = objects[rules[at + 11] ?? 0];
      return bytes + (target?.kind === 'nat' ? NAT_BYTES[target.name] : STANDARD_TARGET);
    }
    case TARGET.connmark:
      return bytes + 48;
    case TARGET.notrack:
      return bytes + 104;
    default:
      return bytes + STANDARD_TARGET;
  }
}
