import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { describe, expect, it } from 'vitest';
import type { PacketReport } from '../../src/datapaths/report.ts';
import type { ClusterObject } from '../../src/kubernetes/change.ts';
import { formatIpv4, parseIpv4, type Ipv4 } from '../../src/packet/address.ts';
import { TCP_FLAG, type Packet, type PortedPacket } from '../../src/packet/packet.ts';
import { ClusterSource } from '../../src/simulation/cluster.ts';
import { Lanes } from '../../src/simulation/lanes.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';

/*
 * The same random packets through both lanes. Where real kube-proxy and real Cilium differ, so do the lanes, and the
 * packets below stay clear of it or the comparison allows for it:
 * - a Service without endpoints: kube-proxy answers (REJECT), Cilium drops silently (DROP_NO_SERVICE): both refuse;
 * - the endpoint: each lane draws its own;
 * - a packet that belongs to no connection and cannot begin one (a stray SYN-ACK, SCTP DATA): conntrack calls it INVALID
 *   and KUBE-FORWARD drops it, Cilium lets it pass: none is sent;
 * - SCTP with a port that differs from the endpoint's: Cilium cannot rewrite it: in the clusters here they are the same;
 * - a pod that is its own Service's endpoint and is chosen itself: kube-proxy masquerades it as the node, so replies
 *   are followed only for connections between two pods.
 */
const PACKETS = 1000;
const CLIENT = address('10.244.0.10');
const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const;
type Ported = (typeof PROTOCOLS)[number];

function address(text: string): Ipv4 {
  const parsed = parseIpv4(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

interface Frontend {
  readonly address: Ipv4;
  readonly port: number;
  readonly protocol: Ported;
  readonly endpoints: ReadonlySet<string>;
}

/** What the objects say, read without either lane's code. */
function frontendsOf(objects: readonly ClusterObject[]): Frontend[] {
  const frontends: Frontend[] = [];
  for (const service of objects) {
    if (service.kind !== 'Service' || !service.spec?.clusterIP || service.spec.clusterIP === 'None') continue;
    for (const port of service.spec.ports ?? []) {
      const endpoints = new Set<string>();
      for (const slice of objects) {
        if (slice.kind !== 'EndpointSlice' || slice.metadata?.namespace !== service.metadata?.namespace) continue;
        if (slice.metadata?.labels?.['kubernetes.io/service-name'] !== service.metadata?.name) continue;
        const own = slice.ports?.find(({ name }) => (name ?? '') === (port.name ?? ''));
        for (const endpoint of slice.endpoints) endpoints.add(`${endpoint.addresses[0]}:${own?.port}`);
      }
      frontends.push({ address: address(service.spec.clusterIP), port: port.port, protocol: (port.protocol ?? 'TCP') as Ported, endpoints });
    }
  }
  return frontends;
}

function packet(from: Ipv4, to: Ipv4, sourcePort: number, destinationPort: number, protocol: Ported, ttl = 64): PortedPacket {
  const ip = { source: from, destination: to, sourcePort, destinationPort, ttl, length: 60 };
  if (protocol === 'TCP') return { ...ip, protocol, flags: TCP_FLAG.SYN, sequence: 1, acknowledgement: 0 };
  if (protocol === 'UDP') return { ...ip, protocol };
  return { ...ip, protocol, chunk: 1, verificationTag: 0, initiateTag: 77 };
}

/** The endpoint's answer to a first packet. */
function reply(arrived: PortedPacket): PortedPacket {
  const ip = { source: arrived.destination, destination: arrived.source, sourcePort: arrived.destinationPort, destinationPort: arrived.sourcePort, ttl: 64, length: 60 };
  if (arrived.protocol === 'TCP') return { ...ip, protocol: 'TCP', flags: TCP_FLAG.SYN | TCP_FLAG.ACK, sequence: 9, acknowledgement: 2 };
  if (arrived.protocol === 'UDP') return { ...ip, protocol: 'UDP' };
  return { ...ip, protocol: 'SCTP', chunk: 2, verificationTag: 77, initiateTag: 88 };
}

/** The client's next packet. */
function next(first: PortedPacket): PortedPacket {
  if (first.protocol === 'TCP') return { ...first, flags: TCP_FLAG.ACK, sequence: 2, acknowledgement: 10 };
  return first.protocol === 'UDP' ? first : { ...first, chunk: 10, verificationTag: 88, initiateTag: 0 };
}

/** `delivered` and `forwarded` with their end; everything that ends a packet is `refused`. */
function outcome({ verdict }: PacketReport): string {
  if (verdict.kind === 'delivered' || verdict.kind === 'forwarded') return `${verdict.kind} ${formatIpv4(verdict.address)}:${verdict.port}`;
  return 'refused';
}

function ported(sent: Packet | null): PortedPacket {
  if (!sent || sent.protocol === 'ICMP') throw new Error('The packet did not arrive.');
  return sent;
}

const KINDS = ['service', 'service', 'service', 'service', 'unknown port', 'wrong protocol', 'pod', 'unknown pod', 'node', 'outside', 'last hop', 'ping'] as const;

class Cases {
  readonly counts = new Map<string, number>();
  readonly #lanes: Lanes;
  readonly #frontends: readonly Frontend[];
  readonly #pods: readonly string[];
  readonly #random: RandomGenerator;

  constructor(preset: 'shop' | '500', seed: number, lanes: Lanes) {
    const { objects } = new ClusterSource().load({ kind: 'preset', preset }, seed);
    this.#frontends = frontendsOf(objects);
    this.#pods = this.#frontends.flatMap(({ endpoints }) => [...endpoints]).filter((endpoint) => endpoint.startsWith('10.244.') || endpoint.startsWith('10.245.') || endpoint.startsWith('10.246.'));
    this.#lanes = lanes;
    this.#random = xoroshiro128plus(seed);
  }

  #pick<T>(list: readonly T[]): T {
    const chosen = list[uniformInt(this.#random, 0, list.length - 1)];
    if (chosen === undefined) throw new Error('Nothing to pick from.');
    return chosen;
  }

  #pod(): { readonly address: Ipv4; readonly port: number } {
    const [host = '', port = ''] = this.#pick(this.#pods).split(':');
    return { address: address(host), port: Number(port) };
  }

  send(): void {
    const kind = this.#pick(KINDS);
    const from = uniformInt(this.#random, 0, 3) === 0 ? this.#pod().address : CLIENT;
    const sourcePort = uniformInt(this.#random, 1024, 65535);
    const frontend = this.#pick(this.#frontends);
    const protocol = this.#pick(PROTOCOLS);
    const pod = this.#pod();
    switch (kind) {
      case 'service':
        this.#toService(frontend, packet(from, frontend.address, sourcePort, frontend.port, frontend.protocol));
        break;
      case 'unknown port':
        this.#alike(kind, packet(from, frontend.address, sourcePort, 60001, frontend.protocol));
        break;
      case 'wrong protocol': {
        const served = this.#frontends.filter((other) => other.address === frontend.address && other.port === frontend.port).map((other) => other.protocol);
        const other = PROTOCOLS.find((candidate) => !served.includes(candidate));
        if (other) this.#alike(kind, packet(from, frontend.address, sourcePort, frontend.port, other));
        break;
      }
      case 'pod':
        this.#alike(kind, packet(from, pod.address, sourcePort, pod.port, protocol), true);
        break;
      case 'unknown pod':
        this.#alike(kind, packet(from, address('10.247.200.1'), sourcePort, 80, protocol));
        break;
      case 'node':
        this.#alike(kind, packet(from, address('192.168.0.11'), sourcePort, uniformInt(this.#random, 1, 65535), protocol));
        break;
      case 'outside':
        this.#alike(kind, packet(from, address('203.0.113.9'), sourcePort, 443, protocol));
        break;
      case 'last hop':
        this.#alike(kind, packet(from, pod.address, sourcePort, pod.port, protocol, 1));
        break;
      case 'ping':
        this.#alike(kind, { protocol: 'ICMP', source: from, destination: this.#pick([pod.address, frontend.address, address('203.0.113.9')]), ttl: 64, length: 84, type: 8, code: 0, identifier: sourcePort, sequence: 1, inner: null });
        break;
    }
  }

  #count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** Neither a Service: both lanes end alike, to the last byte of where. */
  #alike(kind: string, sent: Packet, follow = false): void {
    this.#count(kind);
    const reports = [...this.#lanes.all()].map((lane) => ({ lane, report: lane.send(sent, 'none') }));
    const says = JSON.stringify(sent);
    const outcomes = reports.map(({ report }) => outcome(report));
    expect(outcomes[1], `${kind}: ${says}`).toBe(outcomes[0]);
    if (!follow || sent.protocol === 'ICMP' || sent.source === sent.destination) return;
    this.#count('reply');
    for (const { lane, report } of reports) expect(lane.send(reply(ported(report.packetOut)), 'none').packetOut, `${lane.id}, reply to ${says}`).toMatchObject({ source: sent.destination, sourcePort: sent.destinationPort, destination: sent.source });
  }

  #toService({ endpoints }: Frontend, sent: PortedPacket): void {
    const known = (report: PacketReport) => {
      const { verdict } = report;
      return (verdict.kind === 'delivered' || verdict.kind === 'forwarded') && endpoints.has(`${formatIpv4(verdict.address)}:${verdict.port}`);
    };
    this.#count(endpoints.size > 0 ? `${sent.protocol} to a Service` : 'no endpoints');
    for (const lane of this.#lanes.all()) {
      const says = `${lane.id}: ${JSON.stringify(sent)}`;
      const first = lane.send(sent, 'none');
      if (endpoints.size === 0) {
        expect(outcome(first), says).toBe('refused');
        continue;
      }
      expect(known(first), says).toBe(true);
      const arrived = ported(first.packetOut);
      if (arrived.destination === sent.source || formatIpv4(arrived.destination) === '192.168.0.11') continue;

      const answered = lane.send(reply(arrived), 'none');
      expect(answered.packetOut, `${says}, reply`).toMatchObject({ source: sent.destination, sourcePort: sent.destinationPort, destination: sent.source, destinationPort: sent.sourcePort });
      expect(answered.verdict.kind, `${says}, reply`).toBe('delivered');
      expect(answered.connection, `${says}, reply`).toBe('reply');

      const second = lane.send(next(sent), 'none');
      expect(second.connection, `${says}, second`).toBe('established');
      expect(second.verdict, `${says}, second`).toEqual(first.verdict);
      if (lane.id === 'iptables') this.#count('reply and established');
    }
  }
}

describe.each([
  ['shop', 11],
  ['shop', 12],
  ['500', 13],
  ['500', 14],
] as const)('preset %s, seed %i', (preset, seed) => {
  it(`${PACKETS} random packets end alike in both lanes`, () => {
    const cluster = new ClusterSource().load({ kind: 'preset', preset }, seed);
    const lanes = new Lanes({ cluster, seed, backend: 'legacy', datapaths: ['iptables', 'ebpf'], assets: readAssets() });
    const cases = new Cases(preset, seed, lanes);
    for (let index = 0; index < PACKETS; index++) cases.send();
    lanes.free();
    // Every kind must really have been tried.
    const kinds = [...KINDS.slice(4), 'TCP to a Service', 'reply', 'reply and established', ...(preset === 'shop' ? ['UDP to a Service', 'SCTP to a Service', 'no endpoints'] : [])];
    for (const kind of kinds) expect(cases.counts.get(kind) ?? 0, kind).toBeGreaterThanOrEqual(10);
  });
});
