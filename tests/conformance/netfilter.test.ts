import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { replay, type ReplayCase } from '../../src/datapaths/iptables/netfilter/replay.ts';

type Fields = Record<string, unknown> & { nondeterministic?: string[] };
type Recorded = ReplayCase & { 'expected.json': Fields[]; 'expected-steps.json': [number, string[]][]; 'expected.save': string };

const cases = readFileSync(new URL('netfilter/cases.jsonl', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Recorded);

/** A port that NAT chose: within the range that Linux chooses from (netfilter/README.md). */
function isInRange(chosen: number, original: number): boolean {
  if (original < 512) return chosen >= 1 && chosen <= 511;
  if (original < 1024) return chosen >= 600 && chosen <= 1023;
  return chosen >= 1024 && chosen <= 65535;
}

const TABLE_ORDER = ['raw', 'mangle', 'nat', 'filter'];

/** Counters of `iptables-save -c`: per table and chain, the policy's and each rule's. */
function savedCounters(save: string): Record<string, Record<string, { policy?: number[]; rules: number[][] }>> {
  const tables: Record<string, Record<string, { policy?: number[]; rules: number[][] }>> = {};
  let chains: (typeof tables)[string] = {};
  for (const line of save.split('\n')) {
    if (line.startsWith('*')) tables[line.slice(1)] = chains = {};
    const chain = /^:(\S+) (\S+) \[(\d+):(\d+)\]/.exec(line);
    if (chain?.[1]) chains[chain[1]] = { ...(chain[2] === '-' ? {} : { policy: [Number(chain[3]), Number(chain[4])] }), rules: [] };
    const rule = /^\[(\d+):(\d+)\] -A (\S+)/.exec(line);
    if (rule?.[3]) chains[rule[3]]?.rules.push([Number(rule[1]), Number(rule[2])]);
  }
  return tables;
}

describe('what Linux’s netfilter did', () => {
  test('the recordings are there', () => {
    expect(cases.length).toBe(89);
  });

  test.each(cases.map((record) => [record.name, record] as const))('%s', (_, record) => {
    const result = replay(record);
    const expected = record['expected.json'].map((fields, index) => {
      const outcome = result.outcomes[index] as Fields;
      const { nondeterministic, ...rest } = fields;
      for (const field of nondeterministic ?? []) {
        const chosen = outcome[field] as number;
        if (field === 'sport') expect(isInRange(chosen, Number(record['packets.json'][index]?.['sport']))).toBe(true);
        rest[field] = chosen;
      }
      return rest;
    });
    expect(result.outcomes).toEqual(expected);
    const order = (hits: readonly string[]) => [...hits].sort((a, b) => TABLE_ORDER.indexOf(a.split(':')[0] ?? '') - TABLE_ORDER.indexOf(b.split(':')[0] ?? '') || (a < b ? -1 : 1));
    expect(result.steps.map(([id, hits]) => [id, order(hits)])).toEqual(record['expected-steps.json'].map(([id, hits]) => [id, order(hits)]));
    expect(result.counters).toEqual(savedCounters(record['expected.save']));
  });
});
