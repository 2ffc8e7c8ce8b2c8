import { tupleIn, type Tuple } from './connection.ts';
import type { RuleArena } from './rule-arena.ts';
import { MATCH, MATCH_STRIDE, NEGATED } from './rule-layout.ts';
import { CONNECTION_STATE, CONNECTION_STATUS, type AddressMask, type Match, type Negatable, type Range } from './rule.ts';
import type { Skb } from './skb.ts';
import type { WalkContext } from './walk-context.ts';

/** Runs one compiled match. */
export function matchesPacket(arena: RuleArena, match: number, skb: Skb, context: WalkContext): boolean {
  const at = match * MATCH_STRIDE;
  const kind = arena.matches[at] ?? 0;
  const a = arena.matches[at + 1] ?? 0;
  const b = arena.matches[at + 2] ?? 0;
  const c = arena.matches[at + 3] ?? 0;
  const negated = (kind & NEGATED) !== 0;
  switch (kind & 255) {
    case MATCH.comment:
    case MATCH.always:
      return true;
    case MATCH.never:
      return false;
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
      const evaluation = arena.nth[c] ?? 0;
      arena.nth[c] = evaluation + 1;
      return (evaluation % a === b) !== negated;
    }
    case MATCH.length:
      return (skb.length >= a && skb.length <= b) !== negated;
    case MATCH.ttl:
      return (b === 0 ? skb.ttl === a : b < 0 ? skb.ttl < a : skb.ttl > a) !== negated;
    case MATCH.tos:
      return ((skb.tos & b) === a) !== negated;
    default:
      return matchesObject(arena.objects[a] as Match | undefined, skb, context);
  }
}

function inPorts(port: number, range: number): boolean {
  return port >= (range & 0xffff) && port <= range >>> 16;
}

/** Bits of CONNECTION_STATE as xt_conntrack sees them. */
function connectionState(skb: Skb): number {
  if (skb.info === 'untracked') return CONNECTION_STATE.UNTRACKED;
  const { connection } = skb;
  // In raw, CT's template stands where the connection will be.
  if (!connection) return skb.template !== null && skb.info === 'none' ? CONNECTION_STATE.NEW : CONNECTION_STATE.INVALID;
  const state = skb.info === 'related' ? CONNECTION_STATE.RELATED : skb.info === 'established' ? CONNECTION_STATE.ESTABLISHED : CONNECTION_STATE.NEW;
  return state | (connection.sourceNat ? CONNECTION_STATE.SNAT : 0) | (connection.destinationNat ? CONNECTION_STATE.DNAT : 0);
}

function fits<T>(asked: Negatable<T> | null, answer: (value: T) => boolean): boolean {
  return asked === null || answer(asked.value) !== asked.negated;
}

const inRange = (value: number) => (range: Range) => value >= range[0] && value <= range[1];
const inAddress = (address: number) => (wanted: AddressMask) => ((address & wanted.mask) ^ wanted.address) === 0;

function matchesObject(match: Match | undefined, skb: Skb, context: WalkContext): boolean {
  switch (match?.kind) {
    case 'addrtype': {
      const device = match.limit === 'in' ? skb.inInterface : match.limit === 'out' ? skb.outInterface : null;
      const isOf = (address: Skb['source']) => (types: readonly string[]) => types.includes(context.topology.addressType(address, device));
      return fits(match.source, isOf(skb.source)) && fits(match.destination, isOf(skb.destination));
    }
    case 'multiport': {
      const listed = (port: number) => match.ranges.some(([low, high]) => port >= low && port <= high);
      const found =
        match.side === 'source' ? listed(skb.sourcePort) : match.side === 'destination' ? listed(skb.destinationPort) : listed(skb.sourcePort) || listed(skb.destinationPort);
      return found !== match.negated;
    }
    case 'set':
      return (context.sets.get(match.set)?.matches(skb, match.sides, context.now, match.wantsNomatch) ?? false) !== match.negated;
    case 'recent':
      return matchesRecent(match, skb, context);
    case 'iprange':
      return fits(match.source, inRange(skb.source)) && fits(match.destination, inRange(skb.destination));
    case 'pkttype':
      return (skb.carriedTo === match.type) !== match.negated;
    case 'limit':
      return context.limits.limit(match, context.now);
    case 'hashlimit':
      return context.limits.hashlimit(match, skb, context.now);
    case 'connlimit':
      return context.limits.connlimit(match, skb, context.conntrack);
    case 'tcpmss':
      return (skb.maximumSegment > 0 && skb.maximumSegment >= match.range[0] && skb.maximumSegment <= match.range[1]) !== match.negated;
    case 'quota':
      return context.limits.quota(match, skb.length);
    case 'rpfilter':
      return reversePathFits(match, skb, context) !== match.negated;
    case 'time':
      return matchesTime(match, context.clock);
    case 'conntrack-fields':
      return matchesConnection(match.fields, skb, context);
    case 'sctp': {
      const { mode, types, negated } = match.chunks ?? { mode: 'any', types: [skb.sctpChunk], negated: false };
      // A packet holds one chunk here: `all` asks for more than one unless one is named.
      const found = mode === 'all' ? types.every((type) => type === skb.sctpChunk) : types.includes(skb.sctpChunk);
      return found !== negated;
    }
    default:
      return false;
  }
}

/** rpfilter_mt (net/ipv4/netfilter/ipt_rpfilter.c). */
function reversePathFits(match: Match & { kind: 'rpfilter' }, skb: Skb, { topology }: WalkContext): boolean {
  if (skb.inInterface === 'lo' || topology.isUnaddressed(skb.source, skb.destination)) return true;
  const type = topology.routeType(skb.source);
  if (type === 'LOCAL') {
    if (!match.acceptLocal) return false;
  } else if (type !== 'UNICAST') {
    return false;
  }
  const hop = type === 'LOCAL' ? { device: topology.deviceOf(skb.source) } : topology.route(skb.source);
  return hop !== null && (hop.device === skb.inInterface || match.loose);
}

const DAY = 86_400;

/** time_mt (net/netfilter/xt_time.c), in UTC. */
function matchesTime(match: Match & { kind: 'time' }, clock: number): boolean {
  const seconds = Math.floor(clock / 1000);
  if (seconds < match.dates[0] || seconds > match.dates[1]) return false;
  const ofDay = seconds % DAY;
  const [start, stop] = match.daily;
  if (start < stop ? ofDay < start || ofDay > stop : ofDay > stop && ofDay < start) return false;
  const date = new Date(match.contiguous && ofDay <= stop ? clock - DAY * 1000 : clock);
  // Sunday is the seventh day.
  if (match.weekdays !== 0 && (match.weekdays & (1 << (date.getUTCDay() || 7))) === 0) return false;
  return match.monthDays === 0 || (match.monthDays & (1 << date.getUTCDate())) !== 0;
}

/** conntrack_mt (net/netfilter/xt_conntrack.c). */
function matchesConnection(fields: (Match & { kind: 'conntrack-fields' })['fields'], skb: Skb, { now }: WalkContext): boolean {
  if (!fits(fields.states, (states) => (connectionState(skb) & states) !== 0)) return false;
  const { connection } = skb;
  // Without a connection there is nothing more to ask, if the state was asked for.
  if (!connection) return fields.states !== null;
  if (fields.direction !== null && fields.direction !== skb.direction) return false;
  const original: Tuple = tupleIn(connection, 0);
  const reply: Tuple = tupleIn(connection, 1);
  return (
    fits(fields.originalSource, inAddress(original.source)) &&
    fits(fields.originalDestination, inAddress(original.destination)) &&
    fits(fields.replySource, inAddress(reply.source)) &&
    fits(fields.replyDestination, inAddress(reply.destination)) &&
    fits(fields.protocol, (protocol) => protocol === original.protocol) &&
    fits(fields.originalSourcePort, inRange(original.sourcePort)) &&
    fits(fields.originalDestinationPort, inRange(original.destinationPort)) &&
    fits(fields.replySourcePort, inRange(reply.sourcePort)) &&
    fits(fields.replyDestinationPort, inRange(reply.destinationPort)) &&
    fits(fields.status, (status) => statusOf(skb, status)) &&
    fits(fields.expires, inRange(connection.confirmed ? Math.max(0, Math.floor((connection.expires - now) / 1000)) : 0))
  );
}

function statusOf({ connection }: Skb, asked: number): boolean {
  if (!connection) return false;
  const status = (connection.seenReply ? CONNECTION_STATUS.SEEN_REPLY : 0) | (connection.assured ? CONNECTION_STATUS.ASSURED : 0) | (connection.confirmed ? CONNECTION_STATUS.CONFIRMED : 0);
  return (status & asked) !== 0;
}

/** recent_mt (net/netfilter/xt_recent.c). */
function matchesRecent(match: Match & { kind: 'recent' }, skb: Skb, context: WalkContext): boolean {
  const list = context.recent.get(match.list);
  if (!list) return false;
  const address = list.masked(match.side === 'source' ? skb.source : skb.destination);
  // Where the packet is on its way out, its TTL was lowered already.
  const ttl = match.ttl ? skb.ttl + (skb.outInterface === '' ? 0 : 1) : 0;
  const { now } = context;
  if (!list.has(address, ttl)) {
    if (match.action !== 'set') return match.negated;
    list.touch(address, now, ttl);
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
  if (match.action === 'set' || (match.action === 'update' && found)) list.touch(address, now, ttl);
  return found;
}
