import { join } from 'node:path';
import { Agent } from '../src/datapaths/ebpf/agent/agent.ts';
import { endpointKey, endpointValue, MAP } from '../src/datapaths/ebpf/agent/layout.ts';
import { PRESET_NODE } from '../src/kubernetes/node.ts';
import { parseIpv4, type Ipv4 } from '../src/packet/address.ts';
import type { LabCluster } from './lab-cluster.ts';
import { shell, LabError } from './shell.ts';
import { ROOT, type Workshop } from './workshop.ts';

const CLIENT_DEVICE = 'client';
/** What every pod's default route points at, as Calico and Cilium do. */
const GATEWAY = '169.254.1.1';

interface Pod {
  readonly name: string;
  readonly netns: string;
  readonly address: string;
  /** The node's end of its veth pair. */
  readonly device: string;
  readonly ifindex: number;
}

/** Client pod – node – server pods: namespaces joined by veth pairs. */
export class World {
  readonly name: string;
  readonly node: string;
  readonly client: Pod;
  readonly servers: readonly Pod[];
  readonly #workshop: Workshop;
  stamps: string | null = null;

  constructor(workshop: Workshop, name: string, servers: readonly string[]) {
    this.#workshop = workshop;
    this.name = name;
    this.node = workshop.namespace(`${name}-node`);
    this.client = this.#pod('client', CLIENT_DEVICE, PRESET_NODE.client.address);
    this.servers = servers.map((address, index) => this.#pod(`server${index}`, `server${index}`, address));
  }

  #pod(role: string, device: string, address: string): Pod {
    const netns = this.#workshop.namespace(`${this.name}-${role}`);
    const node = this.node.split('/').at(-1) ?? '';
    const pod = netns.split('/').at(-1) ?? '';
    const [mac, nodeMac] = [macText(address, 0), macText(address, 1)];
    const batch = (inside: string, lines: readonly string[]) => shell('ip', ['-n', inside, '-batch', '-'], { input: lines.join('\n') });
    batch(node, [`link add name ${device} address ${nodeMac} type veth peer name eth0 address ${mac} netns ${pod}`, `link set ${device} up`, `route add ${address}/32 dev ${device}`, `neigh add ${address} lladdr ${mac} dev ${device} nud permanent`]);
    batch(pod, ['link set eth0 up', `addr add ${address}/32 dev eth0`, `route add ${GATEWAY}/32 dev eth0 scope link`, `route add default via ${GATEWAY}`, `neigh add ${GATEWAY} lladdr ${nodeMac} dev eth0 nud permanent`]);
    const ifindex = Number(/^(\d+):/.exec(shell('ip', ['-n', node, '-o', 'link', 'show', device]))?.[1]);
    return { name: role, netns, address, device, ifindex };
  }

  /** Hands iptables-restore a text, on the node. */
  restore(backend: 'legacy' | 'nft', text: string): void {
    this.#workshop.inside(this.node, `iptables-${backend}-restore`, ['-w', '--noflush', '--counters'], text);
  }

  /** Attaches cil_from_container to the node's end of every pod's veth; returns the folder with its pinned maps. */
  attachProgram(): string {
    const folder = this.#workshop.loadBpf(join(ROOT, 'bpf-samples', 'from_container.bpf.o'), this.name);
    for (const pod of [this.client, ...this.servers]) this.#filter(this.node, pod.device, 2, join(folder, 'programs', 'cil_from_container'));
    return join(folder, 'maps');
  }

  /** Attaches programs that write down when a packet passes. */
  attachStamps(object: string): void {
    const folder = this.#workshop.loadBpf(object, `${this.name}-stamps`);
    this.#filter(this.node, this.client.device, 1, join(folder, 'programs', 'at_node'));
    for (const server of this.servers) this.#filter(server.netns, 'eth0', 1, join(folder, 'programs', 'at_server'));
    this.stamps = join(folder, 'maps', 'stamps');
  }

  #filter(netns: string, device: string, priority: number, program: string): void {
    try {
      this.#workshop.inside(netns, 'tc', ['qdisc', 'add', 'dev', device, 'clsact']);
    } catch (error) {
      // Another program is there already.
      if (!(error instanceof LabError) || !error.message.includes('xclusivity')) throw error;
    }
    this.#workshop.inside(netns, 'tc', ['filter', 'add', 'dev', device, 'ingress', 'prio', String(priority), 'bpf', 'da', 'object-pinned', program]);
  }

  /** The entries of the cluster's maps, as our agent writes them, and those of its pods: the lines that `probe maps` reads. */
  mapEntries(cluster: LabCluster): string {
    const lines: string[] = [];
    const own = new Map([this.client, ...this.servers].map((pod) => [pod.address, pod]));
    const pods = new Set<string>([this.client.address]);
    for (const object of cluster.objects) {
      if (object.kind === 'EndpointSlice') for (const { addresses } of object.endpoints) for (const address of addresses) pods.add(address);
    }
    let ifindex = 1000;
    for (const address of pods) {
      const parsed = ipv4(address);
      // Pods that nothing is sent to are entries alone.
      lines.push(entryLine(MAP.endpoints, endpointKey(parsed), endpointValue(own.get(address)?.ifindex ?? ifindex++, macOf(parsed, 0), macOf(parsed, 1))));
    }
    new Agent((map, key, value) => {
      lines.push(entryLine(map, key, value));
    }).apply(cluster.change);
    return `${lines.join('\n')}\n`;
  }
}

/** One line of what `probe maps` reads. */
export function entryLine(map: string, key: Uint8Array, value: Uint8Array | null): string {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  return `${map} ${hex(key)} ${value ? hex(value) : 'delete'}`;
}

function ipv4(text: string): Ipv4 {
  const address = parseIpv4(text);
  if (address === undefined) throw new LabError(`${text} is no IPv4 address.`);
  return address;
}

/** As the map lane's datapath gives them: 0 the pod's, 1 the node's end. */
export function macOf(address: Ipv4, end: 0 | 1): Uint8Array {
  return Uint8Array.of(2, end, address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255);
}

function macText(address: string, end: 0 | 1): string {
  return [...macOf(ipv4(address), end)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
