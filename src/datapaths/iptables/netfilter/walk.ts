import type { RuleOutcome } from '../../trace.ts';
import type { Hook } from './hook.ts';
import type { IpSet } from './ipset.ts';
import type { PacketLog } from './packet-log.ts';
import { RecentList } from './recent.ts';
import { CONNECTION_STATE, type Match, type Target } from './rule.ts';
import { FLAG, MATCH, MATCH_STRIDE, NEGATED, STRIDE, TARGET, type RuleTable } from './rule-table.ts';
import type { Skb } from './skb.ts';
import type { Topology } from './topology.ts';

/** What matches ask beside the packet itself. */
export interface WalkContext {
  readonly topology: Topology;
  readonly sets: ReadonlyMap<string, IpSet>;
  readonly recent: Map<string, RecentList>;
  /** Simulated time, ms. */
  readonly now: number;
  /** 0 to 2³²−1. */
  random32(): number;
}

export type WalkVerdict =
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop'; readonly by: string }
  | { readonly kind: 'reject'; readonly by: string; readonly target: Target & { kind: 'reject' } }
  | { readonly kind: 'nat'; readonly target: Target & { kind: 'nat' } };

const ACCEPT: WalkVerdict = { kind: 'accept' };

/**
 * ipt_do_table (net/ipv4/netfilter/ip_tables.c): rule after rule from a hook's built-in chain, until one settles the
 * packet. A rule's addresses are compared first, then interfaces, protocol, and its matches in written order.
 * MARK, CONNMARK and NOTRACK act here; NAT and REJECT are handed back to the hook.
 */
export function walk(table: RuleTable, hook: Hook, skb: Skb, context: WalkContext, log: PacketLog): WalkVerdict {
  const root = table.chainId(hook);
  if (root === undefined) return ACCEPT;
  const steps = log.tracesSteps;
  const back: number[] = [];
  let chain = root;
  let first = table.start[root] ?? 0;
  let rule = first;
  let end = first + (table.length[root] ?? 0);
  let { rules } = table;
  const { source, destination, protocol, inInterface, outInterface } = skb;
  let evaluated = 0;

  log.begin('chain', hook, hook, table.name);
  log.count('tablesEntered', 1);
  log.count('chainsEntered', 1);
  const enter = (id: number, from: number) => {
    log.count('rulesEvaluated', evaluated);
    evaluated = 0;
    chain = id;
    first = table.start[id] ?? 0;
    rule = from < 0 ? first : from;
    end = first + (table.length[id] ?? 0);
    log.begin('chain', table.chainName(id), hook, table.name);
  };

  for (;;) {
    if (rule === end) {
      const saved = back.pop();
      if (saved === undefined) return policy(table, root, hook, skb, log, evaluated);
      const id = back.pop() ?? root;
      enter(id, saved);
      continue;
    }
    const at = rule * STRIDE;
    const flags = rules[at] ?? 0;
    evaluated += 1;
    let failed: RuleOutcome | null = null;
    let failedMatch = 255;
    if (((source & (rules[at + 2] ?? 0)) ^ (rules[at + 1] ?? 0)) !== 0 !== ((flags & FLAG.source) !== 0)) failed = 'source';
    else if (((destination & (rules[at + 4] ?? 0)) ^ (rules[at + 3] ?? 0)) !== 0 !== ((flags & FLAG.destination) !== 0)) failed = 'destination';
    else if ((rules[at + 5] !== 0 || (flags & FLAG.in) !== 0) && fitsInterface(table, rules[at + 5] ?? 0, inInterface) === ((flags & FLAG.in) !== 0)) failed = 'in-interface';
    else if ((rules[at + 6] !== 0 || (flags & FLAG.out) !== 0) && fitsInterface(table, rules[at + 6] ?? 0, outInterface) === ((flags & FLAG.out) !== 0)) failed = 'out-interface';
    else if (rules[at + 7] !== 0 && (rules[at + 7] !== protocol) !== ((flags & FLAG.protocol) !== 0)) failed = 'protocol';
    else {
      const count = rules[at + 9] ?? 0;
      let run = 0;
      while (run < count) {
        run += 1;
        if (!matches(table, (rules[at + 8] ?? 0) + run - 1, skb, context)) {
          failed = 'match';
          failedMatch = run - 1;
          break;
        }
      }
      if (run > 0) log.count('matchesEvaluated', run);
    }
    if (steps) log.step(rule - first, failed ?? 'matched', failedMatch);
    if (failed !== null) {
      rule += 1;
      continue;
    }
    table.packets[rule] = (table.packets[rule] ?? 0) + 1;
    table.bytes[rule] = (table.bytes[rule] ?? 0) + skb.length;
    log.hits?.push(`${table.name}:${table.chainName(chain)}:${rule - first}`);
    const argument = rules[at + 11] ?? 0;
    const index = rule - first;
    rule += 1;
    switch (rules[at + 10]) {
      case TARGET.none:
        break;
      case TARGET.accept:
        log.count('rulesEvaluated', evaluated);
        return ACCEPT;
      case TARGET.drop:
        log.count('rulesEvaluated', evaluated);
        return { kind: 'drop', by: `${table.name}:${table.chainName(chain)}:${index}` };
      case TARGET.return:
        rule = end;
        // RETURN in a built-in chain goes to its policy, wherever a goto came from.
        break;
      case TARGET.jump:
        back.push(chain, rule);
        enter(argument, -1);
        log.count('chainsEntered', 1);
        break;
      case TARGET.goto:
        enter(argument, -1);
        log.count('chainsEntered', 1);
        break;
      default: {
        const target = table.objects[argument] as Target | undefined;
        log.count('targetsRun', 1);
        if (rules[at + 10] === TARGET.notrack) {
          if (skb.connection === null) skb.info = 'untracked';
        } else if (target?.kind === 'mark') {
          skb.mark = ((skb.mark & ~target.mask) ^ target.value) >>> 0;
        } else if (target?.kind === 'connmark') {
          markConnection(target, skb);
        } else if (target?.kind === 'nat') {
          log.count('rulesEvaluated', evaluated);
          return { kind: 'nat', target };
        } else if (target?.kind === 'reject') {
          log.count('rulesEvaluated', evaluated);
          return { kind: 'reject', by: `${table.name}:${table.chainName(chain)}:${index}`, target };
        }
        ({ rules } = table);
      }
    }
  }
}

function policy(table: RuleTable, root: number, hook: Hook, skb: Skb, log: PacketLog, evaluated: number): WalkVerdict {
  log.count('rulesEvaluated', evaluated);
  table.policyPackets.set(root, (table.policyPackets.get(root) ?? 0) + 1);
  table.policyBytes.set(root, (table.policyBytes.get(root) ?? 0) + skb.length);
  log.hits?.push(`${table.name}:${hook}:policy`);
  return table.policies.get(root) === 'DROP' ? { kind: 'drop', by: `${table.name}:${hook}:policy` } : ACCEPT;
}

function fitsInterface(table: RuleTable, pattern: number, name: string): boolean {
  const wanted = table.interfaces[pattern] ?? '';
  if (pattern === 0) return true;
  return wanted.endsWith('+') ? name.startsWith(wanted.slice(0, -1)) : wanted === name;
}

function markConnection(target: Target & { kind: 'connmark' }, skb: Skb): void {
  const { connection } = skb;
  if (!connection) return;
  if (target.action === 'set') connection.mark = ((connection.mark & ~target.connectionMask) ^ target.value) >>> 0;
  else if (target.action === 'save') connection.mark = ((connection.mark & ~target.connectionMask) ^ (skb.mark & target.packetMask)) >>> 0;
  else skb.mark = ((skb.mark & ~target.packetMask) ^ (connection.mark & target.connectionMask)) >>> 0;
}

function inPorts(port: number, range: number): boolean {
  return port >= (range & 0xffff) && port <= range >>> 16;
}

/** Runs one match module. */
function matches(table: RuleTable, match: number, skb: Skb, context: WalkContext): boolean {
  const at = match * MATCH_STRIDE;
  const kind = table.matches[at] ?? 0;
  const a = table.matches[at + 1] ?? 0;
  const b = table.matches[at + 2] ?? 0;
  const c = table.matches[at + 3] ?? 0;
  const negated = (kind & NEGATED) !== 0;
  switch (kind & 255) {
    case MATCH.comment:
      return true;
    case MATCH.tcp:
    case MATCH.ports:
      if (inPorts(skb.sourcePort, a) === ((c & 1) !== 0)) return false;
      if (inPorts(skb.destinationPort, b) === ((c & 2) !== 0)) return false;
      if (c >>> 8 === 0) return true;
      return ((skb.flags & (c >>> 8) & 255) === ((c >>> 16) & 255)) !== ((c & 4) !== 0);
    case MATCH.icmp:
      return (a === 255 || (skb.icmpType === a && skb.icmpCode >= b && skb.icmpCode <= c)) !== negated;
    case MATCH.conntrack:
      return ((connectionState(skb) & a) !== 0) !== negated;
    case MATCH.mark:
      return (((skb.mark & b) ^ a) === 0) !== negated;
    case MATCH.connmark:
      return skb.connection !== null && (((skb.connection.mark & b) ^ a) === 0) !== negated;
    case MATCH.random:
      return (context.random32() & 0x7fffffff) < a >>> 0 !== negated;
    case MATCH.nth: {
      const evaluation = table.nth[c] ?? 0;
      table.nth[c] = evaluation + 1;
      return (evaluation % a === b) !== negated;
    }
    default:
      return matchesObject(table.objects[a] as Match | undefined, skb, context);
  }
}

/** Bits of CONNECTION_STATE as xt_conntrack sees them. */
function connectionState(skb: Skb): number {
  if (skb.info === 'untracked') return CONNECTION_STATE.UNTRACKED;
  const { connection } = skb;
  if (!connection) return CONNECTION_STATE.INVALID;
  const state = skb.info === 'related' ? CONNECTION_STATE.RELATED : skb.info === 'established' ? CONNECTION_STATE.ESTABLISHED : CONNECTION_STATE.NEW;
  return state | (connection.sourceNat ? CONNECTION_STATE.SNAT : 0) | (connection.destinationNat ? CONNECTION_STATE.DNAT : 0);
}

function matchesObject(match: Match | undefined, skb: Skb, context: WalkContext): boolean {
  switch (match?.kind) {
    case 'addrtype': {
      const fits = (side: typeof match.source, address: Skb['source']) => side === null || side.value.includes(context.topology.addressType(address)) !== side.negated;
      return fits(match.source, skb.source) && fits(match.destination, skb.destination);
    }
    case 'multiport': {
      const fits = (port: number) => match.ranges.some(([low, high]) => port >= low && port <= high);
      const found =
        match.side === 'source' ? fits(skb.sourcePort) : match.side === 'destination' ? fits(skb.destinationPort) : fits(skb.sourcePort) || fits(skb.destinationPort);
      return found !== match.negated;
    }
    case 'set': {
      const set = context.sets.get(match.set);
      return (set?.matches(skb, match.sides) ?? false) !== match.negated;
    }
    case 'recent':
      return matchesRecent(match, skb, context);
    default:
      return false;
  }
}

/** recent_mt (net/netfilter/xt_recent.c). */
function matchesRecent(match: Match & { kind: 'recent' }, skb: Skb, context: WalkContext): boolean {
  let list = context.recent.get(match.list);
  if (!list) {
    list = new RecentList();
    context.recent.set(match.list, list);
  }
  const address = match.side === 'source' ? skb.source : skb.destination;
  const { now } = context;
  if (!list.has(address)) {
    if (match.action !== 'set') return match.negated;
    list.touch(address, now);
    return !match.negated;
  }
  let found = match.negated;
  if (match.action === 'set') {
    found = !found;
  } else if (match.action === 'remove') {
    list.remove(address);
    return !match.negated;
  } else {
    if (list.seen(address, now, match.seconds, match.hits)) found = !found;
    if (match.reap && match.seconds > 0) list.reap(now, match.seconds);
  }
  if (match.action === 'set' || (match.action === 'update' && found)) list.touch(address, now);
  return found;
}
