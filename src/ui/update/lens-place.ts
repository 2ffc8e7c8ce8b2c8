/** The lens without its rows, and one row of it, px. */
const LENS = { wide: { edges: 32, row: 20 }, compact: { edges: 32, row: 18 } };
/** How many rules it shows where there is room, and at least. */
const ROWS = { wide: [4, 3, 2], compact: [3, 2] };
/** What the axis and the map's bar take under the table of rules, at most, and the gap after them, px. */
const AXIS_AND_BAR = 68;
const GAP = 6;
/** From the top, where nothing else asks for a place. */
const SHARE = 0.22;
const COMPACT_TOP = 8;
/** px between the places that are tried. */
const STEP = 2;

/** From where to where words stand in the field, px from the table's top. */
export interface Words {
  readonly top: number;
  readonly bottom: number;
}

export interface LensPlace {
  /** px from the table's top. */
  readonly top: number;
  /** Rules that it shows. */
  readonly rows: number;
  /** How far before the whole clock's end the playhead's line ends, px. */
  readonly tail: number;
}

/** How tall the lens is with that many rules, px. */
export function lensHeight(rows: number, compact: boolean): number {
  const { edges, row } = compact ? LENS.compact : LENS.wide;
  return edges + rows * row;
}

/**
 * Where the lens stands. A low table leaves room below itself and its axis: there it covers nothing. Else it stands over
 * the field, above the axis, and off the words: with fewer rules where all of them have no room. Where they stand in the
 * width is no matter, for the lens goes with the playhead, and must not jump up and down on its way.
 *
 * @param tall px that the field and the stages beside it are tall
 * @param height px that the table may take
 */
export function lensPlace(tall: number, height: number, compact: boolean, words: readonly Words[]): LensPlace {
  const [most = 2, ...fewer] = compact ? ROWS.compact : ROWS.wide;
  const all = lensHeight(most, compact);
  if (!compact && height - tall >= all + GAP) return { top: tall + AXIS_AND_BAR + GAP, rows: most, tail: height - tall - all - GAP };
  const wished = compact ? COMPACT_TOP : Math.round(SHARE * height);
  const tail = Math.max(0, height - tall);
  let best = { top: 0, rows: most, covered: Infinity };
  for (const rows of [most, ...fewer]) {
    const lens = lensHeight(rows, compact);
    const last = Math.max(0, tall - lens);
    const wanted = Math.min(wished, last);
    for (let off = 0; off <= tall; off += STEP) {
      for (const top of [wanted - off, wanted + off]) {
        if (top < 0 || top > last) continue;
        const covered = words.reduce((sum, one) => sum + Math.max(0, Math.min(one.bottom, top + lens) - Math.max(one.top, top)), 0);
        if (covered < best.covered) best = { top, rows, covered };
      }
    }
    if (best.covered === 0) break;
  }
  return { top: best.top, rows: best.rows, tail };
}
