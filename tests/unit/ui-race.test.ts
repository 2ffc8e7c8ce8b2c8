import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bucketPlace } from '../../src/ui/race/bucket-place.ts';
import { axisTicks } from '../../src/ui/race/axis-ticks.ts';
import { durationIn } from '../../src/ui/race/duration-in.ts';
import { labelWidth } from '../../src/ui/race/label-width.ts';
import { lensRows, type LensRow } from '../../src/ui/race/lens-rows.ts';
import { listWindow } from '../../src/ui/race/list-window.ts';
import { mapPlaces } from '../../src/ui/race/path-places.ts';
import { defaultPace, paces, runSeconds, slowness, SLOWER } from '../../src/ui/race/race-clock.ts';
import { ruleRow } from '../../src/datapaths/iptables/rule-row.ts';
import { stageZoom } from '../../src/ui/shell/stage-zoom.ts';
import { ruleParts } from '../../src/ui/race/rule-parts.ts';
import { sitStrip } from '../../src/ui/race/sit-strip.ts';
import { sizeClass } from '../../src/ui/race/size-class.ts';
import { stageLayout } from '../../src/ui/race/stage-layout.ts';
import { cellOf, ruleAt, stripGeometry, unread, type StripInput } from '../../src/ui/race/strip-geometry.ts';

/** 5,000 rules at 4.9 ns each, as the lab measured them; the target stands last unless told. */
const strip = (change: Partial<StripInput> = {}): StripInput => {
  const evaluated = change.evaluated ?? 5000;
  const scanEnd = 3000 + evaluated * 4.9;
  return { width: 1185, height: 84, ratio: 1, scanStart: 3000, scanEnd, evaluated, rules: 5000, total: scanEnd + 4200, ...change };
};

describe('the strip', () => {
  test.each([
    [{}, 1],
    [{ evaluated: 50, rules: 50 }, 1],
    [{ evaluated: 1, rules: 1 }, 1],
    [{ evaluated: 13, rules: 13 }, 1],
    [{ evaluated: 500, rules: 5000 }, 1],
    [{ ratio: 2 }, 1],
    [{ width: 360, height: 276 }, 1],
    [{ evaluated: 20_000, rules: 20_000 }, 2],
    [{ evaluated: 50_000, rules: 50_000, height: 66 }, 10],
  ])('%o fits into its room, in whole device pixels, with at least %s rules a cell', (change, perCell) => {
    const input = strip(change);
    const found = stripGeometry(input);
    expect(found.perCell).toBeGreaterThanOrEqual(perCell);
    for (const length of [found.column, found.row, found.left]) expect(length * input.ratio).toBeCloseTo(Math.round(length * input.ratio), 6);
    expect(found.row * found.rows).toBeLessThanOrEqual(input.height);
    expect(found.cells).toBe(Math.ceil(input.evaluated / found.perCell));
    expect(found.columns * found.rows).toBeGreaterThanOrEqual(found.cells);
    expect((found.columns - 1) * found.rows).toBeLessThan(found.cells);
    // Up to a column of rounding on its right.
    const right = found.tailCells > 0 ? found.tailLeft + Math.ceil(found.tailCells / found.rows) * found.column : found.end;
    expect(right).toBeLessThanOrEqual(input.width + found.column + 1);
    expect(found.end).toBeGreaterThan(input.total * found.scale - 1e-6);
  });

  test('x is time: a rule’s cell stands where the clock is when it is compared, to a column', () => {
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 3000 }), fc.integer({ min: 60, max: 300 }), fc.constantFrom(1, 1.5, 2, 3), fc.integer({ min: 1, max: 60_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (width, height, ratio, evaluated, part) => {
        const input = strip({ width, height, ratio, evaluated, rules: evaluated });
        const found = stripGeometry(input);
        const rule = Math.min(evaluated - 1, Math.floor(part * evaluated));
        const clock = (input.scanStart + (input.scanEnd - input.scanStart) * (rule / evaluated)) * found.scale;
        const { x, y } = cellOf(found, rule);
        // Columns thinner than two device pixels, and the few of a small chain, are rounded.
        const rounding = found.columns <= 5 || found.column * ratio < 2 ? 0.5 * found.columns / ratio + 1 / ratio : 1 / ratio;
        expect(Math.abs(x - clock)).toBeLessThanOrEqual(found.column + rounding + 1e-6);
        expect(y).toBeLessThan(found.height);
      }),
      { seed: 20261124, numRuns: 400 },
    );
  });

  test('rules never read stand after the end, off the clock, in the rest of the room', () => {
    const found = stripGeometry(strip({ evaluated: 2000 }));
    expect(found.tailCells).toBe(3000);
    expect(found.tailLeft).toBeGreaterThan(found.end);
    expect(cellOf(found, 1999).x).toBeLessThan(found.end);
    expect(cellOf(found, 2000)).toEqual({ x: found.tailLeft, y: 0 });
  });

  test('a dragged destination finds the rule under it, and never one beyond the chain', () => {
    const found = stripGeometry(strip());
    for (const rule of [0, 1, 20, 2500, 4999]) {
      const at = ruleAt(found, cellOf(found, rule).x + 0.001, 5000);
      expect(Math.abs(at - rule)).toBeLessThan(found.rows);
    }
    expect(ruleAt(found, -50, 5000)).toBe(0);
    expect(ruleAt(found, 99_999, 5000)).toBe(4999);
  });

  test('of a known connection no rule is read: as many as there is room for stand after its end', () => {
    const whole = stripGeometry(strip());
    const found = unread(whole, 200, 1185);
    expect(found.cells).toBe(0);
    expect(found.tailLeft).toBeGreaterThan(200);
    expect(found.tailLeft + Math.ceil(found.tailCells / found.rows) * found.column).toBeLessThanOrEqual(1185);
    expect(found.tailCells).toBe(5000);
  });
});

describe('the clock’s pace', () => {
  const dwell = { start: 2400, end: 4000 };
  test.each([[31_900], [7_100], [250_000], [5_500]])('a race of %s ns takes 8 to 12 s', (end) => {
    const seconds = runSeconds(end, dwell, defaultPace((pace) => runSeconds(end, dwell, pace)));
    expect(seconds).toBeGreaterThanOrEqual(7.5);
    expect(seconds).toBeLessThanOrEqual(12.01);
  });
  test('it is ten times slower within the program, and itself far from it', () => {
    expect(slowness(dwell, 3000)).toBe(SLOWER);
    expect(slowness(dwell, 2400)).toBe(SLOWER);
    expect(slowness(dwell, 0)).toBe(1);
    expect(slowness(dwell, 30_000)).toBe(1);
  });
  test('between them it eases without a jump', () => {
    let before = slowness(dwell, 4000);
    for (let t = 4001; t < 5000; t++) {
      const now = slowness(dwell, t);
      expect(now).toBeLessThanOrEqual(before + 1e-9);
      expect(before - now).toBeLessThan(0.2);
      before = now;
    }
    expect(before).toBe(1);
  });
  test('a program without own time slows nothing', () => {
    expect(slowness({ start: 5, end: 5 }, 5)).toBe(1);
  });
  test('paces are around the default one', () => {
    expect(paces(0.2)).toEqual([0.05, 0.1, 0.2, 0.4, 0.8]);
  });
});

describe('the lens', () => {
  const shown = (rows: readonly LensRow[]) => rows.map((row) => (row.kind === 'gap' ? `…${row.count}` : `${row.kind === 'current' ? '>' : row.kind === 'match' ? '=' : ''}${row.rule}`)).join(' ');
  test.each([
    [-1, 12, 13, 2, '0 1 2 3 …8 =12'],
    [0, 4999, 5001, 2, '>0 1 2 3 …4995 =4999'],
    [4085, 4999, 5001, 2, '4083 4084 >4085 4086 …912 =4999'],
    [4085, 4999, 5001, 1, '4084 >4085 4086 …912 =4999'],
    [4994, 4999, 5001, 2, '4992 4993 >4994 4995 …3 =4999'],
    [4996, 4999, 5001, 2, '4994 4995 >4996 4997 4998 =4999'],
    [4997, 4999, 5001, 2, '4994 4995 4996 >4997 4998 =4999'],
    [4999, 4999, 5001, 2, '4995 4996 4997 4998 >4999 5000'],
    [0, 0, 2, 2, '>0 1'],
    [0, 0, 1, 2, '>0'],
    [2, null, 3, 2, '0 1 >2'],
    [5000, null, 5001, 1, '4996 4997 4998 4999 >5000'],
  ])('at rule %s with the match at %s of %s, %s passed: %s', (current, match, total, passed, text) => {
    expect(shown(lensRows(current, match, total, passed))).toBe(text);
  });
  test('it never shows a rule twice, nor one that is not there, and loses none on the way to the match', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 400 }), fc.nat(), fc.nat(), fc.integer({ min: 1, max: 3 }), (total, a, b, passed) => {
        const match = a % total;
        const current = b % (match + 1);
        const rows = lensRows(current, match, total, passed);
        let next: number | null = null;
        for (const row of rows) {
          if (row.kind === 'gap') {
            expect(row.count).toBeGreaterThan(1);
            next = (next ?? 0) + row.count;
          } else {
            if (next !== null) expect(row.rule).toBe(next);
            expect(row.rule).toBeLessThan(total);
            next = row.rule + 1;
          }
        }
        expect(rows.length).toBeLessThanOrEqual(passed + 4);
        expect(rows.some((row) => row.kind === 'current')).toBe(true);
        expect(rows.some((row) => row.kind !== 'gap' && row.rule === match)).toBe(true);
      }),
      { seed: 7, numRuns: 500 },
    );
  });

  test.each([
    ['-m comment --comment "shop/cart:http cluster IP" -m tcp -p tcp -d 10.96.0.9 --dport 80 -j KUBE-SVC-A', ['-m tcp -p', 'tcp', '-d', '10.96.0.9', '--dport', '80', '-j', 'KUBE-SVC-A']],
    ['-m comment --comment plain -s 10.0.0.1 -j KUBE-MARK-MASQ', ['-s', '10.0.0.1', '-j', 'KUBE-MARK-MASQ']],
    ['-m comment --comment "says \\"-d 1.2.3.4\\"" -j DROP', ['-j', 'DROP']],
    ['-m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL', ['-m conntrack --ctstate NEW -j', 'KUBE-PROXY-FIREWALL']],
    ['-m mark ! --mark 0x00004000/0x00004000 -j RETURN', ['-m mark ! --mark 0x00004000/0x00004000 -j', 'RETURN']],
  ])('%s is shown without its comment', (text, parts) => {
    expect(ruleParts(ruleRow({ index: 0, text, chain: null, packets: 0, bytes: 0 })).map((part) => part.text)).toEqual(parts);
  });
});

test.each([[1920, 1080, 'big'], [1440, 900, 'big'], [1440, 800, 'compact'], [1280, 720, 'compact'], [1280, 560, 'medium'], [900, 900, 'medium'], [390, 844, 'phone']])('%s × %s is laid out as %s', (width, height, size) => {
  expect(sizeClass(width, height)).toBe(size);
});

describe('the stage', () => {
  test.each([['big', 606], ['big', 900], ['compact', 480], ['compact', 620], ['medium', 0]] as const)('%s at %s px: its parts follow one another', (size, height) => {
    const layout = stageLayout(size, height);
    const order = [layout.pathA, layout.lensTop, layout.lensTop + layout.lensHeight, layout.stripTop, layout.stripTop + layout.stripHeight, layout.barTop, layout.barTop + layout.barHeight, layout.lensBTop, layout.lensBTop + layout.lensBHeight, layout.pathB, layout.height];
    expect([...order].sort((a, b) => a - b)).toEqual(order);
  });
  test('room that is left over is used whole', () => {
    expect(stageLayout('big', 800).height).toBe(800);
  });
});

test.each([
  [10, 3, 5, 1, 0, 5],
  [10, 0, 5, 1, 0, 5],
  [10, 9, 5, 1, 5, 10],
  [10, 5, 5, 1, 2, 7],
  [3, 1, 9, 1, 0, 3],
  [0, 0, 4, 1, 0, 0],
])('of %s items at %s, %s rows with %s after it: %s to %s', (count, current, size, after, from, to) => {
  expect(listWindow(count, current, size, after)).toEqual({ from, to });
});

test.each([[0, 65_536, 0, 0], [65_535, 65_536, 9, 4], [32_768, 65_536, 5, 2], [7, 8, 7, 0]])('bucket %s of %s stands at column %s, row %s', (bucket, buckets, column, row) => {
  expect(bucketPlace(bucket, buckets, 10, 5)).toEqual({ column, row });
});

test('the axis has round ticks, majors among them, within its end', () => {
  const ticks = axisTicks(31_862, 0.037);
  expect(ticks.filter(({ major }) => major).map(({ ns }) => ns)).toEqual([0, 5000, 10_000, 15_000, 20_000, 25_000, 30_000]);
  expect(ticks.every(({ ns }) => ns >= 0 && ns <= 31_862)).toBe(true);
  expect(ticks.length).toBeGreaterThan(20);
  expect(axisTicks(0, 1)).toEqual([]);
});

test('path B’s stations keep their labels apart; too many stand evenly', () => {
  const labels = [70, 30, 130, 100, 30, 90, 70];
  const places = mapPlaces(labels, 1185);
  for (let index = 2; index < places.length - 1; index++) expect(places[index]! - places[index - 1]!).toBeGreaterThanOrEqual((labels[index]! + labels[index - 1]!) / 2);
  expect(places.at(-1)).toBe(1177);
  const tight = mapPlaces(labels, 360);
  expect(tight[1]! - tight[0]!).toBeCloseTo(tight[6]! - tight[5]!, 6);
});

test('Hangul is wider than Latin', () => {
  expect(labelWidth('파드', 7)).toBeGreaterThan(labelWidth('pod', 7));
  expect(labelWidth('veth', 7)).toBe(28);
});

test.each([[28_400, 28_400, '28.4'], [1640, 28_400, '1.6'], [300, 2000, '0.3'], [300, 400, '300.0']])('%s ns beside %s ns reads %s', (ns, other, text) => {
  expect(durationIn(ns, other, 'en')).toBe(text);
});

test('the strip sits on the axis', () => {
  expect(sitStrip({ stripTop: 100, stripHeight: 80 }, { height: 66 })).toEqual({ stripTop: 114, stripHeight: 66 });
});

test.each([[1440, 900, 1], [1599, 1200, 1], [1600, 900, 1], [1920, 1080, 1.2], [1920, 900, 1], [2560, 1440, 1.6], [3840, 2160, 2.4], [1600, 1000, 1.1]])('at %s × %s everything is drawn %s times as large as laid out', (width, height, zoom) => {
  expect(stageZoom(width, height)).toBeCloseTo(zoom, 9);
});
