import type { Direction } from './connection.ts';
import type { Skb } from './skb.ts';
import {
  ACK, add, before, CL, CW, ES, FIN, FW, IG, IV, LA, MAX_RETRANSMISSIONS, newSide, NEXT, NO, NONE, RST, S2, segmentEnd, segmentKind, SR, SS, SYN, SYNACK, TIMEOUT, TIMEOUT_RETRANSMITTED, TIMEOUT_UNACKNOWLEDGED, TW,
  type TcpSide, type TcpTracking,
} from './tcp-states.ts';
import { WINDOW, windowPlace } from './tcp-window.ts';

export { hasValidFlags, TCP_STATES, type TcpTracking } from './tcp-states.ts';

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

/** No sequence number is this. */
const NO_END = -1;

/** What a connection that begins with this segment remembers; null: no connection begins so (tcp_new). */
export function newTcpTracking(skb: Skb): TcpTracking | null {
  const state = NEXT[0]?.[segmentKind(skb)]?.[NO] ?? IV;
  if (state >= IV) return null;
  const seen: [TcpSide, TcpSide] = [newSide(), newSide()];
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

/** TIME_WAIT, CLOSE, and what the kernel numbers after them. */
export function isClosed({ state }: TcpTracking): boolean {
  return state >= TW;
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

