import type { Ipv4 } from '../../../packet/address.ts';
import { TCP_FLAG, type Packet } from '../../../packet/packet.ts';
import { Conntrack } from './conntrack.ts';
import type { Hook, TableName } from './hook.ts';
import type { IpSet } from './ipset.ts';
import { nullBinding, setUpNat, translate, translateIcmpError, type NatRange, type NatSide } from './nat.ts';
import type { PacketLog } from './packet-log.ts';
import { RecentList } from './recent.ts';
import { makeIcmpError, makeRejection } from './reject.ts';
import { RateLimits } from './rate-limits.ts';
import { RestoreError } from './restore-error.ts';
import { restore, type RestoreCounts, type RestoreOptions } from './restore.ts';
import type { RuleTable } from './rule-table.ts';
import type { Target } from './rule.ts';
import { Skb } from './skb.ts';
import type { Hop, Topology } from './topology.ts';
import { walk } from './walk.ts';
import type { WalkContext } from './walk-context.ts';

/** What became of a packet, with the packet as it left. */
export interface Passage {
  readonly outcome: 'forwarded' | 'local' | 'dropped' | 'rejected' | 'unroutable';
  /** Rule or policy (`table:chain:index`), or `kernel` and why. */
  readonly by: string;
  readonly skb: Skb;
  /** What REJECT sent, as it left (`device` null: given to the machine itself); null: no answer, or it was dropped. */
  readonly answer: { readonly packet: Packet; readonly device: string | null; readonly mark: number } | null;
}

interface Rejection {
  answer: Passage['answer'];
}

export interface NetfilterOptions {
  readonly topology: Topology;
  readonly sets?: ReadonlyMap<string, IpSet>;
  /** Tables that stand already, as `readDump` gives them. */
  readonly tables?: Map<TableName, RuleTable>;
  /** 0 to 2³²−1. */
  readonly random32: () => number;
}

/** The date at which the simulated clock begins, for `-m time`: Monday, 5 January 1970, 00:00 UTC. */
const CLOCK_START = 4 * 86_400_000;

/** Type of service of ICMP errors (IPTOS_PREC_INTERNETCONTROL). */
const PRECEDENCE_INTERNET_CONTROL = 0xc0;

const ICMP_REDIRECT = 5;

/** 224.0.0.1. */
const ALL_HOSTS = 0xe0000001;

const NAT_SIDE: Readonly<Partial<Record<Hook, NatSide>>> = { PREROUTING: 'destination', OUTPUT: 'destination', INPUT: 'source', POSTROUTING: 'source' };

/** One machine's IPv4 netfilter: tables, connection tracking, NAT, and the routing between the hooks. */
export class Netfilter {
  readonly topology: Topology;
  readonly tables: Map<TableName, RuleTable>;
  readonly conntrack = new Conntrack();
  readonly #sets: ReadonlyMap<string, IpSet>;
  readonly #recent = new Map<string, RecentList>();
  readonly #limits = new RateLimits();
  readonly #random32: () => number;
  #tracks = false;

  constructor(options: NetfilterOptions) {
    this.topology = options.topology;
    this.#sets = options.sets ?? new Map();
    this.tables = options.tables ?? new Map();
    this.#random32 = options.random32;
    this.#prepare();
  }

  /** Takes the text of iptables-restore. Throws `RestoreError`. */
  restore(text: string, options: RestoreOptions = {}): RestoreCounts {
    const counts = restore(this.tables, text, options);
    for (const table of this.tables.values()) {
      for (const match of table.objects) {
        if (match.kind === 'set' && !this.#sets.has(match.set)) throw new RestoreError({ message: `There is no set ${match.set}.` }, 1 + text.slice(0, Math.max(0, text.indexOf(match.set))).split('\n').length - 1);
      }
    }
    this.#prepare();
    return counts;
  }

  /** Lets rules come into the tables without their text: `put` stages them, and commits each table. */
  change(put: (tables: Map<TableName, RuleTable>) => void): void {
    put(this.tables);
    this.#prepare();
  }

  /** What the rules need: conntrack, and the lists that they name. */
  #prepare(): void {
    this.#tracks = false;
    for (const table of this.tables.values()) {
      this.#tracks ||= table.needsConntrack();
      for (const match of table.objects) {
        if (match.kind !== 'recent') continue;
        const list = this.#recent.get(match.list);
        if (list) list.note(match);
        else this.#recent.set(match.list, new RecentList(match));
      }
    }
  }

  /** Forgets connections, what `recent` saw and what packets put into sets. */
  forget(): void {
    for (const set of this.#sets.values()) set.reset();
    this.conntrack.clear();
    this.conntrack.now = 0;
    for (const list of this.#recent.values()) list.clear();
    this.#limits.clear();
    for (const table of this.tables.values()) table.arena.nth.fill(0);
  }

  advance(milliseconds: number): void {
    this.conntrack.now += milliseconds;
  }

  /** A packet that arrives by an interface. `by`: the interface it leaves by, if it does, in place of what the routes say. */
  receive(packet: Packet, inInterface: string, log: PacketLog, by: string | null = null): Passage {
    const skb = new Skb(packet);
    skb.inInterface = inInterface;
    skb.leavesBy = by;
    skb.carriedTo = this.topology.carriedTo(skb.destination, inInterface);
    return this.#incoming(skb, log);
  }

  /** A packet of the machine itself. */
  output(packet: Packet, log: PacketLog, by: string | null = null): Passage {
    const skb = new Skb(packet);
    skb.leavesBy = by;
    return this.#outgoing(skb, log);
  }

  #incoming(skb: Skb, log: PacketLog): Passage {
    const rejection: Rejection = { answer: null };
    skb.outInterface = '';
    const ended = this.#hook('PREROUTING', ['raw', 'conntrack', 'mangle', 'nat'], skb, log, rejection);
    if (ended) return ended;

    log.begin('route', 'FIB', 'PREROUTING');
    log.count('routeLookups', 1);
    if (skb.inInterface !== 'lo' && this.topology.isMartian(skb.source, skb.destination)) return dropped(skb, 'kernel');
    const type = this.topology.addressType(skb.destination);
    // No group is joined but that of all hosts, and no multicast is routed.
    if (type === 'MULTICAST' && skb.destination !== ALL_HOSTS) return dropped(skb, 'kernel');
    if (type !== 'UNICAST') {
      const stopped = this.#hook('INPUT', ['mangle', 'filter', 'security', 'nat'], skb, log, rejection) ?? this.#confirm(skb, log, 'INPUT');
      log.end();
      return stopped ?? { outcome: 'local', by: '', skb, answer: rejection.answer };
    }
    const hop = this.#route(skb);
    if (!hop) {
      if (this.#limits.unreachable(skb.source, this.conntrack.now)) this.#answer(skb, 'PREROUTING', makeIcmpError(skb, 3, 0, () => this.#errorSource(skb)), log);
      return { outcome: 'unroutable', by: 'kernel', skb, answer: null };
    }
    // ip_forward: only what came to this machine alone goes on, even where NAT made its address an ordinary one.
    if (skb.carriedTo !== 'unicast') return dropped(skb, 'kernel');
    if (skb.ttl <= 1) {
      // ip_forward: time exceeded.
      this.#answer(skb, 'PREROUTING', makeIcmpError(skb, 11, 0, () => this.#errorSource(skb)), log);
      return dropped(skb, 'kernel');
    }
    skb.ttl -= 1;
    skb.outInterface = hop.device;
    const stopped = this.#hook('FORWARD', ['mangle', 'filter', 'security'], skb, log, rejection) ?? this.#leave(skb, log, rejection);
    return stopped ?? { outcome: 'forwarded', by: '', skb, answer: rejection.answer };
  }

  #outgoing(skb: Skb, log: PacketLog): Passage {
    const rejection: Rejection = { answer: null };
    skb.inInterface = '';
    const unroutable: Passage = { outcome: 'unroutable', by: 'kernel', skb, answer: null };
    let hop = this.#route(skb);
    if (!hop) return unroutable;
    skb.outInterface = hop.device;
    const { mark, tos, destination } = skb;
    const stopped = this.#hook('OUTPUT', ['raw', 'conntrack', 'mangle'], skb, log, rejection);
    if (stopped) return stopped;
    // Where mangle changed the mark, or nat the destination, the packet is routed anew (ip_route_me_harder); the rules of
    // this hook go on to see the old interface.
    if (skb.mark !== mark || skb.tos !== tos) hop = this.#route(skb, true);
    if (!hop) return unroutable;
    const ended = this.#tables('OUTPUT', ['nat'], skb, log, rejection);
    if (ended) return ended;
    if (skb.destination !== destination) hop = this.#route(skb, true);
    if (!hop) return unroutable;
    const refused = this.#tables('OUTPUT', ['filter', 'security'], skb, log, rejection);
    if (refused) return refused;
    skb.outInterface = hop.device;
    const lost = this.#leave(skb, log, rejection);
    if (lost) return lost;
    if (skb.outInterface !== 'lo') return { outcome: 'forwarded', by: '', skb, answer: rejection.answer };
    // Back in by lo, with its connection and mark.
    skb.inInterface = 'lo';
    return this.#incoming(skb, log);
  }

  /** The next hop; `fromSource`: as for a packet of the machine's own that is routed anew. */
  #route(skb: Skb, fromSource = false): Hop | null {
    const { source, destination, leavesBy } = skb;
    if (leavesBy !== null && !this.topology.isLocal(destination)) return { device: leavesBy, next: destination };
    return fromSource ? this.topology.routeFrom(source, destination) : this.topology.route(destination);
  }

  #leave(skb: Skb, log: PacketLog, rejection: Rejection): Passage | null {
    const ended = this.#hook('POSTROUTING', ['mangle', 'nat'], skb, log, rejection) ?? this.#confirm(skb, log, 'POSTROUTING');
    log.end();
    return ended;
  }

  #confirm(skb: Skb, log: PacketLog, hook: Hook): Passage | null {
    if (!skb.connection || skb.connection.confirmed || skb.info !== 'new') return null;
    log.begin('confirm', 'nf_conntrack', hook);
    log.count('conntrackInserts', 1);
    return this.conntrack.confirm(skb) ? null : dropped(skb, 'kernel: two connections would look alike');
  }

  /** Asks what is registered at a hook in order. null: the packet goes on. */
  #hook(hook: Hook, order: readonly (TableName | 'conntrack')[], skb: Skb, log: PacketLog, rejection: Rejection): Passage | null {
    // Counted in the stage that begins next: the first one of this hook.
    log.end();
    log.count('hooksEntered', 1);
    return this.#tables(hook, order, skb, log, rejection);
  }

  #tables(hook: Hook, order: readonly (TableName | 'conntrack')[], skb: Skb, log: PacketLog, rejection: Rejection): Passage | null {
    for (const name of order) {
      if (name === 'conntrack') {
        if (!this.#tracks) continue;
        log.begin('conntrack', 'nf_conntrack', hook, 'lookup');
        const before = this.conntrack.lookups;
        this.conntrack.track(skb);
        log.count('conntrackLookups', this.conntrack.lookups - before);
        continue;
      }
      if (name === 'nat') {
        const ended = this.#nat(hook, skb, log);
        if (ended) return ended;
        continue;
      }
      const table = this.tables.get(name);
      if (!table) continue;
      const verdict = walk(table, hook, skb, this.#context(), log);
      if (verdict.kind === 'drop') return dropped(skb, verdict.by);
      if (verdict.kind === 'reject') {
        rejection.answer = this.#reject(skb, hook, verdict.target, log);
        return { outcome: 'rejected', by: verdict.by, skb, answer: rejection.answer };
      }
    }
    return null;
  }

  /** nf_nat_ipv4_fn. */
  #nat(hook: Hook, skb: Skb, log: PacketLog): Passage | null {
    const side = NAT_SIDE[hook];
    const { connection } = skb;
    if (!side || !connection || !this.tables.has('nat')) return null;
    if (skb.info === 'related' && skb.isIcmp) {
      log.begin('conntrack', 'NAT', hook, 'mapping');
      // A redirect would tell of addresses that NAT has hidden (nf_nat_icmp_reply_translation).
      if (skb.icmpType === ICMP_REDIRECT && (connection.sourceNat || connection.destinationNat || !connection.sourceNatDone || !connection.destinationNatDone)) return dropped(skb, 'kernel');
      if (translateIcmpError(skb, connection, side)) log.count('natRewrites', 1);
      return null;
    }
    const table = this.tables.get('nat');
    const settled = side === 'source' ? connection.sourceNatDone : connection.destinationNatDone;
    if (table && !settled && (skb.info === 'new' || skb.info === 'related')) {
      const verdict = walk(table, hook, skb, this.#context(), log);
      if (verdict.kind === 'drop') return dropped(skb, verdict.by);
      const random16 = () => this.#random32() >>> 16;
      if (verdict.kind === 'nat') {
        const range = this.#natRange(verdict.target, hook, skb);
        if (range) {
          setUpNat(this.conntrack, connection, range, side, random16);
          log.count('natSetUps', 1);
        }
      }
      if (!(side === 'source' ? connection.sourceNatDone : connection.destinationNatDone)) {
        setUpNat(this.conntrack, connection, nullBinding(connection, side), side, random16);
        log.count('natSetUps', 1);
      }
    }
    else if (connection.sourceNat || connection.destinationNat) log.begin('conntrack', 'NAT', hook, 'mapping');
    if (translate(skb, connection, side)) log.count('natRewrites', 1);
    return null;
  }

  #natRange(target: Target & { kind: 'nat' }, hook: Hook, skb: Skb): NatRange | null {
    const { range } = target;
    const with_ = (address: Ipv4 | null): NatRange | null => (address === null ? null : { ...range, addresses: [address, address] });
    switch (target.name) {
      case 'MASQUERADE':
        return with_(this.topology.addressFor(skb.outInterface, this.topology.route(skb.destination)?.next ?? skb.destination));
      case 'NETMAP': {
        const { address, mask } = range.netmap ?? { address: 0, mask: 0 };
        const own = hook === 'PREROUTING' || hook === 'OUTPUT' ? skb.destination : skb.source;
        return with_((((own & ~mask) | address) >>> 0) as Ipv4);
      }
      case 'REDIRECT':
        // An interface that only rules name has no address of its own here.
        return with_(hook === 'OUTPUT' ? (0x7f000001 as Ipv4) : (this.topology.primaryAddress(skb.inInterface) ?? this.topology.addressFor(skb.inInterface, skb.source)));
      default:
        return range;
    }
  }

  /** Sends REJECT's answer through OUTPUT and POSTROUTING. */
  #reject(skb: Skb, hook: Hook, target: Target & { kind: 'reject' }, log: PacketLog): Passage['answer'] {
    // Nothing is answered that was not sent to one address.
    const type = this.topology.addressType(skb.destination);
    if (type === 'BROADCAST' || type === 'MULTICAST' || (skb.carriedTo !== 'unicast' && target.with !== 'tcp-reset')) return null;
    return this.#answer(skb, hook, makeRejection(skb, target.with, () => this.#errorSource(skb)), log);
  }

  /** The source of an ICMP error about a packet (icmp_route_lookup). */
  #errorSource(skb: Skb): Ipv4 | null {
    if (this.topology.isLocal(skb.destination)) return skb.destination;
    // The route to an own address has its subnet's first address as its source.
    if (this.topology.isLocal(skb.source)) return this.topology.primaryOf(skb.source);
    const hop = this.topology.route(skb.source);
    return hop ? this.topology.addressFor(hop.device, hop.next) : null;
  }

  /** Sends an answer about a packet through OUTPUT and POSTROUTING. */
  #answer(skb: Skb, hook: Hook, packet: Packet | null, log: PacketLog): Passage['answer'] {
    if (!packet) return null;
    log.begin('answer', 'REJECT', hook, 'filter');
    log.count('repliesGenerated', 1);
    const answer = new Skb(packet);
    if (answer.isIcmp) answer.tos = (skb.tos & 0x1e) | PRECEDENCE_INTERNET_CONTROL;
    answer.attached = skb.attached || skb.connection !== null || skb.info === 'untracked';
    if (skb.connection) {
      if (answer.flags & TCP_FLAG.RST) this.conntrack.close(skb.connection);
      answer.connection = skb.connection;
      answer.info = 'related';
      answer.direction = skb.direction === 0 ? 1 : 0;
    }
    const sent = this.#outgoing(answer, log);
    // A REJECT in OUTPUT may answer the answer.
    if (sent.outcome === 'rejected') return sent.answer;
    if (sent.outcome === 'forwarded') return { packet: sent.skb.toPacket(), device: sent.skb.outInterface, mark: sent.skb.mark };
    return sent.outcome === 'local' ? { packet: sent.skb.toPacket(), device: null, mark: sent.skb.mark } : null;
  }

  #context(): WalkContext {
    const { now } = this.conntrack;
    return { topology: this.topology, sets: this.#sets, recent: this.#recent, limits: this.#limits, conntrack: this.conntrack, now, clock: CLOCK_START + now, random32: this.#random32 };
  }
}

function dropped(skb: Skb, by: string): Passage {
  return { outcome: 'dropped', by, skb, answer: null };
}
