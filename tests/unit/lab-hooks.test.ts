import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hookDevice } from '../../lab/bpf/hook-node.ts';
import { mapDifference, mapsOf } from '../../lab/bpf/kernel-run.ts';
import { below, fillCluster, NODE, randomFrame, type Ends } from '../../lab/bpf/random-cluster.ts';
import { VmNode } from '../../lab/bpf/vm-node.ts';
import { createVm } from '../../src/datapaths/ebpf/rbpf-vm.ts';
import type { Collection } from '../../src/datapaths/ebpf/vm.ts';
import type { Ipv4 } from '../../src/packet/address.ts';
import { checksumsHold, decodeFrame, encodeFrame } from '../../src/packet/frame.ts';
import { TCP_FLAG, type Packet } from '../../src/packet/packet.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';

/** The VM's half of the lab's check on real hooks: a node whose programs run in the VM, with a stack that only forwards. */
const assets = readAssets();
const [POD, PEER, UPLINK, SECOND, SINK] = ['c0', 'c1', 'up0', 'up1', 'sink0'].map((name, index) => hookDevice(name, `${name}-far`, index)) as [ReturnType<typeof hookDevice>, ReturnType<typeof hookDevice>, ReturnType<typeof hookDevice>, ReturnType<typeof hookDevice>, ReturnType<typeof hookDevice>];
const STRANGER = 0xcb007109 as Ipv4;

let collection: Collection;
let ends: Ends;
let node: VmNode;
const verdicts: string[] = [];

beforeEach(() => {
  collection = createVm(assets.wasm).load(assets.objects['node'] ?? new Uint8Array(), { seed: 1, readers: false, constants: { enable_policy: Uint8Array.of(0) } });
  ends = fillCluster(collection, 1, (pod) => {
    const { ifindex, mac, farMac } = pod % 2 === 0 ? POD : PEER;
    return { ifindex, mac: farMac, nodeMac: mac };
  });
  verdicts.length = 0;
  const routes = new Map([...ends.local].map(([address, { ifindex }]) => [address, ifindex]));
  node = new VmNode({ collection, pods: [POD, PEER], uplink: UPLINK, others: [SECOND, SINK], defaultRoute: SINK, routes, count: (verdict) => verdicts.push(verdict) });
});
afterEach(() => {
  collection.free();
});

const tcp = (source: Ipv4, destination: Ipv4, destinationPort: number): Packet => ({ protocol: 'TCP', source, destination, sourcePort: 4000, destinationPort, ttl: 64, length: 60, flags: TCP_FLAG.SYN, sequence: 1, acknowledgement: 0 });
const localOn = (device: typeof POD): Ipv4 => [...ends.local].find(([, { ifindex }]) => ifindex === device.ifindex)?.[0] ?? NODE;

describe('a node in the VM', () => {
  it('hands a pod’s packet for a pod here straight to the other’s peer', () => {
    const [from, to] = [localOn(POD), localOn(PEER)];
    const [seen, ...others] = node.send(POD, encodeFrame(tcp(from, to, 80), { source: POD.farMac, destination: POD.mac }));
    expect(others).toEqual([]);
    expect(seen?.far).toBe(PEER.far);
    const frame = new Uint8Array(Buffer.from(seen?.frame ?? '', 'hex'));
    expect(decodeFrame(frame)).toMatchObject({ source: from, destination: to, ttl: 63 });
    expect([...frame.subarray(0, 6)]).toEqual([...PEER.farMac]);
    expect(verdicts).toEqual(['tc ingress redirect_peer']);
  });

  it('sends what is for nobody here by the default route, a hop older, its checksum right', () => {
    const [seen] = node.send(POD, encodeFrame(tcp(localOn(POD), STRANGER, 80), { source: POD.farMac, destination: POD.mac }));
    expect(seen?.far).toBe(SINK.far);
    const frame = new Uint8Array(Buffer.from(seen?.frame ?? '', 'hex'));
    expect(decodeFrame(frame)).toMatchObject({ destination: STRANGER, ttl: 63 });
    expect(checksumsHold(frame)).toBe(true);
  });

  it('takes what comes from the world through XDP, the stack and the pod’s own program', () => {
    const [seen] = node.send(UPLINK, encodeFrame(tcp(STRANGER, localOn(PEER), 80), { source: SINK.mac, destination: UPLINK.mac }));
    expect(seen?.far).toBe(PEER.far);
    expect(verdicts).toEqual(['XDP pass', 'tc egress ok']);
  });

  it('does not forward what was addressed to another machine', () => {
    expect(node.send(UPLINK, encodeFrame(tcp(STRANGER, localOn(PEER), 80), { source: SINK.mac, destination: SINK.mac }))).toEqual([]);
  });
});

describe('maps', () => {
  it('are compared entry by entry', () => {
    const random = below(3);
    for (let sent = 0; sent < 40; sent++) node.send(POD, randomFrame(ends, random));
    const names = collection.spec.maps.map(({ name }) => name);
    const maps = mapsOf(collection);
    expect(mapDifference(maps, mapsOf(collection), names)).toBeNull();
    for (const [name, entries] of maps) {
      const [[key, value] = ['', '']] = [...entries];
      const changed = new Map(maps).set(name, new Map(entries).set(key, value.replace(/^../, (byte) => (byte === 'ff' ? '00' : 'ff'))));
      expect(mapDifference(changed, maps, names)).toContain(`map ${name}`);
    }
  });
});
