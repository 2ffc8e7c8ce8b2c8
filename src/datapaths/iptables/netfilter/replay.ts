import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { formatIpv4, parseIpv4, parsePrefix, type Ipv4 } from '../../../packet/address.ts';
import { TCP_FLAG, type Packet } from '../../../packet/packet.ts';
import { parseIpSets } from './ipset-text.ts';
import { Netfilter, type Passage } from './netfilter.ts';
import { PacketLog } from './packet-log.ts';
import { REJECT_CODES } from './rule.ts';
import { Topology } from './topology.ts';

/** A recorded case: topology, rules and packets as files by name. */
export interface ReplayCase {
  readonly name: string;
  readonly 'topology.json': {
    readonly interfaces: readonly { readonly name: string; readonly side?: string; readonly addresses: readonly string[] }[];
    readonly routes: readonly { readonly dst: string; readonly dev: string; readonly via?: string }[];
  };
  readonly 'rules.restore': string;
  /** iptables-restore was called with `--noflush`: several texts, one behind the other. */
  readonly noflush?: boolean;
  readonly 'ipsets.txt'?: string;
  readonly 'packets.json': readonly ReplayPacket[];
}

type Fields = Readonly<Record<string, unknown>>;

export interface ReplayPacket extends Fields {
  readonly id: number;
  readonly from: string;
  readonly proto: string;
  readonly src: string;
  readonly dst: string;
  readonly wait_ms?: number;
  readonly reply_to?: number;
  /** The first numbers that rules drew at random for it (0 to 2³²−1); those behind them are the engine's own. */
  readonly draws?: readonly number[];
  readonly nondeterministic?: readonly string[];
}

export interface ReplayResult {
  readonly name: string;
  readonly outcomes: readonly Fields[];
  readonly steps: readonly (readonly [number, readonly string[]])[];
  readonly counters: Readonly<Record<string, Readonly<Record<string, { readonly policy?: readonly [number, number]; readonly rules: readonly (readonly [number, number])[] }>>>>;
}

/** Packets that name no wait follow each other at once; the recordings have below 50 ms there. */
const BETWEEN_PACKETS_MS = 1;

/** Runs one recorded case through a fresh engine. Throws `RestoreError`. */
export function replay(record: ReplayCase): ReplayResult {
  const topology = new Topology();
  const { interfaces, routes } = record['topology.json'];
  for (const { name, addresses } of interfaces) {
    topology.addInterface({
      name,
      addresses: addresses.map((text) => parsePrefix(text) ?? fail(`${text} is no address`)),
      own: addresses.map((text) => parseIpv4(text.split('/')[0] ?? '') ?? fail(`${text} is no address`)),
    });
  }
  for (const { dst, dev, via } of routes) {
    topology.addRoute({
      destination: dst === 'default' ? { address: 0 as Ipv4, length: 0 } : (parsePrefix(dst) ?? fail(`${dst} is no network`)),
      via: via === undefined ? null : (parseIpv4(via) ?? fail(`${via} is no address`)),
      device: dev,
    });
  }
  const random = xoroshiro128plus(1);
  let draws: readonly number[] = [];
  const draw = () => {
    const [first, ...rest] = draws;
    draws = rest;
    return first ?? random.next() >>> 0;
  };
  const netfilter = new Netfilter({ topology, sets: parseIpSets(record['ipsets.txt'] ?? ''), random32: draw });
  netfilter.restore(record['rules.restore'], { noflush: record.noflush ?? false });
  // iptables-restore heeds the text's counters with --counters only.
  for (const table of netfilter.tables.values()) table.zeroAll();

  const sent = new Map<number, Fields>();
  const outcomes: Fields[] = [];
  const steps: [number, readonly string[]][] = [];
  for (const raw of record['packets.json']) {
    netfilter.advance(raw.wait_ms ?? BETWEEN_PACKETS_MS);
    const packet = packetOf(resolve(raw, sent));
    draws = raw.draws ?? [];
    const log = new PacketLog('none', true);
    const device = interfaces.find(({ side }) => side === raw.from)?.name;
    const passage = device === undefined ? netfilter.output(packet, log) : netfilter.receive(packet, device, log);
    const outcome = outcomeOf(raw.id, passage, device);
    sent.set(raw.id, outcome);
    outcomes.push(outcome);
    steps.push([raw.id, countHits(log.hits ?? [])]);
  }
  return { name: record.name, outcomes, steps, counters: countersOf(netfilter) };
}

function fail(reason: string): never {
  throw new Error(reason);
}

/** Fields that NAT chose at random come from what the engine itself sent: the answer's destination port is that packet's source port, and so on. */
function resolve(raw: ReplayPacket, sent: ReadonlyMap<number, Fields>): Fields {
  const original = sent.get(raw.reply_to ?? -1);
  if (!raw.nondeterministic || !original) return raw;
  const packet: Record<string, unknown> = { ...raw };
  const other: Readonly<Record<string, string>> = { sport: 'dport', dport: 'sport', icmp_id: 'icmp_id' };
  for (const field of raw.nondeterministic) {
    if (field.startsWith('inner.')) {
      const name = field.slice(6);
      packet['inner'] = { ...(packet['inner'] as Fields), [name]: original[name] };
    } else {
      packet[field] = original[other[field] ?? field];
    }
  }
  return packet;
}

/** A packet of a case, from its fields. */
export function packetOf(fields: Fields): Packet {
  const number = (name: string, otherwise = 0) => (typeof fields[name] === 'number' ? fields[name] : otherwise);
  const address = (name: string) => parseIpv4(String(fields[name])) ?? fail(`${String(fields[name])} is no address`);
  const ip = { source: address('src'), destination: address('dst'), ttl: number('ttl', 64), length: number('length', 28) };
  const ports = { sourcePort: number('sport'), destinationPort: number('dport') };
  switch (fields['proto']) {
    case 'tcp': {
      const names = typeof fields['flags'] === 'string' && fields['flags'] !== '' ? fields['flags'].split(',') : [];
      const flags = names.reduce((sum, name) => sum | ((TCP_FLAG as Readonly<Record<string, number>>)[name] ?? 0), 0);
      return { protocol: 'TCP', ...ip, ...ports, flags, sequence: number('seq'), acknowledgement: number('ack') };
    }
    case 'udp':
      return { protocol: 'UDP', ...ip, ...ports };
    case 'sctp': {
      const { chunk } = fields;
      const type = typeof chunk === 'string' ? (SCTP_CHUNK[chunk] ?? fail(`${chunk} is no SCTP chunk`)) : number('chunk');
      return { protocol: 'SCTP', ...ip, ...ports, chunk: type, verificationTag: number('vtag'), initiateTag: number('init_tag') };
    }
    case 'icmp': {
      const { inner } = fields;
      return { protocol: 'ICMP', ...ip, type: number('icmp_type'), code: number('icmp_code'), identifier: number('icmp_id'), sequence: number('icmp_seq'), inner: inner ? packetOf(inner as Fields) : null };
    }
    default:
      return fail(`${String(fields['proto'])} is no protocol of the recordings`);
  }
}

const SCTP_CHUNK: Readonly<Record<string, number>> = {
  DATA: 0, INIT: 1, INIT_ACK: 2, 'INIT-ACK': 2, SACK: 3, HEARTBEAT: 4, HEARTBEAT_ACK: 5, 'HEARTBEAT-ACK': 5, ABORT: 6, SHUTDOWN: 7, SHUTDOWN_ACK: 8, 'SHUTDOWN-ACK': 8,
  ERROR: 9, COOKIE_ECHO: 10, 'COOKIE-ECHO': 10, COOKIE_ACK: 11, 'COOKIE-ACK': 11, SHUTDOWN_COMPLETE: 14, 'SHUTDOWN-COMPLETE': 14,
};

function headerOf(packet: Packet): Record<string, unknown> {
  const base = { proto: packet.protocol.toLowerCase(), src: formatIpv4(packet.source), dst: formatIpv4(packet.destination) };
  if (packet.protocol !== 'ICMP') return { ...base, sport: packet.sourcePort, dport: packet.destinationPort };
  const error = packet.inner !== null;
  return {
    ...base,
    icmp_type: packet.type,
    icmp_code: packet.code,
    ...(error && packet.inner ? { inner: innerOf(packet.inner) } : { icmp_id: packet.identifier }),
  };
}

function innerOf(packet: Packet): Record<string, unknown> {
  const base = { proto: packet.protocol.toLowerCase(), src: formatIpv4(packet.source), dst: formatIpv4(packet.destination) };
  return packet.protocol === 'ICMP' ? { ...base, icmp_id: packet.identifier } : { ...base, sport: packet.sourcePort, dport: packet.destinationPort };
}

function outcomeOf(id: number, passage: Passage, inInterface: string | undefined): Fields {
  if (passage.outcome === 'dropped' || passage.outcome === 'unroutable') return { id, outcome: 'dropped', by: passage.by.startsWith('kernel') ? 'kernel' : passage.by, reply: null };
  if (passage.outcome === 'rejected') {
    const { answer } = passage;
    if (!answer) return { id, outcome: 'rejected', by: passage.by, reply: null };
    const { packet, device, mark } = answer;
    const reply = packet.protocol === 'TCP' ? 'tcp-reset' : Object.entries(REJECT_CODES).find(([, code]) => packet.protocol === 'ICMP' && code === packet.code)?.[0];
    const flags = packet.protocol === 'TCP' ? { flags: packet.flags & TCP_FLAG.ACK ? 'RST,ACK' : 'RST' } : {};
    return { id, outcome: 'rejected', by: passage.by, reply, reply_packet: { out_iface: device, ...headerOf(packet), ...flags, ttl: packet.ttl, length: packet.length, mark } };
  }
  const { skb } = passage;
  const local = passage.outcome === 'local';
  const outcome = local ? 'local' : skb.outInterface === inInterface ? 'routed-back' : 'forwarded';
  return { id, outcome, out_iface: local ? null : skb.outInterface, ...headerOf(skb.toPacket()), ttl: skb.ttl, mark: skb.mark, reply: null };
}

function countHits(hits: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const hit of hits) counts.set(hit, (counts.get(hit) ?? 0) + 1);
  return [...counts].map(([hit, count]) => (count === 1 ? hit : `${hit}*${count}`));
}

function countersOf(netfilter: Netfilter): ReplayResult['counters'] {
  const tables: Record<string, Record<string, { policy?: readonly [number, number]; rules: (readonly [number, number])[] }>> = {};
  for (const [name, table] of netfilter.tables) {
    const chains: (typeof tables)[string] = {};
    for (const { id, name: chain } of table.chains()) {
      const start = table.start[id] ?? 0;
      const rules = Array.from({ length: table.length[id] ?? 0 }, (_, index) => [table.packets[start + index] ?? 0, table.bytes[start + index] ?? 0] as const);
      const policy = table.policies.has(id) ? { policy: [table.policyPackets.get(id) ?? 0, table.policyBytes.get(id) ?? 0] as const } : {};
      chains[chain] = { ...policy, rules };
    }
    tables[name] = chains;
  }
  return tables;
}
