import type { Ipv4 } from '../../../packet/address.ts';
import { TCP_FLAG, type Packet } from '../../../packet/packet.ts';
import { PROTOCOL_NUMBER } from '../../../packet/protocol.ts';
import { REJECT_CODES, type RejectWith } from './rule.ts';
import type { Skb } from './skb.ts';

/** icmp_send: an error quotes at most this much, its own headers included. */
const ICMP_MAX_LENGTH = 576;
const ICMP_HEADERS = 28;
const TTL = 64;
/** ICMP types that an ICMP error may answer (icmp_pointers, net/ipv4/icmp.c): queries, and what is unassigned above them. */
const ANSWERED_ICMP_TYPES = new Set([0, 8, 13, 14, 15, 16, 17, 18]);

/**
 * What REJECT sends back (nf_reject_ipv4.c, icmp_send); null where it sends nothing: for an ICMP error, for a RST, and
 * tcp-reset for what is no TCP. `source` gives the ICMP error's own address.
 */
export function makeRejection(skb: Skb, how: RejectWith, source: () => Ipv4 | null): Packet | null {
  if (how === 'tcp-reset') {
    if (skb.protocol !== PROTOCOL_NUMBER.TCP || skb.hasFlag('RST')) return null;
    const acknowledged = skb.hasFlag('ACK');
    return {
      protocol: 'TCP',
      source: skb.destination,
      destination: skb.source,
      ttl: TTL,
      length: 40,
      sourcePort: skb.destinationPort,
      destinationPort: skb.sourcePort,
      flags: acknowledged ? TCP_FLAG.RST : TCP_FLAG.RST | TCP_FLAG.ACK,
      sequence: acknowledged ? skb.acknowledgement : 0,
      acknowledgement: acknowledged ? 0 : (skb.sequence + skb.tcpPayload + (skb.hasFlag('SYN') ? 1 : 0) + (skb.hasFlag('FIN') ? 1 : 0)) >>> 0,
    };
  }
  return makeIcmpError(skb, 3, REJECT_CODES[how], source);
}

/** An ICMP error about a packet; null where none is sent: about another error, or without a source. */
export function makeIcmpError(skb: Skb, type: number, code: number, source: () => Ipv4 | null): Packet | null {
  if (skb.isIcmp && !ANSWERED_ICMP_TYPES.has(skb.icmpType)) return null;
  const from = source();
  if (from === null) return null;
  return {
    protocol: 'ICMP',
    source: from,
    destination: skb.source,
    ttl: TTL,
    length: Math.min(ICMP_MAX_LENGTH, ICMP_HEADERS + skb.length),
    type,
    code,
    identifier: 0,
    sequence: 0,
    inner: skb.toPacket(),
  };
}
