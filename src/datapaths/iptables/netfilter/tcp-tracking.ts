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

interface Side {
  end: number;
  maxEnd: number;
  maxWindow: number;
  maxAck: number;
  maxAckSet: boolean;
  liberal: boolean;
  closeInit: boolean;
}

/** What conntrack remembers of a TCP connection (`ip_ct_tcp`). */
export interface TcpTracking {
  state: number;
  readonly seen: readonly [Side, Side];
  lastIndex: number;
  lastDirection: Direction;
  lastEnd: number;
}

/** `repeat`: forget the connection and look the packet up again. `kill`: accept it, and forget the connection. */
export type TcpVerdict = { readonly kind: 'accept'; readonly seconds: number; readonly assured: boolean } | { readonly kind: 'ignore' | 'invalid' | 'repeat' | 'kill' };

/** All segments carry this window and no scaling option. */
const WINDOW = 65535;
const MAX_ACK_WINDOW = 66000;

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

const newSide = (): Side => ({ end: 0, maxEnd: 0, maxWindow: 0, maxAck: 0, maxAckSet: false, liberal: false, closeInit: false });

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
  return { state: NO, seen, lastIndex: NONE, lastDirection: 0, lastEnd: 0 };
}

/** REJECT's RST closes the connection (nf_conntrack_tcp_set_closing). Returns its new lifetime in seconds. */
export function closeTcp(tcp: TcpTracking): number {
  tcp.state = CL;
  return TIMEOUT[CL] ?? 10;
}

/** nf_conntrack_tcp_packet. */
export function trackTcp(tcp: TcpTracking, skb: Skb, direction: Direction, seenReply: boolean, assured: boolean): TcpVerdict {
  const index = segmentKind(skb);
  const other: Direction = direction === 0 ? 1 : 0;
  let oldState = tcp.state;
  let newState = NEXT[direction]?.[index]?.[oldState] ?? IV;
  let inWindow = false;

  if (newState === IV) return { kind: 'invalid' };
  if (newState === SS && oldState >= TW) {
    // A SYN after both ends closed, or right after a RST of this side, opens a new connection.
    if (tcp.seen[0].closeInit || tcp.seen[1].closeInit || (tcp.lastDirection === direction && tcp.lastIndex === RST)) return { kind: 'repeat' };
    newState = IG;
  }
  if (newState === IG) {
    if (index === SYNACK && tcp.lastIndex === SYN && tcp.lastDirection !== direction && skb.acknowledgement === tcp.lastEnd) {
      // It acknowledges a SYN that was let through as ignored: the ends know better.
      oldState = SS;
      newState = SR;
      const side = tcp.seen[tcp.lastDirection];
      side.end = tcp.lastEnd;
      side.maxEnd = tcp.lastEnd;
      side.maxWindow = WINDOW;
      side.liberal = false;
    } else {
      tcp.lastIndex = index;
      tcp.lastDirection = direction;
      tcp.lastEnd = segmentEnd(skb);
      return { kind: 'ignore' };
    }
  }
  if (newState === CL && index === RST) {
    const established = (seenReply && assured) || oldState === ES;
    const theirs = tcp.seen[other];
    if (theirs.maxAckSet && !(skb.sequence === 0 && !established)) {
      if (before(skb.sequence, theirs.maxAck)) return { kind: 'invalid' };
      const inTrain = tcp.lastIndex === ACK && tcp.lastDirection === direction && skb.sequence === tcp.lastEnd;
      // A RST that does not fit exactly may be answered by a challenge ACK: the state stays.
      if (established && skb.sequence !== theirs.maxAck && !inTrain) newState = oldState;
    }
    inWindow = ((seenReply && tcp.lastIndex === SYN) || (!assured && tcp.lastIndex === ACK)) && skb.acknowledgement === tcp.lastEnd;
  }
  if (!inWindow) {
    const place = windowPlace(tcp, skb, direction, index);
    if (place !== 'inside') return { kind: place };
  }

  tcp.lastIndex = index;
  tcp.lastDirection = direction;
  tcp.lastEnd = segmentEnd(skb);
  tcp.state = newState;
  if (oldState !== newState && newState === FW) tcp.seen[direction].closeInit = true;
  if (!seenReply && skb.hasFlag('RST')) return { kind: 'kill' };
  let seconds = TIMEOUT[newState] ?? 0;
  if (!seenReply && newState === ES) seconds = Math.min(seconds, TIMEOUT_UNACKNOWLEDGED);
  return { kind: 'accept', seconds, assured: seenReply && !assured && (oldState === SR || oldState === ES) && newState === ES };
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
    sender.maxEnd = add(end, WINDOW);
    if (syn) {
      if (!hasAck) return 'inside';
    } else if (receiver.maxWindow === 0) {
      receiver.end = ack;
      receiver.maxEnd = ack;
    } else if (ack === add(receiver.end, 1)) {
      receiver.end = ack;
    }
  } else if (syn && after(end, sender.end) && (tcp.state === SS || tcp.state === SR)) {
    sender.end = end;
    sender.maxWindow = WINDOW;
    sender.maxEnd = add(end, WINDOW);
    if (direction === 1 && !hasAck) return 'inside';
  }
  if (!hasAck || (index === RST && ack === 0)) ack = receiver.end;
  if (index === RST && sequence === 0 && tcp.state === SS) {
    sequence = sender.end;
    end = sender.end;
  }
  if (!sender.liberal) {
    if (!before(sequence, add(sender.maxEnd, 1)) || !before(ack, add(receiver.end, 1))) return 'invalid';
    if (receiver.maxWindow !== 0 && !after(end, sender.end - receiver.maxWindow - 1)) return 'ignore';
    if (!after(ack, receiver.end - Math.max(sender.maxWindow, MAX_ACK_WINDOW) - 1)) return 'ignore';
  }

  sender.maxWindow = Math.max(sender.maxWindow, WINDOW);
  if (after(end, sender.end)) sender.end = end;
  if (hasAck && (!sender.maxAckSet || after(ack, sender.maxAck))) {
    sender.maxAck = ack;
    sender.maxAckSet = true;
  }
  if (receiver.maxWindow !== 0 && after(end, sender.maxEnd)) receiver.maxWindow += (end - sender.maxEnd) >>> 0;
  if (after(add(ack, WINDOW), receiver.maxEnd - 1)) receiver.maxEnd = add(ack, WINDOW);
  return 'inside';
}
