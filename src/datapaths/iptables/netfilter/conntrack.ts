import { PROTOCOL_NUMBER } from '../../../packet/protocol.ts';
import { invertTuple, tupleIn, tupleKey, tupleOf, type Connection, type Direction, type Tuple } from './connection.ts';
import { newSctpTracking, trackSctp } from './sctp-tracking.ts';
import type { Skb } from './skb.ts';
import { closeTcp, hasValidFlags, newTcpTracking, trackTcp } from './tcp-tracking.ts';

/** ICMP queries that may begin a connection (nf_conntrack_icmp_packet). */
const ICMP_QUERIES = new Set([8, 13, 15, 17]);
const ICMP_SECONDS = 30;
const UDP_SECONDS = 30;
const UDP_STREAM_SECONDS = 120;
/** A UDP flow counts as a stream once it is older than this. */
const UDP_STREAM_AFTER_MS = 2000;

/** net/netfilter/nf_conntrack_core.c: the table of connections, with expiry on the simulated clock. */
export class Conntrack {
  readonly #table = new Map<string, { readonly connection: Connection; readonly direction: Direction }>();
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

  find(tuple: Tuple): { readonly connection: Connection; readonly direction: Direction } | null {
    const found = this.#table.get(tupleKey(tuple));
    if (!found) return null;
    if (found.connection.expires > this.now) return found;
    this.remove(found.connection);
    return null;
  }

  /** Whether another connection owns the reply to `tuple` (nf_nat_used_tuple). */
  isTaken(tuple: Tuple, by: Connection): boolean {
    const reply = invertTuple(tuple);
    if (!reply) return false;
    const found = this.find(reply);
    return found !== null && found.connection !== by;
  }

  /** Whether the connection stands in the table and has not expired. */
  holds(connection: Connection): boolean {
    return connection.expires > this.now && this.#table.get(tupleKey(connection.original))?.connection === connection;
  }

  fromSource(tuple: Tuple): readonly Connection[] {
    const found = this.#bySource.get(sourceKey(tuple)) ?? [];
    return found.filter((connection) => connection.expires > this.now);
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
    const found = this.find(tuple);
    const connection = found?.connection ?? this.#begin(skb, tuple);
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

  #begin(skb: Skb, tuple: Tuple): Connection | null {
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
    const found = this.find(inverse);
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
    const original = tupleKey(connection.original);
    const reply = tupleKey(connection.reply);
    if (this.find(connection.original) || this.find(connection.reply)) return false;
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
    for (const tuple of [connection.original, connection.reply]) {
      const key = tupleKey(tuple);
      if (this.#table.get(key)?.connection === connection) this.#table.delete(key);
    }
    const source = sourceKey(connection.original);
    const others = this.#bySource.get(source)?.filter((other) => other !== connection) ?? [];
    if (others.length > 0) this.#bySource.set(source, others);
    else this.#bySource.delete(source);
  }
}

function sourceKey({ protocol, source, sourcePort }: Tuple): string {
  return `${protocol} ${source} ${sourcePort}`;
}
