import { PROTOCOL_NUMBER } from '../../../packet/protocol.ts';
import { invertTuple, tupleIn, tupleKey, tupleOf, type Connection, type Direction, type Tuple } from './connection.ts';
import { newSctpTracking, trackSctp } from './sctp-tracking.ts';
import type { Skb } from './skb.ts';
import { after } from './tcp-states.ts';
import { closeTcp, hasValidFlags, isClosed, newTcpTracking, trackTcp } from './tcp-tracking.ts';
import { DEFAULT_ZONE, zoneId, zoneOf, type Zone } from './zone.ts';

/** ICMP queries that may begin a connection (nf_conntrack_icmp_packet). */
const ICMP_QUERIES = new Set([8, 13, 15, 17]);
const ICMP_SECONDS = 30;
const UDP_SECONDS = 30;
const UDP_STREAM_SECONDS = 120;
/** A UDP flow counts as a stream once it is older than this. */
const UDP_STREAM_AFTER_MS = 2000;

interface Found {
  readonly connection: Connection;
  readonly direction: Direction;
}

/** net/netfilter/nf_conntrack_core.c: the table of connections, with expiry on the simulated clock. */
export class Conntrack {
  readonly #table = new Map<string, Found>();
  /** Confirmed connections by their original source, for NAT to keep a source's mapping. */
  readonly #bySource = new Map<string, Connection[]>();
  now = 0;
  lookups = 0;
  inserts = 0;

  get size(): number {
    return this.#table.size / 2;
  }

  *connections(): Iterable<Connection> {
    for (const { connection, direction } of this.#table.values()) {
      if (direction === 0 && connection.expires > this.now) yield connection;
    }
  }

  clear(): void {
    this.#table.clear();
    this.#bySource.clear();
  }

  /** `hashed`: in which direction's zone it is looked for. */
  find(tuple: Tuple, zone: Zone = DEFAULT_ZONE, hashed: Direction = 0): Found | null {
    const found = this.#table.get(keyIn(tuple, zoneId(zone, hashed)));
    if (!found || zoneId(found.connection.zone, found.direction) !== zoneId(zone, found.direction)) return null;
    if (found.connection.expires > this.now) return found;
    this.remove(found.connection);
    return null;
  }

  /** The same in either direction's zone (resolve_normal_ct). */
  #lookUp(tuple: Tuple, zone: Zone): Found | null {
    return this.find(tuple, zone) ?? (zoneId(zone, 0) === zoneId(zone, 1) ? null : this.find(tuple, zone, 1));
  }

  /** Whether another connection owns the reply to `tuple` (nf_nat_used_tuple). */
  isTaken(tuple: Tuple, by: Connection): boolean {
    const reply = invertTuple(tuple);
    if (!reply) return false;
    const found = this.find(reply, by.zone, 1);
    return found !== null && found.connection !== by;
  }

  /**
   * The same where few ports are left: a TCP connection that is over makes room for one whose numbers are beyond its own
   * (nf_nat_used_tuple_harder).
   */
  isStillTaken(tuple: Tuple, by: Connection): boolean {
    const reply = invertTuple(tuple);
    const found = reply && this.find(reply, by.zone, 1);
    if (!found || found.connection === by) return false;
    const { connection, direction } = found;
    const isOver = direction === 1 && connection.sourceNat && connection.tcp !== null && by.tcp !== null && isClosed(connection.tcp) && after(by.tcp.seen[0].end, connection.tcp.seen[0].end);
    if (isOver) this.remove(connection);
    return !isOver;
  }

  fromSource(tuple: Tuple, zone: Zone): readonly Connection[] {
    const found = this.#bySource.get(sourceKey(tuple)) ?? [];
    return found.filter((connection) => connection.expires > this.now && zoneId(connection.zone, 0) === zoneId(zone, 0));
  }

  /** nf_conntrack_in: gives the packet its connection, or finds that it has none. */
  track(skb: Skb): void {
    // Back from lo, untracked, or attached by REJECT.
    if (skb.connection !== null || skb.info === 'untracked') return;
    if (skb.isIcmpError) {
      this.#trackIcmpError(skb);
      return;
    }
    // Twice at most: a connection that is reopened is looked up again.
    for (let attempt = 0; attempt < 2; attempt++) {
      if (!this.#trackOnce(skb)) return;
    }
  }

  /** Returns whether the packet must be looked up again. */
  #trackOnce(skb: Skb): boolean {
    skb.info = 'invalid';
    skb.connection = null;
    if (skb.protocol === PROTOCOL_NUMBER.TCP && !hasValidFlags(skb)) return false;
    const tuple = tupleOf(skb);
    this.lookups += 1;
    const zone = zoneOf(skb.template, skb.mark);
    const found = this.#lookUp(tuple, zone);
    const connection = found?.connection ?? this.#begin(skb, tuple, zone);
    if (!connection) return false;
    const direction = found?.direction ?? 0;
    const verdict = this.#advance(connection, skb, direction);
    if (verdict === 'invalid') return false;
    if (verdict === 'repeat') {
      this.remove(connection);
      return true;
    }
    skb.connection = connection;
    skb.direction = direction;
    skb.info = direction === 1 || connection.seenReply ? 'established' : 'new';
    if (direction === 1) connection.seenReply = true;
    return false;
  }

  #begin(skb: Skb, tuple: Tuple, zone: Zone): Connection | null {
    const reply = invertTuple(tuple);
    if (!reply) return null;
    const tcp = skb.protocol === PROTOCOL_NUMBER.TCP ? newTcpTracking(skb) : null;
    const sctp = skb.protocol === PROTOCOL_NUMBER.SCTP ? newSctpTracking(skb) : null;
    if (skb.protocol === PROTOCOL_NUMBER.TCP && !tcp) return null;
    if (skb.protocol === PROTOCOL_NUMBER.SCTP && !sctp) return null;
    if (skb.isIcmp && !ICMP_QUERIES.has(skb.icmpType)) return null;
    return {
      original: tuple,
      reply,
      zone,
      confirmed: false,
      seenReply: false,
      assured: false,
      sourceNat: false,
      destinationNat: false,
      sourceNatDone: false,
      destinationNatDone: false,
      mark: 0,
      expires: Infinity,
      createdAt: this.now,
      tcp,
      sctp,
    };
  }

  #advance(connection: Connection, skb: Skb, direction: Direction): 'accept' | 'invalid' | 'repeat' {
    if (connection.tcp) {
      const { seenReply, assured, expires } = connection;
      const verdict = trackTcp(connection.tcp, skb, direction, { seenReply, assured, left: (expires - this.now) / 1000 });
      if (verdict.kind === 'repeat') return verdict.kind;
      if (verdict.kind === 'kill') this.remove(connection);
      if (verdict.kind === 'accept' && verdict.assured) connection.assured = true;
      if ((verdict.kind === 'accept' || verdict.kind === 'invalid') && verdict.seconds !== null) this.#refresh(connection, verdict.seconds);
      return verdict.kind === 'invalid' ? 'invalid' : 'accept';
    }
    if (connection.sctp) {
      const verdict = trackSctp(connection.sctp, skb, direction, connection.confirmed);
      if (verdict.kind === 'invalid') return 'invalid';
      if (verdict.assured) connection.assured = true;
      if (verdict.seconds !== null) this.#refresh(connection, verdict.seconds);
      return 'accept';
    }
    if (connection.original.protocol === PROTOCOL_NUMBER.UDP) {
      const stream = connection.seenReply && this.now > connection.createdAt + UDP_STREAM_AFTER_MS;
      if (stream) connection.assured = true;
      this.#refresh(connection, stream ? UDP_STREAM_SECONDS : UDP_SECONDS);
      return 'accept';
    }
    this.#refresh(connection, ICMP_SECONDS);
    return 'accept';
  }

  #refresh(connection: Connection, seconds: number): void {
    connection.expires = this.now + seconds * 1000;
  }

  /** REJECT's RST: the connection, if it is in the table, closes. */
  close(connection: Connection): void {
    if (!connection.tcp || !connection.confirmed) return;
    const seconds = closeTcp(connection.tcp);
    if (seconds !== null) this.#refresh(connection, seconds);
  }

  /** nf_conntrack_inet_error: an ICMP error belongs to the connection of the packet that it quotes. */
  #trackIcmpError(skb: Skb): void {
    skb.info = 'invalid';
    if (!skb.inner) return;
    const inverse = invertTuple(tupleOf(skb.inner));
    if (!inverse) return;
    this.lookups += 1;
    const found = this.find(inverse, zoneOf(skb.template, skb.mark));
    if (!found) return;
    if (tupleIn(found.connection, found.direction).destination !== skb.destination) return;
    skb.connection = found.connection;
    skb.direction = found.direction;
    skb.info = 'related';
  }

  /** nf_conntrack_confirm: the connection's first packet got through. False: a clash, the packet is dropped. */
  confirm(skb: Skb): boolean {
    const connection = skb.connection;
    if (!connection || connection.confirmed || skb.direction === 1) return true;
    const { zone } = connection;
    const original = keyIn(connection.original, zoneId(zone, 0));
    const reply = keyIn(connection.reply, zoneId(zone, 1));
    if (this.find(connection.original, zone) || this.find(connection.reply, zone, 1)) return false;
    // Killed by its own packet before it was ever confirmed.
    this.#table.set(original, { connection, direction: 0 });
    this.#table.set(reply, { connection, direction: 1 });
    const source = sourceKey(connection.original);
    const others = this.#bySource.get(source);
    if (others) others.push(connection);
    else this.#bySource.set(source, [connection]);
    connection.confirmed = true;
    this.inserts += 1;
    return true;
  }

  remove(connection: Connection): void {
    for (const direction of [0, 1] as const) {
      const key = keyIn(tupleIn(connection, direction), zoneId(connection.zone, direction));
      if (this.#table.get(key)?.connection === connection) this.#table.delete(key);
    }
    const source = sourceKey(connection.original);
    const others = this.#bySource.get(source)?.filter((other) => other !== connection) ?? [];
    if (others.length > 0) this.#bySource.set(source, others);
    else this.#bySource.delete(source);
  }
}

function keyIn(tuple: Tuple, zone: number): string {
  return zone === 0 ? tupleKey(tuple) : `${tupleKey(tuple)} in ${zone}`;
}

function sourceKey({ protocol, source, sourcePort }: Tuple): string {
  return `${protocol} ${source} ${sourcePort}`;
}
