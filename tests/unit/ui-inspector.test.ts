import { expect, test } from 'vitest';
import type { Nanoseconds } from '../../src/cost/profile.ts';
import { duration } from '../../src/ui/inspector/duration.ts';
import { stageAt } from '../../src/ui/inspector/stage-at.ts';

const at = (stage: string, start: number, length: number) => ({ stage, start: start as Nanoseconds, duration: length as Nanoseconds, terms: [] });
const timeline = { stages: [at('a', 0, 10), at('free', 10, 0), at('b', 10, 5)], total: 15 as Nanoseconds, shared: 0 as Nanoseconds };
test.each([[0, 'a'], [9.9, 'a'], [10, 'b'], [15, undefined]])('at %s ns the clock stands in %s', (t, stage) => {
  expect(stageAt(timeline, t)?.stage).toBe(stage);
});
test.each([[300, '300 ns'], [41_300, '41.3 μs'], [250_000_000, '250 ms'], [15e9, '15 sec']])('%s ns reads %s', (ns, text) => {
  expect(duration(ns, 'en')).toBe(text);
});
