import { describe, expect, test } from 'vitest';
import { timePacket } from '../../src/cost/model.ts';
import type { Figure, Point, Profile, UpdatePoint } from '../../src/cost/profile.ts';
import { IptablesDatapath } from '../../src/datapaths/iptables/iptables-datapath.ts';
import { PRESET_NODE } from '../../src/kubernetes/node.ts';
import { preset } from '../../src/kubernetes/presets.ts';
import { parseIpv4, type Ipv4 } from '../../src/packet/address.ts';
import { TCP_FLAG, type Packet } from '../../src/packet/packet.ts';
import type { UpdateShape } from '../../src/simulation/api.ts';
import { Lanes } from '../../src/simulation/lanes.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';
import type { SceneChange } from '../../src/simulation/scene.ts';
import { stepsOf } from '../../src/simulation/scene-steps.ts';
import { Simulation } from '../../src/simulation/simulation.ts';
import { placeOf, reportAt, residuals, sizes } from '../../src/ui/chart/latency-line.ts';
import { logScales, nearestChoice, spreadLabels } from '../../src/ui/chart/log-chart.ts';
import { otherBackend } from '../../src/ui/chart/other-profile.ts';
import { SERVICE_CHOICES } from '../../src/ui/chart/service-choices.ts';
import { reportFor } from '../../src/ui/chart/update-line.ts';
import { measuredAdditions, publishedUpdates } from '../../src/ui/chart/update-points.ts';
import { TEST_PROFILES } from './simulation-profile.ts';

const figure = (ns: number): Figure => ({ ns, low: ns, high: ns, mark: 'measured', source: 'fixture' });
const point = (over: Partial<Point>): Point => ({ datapath: 'iptables', connection: 'new', services: 50, position: 0, ns: 100, low: 100, high: 100, mark: 'measured', source: 'fixture', ...over });
const profile = (over: Partial<Profile>): Profile => ({ version: 1, id: 'a', backend: 'legacy', kernel: 'k', processor: 'p', date: '', setup: '', command: '', units: { rulesEvaluated: figure(2), matchesEvaluated: figure(1) }, fixed: { 'way-in': figure(50) }, update: { units: {}, fixed: {} }, points: [], updatePoints: [], ...over });

describe('log axes', () => {
  const margins = { left: 10, right: 10, top: 5, bottom: 5 };
  test('equal ratios are equal distances, and more time stands higher', () => {
    const { x, y } = logScales([1, 50_000], [10, 1000], 300, 100, margins);
    expect(x(100) - x(10)).toBeCloseTo(x(1000) - x(100));
    expect(y(1000)).toBeLessThan(y(10));
    expect([x(1), x(50_000)]).toEqual([10, 290]);
  });
  test('values without a logarithm do not stretch the axes', () => {
    expect(logScales([1, 10], [0, -1, Number.POSITIVE_INFINITY, 5], 300, 100, margins).y.domain()).toEqual([5 / 1.5, 7.5]);
  });
  test.each([[[5e3, 1e6]], [[1e3, 1.8e13]], [[4, 9]]])('ticks of %j are within the axis and do not touch', (ys) => {
    const { y, yTicks } = logScales([1, 10], ys, 300, 120, margins);
    const [low, high] = y.domain() as [number, number];
    const places = yTicks.map((tick) => y(tick)).sort((a, b) => a - b);
    expect(yTicks.length).toBeGreaterThan(0);
    expect(yTicks.every((tick) => tick >= low && tick <= high)).toBe(true);
    expect(places.every((place, index) => index === 0 || place - places[index - 1]! > 12)).toBe(true);
  });
  test.each([[1, 1], [7, 1], [8, 50], [160, 500], [1e9, 50_000]])('%s is nearest to %s', (value, choice) => {
    expect(nearestChoice(SERVICE_CHOICES, value)).toBe(choice);
  });
  test('nothing to choose from', () => {
    expect(nearestChoice([], 5)).toBeNull();
  });
});

test.each([
  ['apart already', [10, 50], [10, 50]],
  ['two that touch share their middle', [30, 32], [24, 38]],
  ['order is kept whatever the input’s', [32, 30, 90], [38, 24, 90]],
  ['three in one place', [50, 50, 50], [36, 50, 64]],
  ['held within the box', [2, 3], [0, 14]],
])('labels: %s', (_, wanted, placed) => {
  expect(spreadLabels(wanted, 14, 0, 100)).toEqual(placed);
});

test('sizes run from end to end without repeating', () => {
  const all = sizes(1, 50_000, 60);
  expect([all[0], all.at(-1)]).toEqual([1, 50_000]);
  expect(new Set(all).size).toBe(all.length);
});

describe('the model’s line', () => {
  const datapath = new IptablesDatapath({ seed: 3, backend: 'legacy', node: { name: PRESET_NODE.name, address: PRESET_NODE.address, clusterCIDR: PRESET_NODE.clusterCIDR, pods: [PRESET_NODE.client] } });
  datapath.sync(preset('50', 3).map((object) => ({ op: 'add', object })));
  const names = datapath.positions();
  const target = names[49]!;
  const rule = () => {
    const snapshot = datapath.inspect({ kind: 'rules', table: 'nat', chain: 'KUBE-SERVICES', from: datapath.positions().indexOf(target), count: 1 });
    return snapshot.kind === 'rules' ? snapshot.rows[0]! : undefined;
  };
  const send = () => {
    datapath.reset(3);
    const { destination, destinationPort } = rule()!;
    const packet: Packet = { protocol: 'TCP', source: parseIpv4(PRESET_NODE.client.address) as Ipv4, destination: parseIpv4(destination!) as Ipv4, sourcePort: 40_000, destinationPort: Number(destinationPort), ttl: 64, length: 60, flags: TCP_FLAG.SYN, sequence: 1, acknowledgement: 0 };
    return datapath.send(packet, 'stages');
  };
  const here = send();
  test.each([0, 1, 20])('what it says for position %s is what the engine counts there', (position) => {
    datapath.place(target, position);
    const there = send();
    datapath.place(target, 49);
    expect(reportAt(here, 49, position).stages.map(({ work }) => work)).toEqual(there.stages.map(({ work }) => work));
    expect(timePacket(reportAt(here, 49, position), profile({})).total).toBeCloseTo(timePacket(there, profile({})).total);
  });
  test('the residual is taken at the measured position, for new connections alone', () => {
    const own = profile({ points: [point({ position: 9 }), point({ connection: 'established' }), point({ mark: 'published' }), point({ datapath: 'none' }), point({ datapath: 'ebpf' })] });
    const found = residuals(own, 'new', here, here, 49);
    expect(found.map(({ point: { datapath: lane } }) => lane)).toEqual(['iptables', 'ebpf']);
    expect(found[0]!.model).toBeCloseTo(timePacket(here, own).total - 40 * 2);
    expect(found[1]!.model).toBe(timePacket(here, own).total);
  });
});

test.each([
  ['measured: the rule that matched', point({ services: 5000, position: 499 }), 500],
  ['published: its cluster', point({ services: 5000, position: 499, mark: 'published' }), 5000],
  ['a map has no position', point({ services: 5000, position: 0, datapath: 'ebpf' }), 5000],
  ['an established packet meets no rule', point({ services: 5000, position: 0, connection: 'established' }), 5000],
])('a point stands at %s', (_, own, place) => {
  expect(placeOf(own)).toBe(place);
});

test('the second line is the same machine’s other backend', () => {
  const own = profile({});
  const elsewhere = profile({ id: 'b', backend: 'nft', processor: 'q' });
  const same = profile({ id: 'c', backend: 'nft' });
  expect(otherBackend(own, [own, elsewhere, same])).toBe(same);
  expect(otherBackend(own, [own, elsewhere])).toBeNull();
});

describe('an update’s counts in a larger cluster, from those in small ones', () => {
  const assets = readAssets();
  const simulation = new Simulation({ assets, profiles: TEST_PROFILES });
  const shapes: readonly UpdateShape[] = [
    { kind: 'add', before: 0, endpoints: 2, writes: 'changed', update: 0 },
    { kind: 'add', before: 0, endpoints: 2, writes: 'everything', update: 0 },
    { kind: 'scale', before: 2, endpoints: 5, writes: 'changed', update: 0 },
    { kind: 'delete', before: 3, endpoints: 0, writes: 'changed', update: 0 },
    { kind: 'rollout', before: 2, endpoints: 2, writes: 'changed', update: 2 },
  ];
  test.each((['legacy', 'nft'] as const).flatMap((backend) => shapes.map((shape) => [shape.kind, shape.writes, backend, shape] as const)))('%s, %s (%s)', (_, __, backend, shape) => {
    const counted = simulation.countUpdates(shape)[backend];
    expect(counted.map(({ services }) => services)).toEqual([1, 50, 200]);
    for (const { services, report } of counted) expect(reportFor(services, counted)?.work).toEqual(report.work);
    const line = reportFor(400, counted)!;
    // The same change in a cluster of 400 for real.
    const lanes = new Lanes({ cluster: { objects: preset('500', 1).slice(0, 800), node: PRESET_NODE, ignored: {}, faults: [] }, seed: 1, backend, datapaths: ['iptables'], assets });
    const add: SceneChange = { kind: 'add', endpoints: shape.kind === 'add' ? shape.endpoints : shape.before, writes: shape.kind === 'add' ? shape.writes : 'changed' };
    const change = { ...shape, service: 'shop/added-1', updates: shape.update } as SceneChange;
    const reports = stepsOf({ added: [], changes: shape.kind === 'add' ? [add] : [add, change] }).map((step) => lanes.step(step, null).reports.iptables);
    const report = reports.at(-1)!;
    expect(line.stages.map(({ kind }) => kind)).toEqual(report.stages.map(({ kind }) => kind));
    for (const counter of ['chainsHandedOver', 'rulesHandedOver', 'rulesReplaced', 'systemCalls', 'servicePortsWalked'] as const) expect(line.work[counter] ?? 0, counter).toBeCloseTo(report.work[counter] ?? 0, 6);
    // Names and addresses differ in length, and the places of hashes in a sorted list are drawn.
    for (const [counter, share] of [['bytesHandedOver', 0.03], ['bytesCopied', 0.03], ['chainsPassed', 0.1]] as const) {
      if (report.work[counter]) expect(Math.abs((line.work[counter] ?? 0) / report.work[counter] - 1), counter).toBeLessThan(share);
    }
  });
  test('nothing was counted', () => {
    expect(reportFor(5, [])).toBeNull();
  });
});

test('updates of one Service more, and those that somebody published', () => {
  const update = (over: Partial<UpdatePoint>): UpdatePoint => ({ datapath: 'iptables', kind: 'partial', services: 50, ns: 5, low: 5, high: 5, mark: 'measured', source: 'fixture', ...over });
  const points = [update({}), update({ kind: 'full', ns: 9 }), update({ datapath: 'ebpf', kind: 'full', ns: 300 }), update({ datapath: 'ebpf', ns: 6 }), update({ kind: 'unstated', mark: 'published', services: 5000 }), update({ kind: 'unstated', mark: 'published', services: 1 })];
  expect(measuredAdditions(points).map(({ kind, ns }) => [kind, ns])).toEqual([['partial', 5], ['partial', 6]]);
  expect(publishedUpdates(points).map(({ services }) => services)).toEqual([1, 5000]);
});
