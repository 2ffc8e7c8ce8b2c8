import type { Packet } from '../../packet/packet.ts';
import { TCP_FLAG } from '../../packet/packet.ts';
import { PROTOCOL_NUMBER } from '../../packet/protocol.ts';
import type { OwnPrograms } from './attached/own-programs.ts';
import { runOwn, type Ended, type WayOptions } from './packet-way.ts';
import { decodeSockAddr, encodeSockAddr } from './sock-addr.ts';

/** SCTP's first chunk (RFC 9260). */
const INIT = 1;

type Ported = Exclude<Packet, { protocol: 'ICMP' }>;
type Place = Pick<Ported, 'destination' | 'destinationPort'>;

/** The pods' sockets, as far as a program at connect() decides whom they talk to. */
export class Sockets {
  /** What a socket was told instead of what it asked for, by its own end and what it asked for. */
  readonly #told = new Map<string, Place>();
  /** Flows that some socket began, as they go over the wire, there and back: their packets are nobody's connect(). */
  readonly #flows = new Set<string>();

  forget(): void {
    this.#told.clear();
    this.#flows.clear();
  }

  /** The packet as the socket sends it: a connection's first calls connect(), and later ones go where that led. */
  connect(packet: Packet, own: OwnPrograms, way: Pick<WayOptions, 'record' | 'steps' | 'nowNs'>): { readonly packet: Packet } | { readonly ended: Ended } {
    const program = own.at('connect4');
    if (!program || packet.protocol === 'ICMP') return { packet };
    const known = this.#told.get(flowOf(packet));
    if (known) return { packet: { ...packet, ...known } };
    if (!opens(packet) || this.#flows.has(flowOf(packet))) return { packet };
    const asked = { address: packet.destination, port: packet.destinationPort, protocol: PROTOCOL_NUMBER[packet.protocol] };
    const ran = runOwn('connect4', program, { data: encodeSockAddr(asked), ifindex: 1, ingressIfindex: 0 }, way);
    if (!ran) return { ended: { verdict: { kind: 'dropped', by: `${program.name}: fault` }, out: null } };
    if (ran.does === 'refuses') return { ended: { verdict: { kind: 'dropped', by: `${program.name}: connect()` }, out: null } };
    const told = decodeSockAddr(ran.output.data) ?? asked;
    const place = { destination: told.address, destinationPort: told.port };
    this.#told.set(flowOf(packet), place);
    const sent: Ported = { ...packet, ...place };
    this.#flows.add(flowOf(sent));
    this.#flows.add(flowOf({ ...sent, source: sent.destination, sourcePort: sent.destinationPort, destination: sent.source, destinationPort: sent.sourcePort }));
    return { packet: sent };
  }
}

function opens(packet: Ported): boolean {
  switch (packet.protocol) {
    case 'TCP':
      return (packet.flags & (TCP_FLAG.SYN | TCP_FLAG.ACK)) === TCP_FLAG.SYN;
    case 'UDP':
      return true;
    case 'SCTP':
      return packet.chunk === INIT;
  }
}

function flowOf({ protocol, source, sourcePort, destination, destinationPort }: Ported): string {
  return [protocol, source, sourcePort, destination, destinationPort].join();
}
