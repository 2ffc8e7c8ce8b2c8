import { scaleLog, type ScaleLogarithmic } from 'd3-scale';

/** What a thing on a chart belongs to; `way`: neither lane. */
export type ChartLane = 'chain' | 'map' | 'way';

export interface ChartLine {
  readonly id: string;
  readonly label: string;
  readonly lane: ChartLane;
  /** A thin dotted line: not the present setting's. */
  readonly thin: boolean;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** `circle` is measured, `square` published, `dot` the present setting on its own line. */
export interface ChartMark {
  readonly x: number;
  readonly y: number;
  readonly shape: 'circle' | 'square' | 'dot';
  readonly lane: ChartLane;
  readonly small?: boolean;
  readonly title: string;
  readonly label?: { readonly text: string; readonly side: 'left' | 'right' | 'below' };
}

export interface LogScales {
  readonly x: ScaleLogarithmic<number, number>;
  readonly y: ScaleLogarithmic<number, number>;
  readonly yTicks: readonly number[];
}

/** Where the drawing stands in its box, px. */
export interface Margins {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const TICK_DISTANCE = 26;

/**
 * Two logarithmic axes that hold every line and mark. A logarithm has no place for 0: values that are not above it do not
 * stretch the axes, and are not to be drawn.
 */
export function logScales(xs: readonly [number, number], ys: readonly number[], width: number, height: number, margins: Margins): LogScales {
  const real = ys.filter((value) => value > 0 && Number.isFinite(value));
  const low = real.length > 0 ? Math.min(...real) : 1;
  const high = real.length > 0 ? Math.max(...real) : 10;
  const x = scaleLog(xs, [margins.left, Math.max(margins.left + 1, width - margins.right)]);
  const y = scaleLog([low / 1.5, high * 1.5], [Math.max(margins.top + 1, height - margins.bottom), margins.top]);
  return { x, y, yTicks: yTicks(y) };
}

/** Over many decades of nanoseconds the units themselves are the ticks. */
const UNIT_TICKS = [1, 1e3, 1e6, 1e9, 3600e9];
const MANY_DECADES = 6;

/** d3's ticks of a logarithmic scale, thinned to powers of ten (or 1, 2, 5) so that their words do not touch. */
function yTicks(y: ScaleLogarithmic<number, number>): readonly number[] {
  const [bottom = 0, top = 0] = y.range();
  const [low = 1, high = 10] = y.domain();
  if (Math.log10(high / low) > MANY_DECADES) return UNIT_TICKS.filter((tick) => tick >= low && tick <= high);
  const room = Math.max(2, Math.floor(Math.abs(bottom - top) / TICK_DISTANCE));
  const all = y.ticks(60);
  // d3 also gives ticks between whole digits: 1.2, 1.4…
  const starts = (value: number, digits: readonly number[]) => digits.some((digit) => Math.abs(value / 10 ** Math.floor(Math.log10(value) + 1e-9) - digit) < 1e-6);
  const tens = all.filter((value) => starts(value, [1]));
  if (tens.length < 2) return thin(all.filter((value) => starts(value, [1, 2, 5])), room);
  return thin(tens, room);
}

function thin(ticks: readonly number[], room: number): readonly number[] {
  const every = Math.max(1, Math.ceil(ticks.length / room));
  return ticks.filter((_, index) => (ticks.length - 1 - index) % every === 0);
}

/** The choice that a place on a logarithmic axis is nearest to. */
export function nearestChoice(choices: readonly number[], value: number): number | null {
  let best: number | null = null;
  for (const choice of choices) {
    if (best === null || Math.abs(Math.log(choice / value)) < Math.abs(Math.log(best / value))) best = choice;
  }
  return best;
}

/** Moves labels apart that would touch, keeping their order and, as a whole, their middle. `wanted`: y of each, px. */
export function spreadLabels(wanted: readonly number[], distance: number, top: number, bottom: number): readonly number[] {
  const order = wanted.map((y, index) => ({ y, index })).sort((a, b) => a.y - b.y);
  // Groups of labels that touch share their middle.
  const groups: { middle: number; members: number[] }[] = [];
  for (const { y, index } of order) {
    groups.push({ middle: y, members: [index] });
    for (;;) {
      const last = groups.at(-1);
      const before = groups.at(-2);
      if (!last || !before) break;
      const half = (group: { members: number[] }) => ((group.members.length - 1) * distance) / 2;
      if (last.middle - half(last) - (before.middle + half(before)) >= distance) break;
      const size = before.members.length + last.members.length;
      before.middle = (before.middle * before.members.length + last.middle * last.members.length) / size;
      before.members.push(...last.members);
      groups.pop();
    }
  }
  const placed = [...wanted];
  for (const { middle, members } of groups) {
    const half = ((members.length - 1) * distance) / 2;
    const held = Math.min(Math.max(middle, top + half), Math.max(top + half, bottom - half));
    members.forEach((index, at) => { placed[index] = held - half + at * distance; });
  }
  return placed;
}
