import { describe, expect, it, test } from 'vitest';
import { LATENCY_TO_ADD_RULES } from '../../src/cost/latency-to-add-rules.ts';
import { timePacket, timeUpdate } from '../../src/cost/model.ts';
import { findProfile, PROFILES } from '../../src/cost/profiles.ts';
import { ProfileError, readProfile } from '../../src/cost/read-profile.ts';

const legacy = findProfile('legacy');
if (!legacy) throw new Error('The legacy profile is missing.');

describe('the profiles', () => {
  test('are one of each backend, from one machine and run', () => {
    expect(PROFILES.map(({ id, backend }) => [id, backend])).toEqual([['legacy', 'legacy'], ['nft', 'nft']]);
    expect(new Set(PROFILES.map(({ kernel, processor, date, setup }) => JSON.stringify([kernel, processor, date, setup]))).size).toBe(1);
  });

  test('charge both lanes alike for the way in and out, and the map the same whatever the chain runs on', () => {
    const [one, other] = PROFILES.map(({ fixed, units }) => ({
      fixed: [fixed['way-in'], fixed['way-out'], fixed.redirect],
      units: Object.entries(units).filter(([counter]) => /^(instructions|map|helper)/.test(counter)),
    }));
    expect(one).toEqual(other);
  });

  it.each(PROFILES.map((one) => [one.id, one] as const))('%s says the same of a figure wherever it stands', (_, one) => {
    expect(readProfile(JSON.parse(JSON.stringify(one)))).toEqual(one);
    for (const point of [...one.points, ...one.updatePoints]) if (point.mark === 'published') expect(point.source).toMatch(/another set-up/i);
    expect(one.points.filter(({ mark }) => mark === 'measured').length).toBeGreaterThan(20);
  });

  test.each([
    ['version', { version: 2 }],
    ['kernel', { kernel: ' ' }],
    ['backend', { backend: 'ebtables' }],
    ['units.rulesWished', { units: { ...legacy.units, rulesWished: legacy.units.rulesEvaluated } }],
    ['units.rulesEvaluated', { units: { rulesEvaluated: { ns: 3, low: 4, high: 5, mark: 'measured', source: 'a' } } }],
    ['units.rulesEvaluated', { units: { rulesEvaluated: { ns: 3, low: 1, high: 5, mark: 'guessed', source: 'a' } } }],
    ['units.rulesEvaluated', { units: { rulesEvaluated: { ns: 3, low: 1, high: 5, mark: 'measured', source: '' } } }],
    ['units.rulesEvaluated', { units: { rulesEvaluated: { ns: -3, low: -4, high: 5, mark: 'measured', source: 'a' } } }],
    ['fixed.parse', { fixed: { parse: legacy.fixed.route } }],
    ['update', { update: null }],
    ['update.fixed.route', { update: { units: {}, fixed: { route: legacy.fixed.route } } }],
    ['points', { points: {} }],
    ['points[0]', { points: [{ ...legacy.points[0], datapath: 'ipvs' }] }],
    ['updatePoints[0]', { updatePoints: [{ ...legacy.updatePoints[0], high: 0 }] }],
  ])('with a wrong %s is refused, with the place', (place, change) => {
    const refused = () => readProfile({ ...legacy, ...change });
    expect(refused).toThrow(ProfileError);
    expect(refused).toThrow(new RegExp(`^${place.replace(/[[\].]/g, '\\$&')}: `));
  });

  it.each(PROFILES.map((one) => [one.id, one] as const))('%s holds the published table as its source has it: which kind of update it timed is not said', (_, { updatePoints }) => {
    const published = updatePoints.filter(({ mark }) => mark === 'published');
    expect(published.map(({ kind, services, ns, source }) => ({ kind, services, ns, source }))).toEqual(LATENCY_TO_ADD_RULES.rows.map(({ services, ns }) => ({ kind: 'unstated', services, ns, source: LATENCY_TO_ADD_RULES.source })));
  });

  test('what was measured says of which kind it is', () => {
    const measured = legacy.updatePoints.find(({ mark }) => mark === 'measured');
    expect(() => readProfile({ ...legacy, updatePoints: [{ ...measured, kind: 'unstated' }] })).toThrow(ProfileError);
  });

  test.each([null, [], 'a profile', 3])('%j is none', (value) => {
    expect(() => readProfile(value)).toThrow(ProfileError);
  });
});

describe('the model', () => {
  const figure = (ns: number) => ({ ns, low: ns, high: ns, mark: 'measured' as const, source: 'a test' });
  const prices = { ...legacy, units: { rulesEvaluated: figure(5), natRewrites: figure(100) }, fixed: { 'way-in': figure(1000), 'way-out': figure(500) }, update: { units: { bytesHandedOver: figure(2) }, fixed: { parse: figure(30) } } };
  const stage = (kind: 'way-in' | 'chain' | 'way-out', work: object) => ({ kind, name: kind, hook: '', part: '', work, firstStep: 0, endStep: 0 });

  test('lays stages one after the other, each its fixed cost and its work × prices, dearest first', () => {
    const stages = [stage('way-in', {}), stage('chain', { rulesEvaluated: 7, natRewrites: 1, chainsEntered: 3 }), stage('way-out', {})];
    const report = { datapath: 'iptables', verdict: { kind: 'dropped', by: '' }, packetIn: null, packetOut: null, connection: 'new', stages, work: {}, trace: null };
    const line = timePacket(report as unknown as Parameters<typeof timePacket>[0], prices);
    expect(line.stages.map(({ start, duration }) => [start, duration])).toEqual([[0, 1000], [1000, 135], [1135, 500]]);
    expect(line.stages[1]?.terms.map(({ counter, count }) => [counter, count])).toEqual([['natRewrites', 1], ['rulesEvaluated', 7]]);
    expect([line.total, line.shared]).toEqual([1635, 1500]);
  });

  test('prices updates by their own figures', () => {
    const report = { datapath: 'iptables', kind: 'full', stages: [{ kind: 'parse', name: '', work: { bytesHandedOver: 10, rulesEvaluated: 9 } }], work: {}, rules: null, writes: [] } as const;
    expect(timeUpdate(report, prices).total).toBe(50);
  });
});
