import { maskOf } from '../../../packet/address.ts';
import { PROTOCOL_NUMBER } from '../../../packet/protocol.ts';
import type { Skb } from './skb.ts';

export type SetSide = 'src' | 'dst';

/** A set of addresses, networks and ports as `ipset` makes them (net/netfilter/ipset). `now`: simulated time, ms. */
export interface IpSet {
  readonly name: string;
  readonly type: string;
  /** `wantsNomatch` (`--return-nomatch`): what is marked so is in, and what else is found is not. */
  matches(skb: Skb, sides: readonly SetSide[], now: number, wantsNomatch?: boolean): boolean;
  /** What the SET target does. Returns whether it did it. */
  add(skb: Skb, sides: readonly SetSide[], now: number, how: Addition): boolean;
  remove(skb: Skb, sides: readonly SetSide[], now: number): boolean;
  /** Its members are again those that it was read with. */
  reset(): void;
}

/** `seconds`: how long the member stays; null: as long as the set says. `exist`: one that is there already begins anew. */
export interface Addition {
  readonly seconds: number | null;
  readonly exist: boolean;
}

export type Part = 'ip' | 'net' | 'port' | 'mark' | 'iface';

export interface SetOptions {
  /** `netmask`: addresses are kept without the bits behind it. */
  readonly netmask: number;
  /** `markmask`. */
  readonly markmask: number;
  /** `timeout`: seconds that a member stays; null: the set forgets none. 0: those that say nothing stay. */
  readonly timeout: number | null;
  /** `range` of a bitmap: what lies outside it is never in. */
  readonly range: readonly [number, number] | null;
  /** `family inet6`: nothing of IPv4 is in it. */
  readonly ipv6: boolean;
  /** Members that it takes. */
  readonly maxelem: number;
}

export const NO_OPTIONS: SetOptions = { netmask: 32, markmask: 0xffffffff, timeout: null, range: null, ipv6: false, maxelem: 65_536 };

interface Member {
  readonly nomatch: boolean;
  /** Simulated time, ms; Infinity: it stays. */
  readonly until: number;
}

/** A member's parts as a key; those that are networks each with its length. */
type Values = readonly string[];

/**
 * A set of keys. Where it holds networks, every combination of their lengths is tried, the longest first and the first
 * network's before the second's, until one is found (mtype_test_cidrs).
 */
export class HashSet implements IpSet {
  members = new Map<string, Member>();
  /** By network part: how many members have a length. */
  #lengths: Map<number, number>[];
  /** Before the first packet changed them; null: none has. */
  #first: ReadonlyMap<string, Member> | null = null;

  constructor(
    readonly name: string,
    readonly type: string,
    readonly parts: readonly Part[],
    readonly options: SetOptions = NO_OPTIONS,
  ) {
    this.#lengths = this.parts.map(() => new Map<number, number>());
  }

  matches(skb: Skb, sides: readonly SetSide[], now: number, wantsNomatch = false): boolean {
    if (this.options.ipv6 || sides.length < this.parts.length) return false;
    const found = this.#find(skb, sides, now, 0, []);
    return found !== null && found.nomatch === wantsNomatch;
  }

  /** The member that the packet is in. */
  #find(skb: Skb, sides: readonly SetSide[], now: number, index: number, values: readonly string[]): Member | null {
    const part = this.parts[index];
    if (part === undefined) {
      const member = this.members.get(values.join('|'));
      return member !== undefined && member.until >= now ? member : null;
    }
    for (const value of this.#candidates(part, index, skb, sides[index])) {
      const found = this.#find(skb, sides, now, index + 1, [...values, value]);
      if (found) return found;
    }
    return null;
  }

  *#candidates(part: Part, index: number, skb: Skb, side: SetSide | undefined): Iterable<string> {
    if (part !== 'net') {
      const value = this.#value(part, skb, side);
      if (value !== null) yield value;
      return;
    }
    const address = addressOf(skb, side);
    for (const length of [...(this.#lengths[index]?.keys() ?? [])].sort((a, b) => b - a)) yield networkKey(address, length);
  }

  /** What a packet has for a part that is no network; null: nothing that this set knows. */
  #value(part: Part, skb: Skb, side: SetSide | undefined): string | null {
    switch (part) {
      case 'port':
        // bitmap:port knows the ports of TCP and UDP alone; an ICMP message's port is its type and code.
        if (this.type === 'bitmap:port') return skb.protocol === PROTOCOL_NUMBER.TCP || skb.protocol === PROTOCOL_NUMBER.UDP ? this.#inRange(portOf(skb, side)) : null;
        return portKey(skb.protocol, skb.isIcmp ? (skb.icmpType << 8) | skb.icmpCode : portOf(skb, side));
      case 'mark':
        return String((skb.mark & this.options.markmask) >>> 0);
      case 'iface':
        return side === 'src' ? skb.inInterface : skb.outInterface;
      default:
        return this.#inRange(maskedBy(addressOf(skb, side), this.options.netmask));
    }
  }

  #inRange(value: number): string | null {
    const { range } = this.options;
    return range && (value < range[0] || value > range[1]) ? null : String(value);
  }

  insert(values: Values, nomatch: boolean, until: number): void {
    const key = values.join('|');
    if (!this.members.has(key)) this.#countLengths(key, 1);
    this.members.set(key, { nomatch, until });
  }

  delete(values: Values): boolean {
    return this.#drop(values.join('|'));
  }

  #drop(key: string): boolean {
    if (!this.members.delete(key)) return false;
    this.#countLengths(key, -1);
    return true;
  }

  /** Forgets all members. */
  clear(): void {
    this.members.clear();
    this.#lengths = this.parts.map(() => new Map<number, number>());
  }

  #countLengths(key: string, by: 1 | -1): void {
    const values = key.split('|');
    this.parts.forEach((part, index) => {
      const lengths = this.#lengths[index];
      if (part !== 'net' || !lengths) return;
      const length = Number(values[index]?.split('/')[1] ?? 32);
      const count = (lengths.get(length) ?? 0) + by;
      if (count > 0) lengths.set(length, count);
      else lengths.delete(length);
    });
  }

  reset(): void {
    if (!this.#first) return;
    const first = this.#first;
    this.clear();
    for (const [key, { nomatch, until }] of first) this.insert(key.split('|'), nomatch, until);
    this.#first = null;
  }

  add(skb: Skb, sides: readonly SetSide[], now: number, { seconds, exist }: Addition): boolean {
    const values = this.#ownValues(skb, sides);
    if (values === null) return false;
    this.#first ??= new Map(this.members);
    const known = this.members.get(values.join('|'));
    const isThere = known !== undefined && known.until >= now;
    if (isThere ? !exist : this.#isFull(now)) return false;
    this.insert(values, false, this.until(now, seconds));
    return true;
  }

  #isFull(now: number): boolean {
    const { maxelem } = this.options;
    if (this.members.size < maxelem) return false;
    for (const [key, { until }] of this.members) if (until < now) this.#drop(key);
    return this.members.size >= maxelem;
  }

  remove(skb: Skb, sides: readonly SetSide[], now: number): boolean {
    const values = this.#ownValues(skb, sides);
    if (values === null) return false;
    this.#first ??= new Map(this.members);
    const known = this.members.get(values.join('|'));
    return this.delete(values) && known !== undefined && known.until >= now;
  }

  /** When a member that comes now goes. */
  until(now: number, seconds: number | null): number {
    const { timeout } = this.options;
    const stays = timeout === null ? 0 : (seconds ?? timeout);
    return stays === 0 ? Infinity : now + stays * 1000;
  }

  /** A packet as a member: its networks are as long as the longest that the set holds. */
  #ownValues(skb: Skb, sides: readonly SetSide[]): Values | null {
    if (this.options.ipv6 || sides.length < this.parts.length) return null;
    const values: string[] = [];
    for (const [index, part] of this.parts.entries()) {
      const longest = Math.max(...(this.#lengths[index]?.keys() ?? []));
      const value = part === 'net' ? networkKey(addressOf(skb, sides[index]), longest >= 0 ? longest : 32) : this.#value(part, skb, sides[index]);
      if (value === null) return null;
      values.push(value);
    }
    return values;
  }
}

const addressOf = (skb: Skb, side: SetSide | undefined): number => (side === 'src' ? skb.source : skb.destination);
const portOf = (skb: Skb, side: SetSide | undefined): number => (side === 'src' ? skb.sourcePort : skb.destinationPort);
export const maskedBy = (address: number, length: number): number => (address & maskOf(length)) >>> 0;
export const networkKey = (address: number, length: number): string => `${maskedBy(address, length)}/${length}`;
export const portKey = (protocol: number, port: number): string => `${protocol} ${port}`;

/** list:set asks its sets one after the other. */
export class SetList implements IpSet {
  readonly type = 'list:set';
  readonly sets: IpSet[] = [];
  constructor(readonly name: string) {}
  matches(skb: Skb, sides: readonly SetSide[], now: number, wantsNomatch = false): boolean {
    return this.sets.some((set) => set.matches(skb, sides, now, wantsNomatch));
  }
  add(skb: Skb, sides: readonly SetSide[], now: number, how: Addition): boolean {
    return this.sets.some((set) => set.add(skb, sides, now, how));
  }
  remove(skb: Skb, sides: readonly SetSide[], now: number): boolean {
    return this.sets.some((set) => set.remove(skb, sides, now));
  }
  reset(): void {
    for (const set of this.sets) set.reset();
  }
}

/** A set of which only the name is known: it has no members. */
export function emptySet(name: string): IpSet {
  return new HashSet(name, 'hash:ip', ['ip']);
}
