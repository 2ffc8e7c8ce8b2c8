import type { Dice } from '../dice.ts';
import { CLIENT_PORTS, networkOf, SERVICE_PORTS, type Ends } from './ends.ts';

/** Where a rule stands. */
export interface Place {
  readonly table: string;
  readonly chain: string;
}

const PORTED: ReadonlySet<string> = new Set(['tcp', 'udp', 'sctp']);
const PORTS = [...SERVICE_PORTS, ...CLIENT_PORTS];

/** Random matches, every one that a simulation can honour, by and by. */
export class RandomMatch {
  readonly #dice: Dice;
  readonly #ends: Ends;

  constructor(dice: Dice, ends: Ends) {
    this.#dice = dice;
    this.#ends = ends;
  }

  /** The matches of one rule, their protocol first. `needs`: a protocol that its target asks for. */
  rule(place: Place, needs: string | null): string {
    const dice = this.#dice;
    const protocol = needs ?? dice.pick([null, null, 'tcp', 'tcp', 'udp', 'icmp', 'sctp']);
    const negated = protocol !== null && needs === null && dice.chance(0.1);
    const positive = negated ? null : protocol;
    const own = !/^[A-Z]/.test(place.chain);
    const first: string[] = [];
    if (protocol) first.push(`${negated ? '! ' : ''}-p ${protocol}`);
    if (dice.chance(0.3)) first.push(this.#address('-s'));
    if (dice.chance(0.3)) first.push(this.#address('-d'));
    if ((own || ['PREROUTING', 'INPUT', 'FORWARD'].includes(place.chain)) && dice.chance(0.15)) first.push(`${this.#not()}-i ${this.#interface()}`);
    if ((own || ['OUTPUT', 'POSTROUTING', 'FORWARD'].includes(place.chain)) && dice.chance(0.15)) first.push(`${this.#not()}-o ${this.#interface()}`);
    const more: string[] = [];
    for (let count = dice.pick([0, 0, 0, 1, 1, 2, 3]); count > 0; count--) {
      const match = this.#match(place, positive);
      // iptables takes an option once a rule, though two matches of a kind may have it.
      const module = match?.split(' ')[1];
      if (match && !more.some((other) => other.split(' ')[1] === module)) more.push(match);
    }
    if (positive && dice.chance(0.5)) more.push(this.#ofProtocol(positive));
    return [...first, ...dice.shuffled(more)].join(' ');
  }

  cidr(): string {
    const dice = this.#dice;
    const address = dice.pick(this.#ends.all);
    const kind = dice.between(0, 99);
    if (kind < 45) return address;
    if (kind < 75) return `${networkOf(address)}.0/24`;
    if (kind < 90) return `${networkOf(networkOf(address))}.0.0/16`;
    if (kind < 95) return `${address}/${dice.between(1, 32)}`;
    return dice.pick(['0.0.0.0/0', '127.0.0.0/8', '10.0.0.0/8']);
  }

  /** iptables-nft takes no `! -s 0.0.0.0/0`. */
  #address(option: string): string {
    const cidr = this.cidr();
    return `${cidr === '0.0.0.0/0' ? '' : this.#not()}${option} ${cidr}`;
  }

  #not(probability = 0.2): string {
    return this.#dice.chance(probability) ? '! ' : '';
  }

  #interface(): string {
    const name = this.#dice.pick(Object.values(this.#ends.interfaces));
    return this.#dice.pick([name, name, `${name.slice(0, -1)}+`, `${name.slice(0, 1)}+`, '+']);
  }

  #port(): string {
    const port = this.#dice.pick(PORTS);
    const kind = this.#dice.between(0, 9);
    if (kind < 6) return String(port);
    if (kind < 8) return `${Math.max(0, port - 5)}:${port + 10}`;
    return kind < 9 ? `:${port}` : `${port}:`;
  }

  /** 1 to some of them, with commas. */
  #some(list: readonly string[], counts: readonly number[]): string {
    return this.#dice.sample(list, this.#dice.pick(counts)).join(',');
  }

  #ofProtocol(protocol: string): string {
    const dice = this.#dice;
    if (protocol === 'icmp') return `-m icmp ${this.#not()}--icmp-type ${dice.pick(['8', '0', '3', '3/3', '3/1', '11', 'any', '255', 'echo-request', 'destination-unreachable', '13', '5'])}`;
    const source = dice.chance(0.3) ? ` ${this.#not()}--sport ${this.#port()}` : '';
    // Not both negated: iptables-nft 1.8.9 makes one comparison of them, which says something else.
    const destination = source === '' || dice.chance(0.7) ? ` ${source.includes('!') ? '' : this.#not()}--dport ${this.#port()}` : '';
    const flags = protocol === 'tcp' && dice.chance(0.35) ? ` ${this.#not()}${dice.pick(['--syn', ...['SYN,ACK SYN', 'FIN,SYN,RST,ACK SYN', 'ALL NONE', 'RST RST', 'SYN,RST SYN,RST', 'FIN FIN', 'PSH,ACK PSH', 'ALL FIN,PSH,URG', 'ACK ACK'].map((text) => `--tcp-flags ${text}`)])}` : '';
    return `-m ${protocol}${source}${destination}${flags}`;
  }

  #match({ table, chain }: Place, protocol: string | null): string | null {
    const dice = this.#dice;
    const not = this.#not();
    const list: readonly (() => string | null)[] = [
      () => `-m comment --comment "${dice.pick(['hi', 'a \\"b\\" c', "it's", 'x -j DROP'])}"`,
      () => (protocol !== null && PORTED.has(protocol) ? `-m multiport ${not}${dice.pick(['--ports', '--dports', '--sports'])} ${Array.from({ length: dice.between(1, 4) }, () => (dice.chance(0.5) ? String(dice.pick(PORTS)) : `${dice.pick([1, 400, 3000])}:${dice.pick([4000, 40000, 5000])}`)).join(',')}` : null),
      () => `-m mark ${not}--mark ${dice.pick(['0x0', '0x1', '0x2/0x2', '0x4000/0x4000', '0x0/0xff', '0x10/0xf0', '7'])}`,
      () => `-m connmark ${not}--mark ${dice.pick(['0x0', '0x1', '0x2/0x2', '0x4000/0x4000', '0x0/0xff'])}`,
      () => `-m conntrack ${not}--ctstate ${this.#some(['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED', 'SNAT', 'DNAT'], [1, 1, 2, 3])}`,
      () => `-m conntrack ${this.#conntrack()}`,
      () => `-m state ${not}--state ${this.#some(['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'], [1, 2])}`,
      () => {
        const every = dice.between(1, 4);
        return `-m statistic --mode nth ${not}--every ${every} --packet ${dice.between(0, every - 1)}`;
      },
      () => `-m statistic --mode random ${not}--probability ${dice.pick(['0', '1.0'])}`,
      () => `-m addrtype ${not}--${dice.pick(['src', 'dst'])}-type ${this.#some(['LOCAL', 'UNICAST', 'BROADCAST', 'MULTICAST'], [1, 1, 2])}`,
      () => this.#recent(),
      () => `-m set ${not}--match-set ${dice.pick(['ips src', 'ips dst', 'nets src', 'nets dst', 'nets src --return-nomatch', 'ports src,src', 'ports dst,dst', 'ports src,dst', 'ports dst,src', 'ports dst'])}`,
      () => `-m quota ${not}--quota ${dice.pick([0, 90, 200])}`,
      () => `-m length ${not}--length ${dice.pick(['40', '28', '0:40', '41:', '28:60', ':50'])}`,
      () => `-m ttl ${dice.pick(['--ttl-eq 64', '! --ttl-eq 64', '--ttl-gt 63', '--ttl-lt 64', '--ttl-eq 63'])}`,
      () => `-m iprange ${not}--${dice.pick(['src', 'dst'])}-range ${this.#range()}`,
      () => `-m pkttype ${not}--pkt-type ${dice.pick(['unicast', 'broadcast', 'multicast'])}`,
      () => `-m limit --limit ${dice.pick(['1/s', '3/min', '10/hour', '5/sec'])}${dice.chance(0.7) ? ` --limit-burst ${dice.between(1, 4)}` : ''}`,
      () => `-m hashlimit --hashlimit-${dice.pick(['upto', 'above'])} ${dice.pick(['1/sec', '3/min'])} --hashlimit-burst ${dice.between(1, 4)} ${dice.pick(['', '--hashlimit-mode srcip ', '--hashlimit-mode dstip,dstport ', '--hashlimit-mode srcip --hashlimit-srcmask 24 '])}--hashlimit-name h${dice.between(0, 99_999)}`,
      () => `-m tos ${not}--tos ${dice.pick(['0x00/0xff', '0x10/0x3f', '0x08/0xff'])}`,
      () => `-m dscp ${not}--dscp ${dice.pick(['0x00', '0x02', '0x0a'])}`,
      () => (protocol === 'tcp' ? '-m tcpmss --mss 1:1000' : null),
      () => (chain === 'PREROUTING' && (table === 'raw' || table === 'mangle') ? `-m rpfilter${dice.pick(['', ' --invert', ' --loose', ' --accept-local', ' --validmark'])}` : null),
    ];
    return dice.pick(list)();
  }

  #conntrack(): string {
    const dice = this.#dice;
    const not = this.#not();
    return dice.pick([
      `${not}--ctproto ${dice.pick(['tcp', 'udp', '1'])}`,
      ...['origsrc', 'origdst', 'replsrc', 'repldst'].map((field) => `${not}--ct${field} ${this.cidr()}`),
      `--ctorigdstport ${dice.pick(SERVICE_PORTS)}`,
      `${not}--ctreplsrcport ${dice.pick(SERVICE_PORTS)}`,
      `${not}--ctstatus ${dice.pick(['SEEN_REPLY', 'ASSURED', 'CONFIRMED', 'NONE', 'EXPECTED'])}`,
      `--ctdir ${dice.pick(['ORIGINAL', 'REPLY'])}`,
      '--ctstate NEW --ctdir ORIGINAL',
      `${not}--ctexpire ${dice.pick(['0:20', '100:500', '25:31'])}`,
    ]);
  }

  #recent(): string {
    const dice = this.#dice;
    const action = dice.pick(['--set', '--rcheck', '--update', '--remove', '--rcheck', '--update']);
    const asks = action === '--rcheck' || action === '--update';
    const seconds = asks && dice.chance(0.5) ? ` --seconds ${dice.pick([2, 60])}${dice.chance(0.4) ? ' --reap' : ''}` : '';
    const hits = asks && dice.chance(0.4) ? ` --hitcount ${dice.between(1, 4)}` : '';
    const mask = dice.chance(0.2) ? ' --mask 255.255.255.0' : '';
    return `-m recent ${this.#not(0.15)}${action} --name ${dice.pick(['L1', 'L2'])} ${dice.pick(['--rsource', '--rdest'])}${mask}${seconds}${hits}`;
  }

  #range(): string {
    const address = this.#dice.pick(this.#ends.all);
    const [network, host] = [networkOf(address), Number(address.split('.')[3])];
    return `${network}.${Math.max(0, host - this.#dice.between(0, 2))}-${network}.${Math.min(255, host + this.#dice.between(0, 3))}`;
  }
}
