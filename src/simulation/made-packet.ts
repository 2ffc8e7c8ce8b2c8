import { formatIpv4, parseIpv4 } from '../packet/address.ts';
import type { Packet } from '../packet/packet.ts';

/** A packet that a person made, and how it comes and goes: an interface that rules name may be one that the node is not known to have. */
export interface MadePacket {
  readonly packet: Packet;
  /** Interface it comes in by; null: sent by the node itself. */
  readonly input: string | null;
  /** Interface it leaves by, unless it goes to the node itself; null: as the routes say. */
  readonly output: string | null;
  /** Keep the connections and counters of the packets before. */
  readonly keep: boolean;
}

const U8 = 0xff;
const U16 = 0xffff;
const U32 = 0xffffffff;
/** The numbers of every packet, and those of a protocol's own, each with its largest value. */
const COMMON = [['ttl', U8], ['length', U16]] as const;
const PORTS = [['sourcePort', U16], ['destinationPort', U16]] as const;
const OWN: Readonly<Record<Packet['protocol'], readonly (readonly [string, number])[]>> = {
  TCP: [...PORTS, ['flags', U8], ['sequence', U32], ['acknowledgement', U32]],
  UDP: PORTS,
  SCTP: [...PORTS, ['chunk', U8], ['verificationTag', U32], ['initiateTag', U32]],
  ICMP: [['type', U8], ['code', U8], ['identifier', U16], ['sequence', U16]],
};
/** What an address may hold as it is. */
const INTERFACE = /^[\w.@+-]{1,15}$/;

/**
 * A made packet as a part of a link: `TCP,10.244.0.10,10.96.0.1,64,40,35276,443,2,1,0,eth0,,` is protocol, source, target,
 * TTL, length, the protocol's own numbers, the interfaces, and `keep` where connections are kept. null: it cannot stand
 * there, as an interface's name has other letters, or an ICMP error quotes a packet.
 */
export function madeText({ packet, input, output, keep }: MadePacket): string | null {
  if (packet.protocol === 'ICMP' && packet.inner !== null) return null;
  if ([input, output].some((name) => name !== null && !INTERFACE.test(name))) return null;
  const values = new Map<string, unknown>(Object.entries(packet));
  const numbers = [...COMMON, ...OWN[packet.protocol]].map(([name]) => values.get(name));
  return [packet.protocol, formatIpv4(packet.source), formatIpv4(packet.destination), ...numbers, input ?? '', output ?? '', keep ? 'keep' : ''].join(',');
}

/** Reads it; null: it is none. */
export function madeOf(text: string): MadePacket | null {
  const [name = '', from = '', to = '', ...rest] = text.split(',');
  const protocol = (['TCP', 'UDP', 'SCTP', 'ICMP'] as const).find((known) => known === name);
  const [source, destination] = [parseIpv4(from), parseIpv4(to)];
  if (protocol === undefined || source === undefined || destination === undefined) return null;
  if (formatIpv4(source) !== from || formatIpv4(destination) !== to) return null;
  const fields = [...COMMON, ...OWN[protocol]];
  const [input = '', output = '', kept = '', ...more] = rest.slice(fields.length);
  if (rest.length < fields.length + 3 || more.length > 0 || !/^(keep)?$/.test(kept)) return null;
  if ([input, output].some((one) => one !== '' && !INTERFACE.test(one))) return null;
  const numbers: Record<string, number> = {};
  for (const [index, [field, most]] of fields.entries()) {
    const found = rest[index] ?? '';
    if (!/^(0|[1-9]\d{0,9})$/.test(found) || Number(found) > most) return null;
    numbers[field] = Number(found);
  }
  const number = (field: string): number => numbers[field] ?? 0;
  const ip = { source, destination, ttl: number('ttl'), length: number('length') };
  const ported = { ...ip, sourcePort: number('sourcePort'), destinationPort: number('destinationPort') };
  const packet = ((): Packet => {
    switch (protocol) {
      case 'TCP': return { ...ported, protocol, flags: number('flags'), sequence: number('sequence'), acknowledgement: number('acknowledgement') };
      case 'UDP': return { ...ported, protocol };
      case 'SCTP': return { ...ported, protocol, chunk: number('chunk'), verificationTag: number('verificationTag'), initiateTag: number('initiateTag') };
      case 'ICMP': return { ...ip, protocol, type: number('type'), code: number('code'), identifier: number('identifier'), sequence: number('sequence'), inner: null };
    }
  })();
  return { packet, input: input || null, output: output || null, keep: kept === 'keep' };
}
