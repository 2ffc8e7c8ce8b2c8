import type { Direction } from './connection.ts';
import type { Skb } from './skb.ts';

// States and their table are those of net/netfilter/nf_conntrack_proto_tcp.c (Linux 6.18).
export const TCP_STATES = ['NONE', 'SYN_SENT', 'SYN_RECV', 'ESTABLISHED', 'FIN_WAIT', 'CLOSE_WAIT', 'LAST_ACK', 'TIME_WAIT', 'CLOSE', 'SYN_SENT2'] as const;
const NO = 0;
const SS = 1;
const SR = 2;
const ES = 3;
const FW = 4;
const CW = 5;
const LA = 6;
const TW = 7;
const CL = 8;
const S2 = 9;
/** Invalid; and: let through, but the state stays. */
const IV = 10;
const IG = 11;

const SYN = 0;
const SYNACK = 1;
const FIN = 2;
const ACK = 3;
const RST = 4;
const NONE = 5;

/** By direction, kind of segment, state. */
const NEXT: readonly (readonly (readonly number[])[])[] = [
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
const TIMEOUT = [120, 120, 60, 432000, 120, 60, 30, 120, 10, 120];
const TIMEOUT_UNACKNOWLEDGED = 300;
const TIMEOUT_RETRANSMITTED = 300;
const MAX_RETRANSMISSIONS = 3;

interface Side {
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
  readonly seen: readonly [Side, Side];
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

/** What the connection itself is, beside its TCP state. */
export interface ConnectionFacts {
  readonly seenReply: boolean;
  readonly assured: boolean;
  /** Seconds until the connection expires. */
  readonly left: number;
}

/**
 * `repeat`: forget the connection and look the packet up again. `kill`: accept it, and forget the connection. `seconds`:
 * the new lifetime, null: it stays.
 */
export type TcpVerdict =
  | { readonly kind: 'accept'; readonly seconds: number | null; readonly assured: boolean }
  | { readonly kind: 'invalid'; readonly seconds: number | null }
  | { readonly kind: 'ignore' | 'repeat' | 'kill' };

const IGNORE: TcpVerdict = { kind: 'ignore' };
const INVALID: TcpVerdict = { kind: 'invalid', seconds: null };

/** All segments carry this window and no option. */
const WINDOW = 65535;
const MAX_ACK_WINDOW = 66000;
/** No sequence number is this. */
const NO_END = -1;

const before = (a: number, b: number) => ((a - b) | 0) < 0;
const after = (a: number, b: number) => before(b, a);
const add = (a: number, b: number) => (a + b) >>> 0;

function segmentKind(skb: Skb): number {
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

function segmentEnd(skb: Skb): number {
  return add(skb.sequence, skb.tcpPayload + (skb.hasFlag('SYN') ? 1 : 0) + (skb.hasFlag('FIN') ? 1 : 0));
}

const newSide = (): Side => ({ end: 0, maxEnd: 0, maxWindow: 0, maxAck: 0, maxAckSet: false, liberal: false, closeInit: false, unacknowledged: false });

/** What a connection that begins with this segment remembers; null: no connection begins so (tcp_new). */
export function newTcpTracking(skb: Skb): TcpTracking | null {
  const state = NEXT[0]?.[segmentKind(skb)]?.[NO] ?? IV;
  if (state >= IV) return null;
  const seen: [Side, Side] = [newSide(), newSide()];
  const [own, other] = seen;
  own.end = segmentEnd(skb);
  own.maxWindow = WINDOW;
  if (state === SS) {
    own.maxEnd = own.end;
  } else {
    // tcp_loose: picked up in the middle, so that nothing is known of its windows.
    own.maxEnd = add(own.end, own.maxWindow);
    own.liberal = true;
    other.liberal = true;
  }
  return {
    state: NO, seen, lastIndex: NONE, lastDirection: 0, lastSequence: 0, lastAck: 0, lastEnd: 0, retransmissions: 0, expectsChallenge: false, simultaneousOpen: false,
  };
}

/** REJECT's RST closes the connection (nf_conntrack_tcp_set_closing). Returns its new lifetime in seconds, null: it stays. */
export function closeTcp(tcp: TcpTracking): number | null {
  const old = tcp.state;
  tcp.state = CL;
  return old === CL ? null : (TIMEOUT[CL] ?? 10);
}

/** nf_conntrack_tcp_packet. */
export function trackTcp(tcp: TcpTracking, skb: Skb, direction: Direction, facts: ConnectionFacts): TcpVerdict {
  const index = segmentKind(skb);
  let oldState = tcp.state;
  let newState = NEXT[direction]?.[index]?.[oldState] ?? IV;
  let checked = false;

  if (newState === IV) return INVALID;
  if (newState === SS && oldState >= TW) {
    // A SYN after both ends closed, or right after a RST of this side, opens a new connection.
    if (tcp.seen[0].closeInit || tcp.seen[1].closeInit || (tcp.lastDirection === direction && tcp.lastIndex === RST)) return { kind: 'repeat' };
    newState = IG;
  }
  if (newState === IG) {
    const inSync = index === SYNACK && tcp.lastIndex === SYN && tcp.lastDirection !== direction && skb.acknowledgement === tcp.lastEnd;
    if (!inSync) return ignore(tcp, skb, direction, index);
    // It acknowledges a SYN that was let through as ignored: the ends know better.
    oldState = SS;
    newState = SR;
    resync(tcp, direction);
  } else if (newState === TW && oldState === LA && index === ACK && tcp.lastDirection !== direction && tcp.lastIndex === SYN && tcp.expectsChallenge) {
    tcp.expectsChallenge = false;
    return IGNORE;
  } else if (newState === S2) {
    tcp.simultaneousOpen = true;
  } else if (newState === SR && direction === 1 && index === ACK && tcp.simultaneousOpen) {
    newState = ES;
  } else if (newState === CL && index === RST) {
    const reset = judgeReset(tcp, skb, direction, oldState, facts);
    if (reset === 'invalid') return INVALID;
    if (reset === 'keep') newState = oldState;
    checked = reset === 'in-window' || (reset === 'keep' && answersIgnored(tcp, skb, oldState, facts));
  }
  if (!checked) {
    const place = windowPlace(tcp, skb, direction, index);
    if (place === 'ignore') return IGNORE;
    if (place === 'invalid') return { kind: 'invalid', seconds: outOfWindow(tcp, direction, index, facts) };
  }

  tcp.lastIndex = index;
  tcp.lastDirection = direction;
  // A repeated SYN that counts is none that was let through: no RST of its own side is taken for an answer to it (found
  // on Linux 6.18 by the lab's check).
  if (index === SYN) tcp.lastEnd = NO_END;
  tcp.state = newState;
  if (oldState !== newState && newState === FW) tcp.seen[direction].closeInit = true;
  const seconds = lifetime(tcp, newState, index);
  if (!facts.seenReply) {
    if (index === RST) return { kind: 'kill' };
    // A repeated SYN does not keep the entry alive.
    if (index === SYN && oldState === SS) return { kind: 'accept', seconds: null, assured: false };
    return { kind: 'accept', seconds: newState === ES ? Math.min(seconds, TIMEOUT_UNACKNOWLEDGED) : seconds, assured: false };
  }
  return { kind: 'accept', seconds, assured: !facts.assured && (oldState === SR || oldState === ES) && newState === ES };
}

/** A packet that may belong to a connection that only the two ends know: let through, and remembered. */
function ignore(tcp: TcpTracking, skb: Skb, direction: Direction, index: number): TcpVerdict {
  tcp.lastIndex = index;
  tcp.lastDirection = direction;
  tcp.lastSequence = skb.sequence;
  tcp.lastEnd = segmentEnd(skb);
  if (index === SYN && direction === 0) {
    tcp.simultaneousOpen = false;
    tcp.expectsChallenge = tcp.state === LA;
  }
  // Perhaps a challenge ACK that answers the SYN.
  if (tcp.state === SS && index === ACK && direction === 1) tcp.lastAck = skb.acknowledgement;
  return IGNORE;
}

function resync(tcp: TcpTracking, direction: Direction): void {
  const side = tcp.seen[tcp.lastDirection];
  tcp.expectsChallenge = false;
  Object.assign(side, newSide());
  side.end = tcp.lastEnd;
  side.maxEnd = tcp.lastEnd;
  side.maxWindow = WINDOW;
  const other = tcp.seen[direction];
  const { liberal } = other;
  Object.assign(other, newSide(), { liberal });
}

/** Whether a RST may close the connection: `check` its window, believe it (`in-window`), or let it through and `keep` the state. */
function judgeReset(tcp: TcpTracking, skb: Skb, direction: Direction, oldState: number, facts: ConnectionFacts): 'invalid' | 'in-window' | 'check' | 'keep' {
  // While it closes, what is known of the windows may be another connection's.
  if (oldState === FW || oldState === LA || oldState === TW || oldState === CL || oldState === CW) return 'in-window';
  const theirs = tcp.seen[direction === 0 ? 1 : 0];
  const { sequence } = skb;
  if (theirs.maxAckSet && tcp.lastIndex !== SYN) {
    const established = oldState === ES && facts.assured;
    if (sequence === 0 && !established) return 'check';
    if (before(sequence, theirs.maxAck)) return 'invalid';
    if (!established || sequence === theirs.maxAck) return 'check';
    // Part of a train: the last data segment ended where it stands.
    if (tcp.lastIndex === ACK && tcp.lastDirection === direction && sequence === tcp.lastEnd) return 'check';
    return 'keep';
  }
  return answersIgnored(tcp, skb, oldState, facts) ? 'in-window' : 'check';
}

/** A RST that answers a SYN or an ACK which was let through as ignored. */
function answersIgnored(tcp: TcpTracking, skb: Skb, oldState: number, facts: ConnectionFacts): boolean {
  const answersLast = (facts.seenReply && tcp.lastIndex === SYN) || (!facts.assured && tcp.lastIndex === ACK);
  if (answersLast && skb.acknowledgement === tcp.lastEnd) return true;
  return oldState === SS && tcp.lastIndex === ACK && tcp.lastDirection === 1 && skb.sequence === tcp.lastAck;
}

/** nf_tcp_handle_invalid: a FIN or RST out of window, answered by another, shortens a long life. */
function outOfWindow(tcp: TcpTracking, direction: Direction, index: number, facts: ConnectionFacts): number | null {
  if (!facts.assured || (index !== RST && index !== FIN)) return null;
  if (tcp.lastDirection !== direction && (tcp.lastIndex === FIN || tcp.lastIndex === RST)) {
    return facts.left >= 120 && facts.left > TIMEOUT_UNACKNOWLEDGED ? TIMEOUT_UNACKNOWLEDGED : null;
  }
  tcp.lastIndex = index;
  tcp.lastDirection = direction;
  return null;
}

function lifetime(tcp: TcpTracking, state: number, index: number): number {
  const seconds = TIMEOUT[state] ?? 0;
  if (tcp.retransmissions >= MAX_RETRANSMISSIONS && seconds > TIMEOUT_RETRANSMITTED) return TIMEOUT_RETRANSMITTED;
  if (index === RST) return TIMEOUT[CL] ?? 10;
  if ((tcp.seen[0].unacknowledged || tcp.seen[1].unacknowledged) && seconds > TIMEOUT_UNACKNOWLEDGED) return TIMEOUT_UNACKNOWLEDGED;
  return seconds;
}

/** tcp_in_window. What is below the window is a late copy: let through, without a trace. What is above is invalid. */
function windowPlace(tcp: TcpTracking, skb: Skb, direction: Direction, index: number): 'inside' | 'ignore' | 'invalid' {
  const sender = tcp.seen[direction];
  const receiver = tcp.seen[direction === 0 ? 1 : 0];
  let sequence = skb.sequence;
  let ack = skb.acknowledgement;
  let end = segmentEnd(skb);
  const syn = skb.hasFlag('SYN');
  const hasAck = skb.hasFlag('ACK');

  if (sender.maxWindow === 0) {
    sender.end = end;
    sender.maxWindow = WINDOW;
    if (syn) {
      sender.maxEnd = end;
      if (!hasAck) return 'inside';
    } else {
      sender.maxEnd = add(end, WINDOW);
      if (receiver.maxWindow === 0) {
        receiver.end = ack;
        receiver.maxEnd = ack;
      } else if (ack === add(receiver.end, 1)) {
        receiver.end = ack;
      }
    }
  } else if (syn && after(end, sender.end) && (tcp.state === SS || tcp.state === SR)) {
    sender.end = end;
    sender.maxEnd = end;
    sender.maxWindow = WINDOW;
    if (direction === 1 && !hasAck) return 'inside';
  }
  if (!hasAck || (index === RST && ack === 0)) ack = receiver.end;
  if (index === RST && sequence === 0 && tcp.state === SS) {
    sequence = sender.end;
    end = sender.end;
  }
  const ackIsLate = !after(ack, receiver.end - Math.max(sender.maxWindow, MAX_ACK_WINDOW) - 1);
  const ackIsAhead = !before(ack, add(receiver.end, 1));
  if (!before(sequence, add(sender.maxEnd, 1))) {
    const overshot = (end - sender.maxEnd + 1) >>> 0;
    const received = receiver.maxWindow !== 0 && after(end, sender.end - receiver.maxWindow - 1);
    // It sends more than the receiver offered: if that is acknowledged, the rest must fit.
    if (received && !ackIsLate && overshot <= receiver.maxWindow && !ackIsAhead) {
      sender.end = end;
      sender.unacknowledged = true;
      return sender.liberal ? 'inside' : 'ignore';
    }
    return sender.liberal ? 'inside' : 'invalid';
  }
  if (ackIsAhead) return sender.liberal ? 'inside' : 'invalid';
  if (receiver.maxWindow !== 0 && !after(end, sender.end - receiver.maxWindow - 1)) return sender.liberal ? 'inside' : 'ignore';
  if (ackIsLate) return sender.liberal ? 'inside' : 'ignore';

  sender.maxWindow = Math.max(sender.maxWindow, WINDOW);
  if (after(end, sender.end)) {
    sender.end = end;
    sender.unacknowledged = true;
  }
  if (hasAck && (!sender.maxAckSet || after(ack, sender.maxAck))) {
    sender.maxAck = ack;
    sender.maxAckSet = true;
  }
  if (receiver.maxWindow !== 0 && after(end, sender.maxEnd)) receiver.maxWindow += (end - sender.maxEnd) >>> 0;
  if (after(add(ack, WINDOW), receiver.maxEnd - 1)) receiver.maxEnd = add(ack, WINDOW);
  if (ack === receiver.end) receiver.unacknowledged = false;
  if (index === ACK) noteRetransmission(tcp, direction, sequence, ack, end);
  return 'inside';
}

function noteRetransmission(tcp: TcpTracking, direction: Direction, sequence: number, ack: number, end: number): void {
  if (tcp.lastDirection === direction && tcp.lastSequence === sequence && tcp.lastAck === ack && tcp.lastEnd === end) {
    tcp.retransmissions += 1;
    return;
  }
  tcp.lastDirection = direction;
  tcp.lastSequence = sequence;
  tcp.lastAck = ack;
  tcp.lastEnd = end;
  tcp.retransmissions = 0;
}
