import type { Ipv4 } from './address.ts';
import { crc32c, internetChecksum } from './checksum.ts';
import type { Packet } from './packet.ts';
import { PROTOCOL_NUMBER, protocolOf } from './protocol.ts';

const ETHERNET_HEADER = 14;
const IP_HEADER = 20;
const ETHERTYPE_IPV4 = 0x0800;
const TCP_WINDOW = 65535;
/** Smallest L4 part by protocol: headers without options or payload. */
const L4_HEADER = { TCP: 20, UDP: 8, SCTP: 16, ICMP: 8 } as const;

export interface FrameAddresses {
  /** 6 bytes each. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

/** The Ethernet frame of a packet, every checksum right; a payload is zeros up to the packet's length. */
export function encodeFrame(packet: Packet, addresses: FrameAddresses): Uint8Array<ArrayBuffer> {
  const ip = encodeIp(packet);
  const frame = new Uint8Array(ETHERNET_HEADER + ip.length);
  frame.set(addresses.destination, 0);
  frame.set(addresses.source, 6);
  frame[12] = ETHERTYPE_IPV4 >> 8;
  frame[13] = ETHERTYPE_IPV4 & 255;
  frame.set(ip, ETHERNET_HEADER);
  return frame;
}

function encodeIp(packet: Packet): Uint8Array {
  const length = Math.max(packet.length, IP_HEADER + L4_HEADER[packet.protocol] + (packet.protocol === 'ICMP' && packet.inner ? IP_HEADER + 8 : 0));
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x45;
  view.setUint16(2, length);
  view.setUint16(6, 0x4000); // don't fragment
  bytes[8] = packet.ttl;
  bytes[9] = PROTOCOL_NUMBER[packet.protocol];
  view.setUint32(12, packet.source);
  view.setUint32(16, packet.destination);
  view.setUint16(10, internetChecksum(bytes.subarray(0, IP_HEADER)));

  const l4 = new DataView(bytes.buffer, IP_HEADER);
  const l4Bytes = bytes.subarray(IP_HEADER);
  switch (packet.protocol) {
    case 'TCP':
      l4.setUint16(0, packet.sourcePort);
      l4.setUint16(2, packet.destinationPort);
      l4.setUint32(4, packet.sequence);
      l4.setUint32(8, packet.acknowledgement);
      l4.setUint8(12, 5 << 4);
      l4.setUint8(13, packet.flags);
      l4.setUint16(14, TCP_WINDOW);
      l4.setUint16(16, internetChecksum(l4Bytes, pseudoHeader(packet, l4Bytes.length)));
      break;
    case 'UDP': {
      l4.setUint16(0, packet.sourcePort);
      l4.setUint16(2, packet.destinationPort);
      l4.setUint16(4, l4Bytes.length);
      // 0 would say that there is no checksum (RFC 768).
      l4.setUint16(6, internetChecksum(l4Bytes, pseudoHeader(packet, l4Bytes.length)) || 0xffff);
      break;
    }
    case 'SCTP':
      l4.setUint16(0, packet.sourcePort);
      l4.setUint16(2, packet.destinationPort);
      l4.setUint32(4, packet.verificationTag);
      l4.setUint8(12, packet.chunk);
      l4.setUint16(14, l4Bytes.length - 12);
      if (l4Bytes.length >= 20) l4.setUint32(16, packet.initiateTag);
      l4.setUint32(8, crc32c(l4Bytes), true);
      break;
    case 'ICMP':
      l4.setUint8(0, packet.type);
      l4.setUint8(1, packet.code);
      if (packet.inner) {
        const inner = encodeIp(packet.inner);
        l4Bytes.set(inner.subarray(0, l4Bytes.length - 8), 8);
      } else {
        l4.setUint16(4, packet.identifier);
        l4.setUint16(6, packet.sequence);
      }
      l4.setUint16(2, internetChecksum(l4Bytes));
  }
  return bytes;
}

/** Sum of the pseudo-header that TCP's and UDP's checksums cover. */
function pseudoHeader({ source, destination, protocol }: Packet, length: number): number {
  return (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + PROTOCOL_NUMBER[protocol] + length;
}

/** The packet in an Ethernet frame; null where it is no IPv4 packet of a protocol known here. */
export function decodeFrame(frame: Uint8Array): Packet | null {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < ETHERNET_HEADER + IP_HEADER || view.getUint16(12) !== ETHERTYPE_IPV4) return null;
  return decodeIp(frame.subarray(ETHERNET_HEADER));
}

function decodeIp(bytes: Uint8Array): Packet | null {
  if (bytes.length < IP_HEADER || bytes[0] !== 0x45) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const protocol = protocolOf(bytes[9] ?? 0);
  if (!protocol || bytes.length < IP_HEADER + 8) return null;
  const ip = { source: view.getUint32(12) as Ipv4, destination: view.getUint32(16) as Ipv4, ttl: bytes[8] ?? 0, length: view.getUint16(2) };
  const at = IP_HEADER;
  const ports = { sourcePort: view.getUint16(at), destinationPort: view.getUint16(at + 2) };
  const has = (size: number) => bytes.length >= at + size;
  switch (protocol) {
    case 'TCP':
      return has(20) ? { protocol, ...ip, ...ports, flags: view.getUint8(at + 13), sequence: view.getUint32(at + 4), acknowledgement: view.getUint32(at + 8) } : null;
    case 'UDP':
      return { protocol, ...ip, ...ports };
    case 'SCTP':
      return has(16) ? { protocol, ...ip, ...ports, chunk: view.getUint8(at + 12), verificationTag: view.getUint32(at + 4), initiateTag: has(20) ? view.getUint32(at + 16) : 0 } : null;
    case 'ICMP': {
      const type = view.getUint8(at);
      const error = [3, 4, 5, 11, 12].includes(type);
      return {
        protocol,
        ...ip,
        type,
        code: view.getUint8(at + 1),
        identifier: error ? 0 : view.getUint16(at + 4),
        sequence: error ? 0 : view.getUint16(at + 6),
        inner: error ? decodeIp(bytes.subarray(at + 8)) : null,
      };
    }
  }
}

/** Whether the IPv4 header's checksum and the packet's own hold. A UDP checksum of 0 holds. */
export function checksumsHold(frame: Uint8Array): boolean {
  const ip = frame.subarray(ETHERNET_HEADER);
  if (internetChecksum(ip.subarray(0, IP_HEADER)) !== 0) return false;
  const packet = decodeFrame(frame);
  if (!packet) return false;
  const l4 = ip.subarray(IP_HEADER);
  switch (packet.protocol) {
    case 'TCP':
      return internetChecksum(l4, pseudoHeader(packet, l4.length)) === 0;
    case 'UDP':
      return (l4[6] === 0 && l4[7] === 0) || internetChecksum(l4, pseudoHeader(packet, l4.length)) === 0;
    case 'SCTP': {
      const without = new Uint8Array(l4);
      without.fill(0, 8, 12);
      return new DataView(l4.buffer, l4.byteOffset).getUint32(8, true) === crc32c(without);
    }
    case 'ICMP':
      return internetChecksum(l4) === 0;
  }
}
