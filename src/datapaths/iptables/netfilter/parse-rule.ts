import { parseIpv4, parsePrefix, type Ipv4, type Ipv4Prefix } from '../../../packet/address.ts';
import { TCP_FLAG } from '../../../packet/packet.ts';
import { PROTOCOL_NUMBER } from '../../../packet/protocol.ts';
import type { SetSide } from './ipset.ts';
import type { NatRange } from './nat.ts';
import { CONNECTION_STATE, REJECT_CODES, type Match, type Negatable, type Range, type RejectWith, type Rule, type Target } from './rule.ts';

/** Why a rule cannot be taken, in a sentence. */
export class RuleError extends Error {
  override readonly name = 'RuleError';
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Reads a rule's options, from `words[from]` on. Throws `RuleError`. */
export function parseRule(words: readonly string[], from = 0): Rule {
  return new RuleParser(words, from).parse();
}

/** Service names that rules commonly carry instead of port numbers (/etc/services). */
const PORT_NAMES: Readonly<Record<string, number>> = { ftp: 21, ssh: 22, smtp: 25, domain: 53, bootps: 67, bootpc: 68, http: 80, ntp: 123, https: 443, 'http-alt': 8080, mdns: 5353 };

const ICMP_TYPES: Readonly<Record<string, readonly [type: number, low: number, high: number]>> = {
  any: [255, 0, 255],
  'echo-reply': [0, 0, 255],
  pong: [0, 0, 255],
  'destination-unreachable': [3, 0, 255],
  'network-unreachable': [3, 0, 0],
  'host-unreachable': [3, 1, 1],
  'protocol-unreachable': [3, 2, 2],
  'port-unreachable': [3, 3, 3],
  'fragmentation-needed': [3, 4, 4],
  'source-quench': [4, 0, 255],
  redirect: [5, 0, 255],
  'echo-request': [8, 0, 255],
  ping: [8, 0, 255],
  'router-advertisement': [9, 0, 255],
  'router-solicitation': [10, 0, 255],
  'time-exceeded': [11, 0, 255],
  'ttl-exceeded': [11, 0, 255],
  'ttl-zero-during-transit': [11, 0, 0],
  'ttl-zero-during-reassembly': [11, 1, 1],
  'parameter-problem': [12, 0, 255],
  'timestamp-request': [13, 0, 255],
  'timestamp-reply': [14, 0, 255],
  'address-mask-request': [17, 0, 255],
  'address-mask-reply': [18, 0, 255],
};

const ADDRESS_TYPES = new Set(['UNSPEC', 'UNICAST', 'LOCAL', 'BROADCAST', 'MULTICAST']);

class RuleParser {
  readonly #words: readonly string[];
  #at: number;
  #negated = false;
  #source: Rule['source'] = null;
  #destination: Rule['destination'] = null;
  #in: Rule['inInterface'] = null;
  #out: Rule['outInterface'] = null;
  #protocol: Rule['protocol'] = null;
  readonly #matches: Match[] = [];
  #loaded: string | null = null;
  /** How many matches there were when it was loaded. */
  #loadedAt = 0;
  #portMatch: Mutable<Match & { kind: 'tcp' }> | Mutable<Match & { kind: 'udp' | 'sctp' }> | null = null;
  #target: Target | null = null;

  constructor(words: readonly string[], from: number) {
    this.#words = words;
    this.#at = from;
  }

  parse(): Rule {
    while (this.#at < this.#words.length) this.#option(this.#take('an option'));
    if (this.#negated) throw new RuleError('The rule ends after “!”.');
    this.#finishMatch();
    return {
      source: this.#source,
      destination: this.#destination,
      inInterface: this.#in,
      outInterface: this.#out,
      protocol: this.#protocol,
      matches: this.#matches,
      target: this.#target ?? { kind: 'none' },
    };
  }

  #take(what: string): string {
    const word = this.#words[this.#at];
    if (word === undefined) throw new RuleError(`The rule ends where ${what} should stand.`);
    this.#at += 1;
    return word;
  }

  #peek(): string | undefined {
    return this.#words[this.#at];
  }

  /** Uses up the `!` before an option. Old texts have it after (`-s ! 10.0.0.0/8`). */
  #value<T>(option: string, read: (text: string) => T | undefined): Negatable<T> {
    let negated = this.#negated;
    this.#negated = false;
    if (this.#peek() === '!') {
      negated = !negated;
      this.#at += 1;
    }
    const text = this.#take(`the value of ${option}`);
    const value = read(text);
    if (value === undefined) throw new RuleError(`${option} cannot take “${text}”.`);
    return { value, negated };
  }

  #plain<T>(option: string, read: (text: string) => T | undefined): T {
    this.#mustNotNegate(option);
    return this.#value(option, read).value;
  }

  #mustNotNegate(option: string): void {
    if (this.#negated) throw new RuleError(`${option} cannot be negated.`);
  }

  #flag(): boolean {
    const negated = this.#negated;
    this.#negated = false;
    return negated;
  }

  #option(option: string): void {
    switch (option) {
      case '!':
        this.#negated = !this.#negated;
        return;
      case '-s':
      case '--source':
      case '--src':
        this.#source = this.#value(option, readPrefix);
        return;
      case '-d':
      case '--destination':
      case '--dst':
        this.#destination = this.#value(option, readPrefix);
        return;
      case '-i':
      case '--in-interface':
        this.#in = this.#value(option, readInterface);
        return;
      case '-o':
      case '--out-interface':
        this.#out = this.#value(option, readInterface);
        return;
      case '-p':
      case '--protocol':
      case '--proto': {
        const protocol = this.#value(option, readProtocol);
        // `-p all` says nothing; negated, nothing could match.
        this.#protocol = protocol.value === 0 && !protocol.negated ? null : protocol;
        return;
      }
      case '-m':
      case '--match':
        this.#mustNotNegate(option);
        this.#load(this.#take('a match’s name'));
        return;
      case '-j':
      case '--jump':
      case '-g':
      case '--goto':
        this.#mustNotNegate(option);
        if (this.#target) throw new RuleError('A rule has one target only.');
        this.#finishMatch();
        this.#target = this.#readTarget(this.#take('a target'), option === '-g' || option === '--goto');
        return;
      case '-c':
      case '--set-counters':
        this.#take('packets');
        this.#take('bytes');
        return;
      default:
        this.#matchOption(option);
    }
  }

  #load(name: string): void {
    this.#finishMatch();
    switch (name) {
      case 'tcp':
        this.#portMatch = { kind: 'tcp', source: null, destination: null, flags: null };
        return;
      case 'udp':
      case 'sctp':
        this.#portMatch = { kind: name, source: null, destination: null };
        return;
      case 'comment':
      case 'icmp':
      case 'conntrack':
      case 'state':
      case 'mark':
      case 'connmark':
      case 'addrtype':
      case 'multiport':
      case 'recent':
      case 'set':
      case 'statistic':
        this.#loaded = name;
        this.#loadedAt = this.#matches.length;
        return;
      default:
        throw new RuleError(`The match “${name}” is not known here.`);
    }
  }

  /** Port matches gather several options; the others are whole once their options were read. */
  #finishMatch(): void {
    if (this.#portMatch) this.#matches.push(this.#portMatch);
    this.#portMatch = null;
    this.#loaded = null;
  }

  /** `-p tcp --dport 80` without `-m tcp` loads the protocol's match (and so does an option after another match). */
  #portOptions(): Mutable<Match & { kind: 'tcp' }> | Mutable<Match & { kind: 'udp' | 'sctp' }> | null {
    if (this.#portMatch) return this.#portMatch;
    for (const match of this.#matches) if (match.kind === 'tcp' || match.kind === 'udp' || match.kind === 'sctp') return match;
    if (this.#protocol?.negated) return null;
    switch (this.#protocol?.value) {
      case PROTOCOL_NUMBER.TCP:
        this.#portMatch = { kind: 'tcp', source: null, destination: null, flags: null };
        break;
      case PROTOCOL_NUMBER.UDP:
        this.#portMatch = { kind: 'udp', source: null, destination: null };
        break;
      case PROTOCOL_NUMBER.SCTP:
        this.#portMatch = { kind: 'sctp', source: null, destination: null };
        break;
      default:
    }
    return this.#portMatch;
  }

  #matchOption(option: string): void {
    if (this.#loaded === 'multiport' || !['--sport', '--source-port', '--dport', '--destination-port', '--tcp-flags', '--syn'].includes(option)) {
      this.#loadedOption(option);
      return;
    }
    const match = this.#portOptions();
    if (!match) throw new RuleError(`${option} needs -p tcp, udp or sctp before it.`);
    switch (option) {
      case '--sport':
      case '--source-port':
        match.source = this.#value(option, readPorts);
        return;
      case '--dport':
      case '--destination-port':
        match.destination = this.#value(option, readPorts);
        return;
      default:
        if (match.kind !== 'tcp') throw new RuleError(`${option} is an option of -p tcp.`);
        if (option === '--syn') {
          match.flags = { value: [TCP_FLAG.SYN | TCP_FLAG.RST | TCP_FLAG.ACK | TCP_FLAG.FIN, TCP_FLAG.SYN], negated: this.#flag() };
          return;
        }
        {
          const mask = this.#value(option, readFlags);
          const set = readFlags(this.#take('the flags that must be set'));
          if (set === undefined) throw new RuleError('--tcp-flags takes two lists of flags.');
          match.flags = { value: [mask.value, set], negated: mask.negated };
        }
    }
  }

  #loadedOption(option: string): void {
    const name = this.#loaded ?? (this.#protocol?.value === PROTOCOL_NUMBER.ICMP && option === '--icmp-type' ? 'icmp' : null);
    const unknown = () => new RuleError(name ? `The match “${name}” has no option ${option} here.` : `The option ${option} is not known here.`);
    switch (name) {
      case 'comment':
        if (option !== '--comment') throw unknown();
        this.#mustNotNegate(option);
        this.#matches.push({ kind: 'comment', text: this.#take('the comment') });
        return;
      case 'icmp': {
        if (option !== '--icmp-type') throw unknown();
        const { value, negated } = this.#value(option, readIcmpType);
        this.#matches.push({ kind: 'icmp', type: value[0], code: [value[1], value[2]], negated });
        return;
      }
      case 'conntrack':
      case 'state': {
        if (option !== (name === 'state' ? '--state' : '--ctstate')) throw unknown();
        const { value, negated } = this.#value(option, readStates);
        this.#matches.push({ kind: 'conntrack', states: value, negated });
        return;
      }
      case 'mark':
      case 'connmark': {
        if (option !== '--mark') throw unknown();
        const { value, negated } = this.#value(option, readMark);
        this.#matches.push({ kind: name, mark: value[0], mask: value[1], negated });
        return;
      }
      case 'addrtype':
        this.#addressTypeOption(option, unknown);
        return;
      case 'multiport': {
        const side = MULTIPORT_SIDE[option];
        if (!side) throw unknown();
        const { value, negated } = this.#value(option, readPortList);
        this.#matches.push({ kind: 'multiport', side, ranges: value, negated });
        return;
      }
      case 'set': {
        if (option !== '--match-set') throw unknown();
        const { value: set, negated } = this.#value(option, (text) => text);
        const sides = this.#take('src or dst').split(',');
        if (!sides.every((side): side is SetSide => side === 'src' || side === 'dst')) throw new RuleError('--match-set takes a set and src or dst for each of its parts.');
        this.#matches.push({ kind: 'set', set, sides, negated });
        return;
      }
      case 'statistic':
        this.#statistic(option, unknown);
        return;
      case 'recent':
        this.#recent(option, unknown);
        return;
      default:
        throw unknown();
    }
  }

  #addressTypeOption(option: string, unknown: () => RuleError): void {
    if (option !== '--src-type' && option !== '--dst-type') throw unknown();
    const types = this.#value(option, (text) => {
      const list = text.split(',');
      return list.every((type) => ADDRESS_TYPES.has(type)) ? list : undefined;
    });
    // Both options of one `-m addrtype` make one match; a second -m makes another.
    const last = this.#matches.length > this.#loadedAt ? this.#matches.at(-1) : undefined;
    const match = last?.kind === 'addrtype' ? last : { kind: 'addrtype' as const, source: null, destination: null };
    if (last === match) this.#matches.pop();
    this.#matches.push(option === '--src-type' ? { ...match, source: types } : { ...match, destination: types });
  }

  #statistic(option: string, unknown: () => RuleError): void {
    if (option !== '--mode') throw unknown();
    const mode = this.#plain(option, (text) => (text === 'random' || text === 'nth' ? text : undefined));
    let negated = false;
    let probability: number | null = null;
    let every: number | null = null;
    let packet = 0;
    for (;;) {
      if (this.#peek() === '!') {
        this.#at += 1;
        this.#negated = true;
        continue;
      }
      const next = this.#peek();
      if (mode === 'random' && next === '--probability') {
        this.#at += 1;
        const read = this.#value(next, (text) => (Number(text) >= 0 && Number(text) <= 1 && text !== '' ? Number(text) : undefined));
        probability = read.value;
        negated = read.negated;
      } else if (mode === 'nth' && next === '--every') {
        this.#at += 1;
        const read = this.#value(next, readInteger);
        every = read.value;
        negated = read.negated;
      } else if (mode === 'nth' && next === '--packet') {
        this.#at += 1;
        packet = this.#plain(next, readInteger);
      } else {
        break;
      }
    }
    if (mode === 'random') {
      if (probability === null) throw new RuleError('statistic mode random needs --probability.');
      this.#matches.push({ kind: 'random', probability: Math.round(probability * 0x80000000), negated });
      return;
    }
    if (every === null || every < 1) throw new RuleError('statistic mode nth needs --every of 1 or more.');
    if (packet >= every) throw new RuleError('statistic’s --packet must be below --every.');
    this.#matches.push({ kind: 'nth', every, packet, negated });
  }

  #recent(first: string, unknown: () => RuleError): void {
    let action: (Match & { kind: 'recent' })['action'] | null = null;
    let list = 'DEFAULT';
    let side: 'source' | 'destination' = 'source';
    let seconds = 0;
    let hits = 0;
    let reap = false;
    let negated = false;
    let option: string | undefined = first;
    for (;;) {
      switch (option) {
        case '--set':
        case '--rcheck':
        case '--update':
        case '--remove':
          if (action) throw new RuleError('recent takes one of --set, --rcheck, --update and --remove.');
          action = option.slice(2) as NonNullable<typeof action>;
          negated = this.#flag();
          break;
        case '--name':
          list = this.#take('a list’s name');
          break;
        case '--rsource':
          break;
        case '--rdest':
          side = 'destination';
          break;
        case '--seconds':
          seconds = this.#plain(option, readInteger);
          break;
        case '--hitcount':
          hits = this.#plain(option, readInteger);
          break;
        case '--reap':
          reap = true;
          break;
        case '--mask':
          if (this.#take('a mask') !== '255.255.255.255') throw new RuleError('recent’s --mask is known here as 255.255.255.255 only.');
          break;
        default:
          throw unknown();
      }
      while (this.#peek() === '!') {
        this.#at += 1;
        this.#negated = !this.#negated;
      }
      option = this.#peek();
      if (option === undefined || !RECENT_OPTIONS.has(option)) break;
      this.#at += 1;
    }
    if (!action) throw new RuleError('recent needs one of --set, --rcheck, --update and --remove.');
    this.#matches.push({ kind: 'recent', list, action, side, seconds, hits, reap, negated });
  }

  #readTarget(name: string, goto: boolean): Target {
    if (goto) return { kind: 'goto', chain: name };
    switch (name) {
      case 'ACCEPT':
        return { kind: 'accept' };
      case 'DROP':
        return { kind: 'drop' };
      case 'RETURN':
        return { kind: 'return' };
      case 'NOTRACK':
        return { kind: 'notrack' };
      case 'CT': {
        const option = this.#take('an option of CT');
        if (option !== '--notrack') throw new RuleError(`The target CT has no option ${option} here.`);
        return { kind: 'notrack' };
      }
      case 'MARK':
        return this.#markTarget();
      case 'CONNMARK':
        return this.#connmarkTarget();
      case 'DNAT':
      case 'SNAT':
      case 'MASQUERADE':
      case 'REDIRECT':
        return this.#natTarget(name);
      case 'REJECT': {
        if (this.#peek() !== '--reject-with') return { kind: 'reject', with: 'icmp-port-unreachable' };
        this.#at += 1;
        return { kind: 'reject', with: this.#plain('--reject-with', readRejectWith) };
      }
      default:
        if (KNOWN_ELSEWHERE.has(name)) throw new RuleError(`The target “${name}” is not known here.`);
        return { kind: 'jump', chain: name };
    }
  }

  #markTarget(): Target {
    const option = this.#take('an option of MARK');
    const [value, mask] = this.#plain(option, readMark);
    switch (option) {
      case '--set-xmark':
        return { kind: 'mark', value, mask };
      case '--set-mark':
        return { kind: 'mark', value, mask: (value | mask) >>> 0 };
      case '--and-mark':
        return { kind: 'mark', value: 0, mask: ~value >>> 0 };
      case '--or-mark':
        return { kind: 'mark', value, mask: value };
      case '--xor-mark':
        return { kind: 'mark', value, mask: 0 };
      default:
        throw new RuleError(`The target MARK has no option ${option} here.`);
    }
  }

  #connmarkTarget(): Target {
    const option = this.#take('an option of CONNMARK');
    if (option === '--save-mark' || option === '--restore-mark') {
      let connectionMask = 0xffffffff;
      let packetMask = 0xffffffff;
      for (;;) {
        const next = this.#peek();
        if (next === '--nfmask') {
          this.#at += 1;
          packetMask = this.#plain(next, readNumber);
        } else if (next === '--ctmask') {
          this.#at += 1;
          connectionMask = this.#plain(next, readNumber);
        } else if (next === '--mask') {
          this.#at += 1;
          connectionMask = packetMask = this.#plain(next, readNumber);
        } else {
          break;
        }
      }
      return { kind: 'connmark', action: option === '--save-mark' ? 'save' : 'restore', value: 0, connectionMask, packetMask };
    }
    const [value, mask] = this.#plain(option, readMark);
    const set = (newValue: number, connectionMask: number): Target => ({ kind: 'connmark', action: 'set', value: newValue, connectionMask, packetMask: 0 });
    switch (option) {
      case '--set-xmark':
        return set(value, mask);
      case '--set-mark':
        return set(value, (value | mask) >>> 0);
      case '--and-mark':
        return set(0, ~value >>> 0);
      case '--or-mark':
        return set(value, value);
      case '--xor-mark':
        return set(value, 0);
      default:
        throw new RuleError(`The target CONNMARK has no option ${option} here.`);
    }
  }

  #natTarget(name: 'DNAT' | 'SNAT' | 'MASQUERADE' | 'REDIRECT'): Target {
    let addresses: NatRange['addresses'] = null;
    let ports: NatRange['ports'] = null;
    let randomPorts = false;
    let persistent = false;
    let destinationGiven = false;
    for (;;) {
      const option = this.#peek();
      if (option === '--random' || option === '--random-fully') {
        this.#at += 1;
        randomPorts = true;
      } else if (option === '--persistent') {
        this.#at += 1;
        persistent = true;
      } else if ((option === '--to-destination' && name === 'DNAT') || (option === '--to-source' && name === 'SNAT')) {
        this.#at += 1;
        ({ addresses, ports } = this.#plain(option, readNatRange));
        destinationGiven = true;
      } else if (option === '--to-ports' && (name === 'REDIRECT' || name === 'MASQUERADE')) {
        this.#at += 1;
        ports = this.#plain(option, (text) => readPorts(text.replace('-', ':')));
      } else {
        break;
      }
    }
    if ((name === 'DNAT' || name === 'SNAT') && !destinationGiven) throw new RuleError(`The target ${name} needs --to-${name === 'DNAT' ? 'destination' : 'source'}.`);
    const side = name === 'DNAT' || name === 'REDIRECT' ? 'destination' : 'source';
    return { kind: 'nat', side, name, range: { addresses, ports, randomPorts, persistent } };
  }
}

const RECENT_OPTIONS = new Set(['--set', '--rcheck', '--update', '--remove', '--name', '--rsource', '--rdest', '--seconds', '--hitcount', '--reap', '--mask']);

const MULTIPORT_SIDE: Readonly<Record<string, 'source' | 'destination' | 'either'>> = {
  '--sports': 'source',
  '--source-ports': 'source',
  '--dports': 'destination',
  '--destination-ports': 'destination',
  '--ports': 'either',
};

/** Targets of Linux that this engine does not have: refused by name rather than taken for a chain. */
const KNOWN_ELSEWHERE = new Set([
  'AUDIT', 'CHECKSUM', 'CLASSIFY', 'CLUSTERIP', 'CONNSECMARK', 'DSCP', 'ECN', 'HL', 'HMARK', 'IDLETIMER', 'LED', 'LOG', 'NETMAP', 'NFLOG', 'NFQUEUE',
  'QUEUE', 'RATEEST', 'SECMARK', 'SET', 'SYNPROXY', 'TCPMSS', 'TCPOPTSTRIP', 'TEE', 'TOS', 'TPROXY', 'TRACE', 'TTL', 'ULOG',
]);

function readPrefix(text: string): Ipv4Prefix | undefined {
  const prefix = parsePrefix(text);
  if (prefix) return prefix;
  // 10.0.0.0/255.0.0.0
  const [address = '', mask = ''] = text.split('/');
  const bits = parseIpv4(mask);
  if (bits === undefined) return undefined;
  const length = Math.clz32(~bits >>> 0);
  return (bits === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0) === bits ? parsePrefix(`${address}/${length}`) : undefined;
}

function readInterface(text: string): string | undefined {
  return text.length > 0 && text.length < 16 ? text : undefined;
}

function readProtocol(text: string): number | undefined {
  const name = text.toLowerCase();
  if (name === 'all') return 0;
  if (/^\d+$/.test(name)) return Number(name) < 256 ? Number(name) : undefined;
  const named: Readonly<Record<string, number>> = { icmp: 1, igmp: 2, ipip: 4, ipencap: 4, tcp: 6, udp: 17, gre: 47, esp: 50, ah: 51, sctp: 132, udplite: 136 };
  return named[name];
}

function readNumber(text: string): number | undefined {
  if (!/^(0x[0-9a-f]+|\d+)$/i.test(text)) return undefined;
  const value = Number(text);
  return value <= 0xffffffff ? value : undefined;
}

function readInteger(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** `0x1/0xff`; without a mask all bits count. */
function readMark(text: string): readonly [number, number] | undefined {
  const [value = '', mask] = text.split('/');
  const number = readNumber(value);
  const bits = mask === undefined ? 0xffffffff : readNumber(mask);
  return number === undefined || bits === undefined ? undefined : [number, bits];
}

function readPort(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) <= 65535 ? Number(text) : undefined;
  return PORT_NAMES[text];
}

function readPorts(text: string): Range | undefined {
  const [low = '', high] = text.split(':');
  const from = low === '' && high !== undefined ? 0 : readPort(low);
  const to = high === undefined ? from : high === '' ? 65535 : readPort(high);
  return from === undefined || to === undefined || to < from ? undefined : [from, to];
}

function readPortList(text: string): readonly Range[] | undefined {
  const ranges = text.split(',').map(readPorts);
  return ranges.length <= 15 && ranges.every((range): range is Range => range !== undefined) ? ranges : undefined;
}

function readFlags(text: string): number | undefined {
  if (text === 'NONE') return 0;
  if (text === 'ALL') return 0x3f;
  let flags = 0;
  for (const name of text.split(',')) {
    const bit = (TCP_FLAG as Readonly<Record<string, number>>)[name];
    if (bit === undefined) return undefined;
    flags |= bit;
  }
  return flags;
}

function readIcmpType(text: string): readonly [number, number, number] | undefined {
  const named = ICMP_TYPES[text];
  if (named) return named;
  const match = /^(\d+)(?:\/(\d+))?$/.exec(text);
  if (!match) return undefined;
  const type = Number(match[1]);
  const code = match[2] === undefined ? null : Number(match[2]);
  if (type > 255 || (code !== null && code > 255)) return undefined;
  return [type, code ?? 0, code ?? 255];
}

function readStates(text: string): number | undefined {
  let states = 0;
  for (const name of text.split(',')) {
    const bit = (CONNECTION_STATE as Readonly<Record<string, number>>)[name.toUpperCase()];
    if (bit === undefined) return undefined;
    states |= bit;
  }
  return states;
}

function readNatRange(text: string): Pick<NatRange, 'addresses' | 'ports'> | undefined {
  const [address = '', port, ...more] = text.split(':');
  if (more.length > 0) return undefined;
  let addresses: readonly [Ipv4, Ipv4] | null = null;
  if (address !== '') {
    const [low = '', high = low] = address.split('-');
    const from = parseIpv4(low);
    const to = parseIpv4(high);
    if (from === undefined || to === undefined || to < from) return undefined;
    addresses = [from, to];
  }
  if (port === undefined) return addresses ? { addresses, ports: null } : undefined;
  const ports = readPorts(port.replace('-', ':'));
  return ports ? { addresses, ports } : undefined;
}

function readRejectWith(text: string): RejectWith | undefined {
  const short: Readonly<Record<string, RejectWith>> = {
    'net-unreach': 'icmp-net-unreachable',
    'host-unreach': 'icmp-host-unreachable',
    'proto-unreach': 'icmp-proto-unreachable',
    'port-unreach': 'icmp-port-unreachable',
    'net-prohib': 'icmp-net-prohibited',
    'host-prohib': 'icmp-host-prohibited',
    'admin-prohib': 'icmp-admin-prohibited',
    'tcp-rst': 'tcp-reset',
  };
  if (text === 'tcp-reset' || text in REJECT_CODES) return text as RejectWith;
  return short[text];
}
