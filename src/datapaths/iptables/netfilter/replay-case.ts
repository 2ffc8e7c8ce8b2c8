import { TCP_FLAG } from '../../../packet/packet.ts';
import { FieldError, fields, flag, integer, list, number, optional, text, type Fields, type Reader } from '../../json-fields.ts';
import type { ReplayCase, ReplayPacket } from './replay.ts';

/** The middle of the recordings' three machines, which has no side: its packets go through OUTPUT. */
const ROUTER = 'router';
const PROTOCOLS = ['tcp', 'udp', 'sctp', 'icmp'];
/** As iptables names them: NONE is a segment without any. */
const FLAGS = [...Object.keys(TCP_FLAG), 'NONE'];
const NUMBERS = ['sport', 'dport', 'length', 'ttl', 'seq', 'ack', 'vtag', 'init_tag', 'icmp_type', 'icmp_code', 'icmp_id', 'icmp_seq'];

/** A recorded case out of JSON (the format: `tests/conformance/netfilter/README.md`). Throws `FieldError` with the field's place. */
export function readReplayCase(value: unknown): ReplayCase {
  const record = fields(value, 'the case');
  const name = text(record['name'], 'name');
  const topology = fields(record['topology.json'], 'topology.json');
  const interfaces = list(topology['interfaces'], 'topology.json.interfaces', networkInterface);
  const senders = [ROUTER, ...interfaces.flatMap(({ side }) => side ?? [])];
  return {
    name,
    'topology.json': { interfaces, routes: list(topology['routes'], 'topology.json.routes', route) },
    'rules.restore': text(record['rules.restore'], 'rules.restore'),
    ...optional(record, 'noflush', 'noflush', flag),
    ...optional(record, 'ipsets.txt', 'ipsets.txt', text),
    'packets.json': list(record['packets.json'], 'packets.json', (packet, place) => replayPacket(packet, place, senders)),
  };
}

const networkInterface: Reader<ReplayCase['topology.json']['interfaces'][number]> = (value, place) => {
  const one = fields(value, place);
  return { name: text(one['name'], `${place}.name`), ...optional(one, 'side', `${place}.side`, text), addresses: list(one['addresses'], `${place}.addresses`, text) };
};

const route: Reader<ReplayCase['topology.json']['routes'][number]> = (value, place) => {
  const one = fields(value, place);
  return { dst: text(one['dst'], `${place}.dst`), dev: text(one['dev'], `${place}.dev`), ...optional(one, 'via', `${place}.via`, text) };
};

function replayPacket(value: unknown, place: string, senders: readonly string[]): ReplayPacket {
  const one = fields(value, place);
  checkHeader(one, place);
  if (one['inner'] !== undefined) checkHeader(fields(one['inner'], `${place}.inner`), `${place}.inner`);
  return {
    ...one,
    id: integer(one['id'], `${place}.id`),
    from: oneOf(one['from'], `${place}.from`, senders),
    proto: oneOf(one['proto'], `${place}.proto`, PROTOCOLS),
    src: text(one['src'], `${place}.src`),
    dst: text(one['dst'], `${place}.dst`),
    ...optional(one, 'wait_ms', `${place}.wait_ms`, number),
    ...optional(one, 'reply_to', `${place}.reply_to`, integer),
    ...optional(one, 'draws', `${place}.draws`, (numbers, at) => list(numbers, at, integer)),
    ...optional(one, 'nondeterministic', `${place}.nondeterministic`, (names, at) => list(names, at, text)),
  };
}

/** Fields that a packet and the packet that an ICMP error quotes have in common. */
function checkHeader(one: Fields, place: string): void {
  oneOf(one['proto'], `${place}.proto`, PROTOCOLS);
  text(one['src'], `${place}.src`);
  text(one['dst'], `${place}.dst`);
  for (const name of NUMBERS) optional(one, name, `${place}.${name}`, integer);
  for (const name of (optional(one, 'flags', `${place}.flags`, text).flags ?? '').split(',')) if (name !== '') oneOf(name, `${place}.flags`, FLAGS);
}

function oneOf(value: unknown, place: string, allowed: readonly string[]): string {
  const found = text(value, place);
  if (!allowed.includes(found)) throw new FieldError(place, `“${found}” is none of ${allowed.join(', ')}.`);
  return found;
}
