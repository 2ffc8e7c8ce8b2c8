import type { Ipv4 } from '../../packet/address.ts';
import { crc32c, internetChecksum } from '../../packet/checksum.ts';
import { decodeFrame, encodeFrame } from '../../packet/frame.ts';
import type { Packet, PortedPacket } from '../../packet/packet.ts';
import { PROTOCOL_NUMBER } from '../../packet/protocol.ts';

/** What a person sets of a packet. Ports and flags stay as they are where the protocol has none. */
export interface PacketFields {
  readonly protocol: Packet['protocol'];
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** TCP's flags as bits. */
  readonly flags: number;
  readonly ttl: number;
}

const ETHERNET = 14;
const IP = 20;
const LENGTH = { TCP: 40, UDP: 60, SCTP: 52, ICMP: 28 } as const;

/** null: no IPv4 packet without options, of a protocol known here. */
export function packetFields(frame: Uint8Array): PacketFields | null {
  const packet = decodeFrame(frame);
  if (!packet) return null;
  const { protocol, source, destination, ttl } = packet;
  const ports = packet.protocol === 'ICMP' ? { sourcePort: 0, destinationPort: 0 } : { sourcePort: packet.sourcePort, destinationPort: packet.destinationPort };
  return { protocol, source, destination, ttl, ...ports, flags: packet.protocol === 'TCP' ? packet.flags : 0 };
}

/** The frame with these fields and right checksums; its other bytes stay. Another protocol begins a packet of its own. */
export function editFrame(frame: Uint8Array, fields: PacketFields): Uint8Array<ArrayBuffer> {
  const before = decodeFrame(frame);
  if (before?.protocol !== fields.protocol) return newFrame(frame, fields);
  const out = new Uint8Array(frame);
  const view = new DataView(out.buffer);
  out[ETHERNET + 8] = fields.ttl;
  view.setUint32(ETHERNET + 12, fields.source);
  view.setUint32(ETHERNET + 16, fields.destination);
  const l4 = ETHERNET + IP;
  if (fields.protocol !== 'ICMP') {
    view.setUint16(l4, fields.sourcePort);
    view.setUint16(l4 + 2, fields.destinationPort);
  }
  if (fields.protocol === 'TCP') out[l4 + 13] = fields.flags;
  setChecksums(out, fields);
  return out;
}

function newFrame(frame: Uint8Array, { protocol, source, destination, sourcePort, destinationPort, flags, ttl }: PacketFields): Uint8Array<ArrayBuffer> {
  const ip = { source, destination, ttl, length: LENGTH[protocol] };
  const ports = { sourcePort, destinationPort };
  const packet: Packet | PortedPacket =
    protocol === 'TCP' ? { protocol, ...ip, ...ports, flags, sequence: 1, acknowledgement: 0 }
    : protocol === 'UDP' ? { protocol, ...ip, ...ports }
    : protocol === 'SCTP' ? { protocol, ...ip, ...ports, chunk: 1, verificationTag: 0, initiateTag: 1 }
    : { protocol, ...ip, type: 8, code: 0, identifier: 1, sequence: 1, inner: null };
  const whole = frame.length >= ETHERNET;
  return encodeFrame(packet, { destination: whole ? frame.subarray(0, 6) : new Uint8Array(6), source: whole ? frame.subarray(6, 12) : new Uint8Array(6) });
}

function setChecksums(frame: Uint8Array, { protocol, source, destination }: PacketFields): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  view.setUint16(ETHERNET + 10, 0);
  view.setUint16(ETHERNET + 10, internetChecksum(frame.subarray(ETHERNET, ETHERNET + IP)));
  const at = ETHERNET + IP;
  // What stands behind the packet in the frame is padding.
  const l4 = frame.subarray(at, Math.min(frame.length, ETHERNET + view.getUint16(ETHERNET + 2)));
  const pseudo = (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + PROTOCOL_NUMBER[protocol] + l4.length;
  switch (protocol) {
    case 'TCP':
      view.setUint16(at + 16, 0);
      view.setUint16(at + 16, internetChecksum(l4, pseudo));
      break;
    case 'UDP':
      // 0 says that there is none (RFC 768).
      view.setUint16(at + 6, 0);
      view.setUint16(at + 6, internetChecksum(l4, pseudo) || 0xffff);
      break;
    case 'SCTP':
      view.setUint32(at + 8, 0);
      view.setUint32(at + 8, crc32c(l4), true);
      break;
    case 'ICMP':
      view.setUint16(at + 2, 0);
      view.setUint16(at + 2, internetChecksum(l4));
  }
}
