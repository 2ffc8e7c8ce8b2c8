import { LabError } from '../shell.ts';
import type { CasePacket, Inner, Out, Topology } from './case.ts';
import type { NextPacket } from './random-packet.ts';

/*
 * A packet of a scene, in a line:
 *
 *   c tcp 10.1.0.10:4000 > 10.2.0.20:80 SYN     from the client (s: server, r: router)
 *   c icmp 10.1.0.10 > 10.2.0.20 type=8 id=7
 *   c sctp 10.1.0.10:4000 > 10.2.0.20:80 INIT vtag=0 itag=1000
 *   <1 SYN,ACK                                  an answer to what came out of packet 1
 *   >1 ACK                                      packet 1's sender goes on
 *   !1 type=3 code=3                            an ICMP error about what came out of packet 1, by whom it reached
 *
 * Behind it any of seq, ack, len, ttl, wait (ms), type, code, id, vtag, itag, src, dst, sport, dport, from, times (that many). Numbers of TCP go on by themselves: an answer acknowledges all
 * that it answers.
 */

type Fields = Record<string, unknown>;

const FROM: Readonly<Record<string, string>> = { c: 'client', s: 'server', r: 'router' };
const FIELD: Readonly<Record<string, string>> = { seq: 'seq', ack: 'ack', len: 'length', ttl: 'ttl', wait: 'wait_ms', type: 'icmp_type', code: 'icmp_code', id: 'icmp_id', vtag: 'vtag', itag: 'init_tag', src: 'src', dst: 'dst', sport: 'sport', dport: 'dport', from: 'from' };
const CHUNK_LENGTH: Readonly<Record<string, number>> = { INIT: 52, INIT_ACK: 52, DATA: 48, SACK: 48, HEARTBEAT: 44, HEARTBEAT_ACK: 44, COOKIE_ECHO: 40 };

/** The packet of a line, after what came out of those before. Throws `LabError`. */
export function nextPacket(line: string, packets: readonly CasePacket[], outs: readonly (readonly Out[])[], topology: Topology): NextPacket {
  const words = line.trim().split(/\s+/);
  const [first = ''] = words;
  const number = Number(/^[<>!](\d+)$/.exec(first)?.[1] ?? 0);
  const options: Fields = {};
  const names: string[] = [];
  for (const word of words.slice(number > 0 ? 1 : 5)) {
    const [name = '', value] = word.split('=');
    const field = FIELD[name];
    if (value === undefined) names.push(word);
    else if (field === undefined) throw new LabError(`“${line}”: ${name} is not known.`);
    else options[field] = /^\d+$/.test(value) ? Number(value) : value;
  }
  const flags = names[0] ?? '';
  if (number === 0) return fresh(words, flags, options);
  const packet = packets[number - 1];
  const out = outs[number - 1]?.[0];
  if (!packet) throw new LabError(`“${line}”: there is no packet ${number} before it.`);
  if (first.startsWith('>')) return again(packet, packets, flags, options);
  if (!out) throw new LabError(`“${line}”: nothing came out of packet ${number}.`);
  return first.startsWith('!') ? error(packet, out, options, topology) : answer(packet, out, packets, flags, options, topology);
}

const endOf = ({ seq = 0, length, flags = '' }: Pick<CasePacket, 'seq' | 'length' | 'flags'>) => (seq + Math.max(0, length - 40) + (flags.includes('SYN') ? 1 : 0) + (flags.includes('FIN') ? 1 : 0)) >>> 0;

function fresh([from = '', proto = '', source = '', , destination = '']: readonly string[], kind: string, options: Fields): NextPacket {
  const [src = '', sport] = source.split(':');
  const [dst = '', dport] = destination.split(':');
  const ip = { from: FROM[from] ?? from, proto, src, dst, ttl: 64 };
  const ports = sport === undefined ? {} : { sport: Number(sport), dport: Number(dport) };
  const base = { ...ip, ...ports, ...ofProtocol(proto, kind) };
  return { ...base, ...(proto === 'tcp' ? { seq: 20_000, ...(kind.includes('ACK') ? { ack: 30_001 } : {}) } : {}), ...(proto === 'icmp' ? { icmp_code: 0, icmp_id: 7 } : {}), ...options } as NextPacket;
}

function ofProtocol(proto: string, kind: string): Fields {
  switch (proto) {
    case 'tcp':
      return { flags: kind, length: kind.includes('PSH') ? 50 : 40 };
    case 'sctp':
      return { chunk: kind, length: CHUNK_LENGTH[kind] ?? 36 };
    case 'icmp':
      return { length: 84 };
    default:
      return { length: 48 };
  }
}

function headerOf({ id: _, wait_ms: __, draws: ___, flags: ____, ...header }: CasePacket): Fields {
  return header;
}

/** The sender of a packet goes on: its numbers from where it was, and acknowledging what came back. */
function again(packet: CasePacket, packets: readonly CasePacket[], kind: string, options: Fields): NextPacket {
  const rest = headerOf(packet);
  if (packet.proto === 'tcp') {
    const sameFlow = packets.filter((other) => other.proto === 'tcp' && other.from === packet.from && other.src === packet.src && other.sport === packet.sport && other.dst === packet.dst && other.dport === packet.dport);
    const ids = new Set(sameFlow.map(({ id }) => id));
    const back = packets.filter(({ reply_to }) => reply_to !== undefined && ids.has(reply_to)).at(-1);
    const last = sameFlow.at(-1) ?? packet;
    return { ...rest, ...ofProtocol('tcp', kind), seq: endOf(last), ...(kind.includes('ACK') ? { ack: back ? endOf(back) : (packet.ack ?? 30_001) } : { ack: 0 }), ...options } as NextPacket;
  }
  return { ...rest, ...(packet.proto === 'sctp' && kind !== '' ? ofProtocol('sctp', kind) : {}), ...options } as NextPacket;
}

const sideOf = (out: Out, topology: Topology) => topology.interfaces.find(({ name }) => name === out.where)?.side ?? 'router';

/** Fields that NAT changed: another run may choose others. */
function changed(packet: CasePacket, out: Out, pairs: readonly (readonly [keyof Out & keyof CasePacket, string])[]): Fields {
  const names = pairs.filter(([field]) => out[field] !== packet[field]).map(([, name]) => name);
  return names.length > 0 ? { nondeterministic: names } : {};
}

function answer(packet: CasePacket, out: Out, packets: readonly CasePacket[], kind: string, options: Fields, topology: Topology): NextPacket {
  const ip = { from: sideOf(out, topology), proto: packet.proto, src: out.dst, dst: out.src, ttl: 64, reply_to: packet.id };
  const ports = { sport: out.dport, dport: out.sport };
  switch (packet.proto) {
    case 'tcp': {
      const before = packets.filter(({ reply_to }) => reply_to !== undefined && sameFlow(packets[reply_to - 1], packet)).at(-1);
      const seq = before ? endOf(before) : (packet.ack ?? 0) === 0 ? 30_000 : packet.ack;
      return { ...ip, ...ports, ...ofProtocol('tcp', kind), seq, ...(kind.includes('ACK') ? { ack: endOf(packet) } : {}), ...changed(packet, out, [['sport', 'dport'], ['dport', 'sport']]), ...options } as NextPacket;
    }
    case 'icmp':
      return { ...ip, icmp_type: packet.icmp_type === 8 ? 0 : (packet.icmp_type ?? 0) + 1, icmp_code: 0, icmp_id: out.icmp_id, length: packet.length, ...changed(packet, out, [['icmp_id', 'icmp_id']]), ...options } as NextPacket;
    default:
      return { ...ip, ...ports, ...ofProtocol(packet.proto, kind), ...changed(packet, out, [['sport', 'dport'], ['dport', 'sport']]), ...options } as NextPacket;
  }
}

function sameFlow(a: CasePacket | undefined, b: CasePacket): boolean {
  return a !== undefined && a.src === b.src && a.sport === b.sport && a.dst === b.dst && a.dport === b.dport;
}

function error(packet: CasePacket, out: Out, options: Fields, topology: Topology): NextPacket {
  const inner: Fields = {};
  for (const field of ['proto', 'src', 'dst', 'ttl', 'length', 'sport', 'dport', 'icmp_type', 'icmp_code', 'icmp_id', 'flags', 'seq', 'ack'] as const satisfies readonly (keyof Inner)[]) if (out[field] !== undefined) inner[field] = out[field];
  if (packet.proto === 'sctp') for (const field of ['chunk', 'vtag', 'init_tag'] as const) if (packet[field] !== undefined) inner[field] = packet[field];
  return { from: sideOf(out, topology), proto: 'icmp', src: out.dst, dst: out.src, ttl: 64, icmp_type: 3, icmp_code: 3, inner, length: 56, reply_to: packet.id, ...changed(packet, out, [['sport', 'inner.sport'], ['dport', 'inner.dport'], ['icmp_id', 'inner.icmp_id']]), ...options } as NextPacket;
}
