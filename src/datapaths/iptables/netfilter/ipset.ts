import { inPrefix, parseIpv4, parsePrefix, type Ipv4, type Ipv4Prefix } from '../../../packet/address.ts';
import { PROTOCOL_NUMBER } from '../../../packet/protocol.ts';
import type { Skb } from './skb.ts';
import { RestoreError } from './restore-error.ts';

export type SetSide = 'src' | 'dst';

/** A set of addresses (and ports) as `ipset` makes them. */
export interface IpSet {
  readonly name: string;
  readonly type: string;
  matches(skb: Skb, sides: readonly SetSide[]): boolean;
}

const addressOf = (skb: Skb, side: SetSide | undefined): Ipv4 => (side === 'src' ? skb.source : skb.destination);
const portOf = (skb: Skb, side: SetSide | undefined): number => (side === 'src' ? skb.sourcePort : skb.destinationPort);

class AddressSet implements IpSet {
  readonly type = 'hash:ip';
  readonly members = new Set<number>();
  constructor(readonly name: string) {}
  matches(skb: Skb, sides: readonly SetSide[]): boolean {
    return this.members.has(addressOf(skb, sides[0]));
  }
}

class NetSet implements IpSet {
  readonly type = 'hash:net';
  readonly members: { readonly prefix: Ipv4Prefix; readonly nomatch: boolean }[] = [];
  constructor(readonly name: string) {}
  matches(skb: Skb, sides: readonly SetSide[]): boolean {
    const address = addressOf(skb, sides[0]);
    let best: { readonly prefix: Ipv4Prefix; readonly nomatch: boolean } | null = null;
    for (const member of this.members) {
      if (inPrefix(address, member.prefix) && (!best || member.prefix.length > best.prefix.length)) best = member;
    }
    return best !== null && !best.nomatch;
  }
}

class AddressPortSet implements IpSet {
  readonly type = 'hash:ip,port';
  readonly members = new Set<string>();
  constructor(readonly name: string) {}
  matches(skb: Skb, sides: readonly SetSide[]): boolean {
    return !skb.isIcmp && this.members.has(`${addressOf(skb, sides[0])} ${skb.protocol} ${portOf(skb, sides[1])}`);
  }
}

/** Reads what `ipset restore` takes: `create` and `add` lines of hash:ip, hash:net and hash:ip,port. Throws `RestoreError`. */
export function parseIpSets(text: string): Map<string, IpSet> {
  const sets = new Map<string, IpSet>();
  text.split('\n').forEach((line, index) => {
    const [command, name, third, ...options] = line.trim().split(/\s+/);
    if (!command || command.startsWith('#')) return;
    const fail = (reason: string): never => {
      throw new RestoreError(reason, index + 1);
    };
    if (!name || third === undefined) return fail(`“${line}” is not a whole ipset command.`);
    if (command === 'create') {
      if (third === 'hash:ip') sets.set(name, new AddressSet(name));
      else if (third === 'hash:net') sets.set(name, new NetSet(name));
      else if (third === 'hash:ip,port') sets.set(name, new AddressPortSet(name));
      else fail(`The set type ${third} is not known here.`);
    } else if (command === 'add') {
      addMember(sets.get(name) ?? fail(`There is no set ${name}.`), third, options, fail);
    } else {
      fail(`The ipset command ${command} is not known here.`);
    }
  });
  return sets;
}

function addMember(set: IpSet, member: string, options: readonly string[], fail: (reason: string) => never): void {
  if (set instanceof AddressSet) {
    set.members.add(parseIpv4(member) ?? fail(`${member} is no IPv4 address.`));
  } else if (set instanceof NetSet) {
    set.members.push({ prefix: parsePrefix(member) ?? fail(`${member} is no IPv4 network.`), nomatch: options.includes('nomatch') });
  } else if (set instanceof AddressPortSet) {
    const match = /^([^,]+),(?:(tcp|udp|sctp):)?(\d+)$/.exec(member);
    const address = parseIpv4(match?.[1] ?? '');
    if (!match || address === undefined) return fail(`${member} is no address,protocol:port.`);
    const protocol = PROTOCOL_NUMBER[(match[2] ?? 'tcp').toUpperCase() as 'TCP' | 'UDP' | 'SCTP'];
    set.members.add(`${address} ${protocol} ${Number(match[3])}`);
  }
}
