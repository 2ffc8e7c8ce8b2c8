import { TCP_FLAG } from '../../../../packet/packet.ts';
import type { ChunkMatch, Match, Negatable, Range, Side } from '../rule.ts';
import { reader, type MatchReader } from './match-reader.ts';
import { RuleError } from './rule-error.ts';
import type { RuleWords } from './rule-words.ts';
import { readFlags, readIcmpType, readInteger, readPortList, readPorts } from './values.ts';

/** -m tcp, udp, sctp, icmp, multiport. */

const NUMBER = { tcp: 6, udp: 17, sctp: 132, icmp: 1 } as const;

function needsProtocol(name: keyof typeof NUMBER, protocol: number | null): void {
  if (protocol !== NUMBER[name]) throw new RuleError(`-m ${name} needs -p ${name}.`);
}

function portOptions(ports: { source: Negatable<Range> | null; destination: Negatable<Range> | null }) {
  const source = (words: RuleWords, option: string) => {
    ports.source = words.value(option, readPorts);
  };
  const destination = (words: RuleWords, option: string) => {
    ports.destination = words.value(option, readPorts);
  };
  return { '--sport': source, '--source-port': source, '--dport': destination, '--destination-port': destination };
}

export function tcp(): MatchReader {
  const ports: { source: Negatable<Range> | null; destination: Negatable<Range> | null } = { source: null, destination: null };
  let flags: Negatable<readonly [number, number]> | null = null;
  let tcpOption: Negatable<number> | null = null;
  return reader(
    {
      ...portOptions(ports),
      '--syn': (words) => {
        flags = { value: [TCP_FLAG.SYN | TCP_FLAG.RST | TCP_FLAG.ACK | TCP_FLAG.FIN, TCP_FLAG.SYN], negated: words.flag() };
      },
      '--tcp-flags': (words, option) => {
        const mask = words.value(option, readFlags);
        const set = readFlags(words.take('the flags that must be set'));
        if (set === undefined) throw words.error('--tcp-flags takes two lists of flags.');
        flags = { value: [mask.value, set], negated: mask.negated };
      },
      '--tcp-option': (words, option) => {
        tcpOption = words.value(option, readInteger);
      },
    },
    ({ protocol }) => {
      needsProtocol('tcp', protocol);
      // No options are modelled: a packet has none, so that the other conditions do not matter.
      if (tcpOption && !tcpOption.negated) return { match: { kind: 'fixed', module: 'tcp', matches: false }, note: { module: 'tcp', effect: 'never-no-options' } };
      const match: Match = { kind: 'tcp', ...ports, flags };
      return tcpOption ? { match, note: { module: 'tcp', effect: 'always-no-options' } } : { match };
    },
  );
}

export function udp(): MatchReader {
  const ports: { source: Negatable<Range> | null; destination: Negatable<Range> | null } = { source: null, destination: null };
  return reader(portOptions(ports), ({ protocol }) => {
    needsProtocol('udp', protocol);
    return { match: { kind: 'udp', ...ports, chunks: null } };
  });
}

const CHUNKS = new Map([
  ['DATA', 0], ['INIT', 1], ['INIT_ACK', 2], ['SACK', 3], ['HEARTBEAT', 4], ['HEARTBEAT_ACK', 5], ['ABORT', 6], ['SHUTDOWN', 7], ['SHUTDOWN_ACK', 8], ['ERROR', 9],
  ['COOKIE_ECHO', 10], ['COOKIE_ACK', 11], ['ECN_ECNE', 12], ['ECN_CWR', 13], ['SHUTDOWN_COMPLETE', 14], ['I_DATA', 64], ['RE_CONFIG', 130], ['PAD', 132], ['ASCONF', 193], ['ASCONF_ACK', 128], ['FORWARD_TSN', 192], ['I_FORWARD_TSN', 194],
]);

export function sctp(): MatchReader {
  const ports: { source: Negatable<Range> | null; destination: Negatable<Range> | null } = { source: null, destination: null };
  let chunks: ChunkMatch | null = null;
  return reader(
    {
      ...portOptions(ports),
      '--chunk-types': (words, option) => {
        const { value: mode, negated } = words.value(option, (text) => (text === 'all' || text === 'any' || text === 'only' ? text : undefined));
        const text = words.take('the types of chunks');
        const types = text === 'ALL' ? [...CHUNKS.values()] : text === 'NONE' ? [] : text.split(',').map((name) => CHUNKS.get(name.split(':')[0] ?? '') ?? -1);
        if (types.includes(-1)) throw words.error(`--chunk-types cannot take “${text}”.`);
        chunks = { mode, types, negated };
      },
    },
    ({ protocol }) => {
      needsProtocol('sctp', protocol);
      return { match: { kind: 'sctp', ...ports, chunks } };
    },
  );
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
    if (match) throw words.error('multiport takes one list of ports.');
    const { value: ranges, negated } = words.value(option, readPortList);
    match = { kind: 'multiport', side: of, ranges, negated };
  };
  return reader(
    { '--sports': side('source'), '--source-ports': side('source'), '--dports': side('destination'), '--destination-ports': side('destination'), '--ports': side('either'), '--port': side('either') },
    ({ protocol }) => {
      if (protocol === null || !MULTIPORT_PROTOCOLS.has(protocol)) throw new RuleError('multiport needs -p tcp, udp or sctp.');
      if (!match) throw new RuleError('multiport needs --sports, --dports or --ports.');
      return { match };
    },
  );
}
