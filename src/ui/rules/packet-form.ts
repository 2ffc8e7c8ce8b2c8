import { formatIpv4, parseIpv4, type Ipv4 } from '../../packet/address.ts';
import { TCP_FLAG, type Packet } from '../../packet/packet.ts';
import type { MadePacket } from '../../simulation/rules/api.ts';

export const PROTOCOLS = ['TCP', 'UDP', 'SCTP', 'ICMP'] as const;

/** A packet's fields as a person writes them. */
export interface PacketForm {
  readonly protocol: Packet['protocol'];
  readonly source: string;
  readonly destination: string;
  readonly sourcePort: string;
  readonly destinationPort: string;
  /** Bits of `TCP_FLAG`. */
  readonly flags: number;
  /** Type of SCTP's first chunk. */
  readonly chunk: string;
  readonly type: string;
  readonly code: string;
  readonly length: string;
  readonly ttl: string;
  /** null: the node itself sends it. */
  readonly input: string | null;
  /** null: as the routes say. */
  readonly output: string | null;
}

export type FormField = 'source' | 'destination' | 'sourcePort' | 'destinationPort' | 'chunk' | 'type' | 'code' | 'length' | 'ttl';

/** What is wrong with a field: no IPv4 address, an IPv6 one, or a number that is none or out of its range. */
export type FormFault =
  | { readonly field: FormField; readonly kind: 'address' | 'ipv6'; readonly found: string }
  | { readonly field: FormField; readonly kind: 'number'; readonly found: string; readonly least: number; readonly most: number };

/** The headers without options, bytes: no packet is shorter. */
export const SHORTEST: Readonly<Record<Packet['protocol'], number>> = { TCP: 40, UDP: 28, SCTP: 36, ICMP: 28 };
const LONGEST = 65_535;
/** What a new packet of a protocol is as long as, bytes. */
const USUAL: Readonly<Record<Packet['protocol'], number>> = { TCP: 40, UDP: 60, SCTP: 52, ICMP: 84 };
const SCTP_INIT = 1;
const ECHO_REQUEST = 8;
/** Ports of a packet that had none. */
const PORTS = { source: 40_000, destination: 80 } as const;

/** Whether two forms say the same, field by field. */
export function sameForm(a: PacketForm, b: PacketForm): boolean {
  return (Object.keys(a) as (keyof PacketForm)[]).every((field) => a[field] === b[field]);
}

export function formOf({ packet, input, output }: MadePacket): PacketForm {
  const ported = packet.protocol === 'ICMP' ? null : packet;
  return {
    protocol: packet.protocol,
    source: formatIpv4(packet.source),
    destination: formatIpv4(packet.destination),
    sourcePort: String(ported?.sourcePort ?? PORTS.source),
    destinationPort: String(ported?.destinationPort ?? PORTS.destination),
    flags: packet.protocol === 'TCP' ? packet.flags : TCP_FLAG.SYN,
    chunk: String(packet.protocol === 'SCTP' ? packet.chunk : SCTP_INIT),
    type: String(packet.protocol === 'ICMP' ? packet.type : ECHO_REQUEST),
    code: String(packet.protocol === 'ICMP' ? packet.code : 0),
    length: String(packet.length),
    ttl: String(packet.ttl),
    input,
    output,
  };
}

/** The form with another protocol, and the length that its packets usually have. */
export function withProtocol(form: PacketForm, protocol: Packet['protocol']): PacketForm {
  return { ...form, protocol, length: String(USUAL[protocol]) };
}

/**
 * The packet that the form describes, or all that is wrong with it. What a form does not show (sequence numbers, tags, an
 * ICMP error's quote) is the last packet's where it was of the same protocol, so that a connection goes on.
 */
export function readForm(form: PacketForm, last: Packet | null): { readonly packet: Packet } | { readonly faults: readonly FormFault[] } {
  const faults: FormFault[] = [];
  const address = (field: 'source' | 'destination'): Ipv4 => {
    const found = form[field].trim();
    const read = parseIpv4(found);
    if (read === undefined) faults.push({ field, kind: found.includes(':') ? 'ipv6' : 'address', found });
    return read ?? (0 as Ipv4);
  };
  const whole = (field: FormField, least: number, most: number): number => {
    const found = form[field].trim();
    const value = Number(found);
    if (!/^\d{1,10}$/.test(found) || value < least || value > most) faults.push({ field, kind: 'number', found, least, most });
    return value;
  };
  const { protocol } = form;
  const ip = { source: address('source'), destination: address('destination'), ttl: whole('ttl', 1, 255), length: whole('length', SHORTEST[protocol], LONGEST) };
  const ports = () => ({ sourcePort: whole('sourcePort', 0, 65_535), destinationPort: whole('destinationPort', 0, 65_535) });
  const packet = ((): Packet => {
    switch (protocol) {
      case 'TCP': {
        const own = last?.protocol === 'TCP' ? last : null;
        return { ...ip, ...ports(), protocol, flags: form.flags, sequence: own?.sequence ?? 1, acknowledgement: own?.acknowledgement ?? 0 };
      }
      case 'UDP':
        return { ...ip, ...ports(), protocol };
      case 'SCTP': {
        const own = last?.protocol === 'SCTP' ? last : null;
        const chunk = whole('chunk', 0, 255);
        const begins = chunk === SCTP_INIT;
        return { ...ip, ...ports(), protocol, chunk, verificationTag: begins ? 0 : (own?.verificationTag ?? 1), initiateTag: begins ? own?.initiateTag || 1 : (own?.initiateTag ?? 0) };
      }
      case 'ICMP': {
        const own = last?.protocol === 'ICMP' ? last : null;
        return { ...ip, protocol, type: whole('type', 0, 255), code: whole('code', 0, 255), identifier: own?.identifier ?? 1, sequence: own?.sequence ?? 1, inner: own?.inner ?? null };
      }
    }
  })();
  return faults.length === 0 ? { packet } : { faults };
}
