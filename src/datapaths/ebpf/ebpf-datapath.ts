import type { ClusterChange } from '../../kubernetes/change.ts';
import { formatIpv4, parseIpv4, type Ipv4 } from '../../packet/address.ts';
import type { Packet } from '../../packet/packet.ts';
import { protocolOf } from '../../packet/protocol.ts';
import type { DatapathAssets } from '../assets.ts';
import type { Datapath, DatapathOptions } from '../datapath.ts';
import { LocalPods, type LocalPod } from '../local-pods.ts';
import type { ConnectionState, MapWrite, PacketReport, TraceDetail, UpdateReport } from '../report.ts';
import type { ConnectionRow, Snapshot, View } from '../view.ts';
import { addWork, type Work } from '../work.ts';
import { Agent } from './agent/agent.ts';
import type { Frontend } from './agent/frontends.ts';
import { endpointKey, endpointValue, MAP } from './agent/layout.ts';
import type { Write } from './agent/write.ts';
import { MapSink } from './agent/map-sink.ts';
import { ATTACH_HOOKS, type AttachedProgram, type Attachment } from './attached/attachment.ts';
import { OwnPrograms } from './attached/own-programs.ts';
import { hasPolicy, LanePolicies, type PoliciesHeld } from './lane-policies.ts';
import { keyText, valueText } from './map-text.ts';
import { PacketWay, UPLINK } from './packet-way.ts';
import { macOf } from './pod-mac.ts';
import { createVm } from './rbpf-vm.ts';
import { RunRecord } from './run-record.ts';
import { Sockets } from './sockets.ts';
import { START_NS } from './start-ns.ts';
import type { Collection, RunAccess } from './vm.ts';

/** What the lane loads, and what of it stands at its hooks; '': nothing does, for the redirect goes past it. */
interface Loadout {
  readonly object: string;
  readonly constants: Readonly<Record<string, Uint8Array>>;
  readonly programs: Readonly<Record<'from-container' | 'to-container', string>>;
}
const PLAIN: Loadout = { object: 'from_container', constants: {}, programs: { 'from-container': 'cil_from_container', 'to-container': '' } };
/** With NetworkPolicies both ends of a connection are asked: the receiving pod's program too. Hubble, whose records it could write, is not there. */
const WITH_POLICIES: Loadout = { object: 'node', constants: { enable_policy: Uint8Array.of(1), enable_events: Uint8Array.of(0) }, programs: { 'from-container': 'cil_from_container', 'to-container': 'cil_to_container' } };
/** What a packet's way leaves behind: it is sent as if it were the first. */
const EMPTIED = [MAP.connections, MAP.metrics, MAP.affinity];
const ROWS = 1000;
/** Writes of one update that are listed; the rest is only counted. */
const WRITES_SHOWN = 1000;

/** Maps hold this many entries at least (`--bpf-lb-map-max`), and twice what the first load needs. */
const LB_MAP_MAX = 65536;

/** Cilium's way on one node: an agent that fills maps, and cil_from_container in the VM at every pod's veth. */
export class EbpfDatapath implements Datapath {
  readonly id = 'ebpf';
  readonly #options: DatapathOptions;
  readonly #assets: DatapathAssets;
  readonly #agent: Agent;
  readonly #write: Write;
  readonly #pods: LocalPods;
  readonly #nodeAddress: Ipv4;
  #collection: Collection | null = null;
  #sink: MapSink | null = null;
  #loadout = PLAIN;
  /** null: the cluster has no NetworkPolicy. */
  #policies: LanePolicies | null = null;
  #now = START_NS;
  #seed: number;
  #own: OwnPrograms | null = null;
  #sockets = new Sockets();
  #report: { writes: MapWrite[]; written: number; deleted: number } = { writes: [], written: 0, deleted: 0 };

  constructor(options: DatapathOptions, assets: DatapathAssets) {
    this.#options = options;
    this.#assets = assets;
    this.#seed = options.seed;
    this.#pods = new LocalPods(options.node);
    const address = parseIpv4(options.node.address);
    if (address === undefined) throw new Error(`The node’s address ${options.node.address} is no IPv4 address.`);
    this.#nodeAddress = address;
    this.#write = (map, key, value) => {
      this.#put(map, key, value);
    };
    this.#agent = new Agent(this.#write, { node: { name: options.node.name, address } });
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
    const first = !this.#collection;
    if (first) {
      if (hasPolicy(change)) {
        this.#loadout = WITH_POLICIES;
        this.#policies = new LanePolicies(this.#options.node, this.#pods, this.#write);
      }
      this.#load(change);
    } else if (!this.#policies && hasPolicy(change)) {
      throw new Error('The first NetworkPolicy came to a lane that was built without any. Build the lane anew, with the policy among its objects.');
    }
    this.#report = { writes: [], written: 0, deleted: 0 };
    // Who a pod is has to be known before its entry says it.
    const renamed = this.#policies?.apply(change) ?? [];
    // A pod's own entry is written as the pod starts, not as its Service changes: it is not part of the update.
    for (const pod of first ? this.#pods.all() : [...added, ...renamed]) this.#addPod(pod);
    for (const pod of removed) this.#putEndpoint(endpointKey(pod.address), null);
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
    const { object: name, constants } = this.#loadout;
    const object = this.#assets.objects[name];
    if (!object) throw new Error(`The object ${name}.bpf.o is missing.`);
    this.#collection = createVm(this.#assets.wasm).load(object, {
      seed: this.#options.seed,
      constants,
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
    this.#putEndpoint(endpointKey(pod.address), endpointValue(pod.ifindex, macOf(pod.address, 0), macOf(pod.address, 1), this.#policies?.identityOf(pod.address)));
  }

  /** What there is of NetworkPolicies; null: none. */
  get policies(): PoliciesHeld | null {
    return this.#policies?.held ?? null;
  }

  #putEndpoint(key: Uint8Array, value: Uint8Array | null): void {
    const collection = this.#loaded();
    if (value === null) collection.delete(MAP.endpoints, key);
    else collection.update(MAP.endpoints, key, value);
    this.#own?.put(MAP.endpoints, key, value);
  }

  /** What stands at the lane's hooks of a person's own. */
  get attached(): readonly AttachedProgram[] {
    return this.#own?.attached ?? [];
  }

  /** Puts programs of a person's own at the lane's hooks, one a hook, in the place of those that stood there. None: the lane's own programs alone. */
  attach(attachments: readonly Attachment[]): void {
    const pinned = this.#loaded();
    // As before a packet: what programs changed in the maps is undone, and what the last packet left is not copied.
    this.reset(this.#seed);
    this.#own?.free();
    this.#own = null;
    if (attachments.length === 0) return;
    this.#own = new OwnPrograms(attachments, { vm: createVm(this.#assets.wasm), pinned, seed: this.#options.seed, emptied: EMPTIED });
  }

  #put(map: string, key: Uint8Array, value: Uint8Array | null): void {
    const collection = this.#loaded();
    this.#sink ??= new MapSink(collection);
    const existed = this.#sink.write(map, key, value);
    this.#own?.put(map, key, value);
    // No program of this lane asks that map.
    if (existed === null) return;
    const report = this.#report;
    if (value === null) report.deleted += 1;
    else report.written += 1;
    if (report.writes.length < WRITES_SHOWN) {
      report.writes.push({ map, operation: value === null ? 'delete' : 'update', key, value, keyText: keyText(map, key), valueText: valueText(map, key, value), existed, bucket: this.#isMap(map) ? collection.bucket(map, key) : null });
    }
  }

  /** A pod's own policies have a name of the agent's, which is no map's of the collection. */
  #isMap(map: string): boolean {
    return this.#loaded().spec.maps.some(({ name }) => name === map);
  }

  send(packet: Packet, detail: TraceDetail): PacketReport {
    const collection = this.#loaded();
    const record = new RunRecord();
    const own = this.#own;
    const pod = this.#pods.find(packet.source);
    const steps = detail === 'steps';
    // What the process asks of the kernel comes before any packet; the picture groups it with the lane's own work.
    record.add('way-in', pod?.name ?? UPLINK, pod?.device ?? UPLINK, '', {});
    const connected = pod && own ? this.#sockets.connect(packet, own, { record, steps, nowNs: this.#now }) : { packet };
    const node = { name: this.#options.node.name, address: this.#nodeAddress };
    const way = new PacketWay({ collection, programs: this.#loadout.programs, own, pods: this.#pods, node, nowNs: this.#now, steps, record });
    if ('ended' in connected) record.takeFirst();
    const { verdict, out } = 'ended' in connected ? connected.ended : pod ? way.fromPod(connected.packet, pod) : way.fromOutside(packet);
    const { stages, accessed, attached } = record;
    return {
      datapath: 'ebpf',
      verdict,
      packetIn: packet,
      packetOut: out,
      connection: pod ? stateOf(packet, accessed) : 'untracked',
      stages: detail === 'none' ? [] : stages,
      work: addWork(...stages.map((one) => one.work)),
      trace: record.trace,
      ...(own ? { attached } : {}),
    };
  }

  inspect(view: View): Snapshot {
    const collection = this.#loaded();
    switch (view.kind) {
      case 'program': {
        const own = ATTACH_HOOKS.find((hook) => hook === view.own);
        return { kind: 'program', rows: (own ? this.#own?.at(own) : collection)?.disassemble(view.name) ?? [] };
      }
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
    for (const map of EMPTIED) collection.clear(map);
    collection.reseed(seed);
    this.#own?.reset(seed);
    this.#sockets.forget();
  }

  /** Frees the VM's memory. */
  free(): void {
    this.#own?.free();
    this.#own = null;
    this.#collection?.free();
    this.#collection = null;
    this.#sink = null;
  }
}

/** Addresses that a Service of a type answers on at most, those for the outside with two scopes each. */
function addressesOf(type: string | undefined, externalIPs: number): number {
  return 1 + 2 * externalIPs + (type === 'NodePort' ? 2 : type === 'LoadBalancer' ? 4 : 0);
}

/** New: an entry was made. Else the entry that was found says whether this is its own direction or the other. */
function stateOf(packet: Packet, accesses: readonly RunAccess[]): ConnectionState {
  const own = accesses.filter(({ map }) => map === MAP.connections);
  if (own.some(({ operation }) => operation === 'update')) return 'new';
  const found = own.find((access) => access.operation === 'lookup' && access.found);
  if (!found) return own.length === 0 ? 'untracked' : 'new';
  return new DataView(found.key.buffer, found.key.byteOffset).getUint32(4) === packet.source ? 'established' : 'reply';
}
