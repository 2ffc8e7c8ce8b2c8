import type { Datapath, NodeContext } from '../src/datapaths/datapath.ts';
import { EbpfDatapath } from '../src/datapaths/ebpf/ebpf-datapath.ts';
import { IptablesDatapath } from '../src/datapaths/iptables/iptables-datapath.ts';
import { Netfilter } from '../src/datapaths/iptables/netfilter/netfilter.ts';
import { PacketLog } from '../src/datapaths/iptables/netfilter/packet-log.ts';
import { Topology } from '../src/datapaths/iptables/netfilter/topology.ts';
import type { PacketReport, UpdateReport } from '../src/datapaths/report.ts';
import type { Work } from '../src/datapaths/work.ts';
import { PRESET_NODE } from '../src/kubernetes/node.ts';
import { parseIpv4, type Ipv4 } from '../src/packet/address.ts';
import type { UdpPacket } from '../src/packet/packet.ts';
import { readAssets } from '../src/simulation/node-assets.ts';
import type { LabCluster, LabTarget } from './lab-cluster.ts';
import { CONNTRACK_ONLY } from './conntrack-only.ts';
import { LabError } from './shell.ts';
import { addition } from './update-timing.ts';

/** The same packets as the lab sends, through the engines: what the kernel's time is divided by. */
export interface CountedPackets {
  readonly new: PacketReport;
  readonly established: PacketReport;
}

/** 20 bytes of IP header, 8 of UDP, 32 of payload, as the stopwatch sends. */
const LENGTH = 60;
const SOURCE_PORT = 1024;

function labNode(pods: readonly string[] = []): NodeContext {
  const { name, address, clusterCIDR, client } = PRESET_NODE;
  return { name, address, clusterCIDR, pods: [client, ...pods.map((pod, index) => ({ name: `default/server-${index}`, address: pod }))] };
}

/** A first packet, its reply, and a second packet. */
function countPackets(datapath: Datapath, target: Pick<LabTarget, 'address' | 'port'>): CountedPackets {
  // As from a fresh source port: another Service's connection to the same pod would make nat choose another one.
  datapath.reset(1);
  const packet = udp(PRESET_NODE.client.address, SOURCE_PORT, target.address, target.port);
  const first = datapath.send(packet, 'stages');
  const { packetOut } = first;
  if (packetOut?.protocol !== 'UDP') throw new LabError(`The engines do not deliver a packet to ${target.address}:${target.port}: ${JSON.stringify(first.verdict)}.`);
  datapath.send({ ...packet, source: packetOut.destination, destination: packetOut.source, sourcePort: packetOut.destinationPort, destinationPort: packetOut.sourcePort }, 'none');
  return { new: first, established: datapath.send(packet, 'stages') };
}

/** kube-proxy's rules of a cluster without Services, and a packet to a pod's own address. */
export function countStanding(backend: 'legacy' | 'nft', server: string): CountedPackets {
  const datapath = new IptablesDatapath({ backend, seed: 1, node: labNode([server]) });
  datapath.sync([]);
  return countPackets(datapath, { address: server, port: 8080 });
}

/** Nothing but connection tracking. */
export function countConntrack(server: string): { readonly new: Work; readonly established: Work } {
  const topology = new Topology();
  for (const address of [PRESET_NODE.client.address, server]) topology.addRoute({ destination: { address: ipv4(address), length: 32 }, via: null, device: `veth${address}` });
  const netfilter = new Netfilter({ topology, random32: () => 0 });
  netfilter.restore(CONNTRACK_ONLY);
  const send = (packet: UdpPacket, device: string): Work => {
    const log = new PacketLog('stages');
    netfilter.receive(packet, device, log);
    log.end();
    return log.work();
  };
  const there = udp(PRESET_NODE.client.address, SOURCE_PORT, server, 8080);
  const first = send(there, `veth${PRESET_NODE.client.address}`);
  send(udp(server, 8080, PRESET_NODE.client.address, SOURCE_PORT), `veth${server}`);
  return { new: first, established: send(there, `veth${PRESET_NODE.client.address}`) };
}

interface Lane {
  readonly datapath: Datapath;
  readonly full: UpdateReport;
  partial: UpdateReport | null;
  readonly packets: Map<number, CountedPackets>;
}

export type LaneName = 'legacy' | 'nft' | 'ebpf';

/** The lab's clusters in the engines, each built when it is first asked for. */
export class CountedLab {
  readonly #clusters: readonly LabCluster[];
  readonly #lanes = new Map<string, Lane>();

  constructor(clusters: readonly LabCluster[]) {
    this.#clusters = clusters;
  }

  /** A pod behind the targets. */
  get server(): string {
    return this.#clusters[0]?.servers[0]?.address ?? '';
  }

  packets(name: LaneName, services: number, position: number): CountedPackets {
    const lane = this.#lane(name, services);
    const known = lane.packets.get(position);
    if (known) return known;
    if (lane.partial) throw new LabError('Packets are counted before a Service is added: it may take a place before theirs.');
    for (const target of this.#cluster(services).targets) lane.packets.set(target.position, countPackets(lane.datapath, target));
    const counted = lane.packets.get(position);
    if (!counted) throw new LabError(`No target of the ${services} Services stands at ${position}.`);
    return counted;
  }

  /** The first sync, or one Service more. */
  update(name: LaneName, services: number, kind: 'full' | 'partial'): UpdateReport {
    const lane = this.#lane(name, services);
    if (kind === 'full') return lane.full;
    for (const { position } of this.#cluster(services).targets) this.packets(name, services, position);
    return (lane.partial ??= lane.datapath.sync(addition(0)));
  }

  #cluster(services: number): LabCluster {
    const cluster = this.#clusters.find((candidate) => candidate.services === services);
    if (!cluster) throw new LabError(`The lab has no cluster of ${services} Services.`);
    return cluster;
  }

  #lane(name: LaneName, services: number): Lane {
    const key = `${name} ${services}`;
    const known = this.#lanes.get(key);
    if (known) return known;
    const cluster = this.#cluster(services);
    const datapath = name === 'ebpf' ? new EbpfDatapath({ seed: cluster.seed, node: labNode() }, readAssets()) : new IptablesDatapath({ backend: name, seed: cluster.seed, node: labNode() });
    const lane: Lane = { datapath, full: datapath.sync(cluster.change), partial: null, packets: new Map() };
    this.#lanes.set(key, lane);
    return lane;
  }
}

function udp(source: string, sourcePort: number, destination: string, destinationPort: number): UdpPacket {
  return { protocol: 'UDP', source: ipv4(source), destination: ipv4(destination), ttl: 64, length: LENGTH, sourcePort, destinationPort };
}

function ipv4(text: string): Ipv4 {
  const address = parseIpv4(text);
  if (address === undefined) throw new LabError(`${text} is no IPv4 address.`);
  return address;
}
