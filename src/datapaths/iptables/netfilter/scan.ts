import { FLAG, STRIDE } from './rule-layout.ts';

/*
 * The hot loop: written for the machine, with nothing allocated. `rules` is laid out as `rule-layout.ts` says. The test
 * `netfilter-twin` holds it against its slow, obvious twin.
 */

/**
 * The first rule from `rule` on, before `end`, whose addresses, interfaces and protocol fit the packet; `end` if none does.
 * `fitsIn` and `fitsOut` say by interface pattern whether the packet's interfaces fit it (1) or not (0).
 */
export function nextFitting(
  rules: Int32Array,
  rule: number,
  end: number,
  source: number,
  destination: number,
  protocol: number,
  fitsIn: Uint8Array,
  fitsOut: Uint8Array,
): number {
  for (let at = rule * STRIDE; rule < end; rule++, at += STRIDE) {
    const flags = rules[at]!;
    if (flags === 0) {
      // The destination first: in long chains it tells most rules apart.
      if (((destination & rules[at + 4]!) ^ rules[at + 3]!) !== 0) continue;
      if (((source & rules[at + 2]!) ^ rules[at + 1]!) !== 0) continue;
      const wanted = rules[at + 7]!;
      if (wanted !== protocol && wanted !== 0) continue;
      const inPattern = rules[at + 5]!;
      if (inPattern !== 0 && fitsIn[inPattern] === 0) continue;
      const outPattern = rules[at + 6]!;
      if (outPattern !== 0 && fitsOut[outPattern] === 0) continue;
      return rule;
    }
    if (((destination & rules[at + 4]!) ^ rules[at + 3]!) !== 0 !== ((flags & FLAG.destination) !== 0)) continue;
    if (((source & rules[at + 2]!) ^ rules[at + 1]!) !== 0 !== ((flags & FLAG.source) !== 0)) continue;
    if (rules[at + 7]! !== 0 && (rules[at + 7]! !== protocol) !== ((flags & FLAG.protocol) !== 0)) continue;
    if ((fitsIn[rules[at + 5]!] === 0) !== ((flags & FLAG.in) !== 0)) continue;
    if ((fitsOut[rules[at + 6]!] === 0) !== ((flags & FLAG.out) !== 0)) continue;
    if ((flags & FLAG.fragment) !== 0) continue;
    return rule;
  }
  return end;
}

/** Which interface patterns a name fits, by their index. */
export function fitting(patterns: readonly string[], name: string): Uint8Array {
  return Uint8Array.from(patterns, (pattern, index) => (index === 0 || (pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : pattern === name) ? 1 : 0));
}
