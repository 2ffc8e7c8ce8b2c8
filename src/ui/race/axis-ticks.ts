import { scaleLinear } from 'd3-scale';

export interface AxisTick {
  readonly ns: number;
  /** Major ticks are labelled. */
  readonly major: boolean;
}

/** Ticks of the clock, in whole and round µs (or ns, ms), `scale` in px a ns: a label about every 130 px. */
export function axisTicks(end: number, scale: number): readonly AxisTick[] {
  if (end <= 0 || scale <= 0) return [];
  const axis = scaleLinear().domain([0, end]);
  const wanted = Math.max(1, Math.round((end * scale) / 130));
  const major = new Set(axis.ticks(wanted));
  const finer = axis.ticks(wanted * 5);
  return [...new Set([...major, ...finer])].sort((a, b) => a - b).map((ns) => ({ ns, major: major.has(ns) }));
}
