import { encodeFrame } from '../../src/packet/frame.ts';
import { packetOf } from '../../src/datapaths/iptables/netfilter/replay.ts';
import { TCP_FLAG } from '../../src/packet/packet.ts';
import type { CasePacket, Inner } from './case.ts';

/** The router's end of a side's veth pair (1) and the far one (2). */
export const routerMac = (side: number) => Uint8Array.of(2, 0, 0, 0, 1, side);
export const farMac = (side: number) => Uint8Array.of(2, 0, 0, 0, 2, side);

/** A packet's frame from a side. What is a broadcast to the router (`broadcasts`), or a multicast, goes to all, as it would on a real link. */
export function frameOf(packet: CasePacket, side: number, broadcasts: ReadonlySet<string>): Uint8Array {
  const [first = 0, , , last = 0] = packet.dst.split('.').map(Number);
  const destination = broadcasts.has(packet.dst) ? new Uint8Array(6).fill(255) : first >= 224 && first < 240 ? Uint8Array.of(1, 0, 0x5e, 0, 0, last) : routerMac(side);
  return encodeFrame(packetOf(packet), { source: farMac(side), destination });
}

const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 132: 'sctp' };
const ICMP_ERRORS: ReadonlySet<number> = new Set([3, 4, 5, 11, 12]);

/** Header fields of an IPv4 packet's bytes, or of the beginning that an ICMP error quotes. */
export function headersOf(bytes: Uint8Array): Inner & { readonly inner?: Inner } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = ((bytes[0] ?? 0) & 15) * 4;
  const address = (at: number) => bytes.subarray(at, at + 4).join('.');
  const proto = PROTOCOLS[bytes[9] ?? 0] ?? String(bytes[9]);
  const ip = { proto, src: address(12), dst: address(16), ttl: bytes[8] ?? 0, length: view.getUint16(2) };
  if (proto === 'icmp') {
    const type = view.getUint8(start);
    const icmp = { ...ip, icmp_type: type, icmp_code: view.getUint8(start + 1) };
    if (!ICMP_ERRORS.has(type)) return { ...icmp, icmp_id: view.getUint16(start + 4) };
    const quoted = bytes.subarray(start + 8);
    return quoted.length < 28 ? icmp : { ...icmp, inner: headersOf(quoted) };
  }
  if (!['tcp', 'udp', 'sctp'].includes(proto)) return ip;
  const ports = { ...ip, sport: view.getUint16(start), dport: view.getUint16(start + 2) };
  if (proto !== 'tcp' || bytes.length < start + 14) return ports;
  const bits = view.getUint8(start + 13);
  const flags = Object.entries(TCP_FLAG).flatMap(([name, bit]) => (bits & bit ? [name] : [])).join(',');
  return { ...ports, flags, seq: view.getUint32(start + 4), ack: view.getUint32(start + 8) };
}
