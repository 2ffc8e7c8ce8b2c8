import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { timeUpdate } from '../../src/cost/model.ts';
import type { Figure, Profile } from '../../src/cost/profile.ts';
import { IptablesDatapath } from '../../src/datapaths/iptables/iptables-datapath.ts';
import type { MapWrite, UpdateReport } from '../../src/datapaths/report.ts';
import { PRESET_NODE } from '../../src/kubernetes/node.ts';
import { addedService, preset } from '../../src/kubernetes/presets.ts';
import type { SimulationApi, Update } from '../../src/simulation/api.ts';
import { byteParts } from '../../src/ui/update/bytes.ts';
import { chainLayout, newRules, ordinalOf, takenBy, windows } from '../../src/ui/update/chain-layout.ts';
import { countedBy, rulesBy, rulesSpan, rulesTaken, writeEnds } from '../../src/ui/update/chain-progress.ts';
import { clockScale, clockTicks } from '../../src/ui/update/clock-scale.ts';
import { cellAt, fitField } from '../../src/ui/update/field-geometry.ts';
import { blockLabelHeight } from '../../src/ui/update/block-label.ts';
import { bucketLabels } from '../../src/ui/update/bucket-labels.ts';
import { fieldLabels } from '../../src/ui/update/field-labels.ts';
import { labelSide } from '../../src/ui/update/label-side.ts';
import { lensPlace } from '../../src/ui/update/lens-place.ts';
import { lensRows } from '../../src/ui/update/lens-rows.ts';
import { shortChain, shortRule } from '../../src/ui/update/rule-text.ts';
import { stations, stationStates } from '../../src/ui/update/stations.ts';
import { stepTime, updateTotal } from '../../src/ui/update/step-time.ts';
import { writtenMaps } from '../../src/ui/update/written-maps.ts';

const figure = (ns: number): Figure => ({ ns, low: ns, high: ns, mark: 'measured', source: 'fixture' });
const priced = (units: Profile['update']['units'], fixed: Profile['update']['fixed'] = {}) => ({ update: { units, fixed } }) as Profile;
const PROFILE = priced({ rulesHandedOver: figure(10), rulesRebuilt: figure(1), rulesReplaced: figure(5), entriesWritten: figure(100) }, { replace: figure(50) });

function added(backend: 'legacy' | 'nft', endpoints = 2) {
  const datapath = new IptablesDatapath({ seed: 1, backend, node: { name: PRESET_NODE.name, address: PRESET_NODE.address, clusterCIDR: PRESET_NODE.clusterCIDR, pods: [PRESET_NODE.client] } });
  datapath.sync(preset('50', 1).map((object) => ({ op: 'add', object })));
  const report = datapath.sync(addedService(0, endpoints, () => false).objects.map((object) => ({ op: 'add', object })));
  const inspect: SimulationApi['inspect'] = async (_, view) => Promise.resolve(datapath.inspect(view));
  const snapshot = datapath.inspect({ kind: 'chains' });
  const chains = snapshot.kind === 'chains' ? snapshot.chains : [];
  return { report, inspect, chains, layout: chainLayout(chains, report.rules!, rulesTaken(report), takenBy(report))! };
}
const write = (map: string, key: number, operation: MapWrite['operation'] = 'update'): MapWrite => ({ map, operation, key: Uint8Array.of(key), value: Uint8Array.of(0), keyText: '', valueText: '', existed: false, bucket: null });
const mapReport: UpdateReport = { datapath: 'ebpf', kind: 'entries', stages: [{ kind: 'write', name: 'bpf', work: { entriesWritten: 6 } }], work: { entriesWritten: 6 }, rules: null, writes: [] };
const updateOf = (report: UpdateReport, profile = PROFILE): Update => ({ change: { kind: 'add', service: 'shop/added-1', address: '10.111.1.0', before: 0, endpoints: 2, writes: 'changed', rollout: null }, lanes: { iptables: { report, timeline: timeUpdate(report, profile) }, ebpf: { report: mapReport, timeline: timeUpdate(mapReport, profile) } } });

describe('where the rules stand', () => {
  test('legacy takes all of filter and nat', () => {
    const { report, layout } = added('legacy');
    expect(layout.rules).toBe(report.rules!.rulesAfter);
    expect(rulesTaken(report)).toBe(report.rules!.rulesAfter);
  });
  test.each([1, 2, 10])('nft takes what the payload holds, as many rules as were counted (%s endpoints)', (endpoints) => {
    const { report, layout } = added('nft', endpoints);
    expect(layout.rules).toBe(report.work.rulesHandedOver);
  });
  test.each(['legacy', 'nft'] as const)('the new rules are found where they stand, and no others are new (%s)', async (backend) => {
    const { report, layout, inspect } = added(backend);
    const places = newRules(layout, report.rules!);
    expect(places.reduce((sum, { count }) => sum + count, 0)).toBe(report.rules!.rulesAfter - report.rules!.rulesBefore);
    expect(places.map(({ count, chains }) => [count, chains.length])).toEqual([[1, 1], [7, 3]]);
    const rows = await lensRows(inspect, layout, report.rules!, 0, layout.rules);
    expect(rows.map(({ ordinal }) => ordinal)).toEqual(Array.from({ length: layout.rules }, (_, index) => index));
    expect(rows.filter((row) => row.added).map(({ text }) => text).sort()).toEqual(report.rules!.rulesAdded.map(({ text }) => text).sort());
    for (const { table, chain, index, text } of report.rules!.rulesAdded) expect(rows[ordinalOf(layout, table, chain, index)!]?.text).toBe(text);
  });
  test('a count that does not agree claims no places', () => {
    const { report, chains } = added('nft');
    expect(chainLayout(chains, report.rules!, 5, 'changed')).toBeNull();
  });
  test('any window is covered once, in order', () => {
    const { layout } = added('legacy');
    fc.assert(fc.property(fc.nat(layout.rules), fc.nat(20), (from, length) => {
      const to = Math.min(layout.rules, from + length);
      const covered = windows(layout, from, to).flatMap(({ first, count }) => Array.from({ length: count }, (_, index) => first + index));
      expect(covered).toEqual(Array.from({ length: to - from }, (_, index) => from + index));
    }), { seed: 11 });
  });
});

describe('what stands over the field', () => {
  test.each([
    ['a low table, with room under its axis', 180, 345, false, [], { top: 254, rows: 4, tail: 47 }],
    ['a low table without that room: above the axis', 140, 140, false, [], { top: 28, rows: 4, tail: 0 }],
    ['just short of the room', 180, 297, false, [], { top: 65, rows: 4, tail: 117 }],
    ['a tall field', 334, 345, false, [], { top: 76, rows: 4, tail: 11 }],
    ['a phone', 200, 276, true, [], { top: 8, rows: 3, tail: 76 }],
    ['lower than the lens itself', 60, 60, false, [], { top: 0, rows: 4, tail: 0 }],
    ['words above: below them', 334, 345, false, [{ top: 70, bottom: 89 }], { top: 90, rows: 4, tail: 11 }],
    ['words in the middle of a low table: fewer rules above the blocks’ names', 179, 232, false, [{ top: -9, bottom: 10 }, { top: 33, bottom: 52 }, { top: 133, bottom: 179 }], { top: 53, rows: 2, tail: 53 }],
    ['words at a phone’s bottom', 200, 276, true, [{ top: 160, bottom: 200 }], { top: 8, rows: 3, tail: 76 }],
    ['words everywhere: the smallest lens', 100, 100, false, [{ top: 0, bottom: 100 }], { top: 22, rows: 2, tail: 0 }],
  ])('the lens: %s', (_, tall, height, compact, words, place) => {
    expect(lensPlace(tall, height, compact, words)).toEqual(place);
  });
  test.each([
    ['1 new rule, in KUBE-SERVICES', 130, 228, 'under'],
    ['1 new rule, in KUBE-SERVICES', 400, 228, 'left'],
    ['1 new rule, in KUBE-SERVICES', 400, 260, 'right'],
    ['새 규칙', 0, 60, 'under'],
    ['새 규칙', 0, 70, 'right'],
  ])('the label “%s” with %d px before and %d behind', (words, before, behind, side) => {
    expect(labelSide(words, before, behind)).toBe(side);
  });
});

test.each([
  ['apart: right', [{ x: 20, y: 10 }, { x: 70, y: 10 }], ['right', 'right']],
  ['at the field’s end: left', [{ x: 95, y: 10 }], ['left']],
  ['side by side: away from each other', [{ x: 40, y: 10 }, { x: 55, y: 10 }], ['left', 'right']],
  ['another line: right', [{ x: 40, y: 10 }, { x: 50, y: 40 }], ['right', 'right']],
])('numbers of written buckets %s', (_, hits, sides) => {
  expect(bucketLabels(hits, 100)).toEqual(sides);
});

test('no label of new rules stands over another one', () => {
  const geometry = fitField(431, 280, 215);
  const places = [{ first: 60, count: 1, chains: ['KUBE-SERVICES'] }, { first: 424, count: 7, chains: ['KUBE-SVC-A'] }];
  const labels = fieldLabels(geometry, places, ({ count }) => `${count} new rules, in KUBE-SERVICES`, 490, 900);
  const [one, two] = labels;
  expect(labels).toHaveLength(2);
  expect(one!.labelBottom <= two!.labelTop || two!.labelBottom <= one!.labelTop).toBe(true);
});

test.each([
  ['kube-proxy', 70, 54], ['kube-proxy', 100, 38], ['IPT_SO_GET_ENTRIES', 98, 54], ['IPT_SO_GET_ENTRIES', 60, null], ['nf_tables', 110, 38],
])('the words of the block %s, %d px wide', (name, width, tall) => {
  expect(blockLabelHeight(name, width)).toBe(tall);
});

describe('progress', () => {
  const { report } = added('legacy');
  const timeline = timeUpdate(report, PROFILE);
  const span = rulesSpan(timeline);
  test('nothing at first, everything at the end', () => {
    expect([countedBy(timeline, 'bytesCopied', -1), countedBy(timeline, 'bytesCopied', timeline.total)]).toEqual([0, report.work.bytesCopied]);
    expect([rulesBy(timeline, 431, 0), rulesBy(timeline, 431, timeline.total)]).toEqual([0, 431]);
    expect(rulesBy(timeline, 431, (span.start + span.end) / 2)).toBe(215);
  });
  test('the rules pass at the longest stage that goes through them', () => {
    const check = timeline.stages.find(({ stage }) => stage.kind === 'check')!;
    expect(span).toEqual({ start: check.start, end: check.start + check.duration, kind: 'check' });
  });
  test('without a price of its own for that, while iptables-restore runs', () => {
    const bare = timeUpdate(report, priced({ bytesCopied: figure(1), rulesHandedOver: figure(10) }));
    expect(rulesSpan(bare).start).toBe(bare.stages[0]!.duration);
    expect(rulesSpan(bare).end).toBe(bare.total);
  });
  test('writes end one after the other, the last with its stage', () => {
    const { timeline: own } = updateOf(report).lanes.ebpf;
    expect([0, 2, 5].map((index) => writeEnds(own, 6, index))).toEqual([100, 300, 600]);
    expect(writeEnds(own, 0, 0)).toBe(0);
  });
  test.each(['legacy', 'nft'] as const)('stops of the path (%s)', (backend) => {
    const own = timeUpdate(added(backend).report, PROFILE);
    const stops = stations(own);
    expect(stops.map(({ id }) => id)).toEqual(backend === 'legacy' ? ['render', 'restore', 'check', 'replace'] : ['render', 'restore-nft', 'commit']);
    expect(new Set(stationStates(stops, own.total))).toEqual(new Set(['passed']));
    expect(stationStates(stops, 0)[0]).toBe('here');
    expect(stationStates(stops, 0).slice(1).every((state) => state !== 'here')).toBe(true);
  });
});

describe('steps of the clock', () => {
  const update = updateOf(added('legacy').report);
  const total = updateTotal(update);
  test('step by step, every rule and every write is stood on once', () => {
    let t = 0;
    let steps = 0;
    const seen = new Set<number>();
    while (t < total && steps < 5000) {
      const next = stepTime(update, t, 'rule', 1);
      expect(next).toBeGreaterThan(t);
      t = next;
      steps += 1;
      seen.add(rulesBy(update.lanes.iptables.timeline, 431, t));
    }
    expect(t).toBe(total);
    expect(seen.size).toBe(432);
  });
  test('back leads where forward came from', () => {
    fc.assert(fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (share) => {
      const t = stepTime(update, share * total, 'rule', 1);
      if (t >= total) return;
      expect(stepTime(update, stepTime(update, t, 'rule', 1), 'rule', -1)).toBeCloseTo(t, 3);
    }), { seed: 5 });
  });
  test('the ends hold', () => {
    expect([stepTime(update, total, 'rule', 1), stepTime(update, 0, 'rule', -1), stepTime(update, total, 'stage', 1)]).toEqual([total, 0, total]);
  });
  test('a stage’s step goes to a stage’s end', () => {
    const ends = Object.values(update.lanes).flatMap(({ timeline }) => timeline.stages.map(({ start, duration }) => start + duration));
    expect(ends).toContain(stepTime(update, 1, 'stage', 1));
  });
});

describe('the field', () => {
  test('holds every rule within its room, whatever the room', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 400_000 }), fc.integer({ min: 60, max: 1600 }), fc.integer({ min: 60, max: 500 }), (rules, width, height) => {
      const field = fitField(rules, width, height);
      expect(field.width).toBeLessThanOrEqual(width);
      expect(field.height).toBeLessThanOrEqual(height);
      expect(field.rows * field.columns * field.perCell).toBeGreaterThanOrEqual(rules);
      expect([field.pitch, field.rows].every(Number.isInteger)).toBe(true);
      const last = cellAt(field, rules - 1);
      expect(last.x).toBeLessThan(field.width);
      expect(last.y).toBeLessThan(field.height);
    }), { seed: 3 });
  });
  test('reads down a column, then right', () => {
    const field = fitField(100, 100, 100);
    expect(cellAt(field, 0)).toEqual({ x: 0, y: 0 });
    expect(cellAt(field, 1)).toEqual({ x: 0, y: field.pitch });
    expect(cellAt(field, field.rows)).toEqual({ x: field.pitch, y: 0 });
  });
  test('40,000 rules on a desktop are a cell each', () => {
    expect(fitField(40_011, 990, 372)).toMatchObject({ perCell: 1, pitch: 3 });
  });
  test('the clock is never longer than its room, and the field stands where its time is', () => {
    const scale = clockScale(40_000, { start: 40, end: 240 }, 250, 1000, 300);
    expect(scale.end).toBeLessThanOrEqual(1000);
    expect(scale.fieldLeft / scale.pxPerNs).toBeCloseTo(40);
    expect(scale.field.width / scale.pxPerNs).toBeCloseTo(200);
  });
  test('a span without time draws the field and no clock', () => {
    expect(clockScale(100, { start: 0, end: 0 }, 0, 500, 100)).toMatchObject({ pxPerNs: 0, fieldLeft: 0 });
    expect(clockTicks(0, 500)).toEqual({ minor: [], major: [] });
  });
});

test('maps in the order of their first write, writes keep their number', () => {
  expect(writtenMaps([write('a', 1), write('b', 2), write('a', 3)]).map(({ name, writes }) => [name, writes.map(({ index }) => index)])).toEqual([['a', [0, 2]], ['b', [1]]]);
});

test('long chain names are shortened, the standing ones are not', () => {
  expect([shortChain('KUBE-SEP-PULK73PLKYZHJJPU'), shortChain('KUBE-SERVICES')]).toEqual(['KUBE-SEP-PULK…', 'KUBE-SERVICES']);
  expect(shortRule('-j KUBE-SVC-C2SYVHV7QRYQY74I')).toBe('-j KUBE-SVC-C2SY…');
});

test.each([[0, 741_310, '0 kB'], [741_310, 741_310, '741 kB'], [15_535_896, 33_316_912, '15.5 MB'], [999, 999, '999 B'], [999_600, 999_600, '1.0 MB']])('%s of %s bytes reads %s', (bytes, total, text) => {
  const { value, unit } = byteParts(bytes, 'en', total);
  expect(`${value} ${unit}`).toBe(text);
});
