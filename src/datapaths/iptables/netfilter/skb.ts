import type { Ipv4 } from '../../../packet/address.ts';
import { TCP_FLAG, type Packet } from '../../../packet/packet.ts';
import { PROTOCOL_NUMBER } from '../../../packet/protocol.ts';
import type { Connection, Direction } from './connection.ts';
import type { ZoneTemplate } from './zone.ts';

/** How conntrack sees a packet: `ip_conntrack_info` without its direction, and the two cases without a connection. */
export type ConntrackInfo = 'none' | 'invalid' | 'untracked' | 'new' | 'established' | 'related';

/** A packet on its way through the stack: the fields that rules read and targets change. */
export class Skb {
  readonly protocol: number;
  source: Ipv4;
  destination: Ipv4;
  /** ICMP: 0; else in host order. */
  sourcePort = 0;
  destinationPort = 0;
  /** TCP flags, as in the header. */
  flags = 0;
  sequence = 0;
  acknowledgement = 0;
  icmpType = 0;
  icmpCode = 0;
  icmpId = 0;
  icmpSequence = 0;
  inner: Skb | null = null;
  sctpChunk = 0;
  verificationTag = 0;
  initiateTag = 0;
  ttl: number;
  /** Type of service; packets are made with 0. */
  tos = 0;
  length: number;
  /** Bytes of TCP options, which only TCPMSS adds. */
  tcpOptions = 0;
  /** Maximum segment size in such an option; 0: none. */
  maximumSegment = 0;
  mark = 0;
  /** Whom its link carried it to: what it was addressed to as it came, whatever NAT made of that. */
  carriedTo: 'unicast' | 'broadcast' | 'multicast' = 'unicast';
  /** Empty where there is none, as in OUTPUT. */
  inInterface = '';
  outInterface = '';
  /** The interface that it is to leave by, whatever the routes say; null: as they say. */
  leavesBy: string | null = null;
  connection: Connection | null = null;
  /** What CT asked for, for conntrack to heed. */
  template: ZoneTemplate | null = null;
  info: ConntrackInfo = 'none';
  direction: Direction = 0;
  /** REJECT's answer to a packet that conntrack knew or was told to leave alone: NOTRACK does not act on it (nf_ct_attach). */
  attached = false;

  constructor(packet: Packet) {
    this.protocol = PROTOCOL_NUMBER[packet.protocol];
    this.source = packet.source;
    this.destination = packet.destination;
    this.ttl = packet.ttl;
    this.length = packet.length;
    if (packet.protocol === 'ICMP') {
      this.icmpType = packet.type;
      this.icmpCode = packet.code;
      this.icmpId = packet.identifier;
      this.icmpSequence = packet.sequence;
      this.inner = packet.inner ? new Skb(packet.inner) : null;
      return;
    }
    this.sourcePort = packet.sourcePort;
    this.destinationPort = packet.destinationPort;
    if (packet.protocol === 'TCP') {
      this.flags = packet.flags;
      this.sequence = packet.sequence;
      this.acknowledgement = packet.acknowledgement;
    } else if (packet.protocol === 'SCTP') {
      this.sctpChunk = packet.chunk;
      this.verificationTag = packet.verificationTag;
      this.initiateTag = packet.initiateTag;
    }
  }

  toPacket(): Packet {
    const { source, destination, ttl, length, sourcePort, destinationPort } = this;
    switch (this.protocol) {
      case PROTOCOL_NUMBER.TCP:
        return { protocol: 'TCP', source, destination, ttl, length, sourcePort, destinationPort, flags: this.flags, sequence: this.sequence, acknowledgement: this.acknowledgement };
      case PROTOCOL_NUMBER.UDP:
        return { protocol: 'UDP', source, destination, ttl, length, sourcePort, destinationPort };
      case PROTOCOL_NUMBER.SCTP:
        return { protocol: 'SCTP', source, destination, ttl, length, sourcePort, destinationPort, chunk: this.sctpChunk, verificationTag: this.verificationTag, initiateTag: this.initiateTag };
      default:
        return { protocol: 'ICMP', source, destination, ttl, length, type: this.icmpType, code: this.icmpCode, identifier: this.icmpId, sequence: this.icmpSequence, inner: this.inner ? this.inner.toPacket() : null };
    }
  }

  get isIcmp(): boolean {
    return this.protocol === PROTOCOL_NUMBER.ICMP;
  }

  /** Destination unreachable, source quench, redirect, time exceeded, parameter problem. */
  get isIcmpError(): boolean {
    return this.isIcmp && (this.icmpType === 3 || this.icmpType === 4 || this.icmpType === 5 || this.icmpType === 11 || this.icmpType === 12);
  }

  /** Bytes of TCP payload: headers are 20 bytes each, as packets are made without options. */
  get tcpPayload(): number {
    return Math.max(0, this.length - 40 - this.tcpOptions);
  }

  hasFlag(flag: keyof typeof TCP_FLAG): boolean {
    return (this.flags & TCP_FLAG[flag]) !== 0;
  }
}
