import type { Ipv4 } from './address.ts';

/** TCP header flags as the header's bits (RFC 9293, section 3.1). */
export const TCP_FLAG = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128 } as const;

interface Ip {
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly ttl: number;
  /** IP total length in bytes, header included: what netfilter's byte counters count. */
  readonly length: number;
}

interface Ported extends Ip {
  readonly sourcePort: number;
  readonly destinationPort: number;
}

export interface TcpPacket extends Ported {
  readonly protocol: 'TCP';
  /** Bits of `TCP_FLAG`. */
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledgement: number;
}

export interface UdpPacket extends Ported {
  readonly protocol: 'UDP';
}

export interface SctpPacket extends Ported {
  readonly protocol: 'SCTP';
  /** Type of the first chunk (RFC 9260, section 3.2): 0 DATA, 1 INIT, 2 INIT ACK… */
  readonly chunk: number;
  readonly verificationTag: number;
  /** INIT's own initiate tag; 0 elsewhere. */
  readonly initiateTag: number;
}

export interface IcmpPacket extends Ip {
  readonly protocol: 'ICMP';
  readonly type: number;
  readonly code: number;
  /** Echo identifier and sequence; 0 for errors. */
  readonly identifier: number;
  readonly sequence: number;
  /** The packet that an ICMP error quotes. */
  readonly inner: Packet | null;
}

/** One IPv4 packet as both datapaths see it: values, never wire bytes (`frame.ts` makes those). */
export type Packet = TcpPacket | UdpPacket | SctpPacket | IcmpPacket;

/** A packet that has ports: everything but ICMP. */
export type PortedPacket = TcpPacket | UdpPacket | SctpPacket;
