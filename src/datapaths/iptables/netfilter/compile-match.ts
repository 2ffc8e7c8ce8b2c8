import { MATCH, NEGATED } from './rule-layout.ts';
import type { Match, Negatable, Range } from './rule.ts';

/** Where compiled matches go. */
export interface MatchSink {
  readonly nth: number[];
  object(object: Match): number;
  pushMatch(kind: number, a: number, b: number, c: number): void;
}

/** `ports` of one port. */
export function onePort(port: number): number {
  return port | (port << 16);
}

/** A range of ports in one integer: lowest, and highest shifted by 16. */
export function ports(range: Negatable<Range> | null): number {
  return range ? range.value[0] | (range.value[1] << 16) : 0xffff << 16;
}

/** Writes a match as its kind and three numbers; what needs more stands in the arena's objects. */
export function compileMatch(sink: MatchSink, match: Match): void {
  const negated = 'negated' in match && match.negated ? NEGATED : 0;
  switch (match.kind) {
    case 'comment':
      sink.pushMatch(MATCH.comment, 0, 0, 0);
      return;
    case 'tcp': {
      const c = (match.source?.negated ? 1 : 0) | (match.destination?.negated ? 2 : 0);
      const flags = match.flags ? (match.flags.negated ? 4 : 0) | (match.flags.value[0] << 8) | (match.flags.value[1] << 16) : 0;
      sink.pushMatch(MATCH.tcp, ports(match.source), ports(match.destination), c | flags);
      return;
    }
    case 'udp':
    case 'sctp': {
      const c = (match.source?.negated ? 1 : 0) | (match.destination?.negated ? 2 : 0);
      sink.pushMatch(MATCH.ports, ports(match.source), ports(match.destination), c);
      if (match.chunks) sink.pushMatch(MATCH.object, sink.object(match), 0, 0);
      return;
    }
    case 'icmp':
      sink.pushMatch(MATCH.icmp | negated, match.type, match.code[0], match.code[1]);
      return;
    case 'conntrack':
      sink.pushMatch(MATCH.conntrack | negated, match.states, 0, 0);
      return;
    case 'mark':
    case 'connmark':
      sink.pushMatch(MATCH[match.kind] | negated, match.mark, match.mask, 0);
      return;
    case 'random':
      // 2³¹ itself stands for "always": as an unsigned compare of 31 bits.
      sink.pushMatch(MATCH.random | negated, match.probability | 0, 0, 0);
      return;
    case 'nth':
      sink.nth.push(0);
      sink.pushMatch(MATCH.nth | negated, match.every, match.packet, sink.nth.length - 1);
      return;
    case 'addrtype':
    case 'multiport':
    case 'recent':
    case 'set':
      sink.pushMatch(MATCH[match.kind] | negated, sink.object(match), 0, 0);
      return;
    case 'length':
      sink.pushMatch(MATCH.length | negated, match.range[0], match.range[1], 0);
      return;
    case 'ttl':
      sink.pushMatch(MATCH.ttl | negated, match.value, match.compare === 'eq' ? 0 : match.compare === 'lt' ? -1 : 1, 0);
      return;
    case 'tos':
      sink.pushMatch(MATCH.tos | negated, match.value, match.mask, 0);
      return;
    case 'fixed':
      sink.pushMatch(match.matches ? MATCH.always : MATCH.never, sink.object(match), 0, 0);
      return;
    default:
      sink.pushMatch(MATCH.object | negated, sink.object(match), 0, 0);
  }
}
