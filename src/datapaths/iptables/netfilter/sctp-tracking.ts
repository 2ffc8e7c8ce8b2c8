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
}

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
  return { state: NO, tags };
}

/** nf_conntrack_sctp_packet: seconds the connection now lives, or null: INVALID. */
export function trackSctp(sctp: SctpTracking, skb: Skb, direction: Direction): number | null {
  const chunk = skb.sctpChunk;
  const other: Direction = direction === 0 ? 1 : 0;
  const tag = skb.verificationTag;
  switch (chunk) {
    case INIT:
      if (tag !== 0) return null;
      break;
    case ABORT:
    case SHUTDOWN_COMPLETE:
      if (tag !== sctp.tags[direction] && tag !== sctp.tags[other]) return null;
      break;
    case HEARTBEAT:
      if (sctp.tags[direction] === 0) sctp.tags[direction] = tag;
      else if (tag !== sctp.tags[direction] && sctp.state !== HS) return null;
      break;
    case HEARTBEAT_ACK:
      if (sctp.tags[direction] === 0) sctp.tags[direction] = tag;
      else if (tag !== sctp.tags[direction]) return null;
      break;
    default:
      if (tag !== sctp.tags[direction] && !(chunk === SHUTDOWN_ACK && sctp.state === NO)) return null;
  }
  const state = nextState(direction, sctp.state, chunk);
  if (state === IV) return null;
  if (chunk === INIT || chunk === INIT_ACK) sctp.tags[other] = skb.initiateTag;
  sctp.state = state;
  return TIMEOUT[state] ?? 10;
}
