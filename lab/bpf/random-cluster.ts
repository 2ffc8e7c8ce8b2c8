import { Agent } from '../../src/datapaths/ebpf/agent/agent.ts';
import { layOut } from '../../src/datapaths/ebpf/agent/bytes.ts';
import { endpointKey, endpointValue, MAP } from '../../src/datapaths/ebpf/agent/layout.ts';
import { MapSink } from '../../src/datapaths/ebpf/agent/map-sink.ts';
import { ipcacheKey, ipcacheValue, policyKey, policyValue } from '../../src/datapaths/ebpf/agent/policy-layout.ts';
import { policyMapName, policyMapReference } from '../../src/datapaths/ebpf/agent/policy-map-name.ts';
import type { Collection } from '../../src/datapaths/ebpf/vm.ts';
import type { ClusterObject } from '../../src/kubernetes/change.ts';
import { preset } from '../../src/kubernetes/presets.ts';
import { PRESET_NODE } from '../../src/kubernetes/node.ts';
import { parseIpv4, type Ipv4 } from '../../src/packet/address.ts';
import { encodeFrame } from '../../src/packet/frame.ts';
import type { Packet } from '../../src/packet/packet.ts';

/** Whole numbers below a limit, from a seed. */
export type Below = (limit: number) => number;

/** xorshift32. */
export function below(seed: number): Below {
  let state = (Math.imul(seed, 0x9e3779b1) | 1) >>> 0;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

/** Who sends to whom in a random cluster. */
export interface Ends {
  readonly pods: readonly Ipv4[];
  readonly frontends: readonly { readonly address: Ipv4; readonly port: number; readonly protocol: number }[];
  /** Those pods that are on this node, with the device of each. */
  readonly local: ReadonlyMap<Ipv4, PodDevice>;
}

/** The node's end of a pod's veth. */
export interface PodDevice {
  readonly ifindex: number;
  /** The pod's own hardware address, and the node's end's. */
  readonly mac: Uint8Array;
  readonly nodeMac: Uint8Array;
}

/** Devices that are nowhere: enough for a test run. */
const imagined = (index: number): PodDevice => ({ ifindex: index + 10, mac: MAC(index), nodeMac: MAC(index + 1000) });

const must = (text: string): Ipv4 => {
  const address = parseIpv4(text);
  if (address === undefined) throw new Error(text);
  return address;
};
const OTHER_NODE = must('192.168.0.12');
export const NODE = must(PRESET_NODE.address);
const STRANGERS = Array.from({ length: 32 }, (_, index) => must(`203.0.113.${index * 8}`));
const IDENTITIES = [300, 301, 302, 400];
const MAC = (last: number) => Uint8Array.of(2, 0, 0, 0, last >> 8, last & 255);

/** Fills the collection's maps as the agents would for a cluster of 50 Services, with policies for some of its pods. */
export function fillCluster(collection: Collection, seed: number, deviceOf: (pod: number) => PodDevice = imagined): Ends {
  const local = new Map<Ipv4, PodDevice>();
  const random = below(seed);
  const sink = new MapSink(collection);
  const write = (map: string, key: Uint8Array, value: Uint8Array | null) => void sink.write(map, key, value);
  const objects = preset('50', seed).map((object, index) => varied(random(3) === 0 ? nodePort(object, index) : object, index >> 1));
  const agent = new Agent(write, { node: { name: PRESET_NODE.name, address: NODE }, algorithm: random(2) === 0 ? 'random' : 'maglev' });
  agent.apply(objects.map((object) => ({ op: 'add' as const, object })));
  const addresses = objects.flatMap((object) => (object.kind === 'EndpointSlice' ? object.endpoints.flatMap((endpoint) => endpoint.addresses) : []));
  const pods = addresses.flatMap((text) => parseIpv4(text) ?? []);
  for (const [index, pod] of pods.entries()) {
    const identity = IDENTITIES[random(IDENTITIES.length)] ?? 300;
    // Some pods are on other nodes.
    if (random(5) > 0) {
      const device = deviceOf(index);
      local.set(pod, device);
      write(MAP.endpoints, endpointKey(pod), endpointValue(device.ifindex, device.mac, device.nodeMac, identity));
    }
    if (random(6) > 0) write(MAP.ipcache, ipcacheKey({ address: pod, length: 32 }), ipcacheValue(identity, (local.has(pod) ? random(8) === 0 : random(4) > 0) ? OTHER_NODE : null));
    if (random(3) === 0) policies(write, pod, index + 10, random);
  }
  write(MAP.neighbours, layOut(4, (view) => { view.setUint32(0, OTHER_NODE); }), layOut(8, (view) => { view.setUint32(0, 0x02000c00); }));
  write(MAP.prefilter, layOut(8, (view) => { view.setUint32(0, 27, true); view.setUint32(4, STRANGERS[4] ?? 0); }), Uint8Array.of(1));
  return { pods, frontends: [...agent.frontends()].map(({ frontend }) => ({ address: frontend.address, port: frontend.port, protocol: frontend.protocol })), local };
}

/** Of the presets' Services, which are TCP with two endpoints each: some are UDP, some have no endpoint, some keep their clients. */
function varied(object: ClusterObject, service: number): ClusterObject {
  const protocol = service % 4 === 1 ? 'UDP' : 'TCP';
  if (object.kind === 'EndpointSlice') return { ...object, ports: (object.ports ?? []).map((port) => ({ ...port, protocol })), endpoints: service % 9 === 8 ? [] : object.endpoints };
  if (object.kind !== 'Service' || !object.spec?.ports) return object;
  const affinity = service % 5 === 3 ? { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 600 } } } : {};
  return { ...object, spec: { ...object.spec, ...affinity, ports: object.spec.ports.map((port) => ({ ...port, protocol })) } };
}

/** A Service that nodes serve too. */
function nodePort(object: ClusterObject, index: number): ClusterObject {
  if (object.kind !== 'Service' || !object.spec?.ports) return object;
  return { ...object, spec: { ...object.spec, type: 'NodePort', ports: object.spec.ports.map((port, at) => ({ ...port, nodePort: 30_000 + index * 4 + at })) } };
}

function policies(write: (map: string, key: Uint8Array, value: Uint8Array | null) => void, pod: Ipv4, number: number, random: Below): void {
  for (let count = random(6); count > 0; count--) {
    const port = random(3) === 0 ? null : { port: [80, 443, 8080, 53][random(4)] ?? 80, bits: random(3) === 0 ? 12 : 16 };
    const ports = random(4) === 0 ? null : { protocol: random(2) === 0 ? 6 : 17, ports: port };
    const identity = random(3) === 0 ? 0 : (IDENTITIES[random(IDENTITIES.length)] ?? 300);
    write(policyMapName(number), policyKey(identity, random(2) === 0, ports), policyValue(random(4) === 0, ports));
  }
  write(MAP.policyOfEndpoint, endpointKey(pod), policyMapReference(number));
}

/** A frame between random ends: pods, Services, the world; now and then cut off or with a byte changed. */
export function randomFrame({ pods, frontends }: Ends, random: Below): Uint8Array {
  const anyone = () => (random(4) === 0 ? STRANGERS[random(STRANGERS.length)] : pods[random(pods.length)]) ?? NODE;
  const source = anyone();
  const service = random(3) > 0 ? frontends[random(frontends.length)] : undefined;
  const destination = service?.address ?? anyone();
  const destinationPort = service && random(8) > 0 ? service.port : ([80, 443, 8080, 53][random(4)] ?? 80);
  const ip = { source, destination, sourcePort: 1024 + random(24), destinationPort, ttl: random(10) === 0 ? random(3) : 64, length: 40 + random(400) };
  const kind = random(12);
  const packet: Packet =
    kind < 7 ? { ...ip, protocol: 'TCP', flags: [2, 16, 18, 24, 17, 4][random(6)] ?? 2, sequence: random(2 ** 31), acknowledgement: random(2 ** 31) }
    : kind < 11 ? { ...ip, protocol: 'UDP' }
    : { source, destination, ttl: 64, length: 84, protocol: 'ICMP', type: 8, code: 0, identifier: random(65536), sequence: random(65536), inner: null };
  const frame = encodeFrame(packet, { source: MAC(1), destination: MAC(2) });
  if (random(20) === 0) return frame.slice(0, 34 + random(frame.length - 34));
  if (random(20) === 0) frame[random(frame.length)] = random(256);
  return frame;
}
