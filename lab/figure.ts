import type { Figure } from '../src/cost/profile.ts';

/** A measured price with the range that it was found in; below 0 is noise, and becomes 0. */
export function makeFigure(ns: number, rounds: readonly number[], source: string): Figure {
  const all = [ns, ...rounds].filter(Number.isFinite).map((value) => round(Math.max(0, value)));
  return { ns: round(Math.max(0, ns)), low: Math.min(...all), high: Math.max(...all), mark: 'measured', source };
}

/** Four digits: more would be noise. */
export function round(value: number): number {
  return value === 0 ? 0 : Number(value.toPrecision(4));
}
