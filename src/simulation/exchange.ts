import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { Datapath } from '../datapaths/datapath.ts';
import type { PacketReport, TraceDetail } from '../datapaths/report.ts';
import type { Ipv4 } from '../packet/address.ts';
import { TCP_FLAG, type PortedPacket } from '../packet/packet.ts';

/** Who sends to whom. */
export interface Parties {
  readonly from: Ipv4;
  readonly to: Ipv4;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
}

/** A race that lanes in two threads run: what those of one must know of the other's. */
export interface Elsewhere {
  readonly to: Omit<Parties, 'from'>;
  /** Whether a connection came up there: of an established one the next packet is then sent here too. */
  readonly connected: boolean;
}

/** One packet of a seed's sequence: its own source port and sequence numbers, and the lanes' seed. */
export interface Draw {
  readonly seed: number;
  readonly sourcePort: number;
  /** TCP initial sequence numbers, or SCTP tags, of client and server. */
  readonly client: number;
  readonly server: number;
}

// Chunk types of RFC 9260, section 3.2.
const SCTP = { DATA: 0, INIT: 1, INIT_ACK: 2, COOKIE_ECHO: 10, COOKIE_ACK: 11 } as const;
// ip_local_port_range, as Linux sets it.
const FIRST_PORT = 32768;
const LAST_PORT = 60999;
const TTL = 64;
/** IP total lengths: headers without options, and a small payload where there is one. */
const LENGTH = { TCP: 40, UDP: 60, SCTP: 52, PAYLOAD: 64 } as const;

/** The `packet`th draw of a seed. */
export function draw(seed: number, packet: number): Draw {
  const random = xoroshiro128plus(seed ^ Math.imul(packet + 1, 0x9e3779b1));
  return {
    seed: random.next() >>> 0,
    sourcePort: uniformInt(random, FIRST_PORT, LAST_PORT),
    client: random.next() >>> 0 || 1,
    server: random.next() >>> 0 || 1,
  };
}

/** The first packet of a connection: TCP SYN, SCTP INIT, or a datagram. */
export function firstPacket({ from, to, port, protocol }: Parties, { sourcePort, client }: Draw): PortedPacket {
  const ip = { source: from, destination: to, ttl: TTL, length: LENGTH[protocol], sourcePort, destinationPort: port };
  switch (protocol) {
    case 'TCP':
      return { ...ip, protocol, flags: TCP_FLAG.SYN, sequence: client, acknowledgement: 0 };
    case 'UDP':
      return { ...ip, protocol };
    case 'SCTP':
      return { ...ip, protocol, chunk: SCTP.INIT, verificationTag: 0, initiateTag: client };
  }
}

/** A packet that the server answers with, from the packet as it came to it. */
function answerTo(arrived: PortedPacket, { client, server }: Draw): PortedPacket {
  const ip = { source: arrived.destination, destination: arrived.source, ttl: TTL, length: LENGTH[arrived.protocol], sourcePort: arrived.destinationPort, destinationPort: arrived.sourcePort };
  switch (arrived.protocol) {
    case 'TCP':
      return { ...ip, protocol: 'TCP', flags: TCP_FLAG.SYN | TCP_FLAG.ACK, sequence: server, acknowledgement: (client + 1) >>> 0 };
    case 'UDP':
      return { ...ip, protocol: 'UDP' };
    case 'SCTP':
      return arrived.chunk === SCTP.INIT
        ? { ...ip, protocol: 'SCTP', chunk: SCTP.INIT_ACK, verificationTag: client, initiateTag: server }
        : { ...ip, protocol: 'SCTP', chunk: SCTP.COOKIE_ACK, verificationTag: client, initiateTag: 0 };
  }
}

/** The client's packet that opens the connection fully: TCP's ACK, SCTP's COOKIE ECHO; UDP has none. */
function openingPacket(first: PortedPacket, { client, server }: Draw): PortedPacket | null {
  switch (first.protocol) {
    case 'TCP':
      return { ...first, flags: TCP_FLAG.ACK, sequence: (client + 1) >>> 0, acknowledgement: (server + 1) >>> 0 };
    case 'UDP':
      return null;
    case 'SCTP':
      return { ...first, chunk: SCTP.COOKIE_ECHO, verificationTag: server, initiateTag: 0 };
  }
}

/** The client's first packet with data, once the connection is there. */
export function dataPacket(first: PortedPacket, { client, server }: Draw): PortedPacket {
  switch (first.protocol) {
    case 'TCP':
      return { ...first, length: LENGTH.TCP + LENGTH.PAYLOAD, flags: TCP_FLAG.ACK | TCP_FLAG.PSH, sequence: (client + 1) >>> 0, acknowledgement: (server + 1) >>> 0 };
    case 'UDP':
      return first;
    case 'SCTP':
      return { ...first, chunk: SCTP.DATA, verificationTag: server, initiateTag: 0 };
  }
}

/** Whether a packet came to somebody who can answer it. */
export function arrived(report: PacketReport): boolean {
  return report.verdict.kind === 'delivered' || report.verdict.kind === 'forwarded';
}

/**
 * Brings a connection up after its first packet: the server's answers from the endpoint that the lane chose, and the
 * client's own part of the handshake. Nothing happens where the first packet did not arrive.
 */
export function finishHandshake(lane: Datapath, first: PacketReport, drawn: Draw): void {
  const { packetIn, packetOut } = first;
  if (!arrived(first) || packetIn.protocol === 'ICMP' || !packetOut || packetOut.protocol === 'ICMP') return;
  lane.send(answerTo(packetOut, drawn), 'none');
  const opening = openingPacket(packetIn, drawn);
  if (!opening) return;
  const { packetOut: opened } = lane.send(opening, 'none');
  // SCTP's four-way handshake has one answer more.
  if (opened?.protocol === 'SCTP') lane.send(answerTo(opened, drawn), 'none');
}

/** Sends from a fresh start: no connection is known, and the lane's generator begins at the draw. */
export function sendFirst(lane: Datapath, packet: PortedPacket, drawn: Draw, detail: TraceDetail): PacketReport {
  lane.reset(drawn.seed);
  return lane.send(packet, detail);
}
