import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Vm } from '../../src/datapaths/ebpf/vm.ts';
import { parseIpv4 } from '../../src/packet/address.ts';
import { checksumsHold, decodeFrame, encodeFrame } from '../../src/packet/frame.ts';
import { TCP_FLAG } from '../../src/packet/packet.ts';
import type { LabCheck } from '../lab-check.ts';
import { LabError } from '../shell.ts';
import { hookDevice, HookNode, type HookDevice, type Seen } from './hook-node.ts';
import { entryLines, mapDifference, mapsOf } from './kernel-run.ts';
import { withSameDice, withVariables } from './patch-object.ts';
import { below, fillCluster, NODE, randomFrame, type Below, type Ends } from './random-cluster.ts';
import { VmNode } from './vm-node.ts';

export interface HooksLab {
  readonly vm: Vm;
  /** The compiled helper. */
  readonly hooks: string;
  readonly folder: string;
  readonly cpus: number;
  /** The project's own objects. */
  readonly samples: string;
}

const PODS = Array.from({ length: 6 }, (_, index) => hookDevice(`c${index}`, `e${index}`, index));
const UPLINK = hookDevice('up0', 'out0', 10);
const SECOND = hookDevice('up1', 'out1', 11);
const SINK = hookDevice('sink0', 'sink1', 12);
const DEVICES = [...PODS, UPLINK, SECOND, SINK];
const ETHERNET_HEADER = 14;
const ROUTER_MAC = Uint8Array.of(2, 0, 0, 0, 0, 0xaa);
const NOW_NS = 2_000_000_000;
/** linux/bpf.h, enum bpf_prog_type. */
const USED = ['type cil_from_container 3', 'type cil_to_container 3', 'type cil_xdp_entry 6'];
/** Frames over one cluster: enough for connections to be found again. */
const BATCH = 150;

/**
 * node.bpf.o on real hooks: tc on both ways of pods' veth pairs, XDP on the uplink, the kernel's own stack and redirects
 * between them; and the same in the VM. Frames out, by which device, and all maps at the end. The clock stands still and
 * random numbers are the object's own constant in both, so that both choose the same backends.
 */
export async function checkHooks(lab: HooksLab, frames: number, seed: number): Promise<LabCheck> {
  const name = 'node.bpf.o on tc clsact and XDP in network namespaces';
  const verdicts = new Map<string, number>();
  let done = 0;
  try {
    for (let cluster = seed * 1000; done < frames; cluster++) {
      const wrong = await checkCluster(lab, cluster, Math.min(BATCH, frames - done), (verdict) => verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1));
      if (wrong !== null) return { name, passed: false, detail: `cluster ${cluster}: ${wrong}` };
      done += BATCH;
    }
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return { name, passed: null, detail: error.message };
  }
  return { name, passed: true, detail: `${frames} frames over ${Math.ceil(frames / BATCH)} random clusters: frames out and maps agree (${[...verdicts].sort().map(([verdict, times]) => `${times} × ${verdict}`).join(', ')}).` };
}

async function checkCluster(lab: HooksLab, seed: number, count: number, countVerdict: (verdict: string) => void): Promise<string | null> {
  const random = below(seed);
  const masquerade = Uint8Array.of(NODE >>> 24, (NODE >>> 16) & 255, (NODE >>> 8) & 255, NODE & 255);
  const settings = { enable_events: Uint8Array.of(1), enable_policy: Uint8Array.of(seed & 1), nat_ipv4_masquerade: masquerade, direct_routing_dev_ifindex: Uint8Array.of(seed & 2 ? SECOND.ifindex : UPLINK.ifindex, 0, 0, 0) };
  const object = withSameDice(withVariables(new Uint8Array(readFileSync(join(lab.samples, 'node.bpf.o'))), settings), NOW_NS, random(2 ** 31));
  const file = join(lab.folder, 'hooks.o');
  writeFileSync(file, object);
  const collection = lab.vm.load(object, { seed: 1, cpus: lab.cpus, readers: false });
  try {
    const ends = fillCluster(collection, seed, (pod) => {
      const { ifindex, mac, farMac } = podDevice(pod);
      return { ifindex, mac: farMac, nodeMac: mac };
    });
    const node = await HookNode.start(lab.hooks, file, USED, entryLines(collection));
    try {
      await node.addDevices(DEVICES);
      node.ip([`route add default dev ${SINK.name}`, ...[...ends.local].map(([address, { ifindex }]) => `route add ${[24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.')}/32 dev ${PODS.find((pod) => pod.ifindex === ifindex)?.name ?? ''}`)]);
      for (const { name } of PODS) {
        await node.attachTc(name, 'ingress', 'cil_from_container');
        await node.attachTc(name, 'egress', 'cil_to_container');
      }
      await node.attachXdp(UPLINK.name, 'cil_xdp_entry');
      const routes = new Map([...ends.local].map(([address, { ifindex }]) => [address, ifindex]));
      const vm = new VmNode({ collection, pods: PODS, uplink: UPLINK, others: [SECOND, SINK], defaultRoute: SINK, routes, count: countVerdict });
      const history: Seen[] = [];
      for (let sent = 0; sent < count; sent++) {
        const { device, frame } = nextFrame(ends, history, random);
        const ours = vm.send(device, frame);
        const kernel = await node.send(device.far, frame, ours.length);
        if (JSON.stringify(kernel) !== JSON.stringify(ours)) return `frame ${sent} at ${device.name} (${Buffer.from(frame).toString('hex').slice(0, 200)}): the kernel gives ${JSON.stringify(kernel).slice(0, 400)}, the VM ${JSON.stringify(ours).slice(0, 400)}`;
        history.push(...kernel);
      }
      return mapDifference(await node.maps(), mapsOf(collection), collection.spec.maps.map((map) => map.name));
    } finally {
      node.close();
    }
  } finally {
    collection.free();
  }
}

const podDevice = (pod: number): HookDevice => PODS[pod % PODS.length] ?? SINK;

/** A new frame where its sender is (or, now and then, pretends to be), or an answer from where one came out. */
function nextFrame(ends: Ends, history: readonly Seen[], random: Below): { readonly device: HookDevice; readonly frame: Uint8Array } {
  for (;;) {
    const answered = history.length > 0 && random(3) === 0 ? answerTo(history[Math.max(0, history.length - 1 - random(12))]) : null;
    const frame = answered?.frame ?? (random(3) === 0 ? toNode(ends, random) : randomFrame(ends, random));
    const packet = checksumsHold(frame) ? decodeFrame(frame) : null;
    // Others the kernel's stack would drop, or answer itself, which would add to what the programs count.
    if (!packet || packet.ttl < 5 || frame.length < ETHERNET_HEADER + packet.length) continue;
    const own = ends.local.get(packet.source);
    const anyone = random(12) === 0 ? podDevice(random(PODS.length)) : UPLINK;
    const device = answered?.device ?? (own && random(6) > 0 ? (PODS.find(({ ifindex }) => ifindex === own.ifindex) ?? UPLINK) : anyone);
    frame.set(device.mac, 0);
    frame.set(device === UPLINK ? ROUTER_MAC : device.farMac, 6);
    return { device, frame };
  }
}

/** From the world to a Service's port on this node. */
function toNode(ends: Ends, random: Below): Uint8Array {
  const ports = ends.frontends.filter(({ address }) => address === NODE);
  const { port, protocol } = ports[random(ports.length)] ?? { port: 80, protocol: 6 };
  const ip = { source: parseIpv4(`203.0.113.${8 * random(32)}`) ?? NODE, destination: NODE, sourcePort: 1024 + random(24), destinationPort: port, ttl: 64, length: 40 + random(100) };
  return encodeFrame(protocol === 17 ? { ...ip, protocol: 'UDP' } : { ...ip, protocol: 'TCP', flags: [TCP_FLAG.SYN, TCP_FLAG.ACK, TCP_FLAG.FIN | TCP_FLAG.ACK][random(3)] ?? TCP_FLAG.SYN, sequence: 1, acknowledgement: 1 }, { source: ROUTER_MAC, destination: ROUTER_MAC });
}

function answerTo(seen: Seen | undefined): { readonly device: HookDevice; readonly frame: Uint8Array } | null {
  const packet = seen ? decodeFrame(new Uint8Array(Buffer.from(seen.frame, 'hex'))) : null;
  if (!seen || !packet || packet.protocol === 'ICMP') return null;
  const back = { ...packet, source: packet.destination, destination: packet.source, sourcePort: packet.destinationPort, destinationPort: packet.sourcePort, ttl: 64 };
  const frame = encodeFrame(back.protocol === 'TCP' ? { ...back, flags: TCP_FLAG.SYN | TCP_FLAG.ACK } : back, { source: ROUTER_MAC, destination: ROUTER_MAC });
  return { device: PODS.find(({ far }) => far === seen.far) ?? UPLINK, frame };
}
