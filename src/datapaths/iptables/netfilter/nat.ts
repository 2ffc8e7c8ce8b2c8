import { type Ipv4 } from '../../../packet/address.ts';
import { PROTOCOL_NUMBER } from '../../../packet/protocol.ts';
import type { Conntrack } from './conntrack.ts';
import { jhash2, networkOrder } from './jhash.ts';
import { invertTuple, sameTuple, tupleIn, type Connection, type Direction, type Tuple } from './connection.ts';
import type { Skb } from './skb.ts';

/** Which end of the packet a nat hook may change: PREROUTING and OUTPUT the destination, INPUT and POSTROUTING the source. */
export type NatSide = 'source' | 'destination';

/** What a NAT target asks for (`nf_nat_range2`). */
export interface NatRange {
  readonly addresses: readonly [Ipv4, Ipv4] | null;
  readonly ports: readonly [number, number] | null;
  /** `--random-fully` (and `--random`): any port of the range, not the packet's own. */
  readonly randomPorts: boolean;
  /** `--persistent`: a client is given the same address whatever it speaks to. */
  readonly persistent?: boolean;
  /** DNAT's shifted ranges: the port that the range's first one answers to. */
  readonly basePort?: number;
  /** NETMAP: these bits of the address are set, the others stay. */
  readonly netmap?: { readonly address: number; readonly mask: number };
}

/** Tries before NAT looks elsewhere in the range (NF_NAT_MAX_ATTEMPTS), tries with which it gives up, and last tries that may end another connection (NF_NAT_HARDER_THRESH). */
const ATTEMPTS = 128;
const FEW_ATTEMPTS = 16;
const HARDER = 32;

/** nf_nat_setup_info: settles one side of a new connection. `random16` gives 0 to 65535. */
export function setUpNat(conntrack: Conntrack, connection: Connection, range: NatRange, side: NatSide, random16: () => number): void {
  if (connection.confirmed) return;
  const current = invertTuple(connection.reply);
  if (!current) return;
  const chosen = uniqueTuple(conntrack, connection, current, range, side, random16);
  if (!sameTuple(chosen, current)) {
    const reply = invertTuple(chosen);
    if (reply) connection.reply = reply;
    if (side === 'source') connection.sourceNat = true;
    else connection.destinationNat = true;
  }
  if (side === 'source') connection.sourceNatDone = true;
  else connection.destinationNatDone = true;
}

/** No rule asked for anything: the addresses stay, but two connections must not look alike (nf_nat_alloc_null_binding). */
export function nullBinding(connection: Connection, side: NatSide): NatRange {
  const address = side === 'source' ? connection.reply.destination : connection.reply.source;
  return { addresses: [address, address], ports: null, randomPorts: false };
}

function inRange(tuple: Tuple, range: NatRange): boolean {
  if (range.addresses && (tuple.source < range.addresses[0] || tuple.source > range.addresses[1])) return false;
  return !range.ports || (tuple.sourcePort >= range.ports[0] && tuple.sourcePort <= range.ports[1]);
}

/** get_unique_tuple. */
function uniqueTuple(conntrack: Conntrack, connection: Connection, original: Tuple, range: NatRange, side: NatSide, random16: () => number): Tuple {
  if (side === 'source' && !range.randomPorts) {
    if (inRange(original, range)) {
      if (!conntrack.isTaken(original, connection)) return original;
    } else {
      // A source that is mapped already keeps its mapping (find_appropriate_src).
      for (const other of conntrack.fromSource(original, connection.zone)) {
        const mapped = invertTuple(other.reply);
        if (!mapped) continue;
        const candidate: Tuple = { ...mapped, destination: original.destination, destinationPort: original.destinationPort };
        if (inRange(candidate, range) && !conntrack.isTaken(candidate, connection)) return candidate;
      }
    }
  }
  let tuple = withAddress(original, range, side);
  // An ICMP query's identifier is its "port" whichever side is changed.
  const portKey = side === 'source' || original.protocol === PROTOCOL_NUMBER.ICMP ? 'sourcePort' : 'destinationPort';
  if (!range.randomPorts) {
    if (range.ports && range.basePort === undefined) {
      const [low, high] = range.ports;
      const port = tuple[portKey];
      if (port >= low && port <= high && (low === high || !conntrack.isTaken(tuple, connection))) return tuple;
    } else if (!range.ports && !conntrack.isTaken(tuple, connection)) {
      return tuple;
    }
  }
  const [low, size] = portRange(tuple, range, side);
  if (size === 0) return tuple;
  let offset = range.basePort !== undefined ? tuple[portKey] - range.basePort : side === 'source' || range.randomPorts ? random16() : 0;
  for (let attempts = Math.min(size, ATTEMPTS); ; attempts >>= 1) {
    for (let attempt = 0; attempt < attempts; attempt++) {
      tuple = { ...tuple, [portKey]: low + (((offset + attempt) & 0xffff) % size) };
      const isTaken = attempts - attempt > HARDER || tuple.protocol !== PROTOCOL_NUMBER.TCP ? conntrack.isTaken(tuple, connection) : conntrack.isStillTaken(tuple, connection);
      if (!isTaken) return tuple;
    }
    if (attempts >= size || attempts < FEW_ATTEMPTS) return tuple;
    // Somewhere else, and not for so long.
    offset = random16();
  }
}

function withAddress(tuple: Tuple, range: NatRange, side: NatSide): Tuple {
  if (!range.addresses) return tuple;
  const [low, high] = range.addresses;
  const address = low === high ? low : (chosenAddress(tuple, range, low, high) as Ipv4);
  return side === 'source' ? { ...tuple, source: address } : { ...tuple, destination: address };
}

/** find_best_ips_proto: of several addresses one by a hash of the source and, without `--persistent`, the destination. */
function chosenAddress(tuple: Tuple, range: NatRange, low: number, high: number): number {
  const hash = jhash2([networkOrder(tuple.source), 0, 0, 0], range.persistent ? 0 : networkOrder(tuple.destination));
  // reciprocal_scale
  return low + Math.floor((hash * (high - low + 1)) / 0x100000000);
}

/** First port and number of ports to choose from; none where a destination's port may not change (nf_nat_l4proto_unique_tuple). */
function portRange(tuple: Tuple, range: NatRange, side: NatSide): readonly [number, number] {
  if (range.ports) return [range.ports[0], range.ports[1] - range.ports[0] + 1];
  if (tuple.protocol === PROTOCOL_NUMBER.ICMP) return [0, 65536];
  if (side === 'destination') return [0, 0];
  if (tuple.sourcePort < 512) return [1, 511];
  if (tuple.sourcePort < 1024) return [600, 424];
  return [1024, 64512];
}

function isTranslated(connection: Connection, side: NatSide, direction: Direction): boolean {
  const original = direction === 0 ? side : side === 'source' ? 'destination' : 'source';
  return original === 'source' ? connection.sourceNat : connection.destinationNat;
}

const otherDirection = (direction: Direction): Direction => (direction === 0 ? 1 : 0);

/** nf_nat_packet: writes the connection's mapping into the packet. Returns whether it changed anything. */
export function translate(skb: Skb, connection: Connection, side: NatSide): boolean {
  if (!isTranslated(connection, side, skb.direction)) return false;
  const target = invertTuple(tupleIn(connection, otherDirection(skb.direction)));
  if (!target) return false;
  rewrite(skb, target, side);
  return true;
}

/** nf_nat_icmp_reply_translation: the same for an ICMP error and the packet that it quotes. */
export function translateIcmpError(skb: Skb, connection: Connection, side: NatSide): boolean {
  if (!isTranslated(connection, side, skb.direction)) return false;
  const other = tupleIn(connection, otherDirection(skb.direction));
  const target = invertTuple(other);
  if (skb.inner) rewrite(skb.inner, other, side === 'source' ? 'destination' : 'source');
  if (target) rewrite(skb, target, side);
  return true;
}

function rewrite(skb: Skb, target: Tuple, side: NatSide): void {
  if (side === 'source') {
    skb.source = target.source;
    if (!skb.isIcmp) skb.sourcePort = target.sourcePort;
  } else {
    skb.destination = target.destination;
    if (!skb.isIcmp) skb.destinationPort = target.destinationPort;
  }
  // Only queries carry an identifier to change.
  if (skb.isIcmp && !skb.isIcmpError) skb.icmpId = target.sourcePort;
}
