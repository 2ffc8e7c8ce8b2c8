import type { NatRange } from './nat.ts';
import type { SetSide } from './ipset.ts';
import type { ZoneTemplate } from './zone.ts';

export interface Negatable<T> {
  readonly value: T;
  readonly negated: boolean;
}

/** Lowest and highest, both included. */
export type Range = readonly [number, number];

/** An address with its host bits cleared, and the mask, which may have holes. */
export interface AddressMask {
  readonly address: number;
  readonly mask: number;
}

export type Side = 'source' | 'destination';

/** What conntrack's match asks beside the state. */
export interface ConntrackFields {
  readonly states: Negatable<number> | null;
  readonly protocol: Negatable<number> | null;
  readonly originalSource: Negatable<AddressMask> | null;
  readonly originalDestination: Negatable<AddressMask> | null;
  readonly replySource: Negatable<AddressMask> | null;
  readonly replyDestination: Negatable<AddressMask> | null;
  readonly originalSourcePort: Negatable<Range> | null;
  readonly originalDestinationPort: Negatable<Range> | null;
  readonly replySourcePort: Negatable<Range> | null;
  readonly replyDestinationPort: Negatable<Range> | null;
  /** Bits of CONNECTION_STATUS; 0 (NONE) asks for a connection without any of them. */
  readonly status: Negatable<number> | null;
  /** Seconds. */
  readonly expires: Negatable<Range> | null;
  readonly direction: 0 | 1 | null;
}

/** Fields of a packet that hashlimit may count apart. */
export type HashField = 'srcip' | 'srcport' | 'dstip' | 'dstport';

export type Match =
  | { readonly kind: 'comment' }
  | {
      readonly kind: 'tcp';
      readonly source: Negatable<Range> | null;
      readonly destination: Negatable<Range> | null;
      /** Flags looked at, and those of them that must be set. */
      readonly flags: Negatable<readonly [mask: number, set: number]> | null;
    }
  | { readonly kind: 'udp' | 'sctp'; readonly source: Negatable<Range> | null; readonly destination: Negatable<Range> | null; readonly chunks: ChunkMatch | null }
  | { readonly kind: 'icmp'; readonly type: number; readonly code: Range; readonly negated: boolean }
  | { readonly kind: 'conntrack'; readonly states: number; readonly negated: boolean }
  | { readonly kind: 'conntrack-fields'; readonly fields: ConntrackFields }
  | { readonly kind: 'mark' | 'connmark'; readonly mark: number; readonly mask: number; readonly negated: boolean }
  /** probability: of 2³¹, as the kernel compares it. */
  | { readonly kind: 'random'; readonly probability: number; readonly negated: boolean }
  | { readonly kind: 'nth'; readonly every: number; readonly packet: number; readonly negated: boolean }
  | {
      readonly kind: 'addrtype';
      readonly source: Negatable<readonly string[]> | null;
      readonly destination: Negatable<readonly string[]> | null;
      /** `--limit-iface-in`, `--limit-iface-out`: an address counts as LOCAL only where it stands on that interface. */
      readonly limit: 'in' | 'out' | null;
    }
  | { readonly kind: 'multiport'; readonly side: Side | 'either'; readonly ranges: readonly Range[]; readonly negated: boolean }
  | {
      readonly kind: 'recent';
      readonly list: string;
      readonly action: 'set' | 'rcheck' | 'update' | 'remove';
      readonly side: Side;
      readonly seconds: number;
      readonly hits: number;
      readonly reap: boolean;
      readonly ttl: boolean;
      readonly mask: number;
      readonly negated: boolean;
    }
  | { readonly kind: 'set'; readonly set: string; readonly sides: readonly SetSide[]; readonly negated: boolean; /** `--return-nomatch`: members marked so match, and the others do not. */ readonly wantsNomatch: boolean }
  | { readonly kind: 'length'; readonly range: Range; readonly negated: boolean }
  | { readonly kind: 'ttl'; readonly compare: 'eq' | 'lt' | 'gt'; readonly value: number; readonly negated: boolean }
  | { readonly kind: 'tos'; readonly value: number; readonly mask: number; readonly negated: boolean }
  | { readonly kind: 'iprange'; readonly source: Negatable<Range> | null; readonly destination: Negatable<Range> | null }
  | { readonly kind: 'pkttype'; readonly type: 'unicast' | 'broadcast' | 'multicast' | 'otherhost'; readonly negated: boolean }
  /** A bucket that holds `burst` packets and gains one each `interval` ms. */
  | { readonly kind: 'limit'; readonly interval: number; readonly burst: number }
  | {
      readonly kind: 'hashlimit';
      readonly name: string;
      readonly above: boolean;
      readonly interval: number;
      readonly burst: number;
      /** Bytes a second, where it is not packets that are limited; `burst`: how many seconds' worth may come at once, beside the first. */
      readonly bytes: number | null;
      readonly by: readonly HashField[];
      readonly sourceMask: number;
      readonly destinationMask: number;
      /** How long an idle entry is kept, ms. */
      readonly expire: number;
    }
  | { readonly kind: 'connlimit'; readonly limit: number; readonly above: boolean; readonly mask: number; readonly side: Side }
  | { readonly kind: 'rpfilter'; readonly loose: boolean; readonly acceptLocal: boolean; readonly negated: boolean }
  | { readonly kind: 'tcpmss'; readonly range: Range; readonly negated: boolean }
  | { readonly kind: 'quota'; readonly bytes: number; readonly negated: boolean }
  | {
      readonly kind: 'time';
      /** Seconds of the day, both included. */
      readonly daily: Range;
      /** `--contiguous`: what runs past midnight belongs to the day on which it began. */
      readonly contiguous: boolean;
      /** Bit n: the nth day of the week (1 Monday) or month; 0: any. */
      readonly weekdays: number;
      readonly monthDays: number;
      /** Seconds since 1970. */
      readonly dates: Range;
    }
  /** What no simulated packet has, so that the answer is known when the rule is read. */
  | { readonly kind: 'fixed'; readonly module: string; readonly matches: boolean };

export interface ChunkMatch {
  readonly mode: 'all' | 'any' | 'only';
  readonly types: readonly number[];
  readonly negated: boolean;
}

export type Target =
  /** A rule without target only counts. */
  | { readonly kind: 'none' }
  | { readonly kind: 'accept' | 'drop' | 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  /** `mark = (mark & ~mask) ^ value`: every MARK option comes down to it. */
  | { readonly kind: 'mark'; readonly value: number; readonly mask: number }
  | { readonly kind: 'connmark'; readonly action: 'set' | 'save' | 'restore'; readonly value: number; readonly connectionMask: number; readonly packetMask: number; /** Bits to the left (below 0: to the right). */ readonly shift: number }
  | { readonly kind: 'nat'; readonly name: 'DNAT' | 'SNAT' | 'MASQUERADE' | 'REDIRECT' | 'NETMAP'; readonly range: NatRange }
  | { readonly kind: 'reject'; readonly with: RejectWith }
  | { readonly kind: 'notrack' }
  /** CT without `--notrack`. */
  | { readonly kind: 'zone'; readonly template: ZoneTemplate }
  | { readonly kind: 'ttl'; readonly action: 'set' | 'inc' | 'dec'; readonly value: number }
  /** `tos = (tos & ~mask) ^ value`: TOS and DSCP. */
  | { readonly kind: 'tos'; readonly value: number; readonly mask: number }
  | { readonly kind: 'set'; readonly action: 'add' | 'del'; readonly set: string; readonly sides: readonly SetSide[]; /** `--timeout`; null: the set's own. */ readonly seconds: number | null; readonly exist: boolean }
  /** TCPMSS: the segment size that a SYN may ask for at most. */
  | { readonly kind: 'tcpmss'; readonly size: number }
  /** NFQUEUE and the like, where nobody listens: the packet is dropped, or with `--queue-bypass` accepted. */
  | { readonly kind: 'unheard'; readonly name: string; readonly bypass: boolean }
  /** Targets that change nothing which a simulated packet has: LOG, TRACE, CHECKSUM… */
  | { readonly kind: 'continue'; readonly name: string };

/** `--reject-with`, by ICMP code; and TCP's RST. */
export const REJECT_CODES = {
  'icmp-net-unreachable': 0,
  'icmp-host-unreachable': 1,
  'icmp-proto-unreachable': 2,
  'icmp-port-unreachable': 3,
  'icmp-net-prohibited': 9,
  'icmp-host-prohibited': 10,
  'icmp-admin-prohibited': 13,
} as const;
export type RejectWith = keyof typeof REJECT_CODES | 'tcp-reset';

/** A rule as it was written, without its chain. */
export interface Rule {
  readonly source: Negatable<AddressMask> | null;
  readonly destination: Negatable<AddressMask> | null;
  /** Interface names; `+` at the end stands for any rest. */
  readonly inInterface: Negatable<string> | null;
  readonly outInterface: Negatable<string> | null;
  /** Protocol number. */
  readonly protocol: Negatable<number> | null;
  /** `-f`: only what follows a packet's first fragment; negated, all else. */
  readonly fragment: boolean;
  readonly matches: readonly Match[];
  readonly target: Target;
  /** What is read and kept, but cannot be honoured in a simulation, each with the reason. */
  readonly notes: readonly RuleNote[];
}

export interface RuleNote {
  /** The match or target by its name. */
  readonly module: string;
  /** What a simulation makes of it, and why: a key for a person's own language. */
  readonly effect: NoteEffect;
}

/**
 * `never`, `always`: the match's answer in a simulation. `nothing`: a target without effect there. `dropped`: a target that
 * ends the packet there. `clock`: asks the simulated clock. `approximate`: counts what stands now, where Linux counts lazily.
 * `empty-set`: the set's members are not in the text, so that it is taken as empty. `no-set-counters`: the counters of a
 * set's members are not kept, so that the question for them is left out, as for a set without counters.
 */
export type NoteEffect =
  | 'never-no-socket'
  | 'always-no-socket'
  | 'never-no-bridge'
  | 'always-no-bridge'
  | 'never-no-ethernet'
  | 'always-no-ethernet'
  | 'never-no-payload'
  | 'always-no-payload'
  | 'never-no-options'
  | 'always-no-options'
  | 'never-no-ipsec'
  | 'always-no-ipsec'
  | 'never-no-helper'
  | 'always-no-helper'
  | 'never-no-fragment'
  | 'never-no-protocol'
  | 'never-no-accounting'
  | 'always-no-accounting'
  | 'never-not-simulated'
  | 'always-not-simulated'
  | 'clock'
  | 'approximate'
  | 'empty-set'
  | 'no-set-counters'
  | 'nothing-not-simulated'
  | 'dropped-no-listener';

/** A probability as the kernel compares it: of 2³¹. */
export function randomShare(probability: number): number {
  return Math.round(probability * 0x80000000);
}

/** Bits of `--ctstate`. */
export const CONNECTION_STATE = { INVALID: 1, NEW: 2, ESTABLISHED: 4, RELATED: 8, UNTRACKED: 16, SNAT: 32, DNAT: 64 } as const;

/** Bits of `--ctstatus`. */
export const CONNECTION_STATUS = { NONE: 0, EXPECTED: 1, SEEN_REPLY: 2, ASSURED: 4, CONFIRMED: 8 } as const;
