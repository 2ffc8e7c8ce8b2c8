/*
 * How rules lie in memory. A table is one arena of rules; a chain is a contiguous run in it, so that a scan reads forward
 * through memory. A rule is STRIDE 32-bit integers:
 *
 *   0 FLAGS  negations, and what makes a rule match nothing         6 OUT      index into `interfaces`, 0: any
 *   1 SRC    source address                                        7 PROTO    protocol number, 0: any
 *   2 SMASK  and mask                                              8 MATCH    first of its matches in `matches`
 *   3 DST    destination address                                   9 MATCHES  how many
 *   4 DMASK  and mask                                             10 TARGET   kind of target
 *   5 IN     index into `interfaces`, 0: any                      11 ARG      chain (jump, goto) or index into `objects`
 *
 * A match is MATCH_STRIDE integers: kind and negation (bit 8), and three values of its own (`compile-match.ts`).
 */
export const STRIDE = 12;
export const MATCH_STRIDE = 4;

export const FLAG = { source: 1, destination: 2, in: 4, out: 8, protocol: 16, fragment: 32 } as const;

/** Kinds of target. From `mark` on they act on the packet; from `objectFrom` on ARG is an index into `objects`. */
export const TARGET = {
  none: 0, accept: 1, drop: 2, return: 3, jump: 4, goto: 5, notrack: 6, continue: 7, mark: 8, connmark: 9, nat: 10, reject: 11, ttl: 12, tos: 13, set: 14, unheard: 15, tcpmss: 16, zone: 17,
} as const;
export const FIRST_OBJECT_TARGET = TARGET.continue;

/** Kinds of match. `object`: all others, whose first value is an index into `objects`. */
export const MATCH = { comment: 0, tcp: 1, ports: 2, icmp: 3, conntrack: 4, mark: 5, connmark: 6, random: 7, nth: 8, addrtype: 9, multiport: 10, recent: 11, set: 12, never: 13, always: 14, length: 15, ttl: 16, tos: 17, object: 18 } as const;
export const NEGATED = 256;

/** Whether a match's first value is an index into `objects`. */
export function hasObject(kind: number): boolean {
  return (kind >= MATCH.addrtype && kind <= MATCH.set) || kind === MATCH.object || kind === MATCH.never || kind === MATCH.always;
}
