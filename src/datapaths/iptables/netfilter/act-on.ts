import type { Target } from './rule.ts';
import type { Skb } from './skb.ts';
import type { WalkContext } from './walk-context.ts';

/** Targets that change the packet, its mark, its connection or a set, and let it go on. */
export function actOn(target: Target, skb: Skb, context: WalkContext): void {
  switch (target.kind) {
    case 'mark':
      skb.mark = ((skb.mark & ~target.mask) ^ target.value) >>> 0;
      return;
    case 'connmark':
      markConnection(target, skb);
      return;
    case 'ttl':
      skb.ttl = target.action === 'set' ? target.value : target.action === 'inc' ? Math.min(255, skb.ttl + target.value) : Math.max(0, skb.ttl - target.value);
      return;
    case 'tos':
      skb.tos = (skb.tos & ~target.mask) ^ target.value;
      return;
    case 'set': {
      const set = context.sets.get(target.set);
      if (target.action === 'add') set?.add(skb, target.sides, context.now, target);
      else set?.remove(skb, target.sides, context.now);
      return;
    }
    case 'zone':
      // What was seen before, or is to be left alone, stays so (xt_ct_target).
      if (skb.connection === null && skb.template === null && skb.info === 'none' && !skb.attached) skb.template = target.template;
      return;
    case 'continue':
      return;
    case 'tcpmss':
      addMss(skb, target.size);
      return;
    default:
  }
}

const DEFAULT_SEGMENT = 536;

/** tcpmss_mangle_packet (net/netfilter/xt_TCPMSS.c): a SYN without the option is given one, of four bytes. */
function addMss(skb: Skb, size: number): void {
  if (skb.maximumSegment > 0) {
    skb.maximumSegment = Math.min(skb.maximumSegment, size);
    return;
  }
  if (!skb.hasFlag('SYN') || skb.tcpPayload > 0) return;
  // Where the option is missing the other end takes 536 (RFC 879): it must not be told more.
  skb.maximumSegment = Math.min(size, DEFAULT_SEGMENT);
  skb.tcpOptions = 4;
  skb.length += 4;
}

function markConnection(target: Target & { kind: 'connmark' }, skb: Skb): void {
  const { connection } = skb;
  if (!connection) return;
  // connmark_tg_shift (net/netfilter/xt_connmark.c)
  if (target.action === 'set') connection.mark = shifted((connection.mark & ~target.connectionMask) ^ target.value, target.shift);
  else if (target.action === 'save') connection.mark = ((connection.mark & ~target.connectionMask) ^ shifted(skb.mark & target.packetMask, target.shift)) >>> 0;
  else skb.mark = ((skb.mark & ~target.packetMask) ^ shifted(connection.mark & target.connectionMask, target.shift)) >>> 0;
}

function shifted(mark: number, shift: number): number {
  return (shift < 0 ? mark >>> -shift : mark << shift) >>> 0;
}
