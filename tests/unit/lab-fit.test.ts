import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { makeFigure } from '../../lab/figure.ts';
import { fitChain, type Pair } from '../../lab/fit-packets.ts';
import { fitPrices, median } from '../../lab/least-squares.ts';
import { readWords } from '../../lab/packet-timing.ts';
import { readRaw } from '../../lab/raw.ts';
import { TABLE_BEGIN, TABLE_END, withTable } from '../../lab/residuals.ts';
import { machine } from '../../lab/machine.ts';
import { labCluster, newProxier } from '../../lab/lab-cluster.ts';
import type { Work } from '../../src/datapaths/work.ts';

describe('fitPrices', () => {
  test('finds the prices that sums were made from', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 3, maxLength: 3 }), (prices) => {
        const counts = [[1, 0, 0], [1, 5, 0], [1, 5, 9], [1, 1, 1], [1, 20, 3]];
        const found = fitPrices(counts.map((row) => ({ counts: row, sum: row.reduce((sum, count, i) => sum + count * (prices[i] ?? 0), 0) })), 3);
        found.forEach((price, i) => expect(price).toBeCloseTo(prices[i] ?? 0, 2));
      }),
      { seed: 7, numRuns: 50 },
    );
  });

  test('gives no price below 0, and the least relative error', () => {
    // Alone, the second price would come out at −1.
    expect(fitPrices([{ counts: [1, 0], sum: 10 }, { counts: [1, 1], sum: 9 }], 2)[1]).toBe(0);
    // One price for two sums of the same count: nearer to the smaller in ns, as a share the same distance from both.
    const [price = 0] = fitPrices([{ counts: [1], sum: 100 }, { counts: [1], sum: 200 }], 1);
    expect(price).toBeCloseTo((1 / 100 + 1 / 200) / (1 / 100 ** 2 + 1 / 200 ** 2), 6);
  });
});

test.each([[[3], 3], [[5, 1], 3], [[9, 1, 4], 4], [[1, 2, 3, 10], 2.5]])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected);
});

test('a figure holds its value within its range, and nothing below 0', () => {
  expect(makeFigure(-3, [-5, 2], 'a')).toEqual({ ns: 0, low: 0, high: 2, mark: 'measured', source: 'a' });
  expect(makeFigure(12.34567, [13, NaN], 'a')).toMatchObject({ ns: 12.35, low: 12.35, high: 13 });
});

describe('fitChain', () => {
  // A kernel made up of known prices, timed in three rounds of which the last was disturbed.
  const prices = { rulesEvaluated: 5, tablesEntered: 100, chainsEntered: 20, natSetUps: 250, natRewrites: 130, conntrackLookups: 300, conntrackInserts: 700 };
  const way = 4400;
  const time = (work: Work, fresh: number) => [0, 10, 2000].map((more) => way + fresh + more + Object.entries(prices).reduce((sum, [counter, price]) => sum + price * (work[counter as keyof typeof prices] ?? 0), 0));
  const pair = (table: number, first: Work, later: Work): Pair => ({ table, new: { work: first, rounds: time(first, 120) }, established: { work: later, rounds: time(later, -120) } });
  const tracked = { conntrackLookups: 1, tablesEntered: 1, chainsEntered: 1 };
  const later = { conntrackLookups: 1, tablesEntered: 4, chainsEntered: 5, rulesEvaluated: 5 };
  const first = { ...tracked, conntrackInserts: 1, tablesEntered: 6, chainsEntered: 12, rulesEvaluated: 11, natSetUps: 2 };
  const service = (position: number) => pair(5000, { ...first, chainsEntered: 14, rulesEvaluated: 16 + position, natRewrites: 1 }, { ...later, natRewrites: 1 });

  it('finds the prices again, and splits the bare way', () => {
    const fitted = fitChain({
      none: pair(0, {}, {}),
      split: { in: [2600, 2600, 2600], middle: [1000, 1000, 1000], out: [1100, 1100, 1100] },
      conntrack: pair(0, { ...tracked, conntrackInserts: 1 }, tracked),
      standing: pair(0, first, later),
      services: [0, 500, 2500, 4999].map(service),
    });
    for (const [counter, price] of Object.entries(prices)) {
      const figure = fitted.units[counter as keyof typeof prices];
      expect(figure?.ns, counter).toBeCloseTo(price, 0);
      expect(figure?.low, counter).toBeLessThanOrEqual(figure?.ns ?? NaN);
      expect(figure?.high, counter).toBeGreaterThanOrEqual(figure?.ns ?? NaN);
    }
    const parts = [fitted.fixed['way-in'], fitted.fixed.route, fitted.fixed['way-out']].map((figure) => figure?.ns ?? NaN);
    expect(parts.reduce((sum, part) => sum + part, 0)).toBeCloseTo(way + 10, 0);
    expect((parts[0] ?? NaN) / (parts[2] ?? NaN)).toBeCloseTo(26 / 11, 2);
  });
});

test('the lab’s Services stand where they should, over UDP, before the same pods', () => {
  const cluster = labCluster('50', [0, 20, 49, 70]);
  expect(cluster.targets.map(({ position }) => position)).toEqual([0, 20, 49]);
  const lines = (newProxier(cluster.seed).sync(cluster.change)?.text ?? '').split('\n');
  const services = lines.filter((line) => line.startsWith('-A KUBE-SERVICES') && line.includes('-j KUBE-SVC-'));
  for (const { position, address, port } of cluster.targets) expect(services[position]).toContain(`-m udp -p udp -d ${address} --dport ${port} `);
  for (const { address, port } of cluster.servers) expect(lines.filter((line) => line.endsWith(`--to-destination ${address}:${port}`))).toHaveLength(3);
});

test.each([
  ['clock pair_p50 20', { pair_p50: 20 }],
  ['block 3 established 1 taken 5', { block: 3, established: 1, taken: 5 }],
  ['fetch 1 replace 2 netlink 3\n', { fetch: 1, replace: 2, netlink: 3 }],
])('%j is read as words', (line, words) => {
  expect(readWords(line)).toEqual(words);
});

test('what is missing on a machine is said in sentences, and nothing hangs', () => {
  const found = machine();
  if (!found.packets) expect(found.missing.length).toBeGreaterThan(0);
  for (const sentence of found.missing) expect(sentence).toMatch(/^[A-Z\w].*[.)]$/);
});

test('a text without the table’s marks is refused', () => {
  expect(withTable(`a\n${TABLE_BEGIN}\nold\n${TABLE_END}\nb`, 'new')).toBe(`a\n${TABLE_BEGIN}\nnew\n${TABLE_END}\nb`);
  expect(() => withTable('a', 'new')).toThrow('residuals');
});

test.each([['{'], ['3'], ['{"machine":{}}']])('%s is nothing that the lab measured', (text) => {
  expect(() => readRaw(text)).toThrow(/measured/);
});
