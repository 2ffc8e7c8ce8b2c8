import type { Direction } from './connection.ts';
import type { Skb } from './skb.ts';

// States and their table are those of net/netfilter/nf_conntrack_proto_tcp.c (Linux 6.18).
export const TCP_STATES = ['NONE', 'SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE', 'SYN_SENT2'] as const;
export const NO = 0;
export const SS = 1;
export const SR = 2;
export const ES = 3;
export const FW = 4;
export const CW = 5;
export const LA = 6;
export const TW = 7;
export const CL = 8;
export const S2 = 9;
/** Invalid; and: let through, but the state stays. */
export const IV = 10;
export const IG = 11;

export const SYN = 0;
export const SYNACK = 1;
export const FIN = 2;
export const ACK = 3;
export const RST = 4;
export const NONE = 5;

/** By direction, kind of segment, state. */
export const NEXT: readonly (readonly (readonly number[])[])[] = [
  [
    [SS, SS, IG, IG, IG, IG, IG, SS, SS, S2],
    [IV, IV, SR, IV, IV, IV, IV, IV, IV, SR],
    [IV, IV, FW, FW, LA, LA, LA, TW, CL, IV],
    [ES, IV, ES, ES, CW, CW, TW, TW, CL, IV],
    [IV, CL, CL, CL, CL, CL, CL, CL, CL, CL],
    [IV, IV, IV, IV, IV, IV, IV, IV, IV, IV],
  ],
  [
    [IV, S2, IV, IV, IV, IV, IV, SS, IV, S2],
    [IV, SR, IG, IG, IG, IG, IG, IG, IG, SR],
    [IV, IV, FW, FW, LA, LA, LA, TW, CL, IV],
    [IV, IG, SR, ES, CW, CW, TW, TW, CL, IG],
    [IV, CL, CL, CL, CL, CL, CL, CL, CL, CL],
    [IV, IV, IV, IV, IV, IV, IV, IV, IV, IV],
  ],
];

/** Seconds (nf_conntrack_tcp_timeout_*), by state. */
export const TIMEOUT = [120, 120, 60, 432000, 120, 60, 30, 120, 10, 120];
export const TIMEOUT_UNACKNOWLEDGED = 300;
export const TIMEOUT_RETRANSMITTED = 300;
export const MAX_RETRANSMISSIONS = 3;

export interface TcpSide {
  end: number;
  maxEnd: number;
  maxWindow: number;
  maxAck: number;
  maxAckSet: boolean;
  liberal: boolean;
  closeInit: boolean;
  unacknowledged: boolean;
}

/** What conntrack remembers of a TCP connection (`ip_ct_tcp`). */
export interface TcpTracking {
  state: number;
  readonly seen: readonly [TcpSide, TcpSide];
  lastIndex: number;
  lastDirection: Direction;
  lastSequence: number;
  lastAck: number;
  lastEnd: number;
  retransmissions: number;
  /** After a SYN in LAST_ACK the answer may be a challenge ACK (RFC 5961). */
  expectsChallenge: boolean;
  simultaneousOpen: boolean;
}

/** Sequence numbers go round. */
export const before = (a: number, b: number) => ((a - b) | 0) < 0;
export const after = (a: number, b: number) => before(b, a);
export const add = (a: number, b: number) => (a + b) >>> 0;

export function segmentKind(skb: Skb): number {
  if (skb.hasFlag('RST')) return RST;
  if (skb.hasFlag('SYN')) return skb.hasFlag('ACK') ? SYNACK : SYN;
  if (skb.hasFlag('FIN')) return FIN;
  return skb.hasFlag('ACK') ? ACK : NONE;
}

/** SYN, SYN URG, SYN ACK, RST, RST ACK, FIN ACK, FIN ACK URG, ACK, ACK URG; PSH, ECE and CWR are ignored (tcp_valid_flags). */
const VALID_FLAGS = new Set([0x02, 0x22, 0x12, 0x04, 0x14, 0x11, 0x31, 0x10, 0x30]);

export function hasValidFlags(skb: Skb): boolean {
  return VALID_FLAGS.has(skb.flags & 0x37);
}

export function segmentEnd(skb: Skb): number {
  return add(skb.sequence, skb.tcpPayload + (skb.hasFlag('SYN') ? 1 : 0) + (skb.hasFlag('FIN') ? 1 : 0));
}

export const newSide = (): TcpSide => ({ end: 0, maxEnd: 0, maxWindow: 0, maxAck: 0, maxAckSet: false, liberal: false, closeInit: false, unacknowledged: false });
