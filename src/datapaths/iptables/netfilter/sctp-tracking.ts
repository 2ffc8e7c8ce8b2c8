import type { Direction } from './connection.ts';
import type { Skb } from './skb.ts';

// States and their table are those of net/netfilter/nf_conntrack_proto_sctp.c.
export const SCTP_STATES = ['NONE', 'CLOSED', 'COOKIE_WAIT', 'COOKIE_ECHOED', 'ESTABLISHED', 'SHUTDOWN_SENT', 'SHUTDOWN_RECD', 'SHUTDOWN_ACK_SENT', 'HEARTBEAT_SENT'] as const;
const NO = 0;
const CL = 1;
const CW = 2;
const CE = 3;
const ES = 4;
const SS = 5;
const SR = 6;
const SA = 7;
const HS = 8;
const IV = 9;

const INIT = 1;
const INIT_ACK = 2;
const HEARTBEAT = 4;
const HEARTBEAT_ACK = 5;
const ABORT = 6;
const SHUTDOWN = 7;
const SHUTDOWN_ACK = 8;
const ERROR = 9;
const COOKIE_ECHO = 10;
const COOKIE_ACK = 11;
const SHUTDOWN_COMPLETE = 14;

/** By chunk type, then direction, then state. */
const NEXT = new Map<number, readonly (readonly number[])[]>([
  [INIT, [[CL, CL, CW, CE, ES, CL, CL, SA, CW], [IV, CL, CW, CE, ES, SS, SR, SA, IV]]],
  [INIT_ACK, [[CL, CL, CW, CE, ES, SS, SR, SA, CL], [IV, CW, CW, CE, ES, SS, SR, SA, IV]]],
  [ABORT, [[CL, CL, CL, CL, CL, CL, CL, CL, CL], [IV, CL, CL, CL, CL, CL, CL, CL, IV]]],
  [SHUTDOWN, [[CL, CL, CW, CE, SS, SS, SR, SA, CL], [IV, CL, CW, CE, SR, SS, SR, SA, IV]]],
  [SHUTDOWN_ACK, [[SA, CL, CW, CE, ES, SA, SA, SA, SA], [IV, CL, CW, CE, ES, SA, SA, SA, IV]]],
  [ERROR, [[CL, CL, CW, CE, ES, SS, SR, SA, CL], [IV, CL, CW, CL, ES, SS, SR, SA, IV]]],
  [COOKIE_ECHO, [[CL, CL, CE, CE, ES, SS, SR, SA, CL], [IV, CL, CE, CE, ES, SS, SR, SA, IV]]],
  [COOKIE_ACK, [[CL, CL, CW, ES, ES, SS, SR, SA, CL], [IV, CL, CW, ES, ES, SS, SR, SA, IV]]],
  [SHUTDOWN_COMPLETE, [[CL, CL, CW, CE, ES, SS, SR, CL, CL], [IV, CL, CW, CE, ES, SS, SR, CL, IV]]],
  [HEARTBEAT, [[HS, CL, CW, CE, ES, SS, SR, SA, HS], [IV, CL, CW, CE, ES, SS, SR, SA, HS]]],
  [HEARTBEAT_ACK, [[CL, CL, CW, CE, ES, SS, SR, SA, HS], [IV, CL, CW, CE, ES, SS, SR, SA, ES]]],
]);

/** Seconds (nf_conntrack_sctp_timeout_*), by state. */
const TIMEOUT = [10, 10, 3, 3, 210, 3, 3, 3, 30];

/** What conntrack remembers of an SCTP association (`ip_ct_sctp`). */
export interface SctpTracking {
  state: number;
  /** Verification tag that packets of each direction must carry. */
  readonly tags: [number, number];
  /** Directions from which an INIT came and was not settled since. */
  readonly init: [boolean, boolean];
  /** The direction of a HEARTBEAT that carried another tag, until it is answered; -1: none. */
  strayHeartbeat: Direction | -1;
}

/** `seconds`: the new lifetime, null: it stays. */
export type SctpVerdict = { readonly kind: 'accept'; readonly seconds: number | null; readonly assured: boolean } | { readonly kind: 'invalid' };

const INVALID: SctpVerdict = { kind: 'invalid' };
const UNCHANGED: SctpVerdict = { kind: 'accept', seconds: null, assured: false };

function nextState(direction: Direction, state: number, chunk: number): number {
  // DATA, SACK and what is unknown change nothing.
  return NEXT.get(chunk)?.[direction]?.[state] ?? state;
}

/** null: no association begins with this packet (sctp_new). */
export function newSctpTracking(skb: Skb): SctpTracking | null {
  const chunk = skb.sctpChunk;
  if (chunk === ABORT || chunk === SHUTDOWN_COMPLETE || chunk === COOKIE_ACK) return null;
  const state = nextState(0, NO, chunk);
  if (state === NO || state === IV) return null;
  const tags: [number, number] = [0, 0];
  if (chunk === INIT) {
    if (skb.verificationTag !== 0) return null;
    tags[1] = skb.initiateTag;
  } else if (chunk === HEARTBEAT) {
    tags[0] = skb.verificationTag;
  } else {
    tags[1] = skb.verificationTag;
  }
  return { state: NO, tags, init: [false, false], strayHeartbeat: -1 };
}

/** nf_conntrack_sctp_packet, for packets of one chunk without flags. `confirmed`: the association stands in the table. */
export function trackSctp(sctp: SctpTracking, skb: Skb, direction: Direction, confirmed: boolean): SctpVerdict {
  const chunk = skb.sctpChunk;
  const other: Direction = direction === 0 ? 1 : 0;
  const tag = skb.verificationTag;
  const fits = tag === sctp.tags[direction];
  switch (chunk) {
    case INIT:
      if (tag !== 0) return INVALID;
      break;
    case SHUTDOWN_ACK:
      break;
    case COOKIE_ACK:
      if (!fits) return INVALID;
      sctp.init[0] = sctp.init[1] = false;
      break;
    case HEARTBEAT:
      if (sctp.tags[direction] === 0) sctp.tags[direction] = tag;
      else if (fits) sctp.strayHeartbeat = -1;
      else {
        sctp.strayHeartbeat = direction;
        return UNCHANGED;
      }
      break;
    case HEARTBEAT_ACK:
      if (sctp.tags[direction] === 0) sctp.tags[direction] = tag;
      else if (!fits) {
        if (sctp.strayHeartbeat !== other) return INVALID;
        sctp.tags[direction] = tag;
        sctp.tags[other] = 0;
      }
      if (fits || sctp.tags[other] === 0) sctp.strayHeartbeat = -1;
      break;
    default:
      if (!fits) return INVALID;
  }
  const old = sctp.state;
  const state = nextState(direction, old, chunk);
  if (state === IV) return INVALID;
  if (chunk === INIT) noteInit(sctp, skb, direction);
  else if (chunk === INIT_ACK) {
    if (collides(sctp, skb, direction)) return INVALID;
    sctp.tags[other] = skb.initiateTag;
  }
  sctp.state = state;
  // A repeated INIT does not keep the entry alive.
  const repeats = chunk === INIT && state === CL && old === CL && confirmed;
  return { kind: 'accept', seconds: repeats ? null : (TIMEOUT[state] ?? 10), assured: old !== state && state === ES };
}

/** An INIT that repeats the tag which its receiver knows already is no new one. */
function noteInit(sctp: SctpTracking, skb: Skb, direction: Direction): void {
  const other: Direction = direction === 0 ? 1 : 0;
  if (sctp.state === NO || sctp.tags[other] !== skb.initiateTag) {
    if (sctp.init[0] && sctp.init[1]) sctp.init[other] = false;
    sctp.init[direction] = true;
  }
  sctp.tags[other] = skb.initiateTag;
}

/** Both ends began at once, or the INIT_ACK is late: its tag is not the one in force. */
function collides(sctp: SctpTracking, skb: Skb, direction: Direction): boolean {
  const other: Direction = direction === 0 ? 1 : 0;
  const known = sctp.tags[other];
  if (known === skb.initiateTag) return false;
  return sctp.init[other] ? sctp.init[direction] : known !== 0;
}
