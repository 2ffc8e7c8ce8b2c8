import { TCP_FLAG } from '../../../../packet/packet.ts';
import type { ChunkMatch, Match, Negatable, Range, Side } from '../rule.ts';
import { reader, type MatchReader, type ReadMatch, type RuleFacts } from './match-reader.ts';
import { RuleError } from './rule-error.ts';
import type { RuleWords } from './rule-words.ts';
import { readFlags, readIcmpType, readInteger, readPortList, readPorts } from './values.ts';

/** -m tcp, udp, sctp, icmp, multiport. */

const NUMBER = { tcp: 6, udp: 17, sctp: 132, icmp: 1 } as const;

function needsProtocol(name: keyof typeof NUMBER, protocol: number | null): void {
  if (protocol !== NUMBER[name]) throw new RuleError('needs', { what: `-m ${name}`, option: `-p ${name}` });
}

/*
 * tcp and udp, comment, mark and statistic stand in nearly every rule of a node: their readers are classes, so that
 * reading one makes one object. The others are read by `reader`.
 */

/** Reads the ports of -m tcp, udp and sctp. */
abstract class PortReader implements MatchReader {
  protected source: Negatable<Range> | null = null;
  protected destination: Negatable<Range> | null = null;

  option(option: string, words: RuleWords): boolean {
    switch (option) {
      case '--sport':
      case '--source-port':
        this.source = words.value(option, readPorts);
        return true;
      case '--dport':
      case '--destination-port':
        this.destination = words.value(option, readPorts);
        return true;
      default:
        return false;
    }
  }

  abstract finish(facts: RuleFacts): ReadMatch;
}

export class TcpReader extends PortReader {
  #flags: Negatable<readonly [number, number]> | null = null;
  #tcpOption: Negatable<number> | null = null;

  override option(option: string, words: RuleWords): boolean {
    switch (option) {
      case '--syn':
        this.#flags = { value: [TCP_FLAG.SYN | TCP_FLAG.RST | TCP_FLAG.ACK | TCP_FLAG.FIN, TCP_FLAG.SYN], negated: words.flag() };
        return true;
      case '--tcp-flags': {
        const mask = words.value(option, readFlags);
        const set = readFlags(words.take('ends_flags'));
        if (set === undefined) throw words.error('two_lists', { option: '--tcp-flags' });
        this.#flags = { value: [mask.value, set], negated: mask.negated };
        return true;
      }
      case '--tcp-option':
        this.#tcpOption = words.value(option, readInteger);
        return true;
      default:
        return super.option(option, words);
    }
  }

  finish({ protocol }: RuleFacts): ReadMatch {
    needsProtocol('tcp', protocol);
    const option = this.#tcpOption;
    // No options are modelled: a packet has none, so that the other conditions do not matter.
    if (option && !option.negated) return { match: { kind: 'fixed', module: 'tcp', matches: false }, note: { module: 'tcp', effect: 'never-no-options' } };
    const match: Match = { kind: 'tcp', source: this.source, destination: this.destination, flags: this.#flags };
    return option ? { match, note: { module: 'tcp', effect: 'always-no-options' } } : { match };
  }
}

export class UdpReader extends PortReader {
  finish({ protocol }: RuleFacts): ReadMatch {
    needsProtocol('udp', protocol);
    return { match: { kind: 'udp', source: this.source, destination: this.destination, chunks: null } };
  }
}

const CHUNKS = new Map([
  ['DATA', 0], ['INIT', 1], ['INIT_ACK', 2], ['SACK', 3], ['HEARTBEAT', 4], ['HEARTBEAT_ACK', 5], ['ABORT', 6], ['SHUTDOWN', 7], ['SHUTDOWN_ACK', 8], ['ERROR', 9],
  ['COOKIE_ECHO', 10], ['COOKIE_ACK', 11], ['ECN_ECNE', 12], ['ECN_CWR', 13], ['SHUTDOWN_COMPLETE', 14], ['I_DATA', 64], ['RE_CONFIG', 130], ['PAD', 132], ['ASCONF', 193], ['ASCONF_ACK', 128], ['FORWARD_TSN', 192], ['I_FORWARD_TSN', 194],
]);

export class SctpReader extends PortReader {
  #chunks: ChunkMatch | null = null;

  override option(option: string, words: RuleWords): boolean {
    if (option !== '--chunk-types') return super.option(option, words);
    const { value: mode, negated } = words.value(option, (text) => (text === 'all' || text === 'any' || text === 'only' ? text : undefined));
    const text = words.take('ends_value', '--chunk-types');
    const types = text === 'ALL' ? [...CHUNKS.values()] : text === 'NONE' ? [] : text.split(',').map((name) => CHUNKS.get((name.split(':')[0] ?? '').toUpperCase()) ?? -1);
    if (types.includes(-1)) throw words.error('cannot_take', { option: '--chunk-types', text });
    this.#chunks = { mode, types, negated };
    return true;
  }

  finish({ protocol }: RuleFacts): ReadMatch {
    needsProtocol('sctp', protocol);
    return { match: { kind: 'sctp', source: this.source, destination: this.destination, chunks: this.#chunks } };
  }
}

export function icmp(): MatchReader {
  let type: Negatable<readonly [number, number, number]> | null = null;
  return reader(
    {
      '--icmp-type': (words, option) => {
        type = words.value(option, readIcmpType);
      },
    },
    ({ protocol }) => {
      needsProtocol('icmp', protocol);
      const [kind, low, high] = type?.value ?? [255, 0, 255];
      return { match: { kind: 'icmp', type: kind, code: [low, high], negated: type?.negated ?? false } };
    },
  );
}

const MULTIPORT_PROTOCOLS = new Set([6, 17, 33, 132, 136]);

export function multiport(): MatchReader {
  let match: (Match & { kind: 'multiport' }) | null = null;
  const side = (of: Side | 'either') => (words: RuleWords, option: string) => {
    if (match) throw words.error('one_list', { what: 'multiport' });
    const { value: ranges, negated } = words.value(option, readPortList);
    match = { kind: 'multiport', side: of, ranges, negated };
  };
  return reader(
    { '--sports': side('source'), '--source-ports': side('source'), '--dports': side('destination'), '--destination-ports': side('destination'), '--ports': side('either'), '--port': side('either') },
    ({ protocol }) => {
      if (protocol === null || !MULTIPORT_PROTOCOLS.has(protocol)) throw new RuleError('needs_ports', { what: 'multiport' });
      if (!match) throw new RuleError('needs_one_of', { what: 'multiport', options: '--sports, --dports, --ports' });
      return { match };
    },
  );
}
