import type { Ipv4Prefix } from '../../../packet/address.ts';
import type { NatRange } from './nat.ts';
import type { SetSide } from './ipset.ts';

export interface Negatable<T> {
  readonly value: T;
  readonly negated: boolean;
}

/** Lowest and highest, both included. */
export type Range = readonly [number, number];

export type Match =
  | { readonly kind: 'comment'; readonly text: string }
  | {
      readonly kind: 'tcp';
      readonly source: Negatable<Range> | null;
      readonly destination: Negatable<Range> | null;
      /** Flags looked at, and those of them that must be set. */
      readonly flags: Negatable<readonly [mask: number, set: number]> | null;
    }
  | { readonly kind: 'udp' | 'sctp'; readonly source: Negatable<Range> | null; readonly destination: Negatable<Range> | null }
  | { readonly kind: 'icmp'; readonly type: number; readonly code: Range; readonly negated: boolean }
  | { readonly kind: 'conntrack'; readonly states: number; readonly negated: boolean }
  | { readonly kind: 'mark' | 'connmark'; readonly mark: number; readonly mask: number; readonly negated: boolean }
  /** probability: of 2³¹, as the kernel compares it. */
  | { readonly kind: 'random'; readonly probability: number; readonly negated: boolean }
  | { readonly kind: 'nth'; readonly every: number; readonly packet: number; readonly negated: boolean }
  | { readonly kind: 'addrtype'; readonly source: Negatable<readonly string[]> | null; readonly destination: Negatable<readonly string[]> | null }
  | { readonly kind: 'multiport'; readonly side: 'source' | 'destination' | 'either'; readonly ranges: readonly Range[]; readonly negated: boolean }
  | {
      readonly kind: 'recent';
      readonly list: string;
      readonly action: 'set' | 'rcheck' | 'update' | 'remove';
      readonly side: 'source' | 'destination';
      readonly seconds: number;
      readonly hits: number;
      readonly reap: boolean;
      readonly negated: boolean;
    }
  | { readonly kind: 'set'; readonly set: string; readonly sides: readonly SetSide[]; readonly negated: boolean };

export type Target =
  /** A rule without target only counts. */
  | { readonly kind: 'none' }
  | { readonly kind: 'accept' | 'drop' | 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  /** `mark = (mark & ~mask) ^ value`: every MARK option comes down to it. */
  | { readonly kind: 'mark'; readonly value: number; readonly mask: number }
  | { readonly kind: 'connmark'; readonly action: 'set' | 'save' | 'restore'; readonly value: number; readonly connectionMask: number; readonly packetMask: number }
  | { readonly kind: 'nat'; readonly side: 'source' | 'destination'; readonly name: 'DNAT' | 'SNAT' | 'MASQUERADE' | 'REDIRECT'; readonly range: NatRange }
  | { readonly kind: 'reject'; readonly with: RejectWith }
  | { readonly kind: 'notrack' };

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
  readonly source: Negatable<Ipv4Prefix> | null;
  readonly destination: Negatable<Ipv4Prefix> | null;
  /** Interface names; `+` at the end stands for any rest. */
  readonly inInterface: Negatable<string> | null;
  readonly outInterface: Negatable<string> | null;
  /** Protocol number. */
  readonly protocol: Negatable<number> | null;
  readonly matches: readonly Match[];
  readonly target: Target;
}

/** Bits of `--ctstate`. */
export const CONNECTION_STATE = { INVALID: 1, NEW: 2, ESTABLISHED: 4, RELATED: 8, UNTRACKED: 16, SNAT: 32, DNAT: 64 } as const;
