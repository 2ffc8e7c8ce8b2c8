import { formatIpv4, type Ipv4 } from '../../packet/address.ts';
import { protocolOf } from '../../packet/protocol.ts';
import { hexByte } from './hex.ts';

/** A header's field: where it stands in the frame, its name in the kernel's own structs, and what it says. */
export interface FrameField {
  readonly header: 'ethhdr' | 'iphdr' | 'ipv6hdr' | 'tcphdr' | 'udphdr' | 'sctphdr' | 'icmphdr';
  readonly name: string;
  readonly offset: number;
  readonly length: number;
  readonly text: string;
}

const ETHERNET = 14;
const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'] as const;
const ETHERTYPES: Readonly<Record<number, string>> = { 0x0800: 'ETH_P_IP', 0x86dd: 'ETH_P_IPV6', 0x0806: 'ETH_P_ARP', 0x8100: 'ETH_P_8021Q' };
const L4 = { TCP: 'tcphdr', UDP: 'udphdr', SCTP: 'sctphdr', ICMP: 'icmphdr' } as const;

/** The fields of a frame, in their order, as far as its bytes go. */
export function frameFields(frame: Uint8Array): FrameField[] {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const fields: FrameField[] = [];
  const add = (header: FrameField['header'], name: string, offset: number, length: number, text: (at: number) => string | number): void => {
    if (offset + length <= frame.length) fields.push({ header, name, offset, length, text: String(text(offset)) });
  };
  const u8 = (at: number) => view.getUint8(at);
  const u16 = (at: number) => view.getUint16(at);
  const u32 = (at: number) => view.getUint32(at);
  const mac = (at: number) => Array.from(frame.subarray(at, at + 6), hexByte).join(':');
  const address = (at: number) => formatIpv4(u32(at) as Ipv4);
  const hex = (at: number) => `0x${u16(at).toString(16).padStart(4, '0')}`;

  add('ethhdr', 'h_dest', 0, 6, mac);
  add('ethhdr', 'h_source', 6, 6, mac);
  add('ethhdr', 'h_proto', 12, 2, (at) => ETHERTYPES[u16(at)] ?? hex(at));
  if (frame.length < ETHERNET) return fields;
  const type = u16(12);
  const ip = ETHERNET;
  let l4: number;
  let protocol: number;
  if (type === 0x0800 && frame.length > ip) {
    const headerLength = (u8(ip) & 15) * 4;
    add('iphdr', 'version, ihl', ip, 1, (at) => `${u8(at) >> 4}, ${u8(at) & 15}`);
    add('iphdr', 'tos', ip + 1, 1, u8);
    add('iphdr', 'tot_len', ip + 2, 2, u16);
    add('iphdr', 'id', ip + 4, 2, u16);
    add('iphdr', 'frag_off', ip + 6, 2, hex);
    add('iphdr', 'ttl', ip + 8, 1, u8);
    add('iphdr', 'protocol', ip + 9, 1, (at) => protocolOf(u8(at)) ?? u8(at));
    add('iphdr', 'check', ip + 10, 2, hex);
    add('iphdr', 'saddr', ip + 12, 4, address);
    add('iphdr', 'daddr', ip + 16, 4, address);
    if (headerLength < 20 || frame.length < ip + 20) return fields;
    // A fragment's rest has no header of the layer above.
    if ((u16(ip + 6) & 0x1fff) !== 0) return fields;
    l4 = ip + headerLength;
    protocol = u8(ip + 9);
  } else if (type === 0x86dd) {
    const words = (at: number) => Array.from({ length: 8 }, (_, word) => u16(at + 2 * word).toString(16)).join(':');
    add('ipv6hdr', 'payload_len', ip + 4, 2, u16);
    add('ipv6hdr', 'nexthdr', ip + 6, 1, (at) => protocolOf(u8(at)) ?? u8(at));
    add('ipv6hdr', 'hop_limit', ip + 7, 1, u8);
    add('ipv6hdr', 'saddr', ip + 8, 16, words);
    add('ipv6hdr', 'daddr', ip + 24, 16, words);
    if (frame.length < ip + 40) return fields;
    l4 = ip + 40;
    protocol = u8(ip + 6);
  } else return fields;

  const known = protocolOf(protocol);
  if (!known) return fields;
  const header = L4[known];
  if (known === 'ICMP') {
    add(header, 'type', l4, 1, u8);
    add(header, 'code', l4 + 1, 1, u8);
    add(header, 'checksum', l4 + 2, 2, hex);
    return fields;
  }
  add(header, 'source', l4, 2, u16);
  add(header, 'dest', l4 + 2, 2, u16);
  if (known === 'TCP') {
    add(header, 'seq', l4 + 4, 4, u32);
    add(header, 'ack_seq', l4 + 8, 4, u32);
    add(header, 'doff', l4 + 12, 1, (at) => u8(at) >> 4);
    add(header, 'flags', l4 + 13, 1, (at) => FLAGS.filter((_, bit) => u8(at) & (1 << bit)).join(' ') || '0');
    add(header, 'window', l4 + 14, 2, u16);
    add(header, 'check', l4 + 16, 2, hex);
    add(header, 'urg_ptr', l4 + 18, 2, u16);
  } else if (known === 'UDP') {
    add(header, 'len', l4 + 4, 2, u16);
    add(header, 'check', l4 + 6, 2, hex);
  } else {
    add(header, 'vtag', l4 + 4, 4, u32);
    add(header, 'checksum', l4 + 8, 4, (at) => `0x${u32(at).toString(16).padStart(8, '0')}`);
  }
  return fields;
}
