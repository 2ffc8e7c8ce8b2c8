import { expect, test } from 'vitest';
import type { Point } from '../../src/cost/profile.ts';
import { plot } from '../../src/ui/chart/plot.ts';

const point = (services: number, ns: number, connection: Point['connection'] = 'new'): Point => ({ datapath: 'iptables', connection, services, position: 0, ns, low: ns, high: ns, mark: 'measured', source: 'fixture' });
test('equal ratios are equal distances, more time stands higher', () => {
  const [a, b, c] = plot([point(10, 100), point(100, 1000), point(1000, 10_000)], 'new', 100, 360, 160).plotted;
  expect(b!.x - a!.x).toBeCloseTo(c!.x - b!.x);
  expect(a!.y - b!.y).toBeCloseTo(b!.y - c!.y);
  expect(a!.y).toBeGreaterThan(c!.y);
});
test('the setting stands over the point of the same size', () => {
  const { plotted, setting } = plot([point(50, 8), point(5000, 40)], 'new', 5000, 360, 160);
  expect(setting).toBeCloseTo(plotted[1]!.x);
});
test('no Services, and the other connection state, have no place', () => {
  expect(plot([point(0, 8), point(5, 8, 'established')], 'new', 5, 360, 160)).toEqual({ plotted: [], setting: null });
});
