import { formatIpv4, inPrefix, parseIpv4, parsePrefix, type Ipv4, type Ipv4Prefix } from '../../../packet/address.ts';
import { PROTOCOL_NUMBER } from '../../../packet/protocol.ts';
import type { Skb } from './skb.ts';
import { RestoreError } from './restore-error.ts';

export type SetSide = 'src' | 'dst';

/** A set of addresses, networks and ports as `ipset` makes them. */
export interface IpSet {
  readonly name: string;
  readonly type: string;
  matches(skb: Skb, sides: readonly SetSide[]): boolean;
  /** What the SET target does. */
  add(skb: Skb, sides: readonly SetSide[]): void;
  remove(skb: Skb, sides: readonly SetSide[]): void;
  /** Its members are again those that it was read with. */
  reset(): void;
}

type Part = 'ip' | 'net' | 'port' | 'mark' | 'iface';

/** The parts that set types are made of; `list:set` is a list of others. */
const TYPES: Readonly<Record<string, readonly Part[]>> = {
  'hash:ip': ['ip'],
  'hash:net': ['net'],
  'hash:ip,port': ['ip', 'port'],
  'hash:net,port': ['net', 'port'],
  'hash:net,net': ['net', 'net'],
  'hash:ip,port,ip': ['ip', 'port', 'ip'],
  'hash:ip,port,net': ['ip', 'port', 'net'],
  'hash:net,port,net': ['net', 'port', 'net'],
  'hash:ip,mark': ['ip', 'mark'],
  'hash:net,iface': ['net', 'iface'],
  'bitmap:ip': ['ip'],
  'bitmap:port': ['port'],
};

const addressOf = (skb: Skb, side: SetSide | undefined): Ipv4 => (side === 'src' ? skb.source : skb.destination);
const portOf = (skb: Skb, side: SetSide | undefined): number => (side === 'src' ? skb.sourcePort : skb.destinationPort);

/** A part as it stands in a member's key, without the networks. */
function keyOf(part: Part, skb: Skb, side: SetSide | undefined, type: string): string {
  switch (part) {
    case 'ip':
    case 'net':
      return String(addressOf(skb, side));
    case 'port':
      // bitmap:port knows ports alone; an ICMP message's port is its type and code.
      if (type === 'bitmap:port') return String(portOf(skb, side));
      return skb.isIcmp ? `${skb.protocol} ${(skb.icmpType << 8) | skb.icmpCode}` : `${skb.protocol} ${portOf(skb, side)}`;
    case 'mark':
      return String(skb.mark);
    case 'iface':
      return side === 'src' ? skb.inInterface : skb.outInterface;
  }
}

interface Member {
  /** The networks in it, in order. */
  readonly nets: readonly Ipv4Prefix[];
  readonly nomatch: boolean;
}

/** A set without networks is a set of keys; with networks, the members of each key are tried, the longest prefixes first. */
class HashSet implements IpSet {
  members = new Map<string, Member[]>();
  /** Before the first packet changed them; null: none has. */
  #first: ReadonlyMap<string, readonly Member[]> | null = null;
  constructor(
    readonly name: string,
    readonly type: string,
    readonly parts: readonly Part[],
  ) {}

  #key(skb: Skb, sides: readonly SetSide[]): string | null {
    // ICMP has no ports: hash:ip,port does not look it up unless by type and code, which no member here has.
    return this.parts.map((part, index) => (part === 'net' ? '*' : keyOf(part, skb, sides[index], this.type))).join('|');
  }

  matches(skb: Skb, sides: readonly SetSide[]): boolean {
    const candidates = this.members.get(this.#key(skb, sides) ?? '');
    if (!candidates) return false;
    const addresses = this.parts.flatMap((part, index) => (part === 'net' ? [addressOf(skb, sides[index])] : []));
    let best: Member | null = null;
    for (const member of candidates) {
      if (!member.nets.every((net, index) => inPrefix(addresses[index] ?? (0 as Ipv4), net))) continue;
      if (!best || length(member) > length(best)) best = member;
    }
    return best !== null && !best.nomatch;
  }

  insert(key: string, member: Member): void {
    const members = this.members.get(key);
    if (members) members.push(member);
    else this.members.set(key, [member]);
  }

  reset(): void {
    if (!this.#first) return;
    this.members = copied(this.#first);
    this.#first = null;
  }

  add(skb: Skb, sides: readonly SetSide[]): void {
    const nets = this.parts.flatMap((part, index) => (part === 'net' ? [{ address: addressOf(skb, sides[index]), length: 32 }] : []));
    const key = this.#key(skb, sides) ?? '';
    this.remove(skb, sides);
    this.insert(key, { nets, nomatch: false });
  }

  remove(skb: Skb, sides: readonly SetSide[]): void {
    this.#first ??= copied(this.members);
    const key = this.#key(skb, sides) ?? '';
    const addresses = this.parts.flatMap((part, index) => (part === 'net' ? [addressOf(skb, sides[index])] : []));
    const left = (this.members.get(key) ?? []).filter(({ nets }) => !nets.every((net, index) => net.length === 32 && net.address === addresses[index]));
    if (left.length > 0) this.members.set(key, left);
    else this.members.delete(key);
  }
}

function copied(members: ReadonlyMap<string, readonly Member[]>): Map<string, Member[]> {
  return new Map([...members].map(([key, own]) => [key, [...own]] as const));
}

const length = ({ nets }: Member) => nets.reduce((sum, net) => sum + net.length, 0);

/** list:set asks its sets one after the other. */
class SetList implements IpSet {
  readonly type = 'list:set';
  readonly sets: IpSet[] = [];
  constructor(readonly name: string) {}
  matches(skb: Skb, sides: readonly SetSide[]): boolean {
    return this.sets.some((set) => set.matches(skb, sides));
  }
  add(skb: Skb, sides: readonly SetSide[]): void {
    this.sets[0]?.add(skb, sides);
  }
  remove(skb: Skb, sides: readonly SetSide[]): void {
    for (const set of this.sets) set.remove(skb, sides);
  }
  reset(): void {
    for (const set of this.sets) set.reset();
  }
}

/** A set of which only the name is known: it has no members. */
export function emptySet(name: string): IpSet {
  return new HashSet(name, 'hash:ip', ['ip']);
}

/** Reads what `ipset save` writes and `ipset restore` takes: `create` and `add` lines. Throws `RestoreError`. */
export function parseIpSets(text: string): Map<string, IpSet> {
  const sets = new Map<string, IpSet>();
  text.split('\n').forEach((line, index) => {
    const [command, name, third, ...options] = line.trim().split(/\s+/);
    if (!command || command.startsWith('#') || command === 'COMMIT') return;
    const fail = (reason: string): never => {
      throw new RestoreError(reason, index + 1);
    };
    if (!name || third === undefined) return fail(`“${line}” is not a whole ipset command.`);
    if (command === 'create' || command === '-N') {
      const parts = Object.hasOwn(TYPES, third) ? TYPES[third] : undefined;
      if (third === 'list:set') sets.set(name, new SetList(name));
      else if (parts) sets.set(name, new HashSet(name, third, parts));
      else fail(`The set type ${third} is not known here.`);
    } else if (command === 'add' || command === '-A') {
      const set = sets.get(name) ?? fail(`There is no set ${name}.`);
      if (set instanceof SetList) set.sets.push(sets.get(third) ?? fail(`There is no set ${third}.`));
      else if (set instanceof HashSet) addMember(set, third, options.includes('nomatch'), fail);
    } else {
      fail(`The ipset command ${command} is not known here.`);
    }
  });
  return sets;
}

function addMember(set: HashSet, text: string, nomatch: boolean, fail: (reason: string) => never): void {
  const texts = text.split(',');
  const nets: Ipv4Prefix[] = [];
  let keys = [''];
  set.parts.forEach((part, index) => {
    const own = texts[index] ?? fail(`${text} is no whole member of a ${set.type}.`);
    const parts = part === 'net' ? ['*'] : keysOf(part, own, set.type, fail);
    if (part === 'net') nets.push(parsePrefix(own) ?? fail(`${own} is no IPv4 network.`));
    keys = keys.flatMap((key) => parts.map((value) => (index === 0 ? value : `${key}|${value}`)));
  });
  for (const key of keys) set.insert(key, { nets, nomatch });
}

/** Ranges and networks stand for each of their addresses or ports. */
const LARGEST_RANGE = 65_536;

function keysOf(part: Part, text: string, type: string, fail: (reason: string) => never): string[] {
  if (part === 'iface') return [text];
  if (part === 'mark') return [String(Number(text))];
  if (part === 'port') {
    const match = /^(?:([a-z]+):)?(\d+)(?:-(\d+))?$/.exec(text) ?? fail(`${text} is no protocol:port.`);
    const numbers: Readonly<Record<string, number>> = { tcp: PROTOCOL_NUMBER.TCP, udp: PROTOCOL_NUMBER.UDP, sctp: PROTOCOL_NUMBER.SCTP, udplite: 136 };
    const protocol = numbers[match[1] ?? 'tcp'] ?? fail(`${text}: the protocol ${match[1] ?? ''} is not known here.`);
    const low = Number(match[2]);
    return range(low, Number(match[3] ?? low), fail).map((port) => (type === 'bitmap:port' ? String(port) : `${protocol} ${port}`));
  }
  const [low = '', high] = text.split('-');
  const prefix = parsePrefix(low) ?? fail(`${text} is no IPv4 address.`);
  const last = high === undefined ? prefix.address + 2 ** (32 - prefix.length) - 1 : (parseIpv4(high) ?? fail(`${high} is no IPv4 address.`));
  return range(high === undefined ? prefix.address : (parseIpv4(low) ?? prefix.address), last, fail).map(String);
}

function range(low: number, high: number, fail: (reason: string) => never): number[] {
  if (high < low || high - low >= LARGEST_RANGE) return fail(`A range of ${formatIpv4(low as Ipv4)} to ${formatIpv4(high as Ipv4)} is empty or too large.`);
  return Array.from({ length: high - low + 1 }, (_, index) => low + index);
}
