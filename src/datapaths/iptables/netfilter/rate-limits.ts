import { tupleKey, tupleOf, type Tuple } from './connection.ts';
import type { Conntrack } from './conntrack.ts';
import type { Match } from './rule.ts';
import type { Skb } from './skb.ts';
import { DEFAULT_ZONE, type Zone } from './zone.ts';

interface Bucket {
  /** Milliseconds' worth of packets. */
  credit: number;
  last: number;
  /** Of a byte rate: how often the credit may be filled up at once. */
  bursts: number;
}

/** A connection as connlimit keeps it: it is looked for each time. */
interface Counted {
  readonly own: string;
  readonly tuple: Tuple;
  readonly zone: Zone;
}

/** Those of one address. `checked`: when they were looked through, which is done once a moment: what comes by twice in it counts twice. */
interface CountedList {
  readonly connections: Counted[];
  checked: number;
}

/** TCP states in which a connection no longer counts (already_closed, net/netfilter/nf_conncount.c). */
const TIME_WAIT = 7;
const CLOSE = 8;

/** What limit, hashlimit, quota and connlimit remember, by the rule's own match or by the table's name. */
export class RateLimits {
  readonly #buckets = new Map<Match, Bucket>();
  readonly #hashed = new Map<string, Map<string, Bucket>>();
  readonly #quotas = new Map<Match, number>();
  /** By the address that is told. */
  readonly #unreachable = new Map<number, Bucket>();
  readonly #counted = new Map<Match, Map<number, CountedList>>();

  clear(): void {
    this.#buckets.clear();
    this.#hashed.clear();
    this.#quotas.clear();
    this.#unreachable.clear();
    this.#counted.clear();
  }

  /** limit_mt (net/netfilter/xt_limit.c). */
  limit(match: Match & { kind: 'limit' }, now: number): boolean {
    let bucket = this.#buckets.get(match);
    if (!bucket) {
      bucket = { credit: match.interval * match.burst, last: now, bursts: 0 };
      this.#buckets.set(match, bucket);
    }
    return spend(bucket, now, match.interval, match.burst);
  }

  /** hashlimit_mt (net/netfilter/xt_hashlimit.c). */
  hashlimit(match: Match & { kind: 'hashlimit' }, skb: Skb, now: number): boolean {
    let table = this.#hashed.get(match.name);
    if (!table) {
      table = new Map();
      this.#hashed.set(match.name, table);
    }
    const key = match.by.map((field) => hashField(field, match, skb)).join(' ');
    let bucket = table.get(key);
    if (!bucket || now - bucket.last > match.expire) {
      bucket = match.bytes === null ? { credit: match.interval * match.burst, last: now, bursts: 0 } : { credit: SECOND, last: now, bursts: match.burst };
      table.set(key, bucket);
    }
    if (match.bytes !== null) return spendBytes(bucket, now, skb.length, match.bytes) !== match.above;
    return spend(bucket, now, match.interval, match.burst) !== match.above;
  }

  /** Whether a host is told that there is no route: five times at once, and then once a second (ip_error, net/ipv4/route.c). */
  unreachable(host: number, now: number): boolean {
    let bucket = this.#unreachable.get(host);
    if (!bucket) {
      bucket = { credit: SECOND * 5, last: now, bursts: 0 };
      this.#unreachable.set(host, bucket);
    }
    return spend(bucket, now, SECOND, 5);
  }

  /** quota_mt (net/netfilter/xt_quota.c): what is left is spent, and once a packet does not fit nothing is left. */
  quota(match: Match & { kind: 'quota' }, bytes: number): boolean {
    const left = this.#quotas.get(match) ?? match.bytes;
    const fits = left >= bytes;
    this.#quotas.set(match, fits ? left - bytes : 0);
    return fits !== match.negated;
  }

  /** connlimit_mt (net/netfilter/xt_connlimit.c): connections of the same address that are still open, this one included. */
  connlimit(match: Match & { kind: 'connlimit' }, skb: Skb, conntrack: Conntrack): boolean {
    const tuple = skb.connection?.original ?? tupleOf(skb);
    // The packet's own address, which an answer has the other way round.
    const key = ((match.side === 'source' ? skb.source : skb.destination) & match.mask) >>> 0;
    let byAddress = this.#counted.get(match);
    if (!byAddress) {
      byAddress = new Map();
      this.#counted.set(match, byAddress);
    }
    const { now } = conntrack;
    const connection: Counted = { own: tupleKey(tuple), tuple, zone: skb.connection?.zone ?? DEFAULT_ZONE };
    const list = byAddress.get(key);
    if (!list) byAddress.set(key, { connections: [connection], checked: now });
    else if (list.checked === now || !isThere(list, connection.own, conntrack)) list.connections.push(connection);
    return (list?.connections.length ?? 1) > match.limit === match.above;
  }
}

/** __nf_conncount_add: forgets what is over, up to the connection itself. Returns whether it is there. */
function isThere(list: CountedList, own: string, conntrack: Conntrack): boolean {
  for (let at = 0; at < list.connections.length; ) {
    const counted = list.connections[at];
    const found = counted && conntrack.find(counted.tuple, counted.zone);
    if (found && counted.own === own) return true;
    const state = found?.connection.tcp?.state;
    if (!found || state === TIME_WAIT || state === CLOSE) list.connections.splice(at, 1);
    else at += 1;
  }
  list.checked = conntrack.now;
  return false;
}

const SECOND = 1000;
/** Bytes are counted in sixteens, one begun always (XT_HASHLIMIT_BYTE_SHIFT). */
const CHUNK_BITS = 4;

/** hashlimit_byte_cost: a second's credit at most, and a burst fills it up again. */
function spendBytes(bucket: Bucket, now: number, length: number, bytes: number): boolean {
  bucket.credit = Math.min(SECOND, bucket.credit + now - bucket.last);
  bucket.last = now;
  const cost = Math.min(SECOND, (((length >> CHUNK_BITS) + 1) * SECOND) / ((bytes >> CHUNK_BITS) + 1));
  if (bucket.credit < cost && bucket.bursts > 0) {
    bucket.bursts -= 1;
    bucket.credit = SECOND;
  }
  if (bucket.credit < cost) return false;
  bucket.credit -= cost;
  return true;
}

function spend(bucket: Bucket, now: number, interval: number, burst: number): boolean {
  bucket.credit = Math.min(interval * burst, bucket.credit + now - bucket.last);
  bucket.last = now;
  if (bucket.credit < interval) return false;
  bucket.credit -= interval;
  return true;
}

function hashField(field: (Match & { kind: 'hashlimit' })['by'][number], match: Match & { kind: 'hashlimit' }, skb: Skb): number {
  switch (field) {
    case 'srcip':
      return (skb.source & match.sourceMask) >>> 0;
    case 'dstip':
      return (skb.destination & match.destinationMask) >>> 0;
    case 'srcport':
      return skb.sourcePort;
    case 'dstport':
      return skb.destinationPort;
  }
}
