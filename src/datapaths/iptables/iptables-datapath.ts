import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { ClusterChange } from '../../kubernetes/change.ts';
import { parseIpv4, type Ipv4 } from '../../packet/address.ts';
import { formatEndpoint } from '../../packet/flow.ts';
import type { Packet } from '../../packet/packet.ts';
import { protocolOf } from '../../packet/protocol.ts';
import type { Datapath, DatapathOptions } from '../datapath.ts';
import { LocalPods } from '../local-pods.ts';
import type { ConnectionState, PacketReport, RulesChange, TraceDetail, UpdateReport, UpdateStage, Verdict } from '../report.ts';
import type { ChainRow, ConnectionRow, Snapshot, View } from '../view.ts';
import { addWork } from '../work.ts';
import { legacyStages, nftStages } from './commit-stages.ts';
import { DEFAULT_CONFIG, Proxier, standingRules, type ServicePort, type SyncPayload } from './kube-proxy/index.ts';
import { blobSize } from './netfilter/blob-size.ts';
import type { TableName } from './netfilter/hook.ts';
import { Netfilter, type Passage } from './netfilter/netfilter.ts';
import { PacketLog } from './netfilter/packet-log.ts';
import type { Dump } from './netfilter/read-dump.ts';
import type { RuleTable } from './netfilter/rule-table.ts';
import { SCTP_STATES } from './netfilter/sctp-tracking.ts';
import { TCP_STATES } from './netfilter/tcp-tracking.ts';
import { Topology } from './netfilter/topology.ts';
import { chainListWork } from './nft-chain-list.ts';
import { readPayload } from './nft-payload.ts';
import { nftCommit, nftFetch } from './nft-traffic.ts';
import { CountersKept } from './counters-kept.ts';
import { putPayload } from './payload-rules.ts';
import { nextChain } from './rule-facts.ts';
import { ruleRow } from './rule-row.ts';
import { changeSince, countRules, noteBefore } from './rules-change.ts';

const UPLINK = 'eth0';
const ROWS = 1000;

export interface IptablesOptions extends DatapathOptions {
  /** `iptables-legacy` replaces whole tables at each commit; `iptables-nft` commits the chains that were handed over. */
  readonly backend: 'legacy' | 'nft';
  /** A person's own rules instead of kube-proxy's: changes of the cluster then move pods, and write no rule. */
  readonly dump?: Dump;
}

/** kube-proxy in iptables mode on one node: its rules, and netfilter walking them. */
export class IptablesDatapath implements Datapath {
  readonly id = 'iptables';
  readonly #options: IptablesOptions;
  readonly #proxier: Proxier;
  readonly #netfilter: Netfilter;
  readonly #pods: LocalPods;
  readonly #counters: CountersKept;
  #random = xoroshiro128plus(1);
  #started = false;

  constructor(options: IptablesOptions) {
    this.#options = options;
    const { node, seed } = options;
    this.#proxier = new Proxier({ ...DEFAULT_CONFIG, node: node.name, clusterCIDR: node.clusterCIDR }, seed);
    // kube-proxy sets route_localnet, so that node ports answer on localhost (its localhostNodePorts).
    const topology = new Topology({ routeLocalnet: true, pods: (to) => this.#pods.find(to)?.device });
    const address = parseIpv4(node.address);
    if (address === undefined) throw new Error(`The node’s address ${node.address} is no IPv4 address.`);
    topology.addInterface({ name: 'lo', addresses: [{ address: 0x7f000000 as Ipv4, length: 8 }], own: [0x7f000001 as Ipv4] });
    topology.addInterface({ name: UPLINK, addresses: [{ address, length: 32 }], own: [address] });
    topology.addRoute({ destination: { address: 0 as Ipv4, length: 0 }, via: null, device: UPLINK });
    const { dump } = options;
    this.#netfilter = new Netfilter({ topology, random32: () => this.#random.next() >>> 0, ...(dump ? { sets: dump.sets, tables: dump.tables } : {}) });
    this.#counters = new CountersKept(this.#netfilter.tables, dump !== undefined);
    this.#pods = new LocalPods(node);
    this.reset(seed);
  }

  /** Rules in all tables. */
  get rules(): number {
    return countRules(this.#netfilter);
  }

  /** The tables as they are now: to read in, never to change. */
  get tables(): ReadonlyMap<TableName, RuleTable> {
    return this.#netfilter.tables;
  }

  /** Puts every counter back to what it was when the rules came: zero, or what a person's own text says. */
  resetCounters(): void {
    this.#counters.restore();
  }

  /** Every Service port that gets rules, with its endpoints. */
  servicePorts(): Iterable<{ readonly id: string; readonly port: ServicePort; readonly endpoints: number }> {
    return this.#proxier.servicePorts();
  }

  /** For each rule of nat KUBE-SERVICES in order, the Service port (`namespace/name:port/PROTOCOL`) it belongs to; the last rule, the jump to KUBE-NODEPORTS, belongs to none. */
  positions(): readonly string[] {
    return this.#proxier.positions();
  }

  /**
   * Moves a Service port (named as in `positions`) within KUBE-SERVICES by changing places with the one there: kube-proxy
   * writes that chain in a random order, so any order is one of its own. null: it stands there already, or nowhere.
   */
  place(servicePort: string, position: number): UpdateReport | null {
    const payload = this.#proxier.place(servicePort, position);
    return payload ? this.#apply(payload) : null;
  }

  /** The next sync writes everything anew, as kube-proxy does when it finds its canary chain gone. */
  forceFullSync(): void {
    this.#proxier.forceFullSync();
  }

  sync(change: ClusterChange, progress?: (done: number) => void): UpdateReport {
    this.#pods.apply(change);
    const payload = this.#options.dump ? null : this.#proxier.sync(change, (done) => progress?.(done * 0.4));
    if (!payload) return { datapath: 'iptables', kind: 'none', stages: [], work: {}, rules: null, writes: [] };
    return this.#apply(payload, (done) => progress?.(0.4 + done * 0.6));
  }

  #apply(payload: SyncPayload, progress?: (done: number) => void): UpdateReport {
    const first = !this.#started;
    if (first) this.#netfilter.restore(standingRules());
    this.#started = true;
    const before = noteBefore(this.#netfilter, payload);
    const tables: TableName[] = ['filter', 'nat'];
    const sizes = () => tables.map((name) => {
      const table = this.#netfilter.tables.get(name);
      return table ? blobSize(table) : { entries: 0, bytes: 0 };
    });
    const old = sizes();
    const nft = this.#options.backend === 'nft' ? readPayload(payload, (name, chain) => this.#netfilter.tables.get(name as TableName)?.chainId(chain) !== undefined) : null;
    const fetched = nft ? nftFetch(nft, this.#netfilter.tables) : null;
    this.#netfilter.change((tables) => {
      putPayload(tables, payload, progress);
    });
    const rules = changeSince(before, this.#netfilter, payload);
    if (nft && fetched) {
      const stages = nftStages(payload, chainListWork(nft), fetched, nftCommit(nft, this.#netfilter.tables), first);
      return reportOf(payload, rules, () => stages);
    }
    const now = sizes();
    return reportOf(payload, rules, () => legacyStages(payload, old, now));
  }

  send(packet: Packet, detail: TraceDetail): PacketReport {
    const log = new PacketLog(detail);
    const pod = this.#pods.find(packet.source);
    log.begin('way-in', pod?.name ?? (this.#netfilter.topology.isLocal(packet.source) ? this.#options.node.name : UPLINK), pod?.device ?? '');
    let passage: Passage;
    if (pod) passage = this.#netfilter.receive(packet, pod.device, log);
    else if (this.#netfilter.topology.isLocal(packet.source)) passage = this.#netfilter.output(packet, log);
    else passage = this.#netfilter.receive(packet, UPLINK, log);
    return this.#report(packet, passage, log);
  }

  /** The interface that packets of an address on this node come in by: a pod's; '' for the node itself, null for any other. */
  deviceOf(address: Ipv4): string | null {
    return this.#pods.find(address)?.device ?? (this.#netfilter.topology.isLocal(address) ? '' : null);
  }

  /**
   * The same for a packet that comes in by `input` (null: the node itself sends it) and, unless it is for the node, leaves
   * by `output` (null: as the routes say). Either may be an interface that only rules name. What comes in by such a one
   * is answered by it, as its routes would have it: its source is taken to be behind it for as long as the packet runs.
   */
  sendFrom(packet: Packet, { input, output }: { readonly input: string | null; readonly output: string | null }, detail: TraceDetail): PacketReport {
    const log = new PacketLog(detail);
    const { topology } = this.#netfilter;
    const pod = input === null ? undefined : this.#pods.behind(input);
    log.begin('way-in', pod?.name ?? input ?? this.#options.node.name, input ?? '');
    if (input === null) return this.#report(packet, this.#netfilter.output(packet, log, output), log);
    // An interface that only rules name: whoever sends by it sits behind it, a pod that the node would link by a name of its own too.
    const behind = input !== 'lo' && input !== UPLINK && !pod && !topology.isLocal(packet.source) && topology.route(packet.source) !== null;
    if (behind) topology.addRoute({ destination: { address: packet.source, length: 32 }, via: null, device: input });
    try {
      return this.#report(packet, this.#netfilter.receive(packet, input, log, output), log);
    } finally {
      if (behind) topology.removeHostRoute(packet.source);
    }
  }

  #report(packet: Packet, passage: Passage, log: PacketLog): PacketReport {
    const verdict = this.#verdict(passage);
    if (verdict.kind === 'delivered') {
      const server = this.#pods.find(verdict.address);
      log.begin('way-out', server?.name ?? this.#options.node.name, verdict.device);
    }
    log.end();
    const arrived = verdict.kind === 'delivered' || verdict.kind === 'forwarded';
    return {
      datapath: 'iptables',
      verdict,
      packetIn: packet,
      packetOut: arrived ? passage.skb.toPacket() : null,
      connection: stateOf(passage),
      stages: log.stages,
      work: log.work(),
      trace: log.trace(),
    };
  }

  #verdict(passage: Passage): Verdict {
    const { skb } = passage;
    const port = skb.isIcmp ? 0 : skb.destinationPort;
    switch (passage.outcome) {
      case 'local':
        return { kind: 'delivered', address: skb.destination, port, device: 'lo' };
      case 'forwarded':
        // What is behind an interface that only rules name is not known to be a pod of this node.
        return { kind: this.#pods.find(skb.destination)?.device === skb.outInterface ? 'delivered' : 'forwarded', address: skb.destination, port, device: skb.outInterface };
      case 'rejected':
        return passage.answer ? { kind: 'rejected', by: passage.by, answer: passage.answer.packet } : { kind: 'dropped', by: passage.by };
      case 'unroutable':
        return { kind: 'dropped', by: 'no route' };
      default:
        return { kind: 'dropped', by: passage.by };
    }
  }

  inspect(view: View): Snapshot {
    switch (view.kind) {
      case 'chains': {
        const chains: ChainRow[] = [];
        for (const [name, table] of this.#netfilter.tables) {
          for (const { id, name: chain } of table.chains()) chains.push({ table: name, chain, rules: table.length[id] ?? 0, policy: table.policies.get(id) ?? null });
        }
        return { kind: 'chains', chains };
      }
      case 'rules': {
        const table = this.#netfilter.tables.get(view.table as TableName);
        const id = table?.chainId(view.chain);
        if (!table || id === undefined) return { kind: 'rules', total: 0, rows: [] };
        const total = table.length[id] ?? 0;
        const start = table.start[id] ?? 0;
        const from = Math.max(0, Math.min(view.from, total));
        const count = Math.max(0, Math.min(view.count, ROWS, total - from));
        const rows = Array.from({ length: count }, (_, offset) => {
          const rule = start + from + offset;
          const next = nextChain(table, rule);
          return ruleRow({ index: from + offset, text: table.ruleText(rule), chain: next < 0 ? null : table.chainName(next), packets: table.packets[rule] ?? 0, bytes: table.bytes[rule] ?? 0 });
        });
        return { kind: 'rules', total, rows };
      }
      case 'connections': {
        const rows: ConnectionRow[] = [];
        let total = 0;
        for (const connection of this.#netfilter.conntrack.connections()) {
          total += 1;
          if (total <= view.from || rows.length >= Math.min(view.count, ROWS)) continue;
          const side = (tuple: typeof connection.original) => `${protocolOf(tuple.protocol) ?? ''} ${formatEndpoint(tuple.source, tuple.sourcePort)} → ${formatEndpoint(tuple.destination, tuple.destinationPort)}`;
          const state = connection.tcp ? (TCP_STATES[connection.tcp.state] ?? '') : connection.sctp ? (SCTP_STATES[connection.sctp.state] ?? '') : connection.seenReply ? 'REPLIED' : 'UNREPLIED';
          rows.push({ original: side(connection.original), reply: side(connection.reply), state, expiresMs: connection.expires - this.#netfilter.conntrack.now });
        }
        return { kind: 'connections', total, rows };
      }
      default:
        return { kind: 'nothing' };
    }
  }

  advance(milliseconds: number): void {
    this.#netfilter.advance(milliseconds);
  }

  reset(seed: number): void {
    this.#netfilter.forget();
    this.#random = xoroshiro128plus(seed);
  }
}

/** A payload's bytes and rules are counted when somebody asks for the stages: of a first sync nobody does. */
function reportOf({ kind }: SyncPayload, rules: RulesChange, stages: () => readonly UpdateStage[]): UpdateReport {
  let made: readonly UpdateStage[] | null = null;
  const all = () => (made ??= stages());
  return {
    datapath: 'iptables',
    kind,
    get stages() {
      return all();
    },
    get work() {
      return addWork(...all().map(({ work }) => work));
    },
    rules,
    writes: [],
  };
}

function stateOf({ skb }: Passage): ConnectionState {
  switch (skb.info) {
    case 'established':
      return skb.direction === 1 ? 'reply' : 'established';
    case 'none':
      return 'untracked';
    default:
      return skb.info;
  }
}
