import type { Ipv4 } from '../../../packet/address.ts';
import { PROTOCOL_NUMBER } from '../../../packet/protocol.ts';
import type { Skb } from './skb.ts';
import type { TcpTracking } from './tcp-tracking.ts';
import type { SctpTracking } from './sctp-tracking.ts';
import type { Zone } from './zone.ts';

/** 0: the direction of the first packet (original); 1: the other (reply). */
export type Direction = 0 | 1;

/** One direction of a connection (`nf_conntrack_tuple`). For ICMP the source port is the identifier, the destination port type and code. */
export interface Tuple {
  readonly protocol: number;
  readonly source: Ipv4;
  readonly sourcePort: number;
  readonly destination: Ipv4;
  readonly destinationPort: number;
}

/** A connection as conntrack keeps it (`nf_conn`). */
export interface Connection {
  readonly original: Tuple;
  /** What a reply looks like; NAT changes it. */
  reply: Tuple;
  readonly zone: Zone;
  confirmed: boolean;
  seenReply: boolean;
  assured: boolean;
  sourceNat: boolean;
  destinationNat: boolean;
  /** Whether nat has settled each side, with or without a change. */
  sourceNatDone: boolean;
  destinationNatDone: boolean;
  mark: number;
  /** Simulated time, ms. */
  expires: number;
  readonly createdAt: number;
  readonly tcp: TcpTracking | null;
  readonly sctp: SctpTracking | null;
}

export function tupleKey(tuple: Tuple): string {
  return `${tuple.protocol} ${tuple.source} ${tuple.sourcePort} ${tuple.destination} ${tuple.destinationPort}`;
}

export function sameTuple(a: Tuple, b: Tuple): boolean {
  return (
    a.source === b.source && a.destination === b.destination && a.sourcePort === b.sourcePort && a.destinationPort === b.destinationPort && a.protocol === b.protocol
  );
}

/** ICMP queries and their answers, as nf_conntrack_icmp inverts them. */
const ICMP_ANSWER = new Map([
  [8, 0],
  [0, 8],
  [13, 14],
  [14, 13],
  [15, 16],
  [16, 15],
  [17, 18],
  [18, 17],
]);

export function tupleOf(skb: Skb): Tuple {
  const icmp = skb.protocol === PROTOCOL_NUMBER.ICMP;
  return {
    protocol: skb.protocol,
    source: skb.source,
    sourcePort: icmp ? skb.icmpId : skb.sourcePort,
    destination: skb.destination,
    destinationPort: icmp ? (skb.icmpType << 8) | skb.icmpCode : skb.destinationPort,
  };
}

/** The same connection from its other end; null for an ICMP type that has no answer. */
export function invertTuple(tuple: Tuple): Tuple | null {
  if (tuple.protocol !== PROTOCOL_NUMBER.ICMP) {
    return { protocol: tuple.protocol, source: tuple.destination, sourcePort: tuple.destinationPort, destination: tuple.source, destinationPort: tuple.sourcePort };
  }
  const answer = ICMP_ANSWER.get(tuple.destinationPort >> 8);
  if (answer === undefined) return null;
  return { protocol: tuple.protocol, source: tuple.destination, sourcePort: tuple.sourcePort, destination: tuple.source, destinationPort: (answer << 8) | (tuple.destinationPort & 255) };
}

/** `tuple` as seen in a direction of the connection. */
export function tupleIn(connection: Connection, direction: Direction): Tuple {
  return direction === 0 ? connection.original : connection.reply;
}
