import type { SizeClass } from './size-class.ts';

/** Where everything stands in the stage's main column, px from its top. */
export interface StageLayout {
  readonly pathA: number;
  readonly lensTop: number;
  readonly lensHeight: number;
  /** One row of the rule lens, its type, and how many passed rules it shows. */
  readonly lensRow: number;
  readonly lensType: number;
  readonly passed: number;
  readonly stripTop: number;
  readonly stripHeight: number;
  /** The clock's axis begins where the strip ends. */
  readonly axisHeight: number;
  readonly barTop: number;
  readonly barHeight: number;
  readonly lensBTop: number;
  readonly lensBHeight: number;
  readonly pathB: number;
  readonly height: number;
}

interface Measures {
  readonly pathA: number;
  readonly lensTop: number;
  readonly lensRow: number;
  readonly lensType: number;
  readonly passed: number;
  /** Between lens A and the strip: the rule numbers stand there. */
  readonly ruler: number;
  readonly strip: number;
  readonly axis: number;
  readonly bar: number;
  readonly wedge: number;
  readonly lensB: number;
  readonly pathB: number;
  readonly labels: number;
}

const BIG: Measures = { pathA: 38, lensTop: 56, lensRow: 21, lensType: 15, passed: 2, ruler: 24, strip: 72, axis: 36, bar: 28, wedge: 15, lensB: 124, pathB: 19, labels: 38 };
const COMPACT: Measures = { pathA: 31, lensTop: 44, lensRow: 17, lensType: 12.5, passed: 1, ruler: 19, strip: 60, axis: 29, bar: 24, wedge: 10, lensB: 94, pathB: 14, labels: 32 };
const MEDIUM: Measures = { ...COMPACT, lensRow: 20, lensType: 12.5, strip: 96, axis: 34, bar: 28, wedge: 14, lensB: 260 };
/** Lens A: its packet's row, rows, and edges. */
const LENS_EDGES = 22;
/** Of room that is left over. */
const LENS_B_SHARE = 0.5;
const MOST_LENS_B = 240;

/** Room that is left over goes to the strip and to lens B. Where room is lacking the stage is higher than `height`. */
export function stageLayout(size: SizeClass, height: number): StageLayout {
  const measures = size === 'big' ? BIG : size === 'compact' ? COMPACT : MEDIUM;
  const lensHeight = measures.lensRow * (measures.passed + 5) + LENS_EDGES;
  const fixed = measures.lensTop + lensHeight + measures.ruler + measures.axis + measures.bar + measures.wedge + measures.pathB + measures.labels;
  const room = height - fixed;
  const spare = room - measures.strip - measures.lensB;
  const shared = size === 'medium' ? 0 : Math.max(0, spare);
  const lensBHeight = Math.min(MOST_LENS_B, measures.lensB + Math.floor(shared * LENS_B_SHARE));
  const stripHeight = measures.strip + shared - (lensBHeight - measures.lensB);
  const stripTop = measures.lensTop + lensHeight + measures.ruler;
  const barTop = stripTop + stripHeight + measures.axis;
  const lensBTop = barTop + measures.bar + measures.wedge;
  const pathB = lensBTop + lensBHeight + measures.pathB;
  return {
    pathA: measures.pathA,
    lensTop: measures.lensTop,
    lensHeight,
    lensRow: measures.lensRow,
    lensType: measures.lensType,
    passed: measures.passed,
    stripTop,
    stripHeight,
    axisHeight: measures.axis,
    barTop,
    barHeight: measures.bar,
    lensBTop,
    lensBHeight,
    pathB,
    height: pathB + measures.labels,
  };
}
