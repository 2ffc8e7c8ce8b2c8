/** The lens with three or four rules, px. */
const LENS = { wide: 124, compact: 90 };
/** What the axis and the map's bar take under the table of rules, at most, and the gap after them, px. */
const AXIS_AND_BAR = 68;
const GAP = 6;
/** From the top, where nothing else asks for a place. */
const SHARE = 0.22;
const COMPACT_TOP = 8;

/**
 * Where the lens stands, px from the table's top, and how far before the whole clock's end the playhead's line ends. A low table leaves room below itself and its axis: there it covers
 * nothing. Else it stands over the field, and ends above the axis where it can.
 *
 * @param tall px that the field and the stages beside it are tall
 * @param height px that the table may take
 */
export function lensPlace(tall: number, height: number, compact: boolean): { readonly top: number; readonly tail: number } {
  const lens = compact ? LENS.compact : LENS.wide;
  if (!compact && height - tall >= lens + GAP) return { top: tall + AXIS_AND_BAR + GAP, tail: height - tall - lens - GAP };
  const wanted = compact ? COMPACT_TOP : SHARE * height;
  return { top: Math.max(0, Math.min(wanted, tall - lens)), tail: Math.max(0, height - tall) };
}
