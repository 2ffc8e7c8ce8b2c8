import { ALGORITHM, backendId, backendValue, endpointKey, endpointValue, maglevValue, MAP, reverseNatKey, reverseNatValue, serviceKey, serviceValue, slotValue, type ServiceTraits } from '../../src/datapaths/ebpf/agent/layout.ts';
import { MapSink } from '../../src/datapaths/ebpf/agent/map-sink.ts';
import { ipcacheKey, ipcacheValue, policyKey, policyValue, type PolicyPorts } from '../../src/datapaths/ebpf/agent/policy-layout.ts';
import { policyMapName, policyMapReference } from '../../src/datapaths/ebpf/agent/policy-map-name.ts';
import { createVm } from '../../src/datapaths/ebpf/rbpf-vm.ts';
import type { Collection, RunOutput } from '../../src/datapaths/ebpf/vm.ts';
import { parseIpv4, parsePrefix, type Ipv4, type Ipv4Prefix } from '../../src/packet/address.ts';
import { checksumsHold, decodeFrame, encodeFrame } from '../../src/packet/frame.ts';
import type { Packet } from '../../src/packet/packet.ts';
import { TCP_FLAG } from '../../src/packet/packet.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';

/** Programs in the VM with maps that a test fills by hand: what the agent would write, without it. */

const assets = readAssets();
/** Long after the start, so that nothing has a lifetime of 0. */
export const START = 1_000_000_000_000n;
export const TCP = 6;
export const UDP = 17;

export function address(text: string): Ipv4 {
  const parsed = parseIpv4(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

export function prefix(text: string): Ipv4Prefix {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
}

export const macOf = (last: number) => Uint8Array.of(2, 0, 0, 0, 0, last);
const FRAME = { source: macOf(0xaa), destination: macOf(0xbb) };

/** `10.0.0.1:80`. */
export interface End {
  readonly address: Ipv4;
  readonly port: number;
}

export function end(text: string): End {
  const [host = '', port = '0'] = text.split(':');
  return { address: address(host), port: Number(port) };
}

export function packet(protocol: 'TCP' | 'UDP' | 'SCTP', from: string, to: string, { flags = TCP_FLAG.SYN as number, ttl = 64 } = {}): Packet {
  const [source, destination] = [end(from), end(to)];
  const ip = { source: source.address, destination: destination.address, sourcePort: source.port, destinationPort: destination.port, ttl, length: 72 };
  if (protocol === 'TCP') return { ...ip, protocol, flags, sequence: 1, acknowledgement: 0 };
  return protocol === 'UDP' ? { ...ip, protocol } : { ...ip, protocol, chunk: 1, verificationTag: 0, initiateTag: 7 };
}

export function ping(from: string, to: string, type: 0 | 8 = 8): Packet {
  return { protocol: 'ICMP', source: address(from), destination: address(to), ttl: 64, length: 84, type, code: 0, identifier: 77, sequence: 1, inner: null };
}

export interface Pod {
  readonly ip: string;
  readonly ifindex: number;
  readonly identity?: number;
}

/** One run, with its frame read. */
export interface Ran extends RunOutput {
  readonly packet: Packet | null;
  /** `10.0.0.1:1024 → 10.0.0.2:80`. */
  readonly flow: string;
  /** Every checksum in the frame is right. */
  readonly sound: boolean;
}

export class Bench {
  readonly collection: Collection;
  readonly #sink: MapSink;
  now = START;

  constructor(object: string, { constants = {}, seed = 1 }: { readonly constants?: Readonly<Record<string, number | Uint8Array>>; readonly seed?: number } = {}) {
    const bytes = assets.objects[object];
    if (!bytes) throw new Error(`${object}.bpf.o is missing: npm run bpf`);
    this.collection = createVm(assets.wasm).load(bytes, { seed, constants: Object.fromEntries(Object.entries(constants).map(([name, value]) => [name, typeof value === 'number' ? Uint8Array.of(value) : value])) });
    this.#sink = new MapSink(this.collection);
  }

  write(map: string, key: Uint8Array, value: Uint8Array | null): void {
    this.#sink.write(map, key, value);
  }

  /** A Service with its backends, numbered from `id * 100`. */
  service(id: number, text: string, backends: readonly string[], { protocol = TCP, scope = 0, ...traits }: Partial<ServiceTraits> & { protocol?: number; scope?: number } = {}): void {
    const frontend = { ...end(text), protocol, scope };
    backends.forEach((backend, index) => {
      this.write(MAP.backends, backendId(id * 100 + index), backendValue({ ...end(backend), protocol }));
      this.write(MAP.services, serviceKey(frontend, index + 1), slotValue(id * 100 + index, id));
    });
    this.write(MAP.reverseNat, reverseNatKey(id), reverseNatValue(frontend));
    this.write(MAP.services, serviceKey(frontend, 0), serviceValue(backends.length, id, { flags: 0, flags2: 0, affinitySeconds: 0, algorithm: 0, ...traits }));
  }

  maglev(id: number, table: Uint32Array): void {
    this.write(MAP.maglev, reverseNatKey(id), maglevValue(table));
  }

  pods(...pods: readonly Pod[]): void {
    for (const { ip, ifindex, identity = 0 } of pods) {
      this.write(MAP.endpoints, endpointKey(address(ip)), endpointValue(ifindex, macOf(ifindex), macOf(ifindex + 100), identity));
      if (identity !== 0) this.identity(`${ip}/32`, identity);
    }
  }

  identity(text: string, identity: number, node: string | null = null): void {
    this.write(MAP.ipcache, ipcacheKey(prefix(text)), ipcacheValue(identity, node === null ? null : address(node)));
  }

  /** A pod's own policies, by its number. */
  policies(pod: Pod, entries: readonly { readonly identity: number; readonly egress?: boolean; readonly ports?: PolicyPorts; readonly deny?: boolean }[]): void {
    for (const { identity, egress = false, ports = null, deny = false } of entries) this.write(policyMapName(pod.ifindex), policyKey(identity, egress, ports), policyValue(deny, ports));
    this.write(MAP.policyOfEndpoint, endpointKey(address(pod.ip)), policyMapReference(pod.ifindex));
  }

  run(program: string, sent: Packet | Uint8Array, { mark = 0, ifindex = 1 } = {}): Ran {
    const data = sent instanceof Uint8Array ? sent : encodeFrame(sent, FRAME);
    const output = this.collection.run(program, { data, ifindex, ingressIfindex: ifindex, mark, nowNs: this.now });
    const read = decodeFrame(output.data);
    return { ...output, packet: read, flow: flowText(read), sound: checksumsHold(output.data) };
  }

  /** Packets counted in cilium_metrics under a reason (0: forwarded) and direction. */
  counted(reason: number, direction: 1 | 2): number {
    const value = this.collection.lookup(MAP.metrics, Uint8Array.of(reason, direction, 0, 0, 0, 0, 0, 0));
    return value ? Number(new DataView(value.buffer, value.byteOffset).getBigUint64(0, true)) : 0;
  }

  lookups(output: RunOutput): string[] {
    return output.accesses.map(({ map, operation, found }) => `${operation} ${map.replace(/^cilium_|\/\d+$/g, '')}${found ? '' : ' ✗'}`);
  }

  free(): void {
    this.collection.free();
  }
}

export function flowText(read: Packet | null): string {
  if (!read) return 'nothing';
  const port = (value: number) => (read.protocol === 'ICMP' ? '' : `:${value}`);
  const ported = read.protocol === 'ICMP' ? { sourcePort: 0, destinationPort: 0 } : read;
  const text = (value: Ipv4) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
  return `${text(read.source)}${port(ported.sourcePort)} → ${text(read.destination)}${port(ported.destinationPort)}`;
}

export const TC = { ok: 0, shot: 2, redirect: 7 } as const;
export const XDP = { aborted: 0, drop: 1, pass: 2, tx: 3, redirect: 4 } as const;
export { ALGORITHM };
