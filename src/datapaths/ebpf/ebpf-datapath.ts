import type { ClusterChange } from '../../kubernetes/change.ts';
import { parseIpv4, type Ipv4 } from '../../packet/address.ts';
import { decodeFrame, encodeFrame } from '../../packet/frame.ts';
import type { Packet } from '../../packet/packet.ts';
import { protocolOf } from '../../packet/protocol.ts';
import { formatIpv4 } from '../../packet/address.ts';
import type { DatapathAssets } from '../assets.ts';
import type { Datapath, DatapathOptions } from '../datapath.ts';
import { LocalPods, type LocalPod } from '../local-pods.ts';
import type { ConnectionState, MapWrite, PacketReport, TraceDetail, UpdateReport, Verdict } from '../report.ts';
import type { Stage } from '../stage.ts';
import type { MapAccess, ProgramTrace } from '../trace.ts';
import type { ConnectionRow, Snapshot, View } from '../view.ts';
import { addWork, type Counter, type HelperCounter, type Work } from '../work.ts';
import { Agent } from './agent/agent.ts';
import type { Frontend } from './agent/frontends.ts';
import { endpointKey, endpointValue, MAP } from './agent/layout.ts';
import { MapSink } from './agent/map-sink.ts';
import { dropReason, keyText, valueText } from './map-text.ts';
import { createVm } from './rbpf-vm.ts';
import { START_NS } from './start-ns.ts';
import type { Collection, RunAccess, RunOutput } from './vm.ts';

const OBJECT = 'from_container';
const PROGRAM = 'cil_from_container';
const UPLINK = 'eth0';
const ROWS = 1000;
/** Writes of one update that are listed; the rest is only counted. */
const WRITES_SHOWN = 1000;

// tc's verdicts (linux/pkt_cls.h).
const TC_ACT_SHOT = 2;
const TC_ACT_REDIRECT = 7;

/** Maps hold this many entries at least (`--bpf-lb-map-max`), and twice what the first load needs. */
const LB_MAP_MAX = 65536;

/** 02:… is a locally administered address; the rest says whose it is. */
export function macOf(address: Ipv4, end: 0 | 1): Uint8Array {
  return Uint8Array.of(2, end, address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255);
}

/** Cilium's way on one node: an agent that fills maps, and cil_from_container in the VM at every pod's veth. */
export class EbpfDatapath implements Datapath {
  readonly id = 'ebpf';
  readonly #options: DatapathOptions;
  readonly #assets: DatapathAssets;
  readonly #agent: Agent;
  readonly #pods: LocalPods;
  readonly #nodeAddress: Ipv4;
  #collection: Collection | null = null;
  #sink: MapSink | null = null;
  #now = START_NS;
  #seed: number;
  #report: { writes: MapWrite[]; written: number; deleted: number } = { writes: [], written: 0, deleted: 0 };

  constructor(options: DatapathOptions, assets: DatapathAssets) {
    this.#options = options;
    this.#assets = assets;
    this.#seed = options.seed;
    this.#pods = new LocalPods(options.node);
    const address = parseIpv4(options.node.address);
    if (address === undefined) throw new Error(`The node’s address ${options.node.address} is no IPv4 address.`);
    this.#nodeAddress = address;
    const write = (map: string, key: Uint8Array, value: Uint8Array | null) => {
      this.#put(map, key, value);
    };
    this.#agent = new Agent(write, { node: { name: options.node.name, address } });
  }

  /** Entries in the maps that the agent fills. */
  get entries(): number {
    const collection = this.#loaded();
    return [MAP.services, MAP.backends, MAP.reverseNat].reduce((sum, map) => sum + collection.info(map).entries, 0);
  }

  frontends(): Iterable<{ readonly frontend: Frontend; readonly backends: number }> {
    return this.#agent.frontends();
  }

  sync(change: ClusterChange, progress?: (done: number) => void): UpdateReport {
    const { added, removed } = this.#pods.apply(change);
    if (!this.#collection) {
      this.#load(change);
      for (const pod of this.#pods.all()) this.#addPod(pod);
    } else {
      // A pod's own entry is written as the pod starts, not as its Service changes: it is not part of the update.
      for (const pod of added) this.#addPod(pod);
    }
    for (const pod of removed) this.#loaded().delete(MAP.endpoints, endpointKey(pod.address));
    this.#report = { writes: [], written: 0, deleted: 0 };
    this.#agent.apply(change, progress);
    const { writes, written, deleted } = this.#report;
    if (written + deleted === 0) return { datapath: 'ebpf', kind: 'none', stages: [], work: {}, rules: null, writes: [] };
    const work: Work = { entriesWritten: written, entriesDeleted: deleted, systemCalls: written + deleted };
    return { datapath: 'ebpf', kind: 'entries', stages: [{ kind: 'write', name: 'bpf(BPF_MAP_UPDATE_ELEM)', work }], work, rules: null, writes };
  }

  #load(change: ClusterChange): void {
    let ports = 0;
    let endpoints = 0;
    let addresses = 1;
    for (const { object } of change) {
      if (object.kind === 'Service') {
        ports += object.spec?.ports?.length ?? 0;
        addresses = Math.max(addresses, addressesOf(object.spec?.type, object.spec?.externalIPs?.length ?? 0));
      }
      if (object.kind === 'EndpointSlice') endpoints += (object.endpoints?.length ?? 0) * Math.max(1, object.ports?.length ?? 0);
    }
    const size = (needed: number) => Math.max(LB_MAP_MAX, 2 ** Math.ceil(Math.log2(2 * needed + 1)));
    const object = this.#assets.objects[OBJECT];
    if (!object) throw new Error(`The object ${OBJECT}.bpf.o is missing.`);
    this.#collection = createVm(this.#assets.wasm).load(object, {
      seed: this.#options.seed,
      maxEntries: {
        [MAP.services]: size(addresses * (ports + endpoints)),
        [MAP.backends]: size(endpoints),
        [MAP.affinityMatch]: size(addresses * endpoints),
        // Its key has 16 bits.
        [MAP.reverseNat]: LB_MAP_MAX,
        [MAP.endpoints]: size(this.#pods.size),
      },
    });
    this.reset(this.#seed);
  }

  #loaded(): Collection {
    if (!this.#collection) this.#load([]);
    if (!this.#collection) throw new Error('The collection could not be loaded.');
    return this.#collection;
  }

  #addPod(pod: LocalPod): void {
    this.#loaded().update(MAP.endpoints, endpointKey(pod.address), endpointValue(pod.ifindex, macOf(pod.address, 0), macOf(pod.address, 1)));
  }

  #put(map: string, key: Uint8Array, value: Uint8Array | null): void {
    const collection = this.#loaded();
    this.#sink ??= new MapSink(collection);
    const existed = this.#sink.write(map, key, value);
    // No program of this lane asks that map.
    if (existed === null) return;
    const report = this.#report;
    if (value === null) report.deleted += 1;
    else report.written += 1;
    if (report.writes.length < WRITES_SHOWN) {
      report.writes.push({ map, operation: value === null ? 'delete' : 'update', key, value, keyText: keyText(map, key), valueText: valueText(map, key, value), existed, bucket: collection.bucket(map, key) });
    }
  }

  send(packet: Packet, detail: TraceDetail): PacketReport {
    const collection = this.#loaded();
    const pod = this.#pods.find(packet.source);
    const stages: Stage[] = [stage('way-in', pod?.name ?? UPLINK, pod?.device ?? UPLINK, '', {})];
    if (!pod) return this.#throughStack(packet, packet, stages, 'untracked', null);

    const frame = encodeFrame(packet, { source: macOf(pod.address, 0), destination: macOf(pod.address, 1) });
    const output = collection.run(PROGRAM, { data: frame, ifindex: pod.ifindex, ingressIfindex: pod.ifindex, nowNs: this.#now, detail: detail === 'steps' ? 'steps' : 'counts' });
    const accesses = this.#layStages(output, stages);
    const trace: ProgramTrace | null = output.steps ? { kind: 'program', instruction: output.steps.instruction, registers: output.steps.registers, accesses } : null;
    const connection = stateOf(packet, output.accesses);
    const packetOut = decodeFrame(output.data);
    const done = (verdict: Verdict, out: Packet | null): PacketReport => ({
      datapath: 'ebpf',
      verdict,
      packetIn: packet,
      packetOut: out,
      connection,
      stages: detail === 'none' ? [] : stages,
      work: addWork(...stages.map((one) => one.work)),
      trace,
    });

    if (output.returnValue === TC_ACT_SHOT) {
      const metric = output.accesses.findLast(({ map }) => map === MAP.metrics);
      return done({ kind: 'dropped', by: metric ? dropReason(metric.key[0] ?? 0) : 'TC_ACT_SHOT' }, null);
    }
    if (output.returnValue === TC_ACT_REDIRECT && output.redirect && packetOut) {
      const { ifindex, by } = output.redirect;
      stages.push(stage('redirect', by, 'tc', '', { redirects: 1 }));
      const server = [this.#pods.find(packetOut.destination)].find((candidate) => candidate?.ifindex === ifindex);
      if (server) {
        stages.push(stage('way-out', server.name, server.device, '', {}));
        return done({ kind: 'delivered', address: packetOut.destination, port: portOf(packetOut), device: server.device }, packetOut);
      }
      return done({ kind: 'dropped', by: `no interface ${ifindex}` }, null);
    }
    const passed = this.#throughStack(packet, packetOut ?? packet, stages, connection, trace);
    return detail === 'none' ? { ...passed, stages: [] } : passed;
  }

  /** What the program leaves to the node's own stack. */
  #throughStack(packet: Packet, now: Packet, stages: Stage[], connection: ConnectionState, trace: ProgramTrace | null): PacketReport {
    stages.push(stage('route', 'FIB', 'PREROUTING', '', { routeLookups: 1 }));
    const port = portOf(now);
    const server = this.#pods.find(now.destination);
    let verdict: Verdict;
    let packetOut: Packet | null = now;
    if (now.destination === this.#nodeAddress) {
      verdict = { kind: 'delivered', address: now.destination, port, device: 'lo' };
      stages.push(stage('way-out', this.#options.node.name, 'lo', '', {}));
    } else if (now.ttl <= 1) {
      verdict = { kind: 'dropped', by: 'kernel' };
      packetOut = null;
    } else {
      packetOut = { ...now, ttl: now.ttl - 1 };
      const device = server?.device ?? UPLINK;
      verdict = { kind: server ? 'delivered' : 'forwarded', address: now.destination, port, device };
      if (server) stages.push(stage('way-out', server.name, device, '', {}));
    }
    return { datapath: 'ebpf', verdict, packetIn: packet, packetOut, connection, stages, work: addWork(...stages.map((one) => one.work)), trace };
  }

  /** The run as stages: the program up to each map access, the access, and the program's rest. */
  #layStages(output: RunOutput, stages: Stage[]): MapAccess[] {
    const accesses: MapAccess[] = [];
    const steps = output.steps !== null;
    const counted = new Map<string, number>(Object.entries(output.helperCalls));
    let from = 0;
    const program = (to: number, extra: Work) => {
      stages.push({ ...stage('program', PROGRAM, 'tc', '', addWork({ instructions: to - from }, extra)), firstStep: steps ? from : 0, endStep: steps ? to : 0 });
      from = to;
    };
    output.accesses.forEach((access, index) => {
      const helper = HELPER[access.operation];
      counted.set(helper, (counted.get(helper) ?? 0) - 1);
      program(access.atInstruction, index === 0 ? { programRuns: 1 } : {});
      accesses.push({
        step: access.atInstruction - 1,
        stage: stages.length,
        map: access.map,
        operation: access.operation,
        found: access.found,
        bucket: access.bucket,
        buckets: access.buckets,
        elementsCompared: access.elementsCompared,
        key: access.key,
        value: access.value,
        keyText: keyText(access.map, access.key),
        valueText: valueText(access.map, access.key, access.value),
      });
      stages.push({ ...stage('map', access.map, 'tc', helper, accessWork(access, helper)), firstStep: steps ? from : 0, endStep: steps ? from : 0 });
    });
    // Helpers that touch no map are counted with the program's rest, where nearly all of them are.
    const rest: Partial<Record<Counter, number>> = {};
    let calls = 0;
    for (const [helper, count] of counted) {
      if (count <= 0) continue;
      rest[`helper:${helper}` as HelperCounter] = count;
      calls += count;
    }
    program(output.instructions, addWork(rest, { helperCalls: calls }, output.accesses.length === 0 ? { programRuns: 1 } : {}));
    return accesses;
  }

  inspect(view: View): Snapshot {
    const collection = this.#loaded();
    switch (view.kind) {
      case 'program':
        return { kind: 'program', rows: collection.disassemble(view.name) };
      case 'maps':
        return { kind: 'maps', maps: collection.spec.maps.map(({ name }) => collection.info(name)) };
      case 'map': {
        const rows = collection.entries(view.name, view.from, Math.min(view.count, ROWS));
        return { kind: 'map', map: collection.info(view.name), rows: rows.map((row) => ({ ...row, keyText: keyText(view.name, row.key), valueText: valueText(view.name, row.key, row.value) })) };
      }
      case 'connections': {
        const rows: ConnectionRow[] = collection.entries(MAP.connections, view.from, Math.min(view.count, ROWS)).map(({ key, value }) => {
          const tuple = new DataView(key.buffer, key.byteOffset);
          const end = (address: number, port: number) => `${formatIpv4(tuple.getUint32(address) as Ipv4)}:${tuple.getUint16(port)}`;
          const protocol = protocolOf(tuple.getUint8(12)) ?? '';
          const lifetime = new DataView(value.buffer, value.byteOffset).getUint32(32, true);
          return {
            original: `${protocol} ${end(4, 10)} → ${end(0, 8)}`,
            reply: `${protocol} ${end(0, 8)} → ${end(4, 10)}`,
            state: tuple.getUint8(13) & 4 ? 'SERVICE' : 'OUT',
            expiresMs: lifetime * 1000 - Number(this.#now / 1_000_000n),
          };
        });
        return { kind: 'connections', total: collection.info(MAP.connections).entries, rows };
      }
      default:
        return { kind: 'nothing' };
    }
  }

  advance(milliseconds: number): void {
    this.#now += BigInt(Math.round(milliseconds * 1e6));
  }

  reset(seed: number): void {
    this.#seed = seed;
    this.#now = START_NS;
    const collection = this.#collection;
    if (!collection) return;
    collection.clear(MAP.connections);
    collection.clear(MAP.metrics);
    collection.clear(MAP.affinity);
    collection.reseed(seed);
  }

  /** Frees the VM's memory. */
  free(): void {
    this.#collection?.free();
    this.#collection = null;
    this.#sink = null;
  }
}

/** Addresses that a Service of a type answers on at most, those for the outside with two scopes each. */
function addressesOf(type: string | undefined, externalIPs: number): number {
  return 1 + 2 * externalIPs + (type === 'NodePort' ? 2 : type === 'LoadBalancer' ? 4 : 0);
}

const HELPER = { lookup: 'map_lookup_elem', update: 'map_update_elem', delete: 'map_delete_elem' } as const;
const MAP_COUNTER = { lookup: 'mapLookups', update: 'mapUpdates', delete: 'mapDeletes' } as const;

function accessWork(access: RunAccess, helper: (typeof HELPER)[RunAccess['operation']]): Work {
  return { [MAP_COUNTER[access.operation]]: 1, elementsCompared: access.elementsCompared, ...(access.trieNodesWalked > 0 ? { trieNodesWalked: access.trieNodesWalked } : {}), helperCalls: 1, [`helper:${helper}`]: 1 };
}

function stage(kind: Stage['kind'], name: string, hook: string, part: string, work: Work): Stage {
  return { kind, name, hook, part, work, firstStep: 0, endStep: 0 };
}

function portOf(packet: Packet): number {
  return packet.protocol === 'ICMP' ? 0 : packet.destinationPort;
}

/** New: an entry was made. Else the entry that was found says whether this is its own direction or the other. */
function stateOf(packet: Packet, accesses: readonly RunAccess[]): ConnectionState {
  const own = accesses.filter(({ map }) => map === MAP.connections);
  if (own.some(({ operation }) => operation === 'update')) return 'new';
  const found = own.find((access) => access.operation === 'lookup' && access.found);
  if (!found) return own.length === 0 ? 'untracked' : 'new';
  return new DataView(found.key.buffer, found.key.byteOffset).getUint32(4) === packet.source ? 'established' : 'reply';
}
