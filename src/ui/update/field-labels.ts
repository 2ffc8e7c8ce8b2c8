import type { NewRules } from './chain-layout.ts';
import { cellAt, type FieldGeometry } from './field-geometry.ts';
import { labelRoom, labelSide } from './label-side.ts';

/** px that a label's line is tall, and that its middle stands below its place's top. */
const LINE = 19;
const ABOVE = 9;

/** New rules in the field with what is said of them; px from the field's own corner. */
export interface FieldLabel {
  readonly first: number;
  readonly words: string;
  /** Their frame. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Where the label stands: beside its place where it has room, else under it. */
  readonly side: 'left' | 'right' | 'under';
  readonly labelTop: number;
  readonly labelBottom: number;
}

/**
 * Places the labels of new rules.
 *
 * @param left px that words may use to the left of the field
 * @param room the whole clock's width, px
 */
export function fieldLabels(geometry: FieldGeometry, places: readonly NewRules[], words: (place: NewRules) => string, left: number, room: number): readonly FieldLabel[] {
  const placed: (FieldLabel & { readonly from: number; readonly to: number })[] = [];
  for (const place of places) {
    const at = cellAt(geometry, place.first);
    const end = cellAt(geometry, place.first + place.count - 1);
    const oneColumn = end.x === at.x;
    const tall = oneColumn ? end.y - at.y : geometry.height - geometry.pitch - at.y;
    const said = words(place);
    const side = labelSide(said, left + at.x, room - left - end.x - geometry.cell);
    const need = labelRoom(said);
    const from = side === 'right' ? end.x + geometry.cell : side === 'left' ? at.x - need : room - left - need;
    const wanted = side === 'under' ? Math.min(geometry.height - LINE, oneColumn ? end.y + geometry.cell + 6 : at.y + 16) : at.y - ABOVE;
    // No label over another one.
    const free = (top: number) => placed.every((other) => other.to <= from || other.from >= from + need || top >= other.labelBottom || top + LINE <= other.labelTop);
    const labelTop = tries(wanted, geometry.height).find(free) ?? wanted;
    placed.push({
      first: place.first,
      words: said,
      left: at.x - 3,
      top: at.y - 3,
      width: end.x - at.x + geometry.cell + 6,
      height: tall + geometry.cell + 6,
      side,
      labelTop,
      labelBottom: labelTop + LINE,
      from,
      to: from + need,
    });
  }
  return placed;
}

/** Where a label may stand, the nearest to its wanted place first. */
function tries(wanted: number, height: number): number[] {
  const found = [wanted];
  for (let off = 1; off < height; off++) found.push(wanted + off, wanted - off);
  return found.filter((top) => top === wanted || (top >= 0 && top <= height - LINE));
}
