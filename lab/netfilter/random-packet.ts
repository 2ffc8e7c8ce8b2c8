import type { Dice } from '../dice.ts';
import type { CasePacket, Out } from './case.ts';
import { CLIENT_PORTS, networkOf, SERVICE_PORTS, type Ends } from './ends.ts';

/** A packet before it has its number. */
export type NextPacket = Omit<CasePacket, 'id'>;
/** A packet that was sent, and what came out of it. */
export interface Sent {
  readonly packet: CasePacket;
  readonly out: Out;
}
/** Where a Service is reached. */
export interface Frontend {
  readonly address: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
}
type Fields = Record<string, unknown>;

/** IP lengths of SCTP packets by chunk; the others' are 36. */
const CHUNK_LENGTH: Readonly<Record<string, number>> = { INIT: 52, INIT_ACK: 52, DATA: 48, SACK: 48, HEARTBEAT: 44, COOKIE_ECHO: 40 };
const CHUNKS = ['DATA', 'INIT', 'INIT_ACK', 'SACK', 'HEARTBEAT', 'HEARTBEAT_ACK', 'ABORT', 'SHUTDOWN', 'SHUTDOWN_ACK', 'ERROR', 'COOKIE_ECHO', 'COOKIE_ACK', 'SHUTDOWN_COMPLETE'];
const CHUNK_ANSWERS: Readonly<Record<string, readonly string[]>> = {
  INIT: ['INIT_ACK'], INIT_ACK: ['COOKIE_ECHO'], COOKIE_ECHO: ['COOKIE_ACK', 'ERROR'], COOKIE_ACK: ['DATA'], DATA: ['SACK', 'SHUTDOWN', 'ABORT'], SACK: ['DATA', 'HEARTBEAT'], HEARTBEAT: ['HEARTBEAT_ACK'], SHUTDOWN: ['SHUTDOWN_ACK'], SHUTDOWN_ACK: ['SHUTDOWN_COMPLETE'],
};
const chunkLength = (chunk: string) => CHUNK_LENGTH[chunk] ?? 36;

/** Random packets: new ones, answers to what came out, and more of the same connections. */
export class RandomPacket {
  readonly #dice: Dice;
  readonly #ends: Ends;
  readonly #frontends: readonly Frontend[];

  /** `frontends`: three of four new packets go to one of these, if there are any. */
  constructor(dice: Dice, ends: Ends, frontends: readonly Frontend[] = []) {
    this.#dice = dice;
    this.#ends = ends;
    this.#frontends = frontends;
  }

  /** Null: this time nothing fits. */
  next(history: readonly Sent[]): NextPacket | null {
    const kind = this.#dice.between(0, 99);
    if (history.length > 0 && kind < 45) return this.#answer(this.#dice.pick(history.slice(-6)));
    if (history.length > 0 && kind < 65) return this.#again(this.#dice.pick(history.slice(-6)).packet);
    return this.#fresh();
  }

  #fresh(): NextPacket {
    const dice = this.#dice;
    const { clients, servers, own, all, virtual } = this.#ends;
    const from = dice.pick(['client', 'client', 'client', 'server', 'router']);
    const frontend = this.#frontends.length > 0 && dice.chance(0.75) ? dice.pick(this.#frontends) : null;
    // Not to a Service: dropped at routing, it would not tell which endpoint was chosen.
    const martians = frontend === null;
    let src = dice.pick(from === 'client' ? clients : from === 'server' ? servers : [...own, ...(martians && dice.chance(0.3) ? ['127.0.0.1'] : [])]);
    if (martians && from !== 'router' && dice.chance(0.03)) src = dice.pick([...own, '127.0.0.1', '0.0.0.0', '224.0.0.1', '255.255.255.255']);
    let dst = dice.pick([...(from === 'client' ? servers : from === 'server' ? clients : [...servers, ...clients]), ...virtual, ...own]);
    if (dice.chance(0.15)) dst = dice.pick(all);
    if (src === '127.0.0.1' && from === 'router') dst = dice.pick(['127.0.0.1', ...own]);
    if (from !== 'router' && dice.chance(0.05)) dst = dice.pick([`${networkOf(src)}.255`, '224.0.0.5', '224.0.0.1', '255.255.255.255']);
    if (frontend) dst = frontend.address;
    const ip = { from, src, dst, ttl: dice.pick([64, 64, 64, 63, 128, 2]) };
    const ports = { sport: dice.pick(CLIENT_PORTS), dport: frontend?.port ?? dice.pick(SERVICE_PORTS) };
    switch (frontend?.protocol ?? dice.pick(['tcp', 'tcp', 'tcp', 'udp', 'udp', 'icmp', 'sctp'])) {
      case 'tcp': {
        const flags = dice.chance(0.8) ? 'SYN' : dice.pick(['ACK', 'RST', 'SYN,ACK', 'FIN,ACK', 'RST,ACK', 'PSH,ACK', 'SYN,FIN', 'NONE', 'FIN', 'SYN,ECE,CWR', 'FIN,PSH,URG', 'SYN,URG', 'URG,ACK', 'SYN,RST', 'FIN,RST,ACK', 'SYN,PSH']);
        return { ...ip, proto: 'tcp', ...ports, flags, seq: dice.pick([20_000, 20_000, 4_294_967_290, 30_000]), ...(flags.includes('ACK') ? { ack: dice.pick([30_001, 30_001, 1]) } : {}), length: flags.includes('PSH') ? 50 : 40 };
      }
      case 'udp':
        return { ...ip, proto: 'udp', ...ports, length: dice.pick([28, 38, 60]) };
      case 'sctp': {
        const chunk = dice.chance(0.8) ? 'INIT' : dice.pick(CHUNKS);
        const tags = chunk === 'INIT' ? { init_tag: 1000, vtag: dice.chance(0.95) ? 0 : 5 } : chunk === 'INIT_ACK' ? { init_tag: 2000, vtag: 1000 } : { vtag: dice.pick([1000, 2000, 77]) };
        return { ...ip, proto: 'sctp', ...ports, chunk, ...tags, length: chunkLength(chunk) };
      }
      default:
        return { ...ip, proto: 'icmp', icmp_type: dice.pick([8, 8, 8, 0, 13, 17, 15, 10]), icmp_code: 0, icmp_id: dice.pick([7, 8]), length: dice.pick([28, 84]) };
    }
  }

  #sideOf(out: Out): string {
    return Object.entries(this.#ends.interfaces).find(([, name]) => name === out.where)?.[0] ?? 'router';
  }

  /** From whom it came to, back to whom it seemed to come from. */
  #answer({ packet, out }: Sent): NextPacket | null {
    const dice = this.#dice;
    if (packet.inner) return null;
    const from = this.#sideOf(out);
    if (dice.chance(0.15) && from !== 'router') return this.#error(packet, out, from);
    const ip = { from, proto: packet.proto, src: out.dst, dst: out.src, ttl: 64, reply_to: packet.id };
    // What NAT chose at random, another run chooses again.
    const changed: string[] = [];
    if (out.sport !== packet.sport) changed.push('dport');
    if (out.dport !== packet.dport && String(out.dport).startsWith('700')) changed.push('sport');
    if (out.icmp_id !== packet.icmp_id) changed.push('icmp_id');
    const chosen = changed.length > 0 ? { nondeterministic: changed } : {};
    const ports = { sport: out.dport ?? 0, dport: out.sport ?? 0 };
    switch (packet.proto) {
      case 'tcp': {
        const sent = packet.flags ?? '';
        const end = (packet.seq ?? 0) + packet.length - 40 + (sent.includes('SYN') ? 1 : 0) + (sent.includes('FIN') ? 1 : 0);
        const flags = sent === 'SYN' && dice.chance(0.75) ? 'SYN,ACK' : dice.pick(['ACK', 'ACK', 'ACK', 'PSH,ACK', 'PSH,ACK', 'FIN,ACK', 'RST', 'RST,ACK', 'SYN,ACK', 'SYN']);
        const stray = dice.chance(0.04) ? dice.pick([1, -1, 5, 70_000, -70_000, 200_000]) : 0;
        return { ...ip, ...ports, flags, seq: ((packet.ack ?? 30_000) + stray) >>> 0, ...(flags.includes('ACK') ? { ack: end >>> 0 } : {}), length: flags.includes('PSH') ? dice.pick([50, 140]) : 40, ...chosen };
      }
      case 'udp':
        return { ...ip, ...ports, length: dice.pick([28, 50]), ...chosen };
      case 'sctp': {
        const chunk = dice.chance(0.9) ? dice.pick(CHUNK_ANSWERS[packet.chunk ?? ''] ?? ['DATA', 'INIT']) : dice.pick(CHUNKS);
        const right = packet.init_tag ?? (packet.vtag === 2000 ? 1000 : 2000);
        const tags = chunk === 'INIT' ? { vtag: 0, init_tag: 2000 } : { vtag: dice.chance(0.95) ? right : 9, ...(chunk === 'INIT_ACK' ? { init_tag: 2000 } : {}) };
        return { ...ip, ...ports, chunk, ...tags, length: chunkLength(chunk), ...chosen };
      }
      default:
        if (packet.icmp_type === undefined || ![8, 13, 15, 17].includes(packet.icmp_type)) return null;
        return { ...ip, icmp_type: packet.icmp_type === 8 ? 0 : packet.icmp_type + 1, icmp_code: 0, icmp_id: out.icmp_id ?? 0, length: packet.length, ...chosen };
    }
  }

  /** An ICMP error about it, perhaps by somebody between. */
  #error(packet: CasePacket, out: Out, from: string): NextPacket {
    const dice = this.#dice;
    const src = dice.chance(0.6) ? out.dst : dice.pick(from === 'server' ? this.#ends.servers : this.#ends.clients);
    const inner: Fields = {};
    for (const field of ['proto', 'src', 'dst', 'ttl', 'length', 'sport', 'dport', 'icmp_type', 'icmp_code', 'icmp_id', 'flags', 'seq', 'ack'] as const) if (out[field] !== undefined) inner[field] = out[field];
    if (packet.proto === 'sctp') for (const field of ['chunk', 'vtag', 'init_tag'] as const) if (packet[field] !== undefined) inner[field] = packet[field];
    const chosen = [...(out.sport !== packet.sport ? ['inner.sport'] : []), ...(out.dport !== packet.dport && String(out.dport).startsWith('700') ? ['inner.dport'] : []), ...(out.icmp_id !== packet.icmp_id ? ['inner.icmp_id'] : [])];
    return { from, proto: 'icmp', src, dst: dice.chance(0.93) ? out.src : dice.pick(this.#ends.all), ttl: 64, icmp_type: dice.pick([3, 3, 3, 11, 12, 4, 5]), icmp_code: dice.pick([0, 1, 3]), inner, length: 56, reply_to: packet.id, ...(chosen.length > 0 ? { nondeterministic: chosen } : {}) };
  }

  /** The same side goes on. */
  #again({ id: _, wait_ms: __, ...packet }: CasePacket): NextPacket {
    const dice = this.#dice;
    if (packet.proto !== 'tcp' || dice.chance(0.3)) return packet as NextPacket;
    const flags = dice.pick(['ACK', 'PSH,ACK', 'FIN,ACK', 'RST', 'SYN', 'ACK', 'RST,ACK']);
    const { ack = 30_001, ...rest } = packet;
    return { ...rest, flags, seq: ((packet.seq ?? 0) + packet.length - 40 + (packet.flags?.includes('SYN') ? 1 : 0)) >>> 0, ...(flags.includes('ACK') ? { ack } : {}), length: flags.includes('PSH') ? 50 : 40 } as NextPacket;
  }
}
