import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { replay, type ReplayCase } from '../../src/datapaths/iptables/netfilter/replay.ts';

/**
 * Random rule sets and packets on which the engine and Linux once differed (or, the last ones, which hold the matches and
 * targets of real nodes' rules), with what Linux 6.18 did: the packets that came out, and all counters.
 */
type Fields = Record<string, unknown>;
type Found = ReplayCase & { readonly kernel: { readonly outs: readonly (readonly Fields[])[]; readonly counters: Fields } };

const cases = readFileSync(new URL('netfilter/found.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Found);

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

/** An answer of the kernel's own (time exceeded) is no outcome of the packet. */
const isOwnAnswer = (packet: Fields) => packet['icmp_type'] === 11 && packet['ttl'] === 64;

describe('what Linux did with random rules', () => {
  test('the recordings are there', () => {
    expect(cases.length).toBe(53);
  });

  test.each(cases.map((found) => [found.name, found] as const))('%s', (_, found) => {
    const result = replay(found);
    found.kernel.outs.forEach((kernel, index) => {
      const engine = cameOut(result.outcomes[index] as Fields);
      const packet = JSON.stringify(found['packets.json'][index]);
      const expected = kernel.filter((out) => !(engine.length === 0 && isOwnAnswer(out)));
      expect(engine.length, packet).toBe(expected.length);
      expected.forEach((out, which) => {
        for (const [field, value] of Object.entries(out)) expect({ [field]: engine[which]?.[field] ?? null }, packet).toEqual({ [field]: value });
      });
    });
    const saved = Object.fromEntries(Object.keys(result.counters).map((table) => [table, found.kernel.counters[table]]));
    expect(result.counters).toEqual(saved);
  });
});
