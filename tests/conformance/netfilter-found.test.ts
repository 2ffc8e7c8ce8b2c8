import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { replay, type ReplayCase } from '../../src/datapaths/iptables/netfilter/replay.ts';

/**
 * What Linux 6.18 did: the packets that came out, and all counters. `found`: random rule sets and packets on which the
 * engine and Linux once differed (or, the last ones, which hold the matches and targets of real nodes' rules). `scenes`: made
 * by hand (lab/netfilter/scenes), each with the time that passed in it.
 */
type Fields = Record<string, unknown>;
type Recorded = ReplayCase & { readonly kernel: { readonly outs: readonly (readonly Fields[])[]; readonly counters: Fields } };

const read = (file: string) =>
  readFileSync(new URL(`netfilter/${file}`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Recorded);

/** What came out of the machine, or to its own stack (`in`), as the recordings name it. */
function cameOut(outcome: Fields): Fields[] {
  switch (outcome['outcome']) {
    case 'local':
      return [{ ...outcome, where: 'in' }];
    case 'forwarded':
    case 'routed-back':
      return [{ ...outcome, where: outcome['out_iface'] }];
    default: {
      const answer = outcome['reply_packet'] as Fields | undefined;
      return answer ? [{ ...answer, where: answer['out_iface'] ?? 'in' }] : [];
    }
  }
}

/** An answer of the kernel's own (time exceeded, no route) is no outcome of the packet. */
const isOwnAnswer = ({ icmp_type, icmp_code, ttl }: Fields) => ttl === 64 && (icmp_type === 11 || (icmp_type === 3 && icmp_code === 0));

/** The ranges within which NAT chooses a port at random (nf_nat_core.c). */
const rangeOf = (port: number) => (port < 512 ? 'below 512' : port < 1024 ? 'below 1024' : 'above');
/** What NAT may choose at random. */
const CHOSEN = new Set(['sport', 'dport', 'icmp_id']);

/** A field as it must be; one that both sides changed, each in its own way, stands for its range. */
function comparable(field: string, value: unknown, other: unknown, packet: Fields): unknown {
  if (field === 'inner') return Object.fromEntries(Object.entries(value as Fields).map(([name, own]) => [name, comparable(name, own, ((other ?? {}) as Fields)[name], ((packet['inner'] ?? {}) as Fields))]));
  const changed = value !== packet[field] && other !== packet[field];
  const said = ((packet['nondeterministic'] ?? []) as readonly string[]).includes(field);
  if (!CHOSEN.has(field) || value === other || !(changed || said) || typeof value !== 'number') return value;
  return field === 'icmp_id' ? 'chosen' : `chosen ${rangeOf(value)}`;
}

describe.each([
  ['random rules', 'found.jsonl', 53],
  ['scenes made by hand', 'scenes.jsonl', 114],
])('what Linux did with %s', (_, file, count) => {
  const cases = read(file);

  test('the recordings are there', () => {
    expect(cases.length).toBe(count);
  });

  test.each(cases.map((found) => [found.name, found] as const))('%s', (_, found) => {
    const result = replay(found);
    found.kernel.outs.forEach((kernel, index) => {
      const engine = cameOut(result.outcomes[index] as Fields);
      const packet = found['packets.json'][index] as Fields;
      const which = JSON.stringify(packet);
      const expected = kernel.filter((out) => !(engine.length === 0 && isOwnAnswer(out)));
      expect(engine.length, which).toBe(expected.length);
      expected.forEach((out, at) => {
        for (const [field, value] of Object.entries(out)) {
          const own = engine[at]?.[field] ?? null;
          expect({ [field]: own === null ? null : comparable(field, own, value, packet) }, which).toEqual({ [field]: comparable(field, value, own, packet) });
        }
      });
    });
    const saved = Object.fromEntries(Object.keys(result.counters).map((table) => [table, found.kernel.counters[table]]));
    expect(result.counters).toEqual(saved);
  });
});
