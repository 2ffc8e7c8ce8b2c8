import { describe, expect, test } from 'vitest';
import type { Nanoseconds } from '../../src/cost/profile.ts';
import { preset } from '../../src/kubernetes/presets.ts';
import { PRESET_NODE } from '../../src/kubernetes/node.ts';
import { IptablesDatapath } from '../../src/datapaths/iptables/iptables-datapath.ts';
import { parseIpv4, type Ipv4 } from '../../src/packet/address.ts';
import { TCP_FLAG, type Packet } from '../../src/packet/packet.ts';
import type { RuleRow } from '../../src/datapaths/view.ts';
import type { Stage } from '../../src/datapaths/stage.ts';
import { chainStep, difference, packetAt } from '../../src/ui/inspector/chain-step.ts';
import { duration, durationParts, durationWithin } from '../../src/ui/inspector/duration.ts';
import { endedByWords } from '../../src/ui/inspector/ended-by.ts';
import { arrivalWords } from '../../src/ui/inspector/stage-words.ts';
import { headerRows } from '../../src/ui/inspector/header-rows.ts';
import { hexRegister, programStep, shortRegister } from '../../src/ui/inspector/program-step.ts';
import { stageAt } from '../../src/ui/inspector/stage-at.ts';
import { sumTerms } from '../../src/ui/inspector/sum-terms.ts';

const at = (stage: string, start: number, length: number) => ({ stage, start: start as Nanoseconds, duration: length as Nanoseconds, terms: [] });
const timeline = { stages: [at('a', 0, 10), at('free', 10, 0), at('b', 10, 5)], total: 15 as Nanoseconds, shared: 0 as Nanoseconds };
test.each([[0, 'a'], [9.9, 'a'], [10, 'b'], [15, undefined]])('at %s ns the clock stands in %s', (t, stage) => {
  expect(stageAt(timeline, t)?.stage).toBe(stage);
});

test.each([[300, '300 ns'], [41_300, '41.3 µs'], [999_900, '1 ms'], [250e6, '250 ms'], [15e9, '15 s'], [660e9, '11 min'], [5 * 3600e9, '5 hr'], [0, '0 ns']])('%s ns reads %s', (ns, text) => {
  expect(duration(ns, 'en')).toBe(text);
});
test('Korean has its own words from a minute up', () => {
  expect(durationParts(660e9, 'ko')).toEqual({ value: '11', unit: '분' });
  expect(duration(660e9, 'ko')).toBe('11분');
});
test.each([[0.17e9, 0.35e9, { value: '170', unit: 'ms' }], [1.2e9, 15.2e9, { value: '1.2', unit: 's' }], [500, 6000, { value: '0.50', unit: 'µs' }]])('%s ns of %s keeps the unit of the whole', (ns, total, parts) => {
  expect(durationWithin(ns, total, 'en')).toEqual(parts);
});

test.each([
  ['filter:KUBE-FORWARD:0', 'filter KUBE-FORWARD rule 1'],
  ['nat:my:chain:11', 'nat my:chain rule 12'],
  ['filter:FORWARD:policy', 'the policy of filter FORWARD'],
  ['kernel', 'kernel'],
  ['no route', 'no route'],
])('%s reads %s', (by, text) => {
  expect(endedByWords(by)).toBe(text);
});

const ip = (text: string) => parseIpv4(text) as Ipv4;
const syn = (destination: string, port: number): Packet => ({ protocol: 'TCP', source: ip(PRESET_NODE.client.address), destination: ip(destination), sourcePort: 40_000, destinationPort: port, ttl: 64, length: 60, flags: TCP_FLAG.SYN, sequence: 1, acknowledgement: 0 });

describe('a step of a real chain', () => {
  const datapath = new IptablesDatapath({ seed: 7, backend: 'legacy', node: { name: PRESET_NODE.name, address: PRESET_NODE.address, clusterCIDR: PRESET_NODE.clusterCIDR, pods: [PRESET_NODE.client] } });
  datapath.sync(preset('50', 7).map((object) => ({ op: 'add', object })));
  const rules = (chain: string, from: number, count: number): readonly RuleRow[] => {
    const snapshot = datapath.inspect({ kind: 'rules', table: 'nat', chain, from, count });
    return snapshot.kind === 'rules' ? snapshot.rows : [];
  };
  const last = rules('KUBE-SERVICES', 49, 1)[0]!;
  const report = datapath.send(syn(last.destination!, Number(last.destinationPort)), 'steps');
  const trace = report.trace?.kind === 'chain' ? report.trace : null;
  const scan = report.stages.find(({ name, part, endStep, firstStep }) => name === 'KUBE-SERVICES' && part === 'nat' && endStep > firstStep)!;

  test('the first rules differ in their destination', () => {
    const step = chainStep(report, scan.firstStep)!;
    expect(step).toMatchObject({ table: 'nat', chain: 'KUBE-SERVICES', hook: 'PREROUTING', rule: 0, outcome: 'destination' });
    const row = rules('KUBE-SERVICES', 0, 1)[0]!;
    expect(difference(step, row, packetAt(report, step.hook))).toEqual({ field: 'destination', wants: row.destination, has: last.destination });
  });
  test('the Service’s own rule matches', () => {
    const step = chainStep(report, scan.endStep - 1)!;
    expect(step).toMatchObject({ rule: 49, outcome: 'matched' });
    expect(difference(step, last, report.packetIn)).toEqual({ field: 'none' });
  });
  test('every step of the trace belongs to a stage and says why', () => {
    for (let step = 0; step < trace!.rule.length; step++) {
      const found = chainStep(report, step)!;
      const snapshot = datapath.inspect({ kind: 'rules', table: found.table, chain: found.chain, from: found.rule, count: 1 });
      const row = snapshot.kind === 'rules' ? snapshot.rows[0] : undefined;
      const differs = difference(found, row!, packetAt(report, found.hook));
      expect(differs.field === 'none').toBe(found.outcome === 'matched');
      if ('wants' in differs) expect(differs.wants).not.toBe('');
    }
  });
  test('no step, and one after the last, are nothing', () => {
    expect(chainStep(report, null)).toBeNull();
    expect(chainStep(report, trace!.rule.length)).toBeNull();
  });
  test('an echo request has no port to be delivered to', () => {
    const { source, destination, ttl, length } = report.packetIn;
    const ping: Packet = { protocol: 'ICMP', source, destination, ttl, length, type: 8, code: 0, identifier: 1, sequence: 1, inner: null };
    const words = (packetIn: Packet) => arrivalWords({ report: { ...report, packetIn, verdict: { kind: 'delivered', address: ip('10.244.0.9'), port: 0, device: 'lxc1' } }, timeline: { stages: [], total: 0 as Nanoseconds, shared: 0 as Nanoseconds } });
    expect(words(ping)).toContain('10.244.0.9.');
    expect(words(report.packetIn)).toContain('10.244.0.9:0.');
  });
  test('the header’s destination is the only address that DNAT changed', () => {
    const rows = headerRows(report.packetIn, [report.packetOut, null]);
    expect(rows.filter(({ before, after }) => after[0] !== before).map(({ field }) => field)).toEqual(['dst', 'ttl']);
    expect(rows.map(({ after }) => after[1])).toEqual([null, null, null, null]);
    expect(rows.find(({ field }) => field === 'proto')?.before).toBe('TCP, SYN');
  });
});

test.each([
  ['tcp', 0, { field: 'port', wants: '443', has: '80' }],
  ['statistic', 1, { field: 'match', name: 'statistic', wants: '--mode random --probability 0.5' }],
] as const)('a match that says no is named: %s', (_, failedMatch, expected) => {
  const row = { text: '-p tcp -m tcp --dport 443 -m statistic --mode random --probability 0.5 -j KUBE-SEP-X', destinationPort: '443' } as RuleRow;
  expect(difference({ table: 'nat', chain: 'X', hook: 'PREROUTING', rule: 0, outcome: 'match', failedMatch }, row, syn('10.96.0.1', 80))).toEqual(expected);
});

test('registers of a step, and which of them the step before changed', () => {
  const registers = new BigUint64Array(22);
  registers[11 + 3] = 0x2a4f80n;
  const access = { step: 1, stage: 0, map: 'm', operation: 'lookup', found: true, bucket: 1, buckets: 8, elementsCompared: 1, key: new Uint8Array(), value: null, keyText: '', valueText: '' } as const;
  const report = { trace: { kind: 'program', instruction: Int32Array.of(4, 5), registers, accesses: [access] } } as unknown as Parameters<typeof programStep>[0];
  expect(programStep(report, 0)).toMatchObject({ instruction: 4, access: null });
  const step = programStep(report, 1)!;
  expect(step.access).toBe(access);
  expect(step.changed.flatMap((changed, index) => (changed ? [index] : []))).toEqual([3]);
  expect(step.registers.map(hexRegister)[3]).toBe('0x2a4f80');
  expect(programStep(report, 2)).toBeNull();
});
test.each([[-1n, '0xffffffffffffffff'], [0n, '0x0']])('%s is written %s', (value, text) => {
  expect(hexRegister(value)).toBe(text);
});

test.each([[0xffffc90000000fb8n, '…00000fb8'], [0x6c856d0an, '0x6c856d0a']])('%s is short for where there is little room', (value, text) => {
  expect(shortRegister(value)).toBe(text);
});

test('the terms add up to the total, one line a counter', () => {
  const figure = { ns: 2, low: 2, high: 2, mark: 'measured', source: 's' } as const;
  const stage = (kind: string) => ({ kind, name: kind }) as unknown as Stage;
  const timed = (kind: string, terms: { counter: 'rulesEvaluated' | null; count: number }[]) => ({ stage: stage(kind), start: 0 as Nanoseconds, duration: 0 as Nanoseconds, terms: terms.map((term) => ({ ...term, figure })) });
  const summed = sumTerms({ stages: [timed('chain', [{ counter: null, count: 1 }, { counter: 'rulesEvaluated', count: 40 }]), timed('chain', [{ counter: 'rulesEvaluated', count: 2 }, { counter: null, count: 1 }])], total: 88 as Nanoseconds, shared: 0 as Nanoseconds });
  expect(summed.map(({ key, count, ns }) => [key, count, ns])).toEqual([['rulesEvaluated', 42, 84], ['stage chain', 2, 4]]);
});
