import { TCP_FLAG, type IcmpPacket, type Packet, type SctpPacket, type TcpPacket } from '../../packet/packet.ts';
import type { MadePacket, Walk } from '../../simulation/rules/api.ts';

const TTL = 64;
/** IP and TCP headers without options, bytes. */
const TCP_HEADERS = 40;
/** The answering side's first sequence number and tag: any would do. */
const OWN_FIRST = 1;
// Chunk types of RFC 9260, section 3.2, each with the one that answers it.
const SCTP_INIT = 1;
const SCTP_ANSWERS: Readonly<Record<number, number>> = { 0: 3, [SCTP_INIT]: 2, 2: 10, 4: 5, 7: 8, 8: 14, 10: 11 };
// ICMP requests, each with its reply (RFC 792, RFC 950).
const ICMP_ANSWERS: Readonly<Record<number, number>> = { 8: 0, 13: 14, 15: 16, 17: 18 };

/** What the packet's receiver sends back; null: it answers nothing (a RST, an ICMP reply or error). */
export function answerPacket(arrived: Packet): Packet | null {
  const ip = { source: arrived.destination, destination: arrived.source, ttl: TTL, length: arrived.length };
  switch (arrived.protocol) {
    case 'TCP':
      return answerTcp(arrived);
    case 'UDP':
      return { ...ip, protocol: 'UDP', sourcePort: arrived.destinationPort, destinationPort: arrived.sourcePort };
    case 'SCTP':
      return answerSctp(arrived);
    case 'ICMP':
      return answerIcmp(arrived);
  }
}

function answerTcp(arrived: TcpPacket): TcpPacket | null {
  const { flags } = arrived;
  if ((flags & TCP_FLAG.RST) !== 0) return null;
  const opens = (flags & (TCP_FLAG.SYN | TCP_FLAG.ACK)) === TCP_FLAG.SYN;
  // SYN and FIN count as a byte each (RFC 9293, section 3.4).
  const taken = Math.max(0, arrived.length - TCP_HEADERS) + ((flags & (TCP_FLAG.SYN | TCP_FLAG.FIN)) !== 0 ? 1 : 0);
  return {
    protocol: 'TCP',
    source: arrived.destination,
    destination: arrived.source,
    sourcePort: arrived.destinationPort,
    destinationPort: arrived.sourcePort,
    ttl: TTL,
    length: TCP_HEADERS,
    flags: opens ? TCP_FLAG.SYN | TCP_FLAG.ACK : TCP_FLAG.ACK,
    sequence: opens ? OWN_FIRST : arrived.acknowledgement,
    acknowledgement: (arrived.sequence + taken) >>> 0,
  };
}

function answerSctp(arrived: SctpPacket): SctpPacket | null {
  const chunk = SCTP_ANSWERS[arrived.chunk];
  if (chunk === undefined) return null;
  const opens = arrived.chunk === SCTP_INIT;
  return {
    protocol: 'SCTP',
    source: arrived.destination,
    destination: arrived.source,
    sourcePort: arrived.destinationPort,
    destinationPort: arrived.sourcePort,
    ttl: TTL,
    length: arrived.length,
    chunk,
    // INIT and INIT ACK name the tag that their sender wants to be called by.
    verificationTag: arrived.initiateTag || OWN_FIRST,
    initiateTag: opens ? OWN_FIRST : 0,
  };
}

function answerIcmp(arrived: IcmpPacket): IcmpPacket | null {
  const type = ICMP_ANSWERS[arrived.type];
  return type === undefined ? null : { ...arrived, source: arrived.destination, destination: arrived.source, ttl: TTL, type, code: 0 };
}

/** The answer to a packet that was sent, as it comes back: by the interface that the packet left by; null: there is none. */
export function answerOf({ lane }: Walk): MadePacket | null {
  const { verdict, packetOut } = lane.report;
  if (!packetOut || (verdict.kind !== 'delivered' && verdict.kind !== 'forwarded')) return null;
  const packet = answerPacket(packetOut);
  return packet ? { packet, input: verdict.device === 'lo' ? null : verdict.device, output: null, keep: true } : null;
}
