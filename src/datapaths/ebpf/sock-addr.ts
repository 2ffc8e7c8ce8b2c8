import type { Ipv4 } from '../../packet/address.ts';

/** `struct bpf_sock_addr` (linux/bpf.h), as far as IPv4 goes. */
export interface SockAddr {
  readonly address: Ipv4;
  readonly port: number;
  /** IPPROTO_TCP 6, IPPROTO_UDP 17. */
  readonly protocol: number;
}

const SOCK_ADDR_SIZE = 72;
const FAMILY = 0;
const ADDRESS = 4;
const PORT = 24;
const SOCKET_FAMILY = 28;
const TYPE = 32;
const PROTOCOL = 36;
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const IPPROTO_TCP = 6;

/** Address and port in network order, the rest as the machine has it. */
export function encodeSockAddr({ address, port, protocol }: SockAddr): Uint8Array<ArrayBuffer> {
  const view = new DataView(new ArrayBuffer(SOCK_ADDR_SIZE));
  view.setUint32(FAMILY, AF_INET, true);
  view.setUint32(ADDRESS, address);
  view.setUint16(PORT, port);
  view.setUint32(SOCKET_FAMILY, AF_INET, true);
  view.setUint32(TYPE, protocol === IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM, true);
  view.setUint32(PROTOCOL, protocol, true);
  return new Uint8Array(view.buffer);
}

/** null: the bytes are too few. */
export function decodeSockAddr(bytes: Uint8Array): SockAddr | null {
  if (bytes.length < PROTOCOL + 4) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { address: view.getUint32(ADDRESS) as Ipv4, port: view.getUint16(PORT), protocol: view.getUint32(PROTOCOL, true) };
}

/** The same bytes with another address: what else stands in them is kept. */
export function withSockAddr(bytes: Uint8Array, { address, port, protocol }: SockAddr): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(Math.max(SOCK_ADDR_SIZE, bytes.length));
  out.set(bytes);
  const view = new DataView(out.buffer);
  view.setUint32(ADDRESS, address);
  view.setUint16(PORT, port);
  view.setUint32(TYPE, protocol === IPPROTO_TCP ? SOCK_STREAM : SOCK_DGRAM, true);
  view.setUint32(PROTOCOL, protocol, true);
  return out;
}
