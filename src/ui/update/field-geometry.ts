/** How a number of rules becomes a field of square cells, read down each column and then right. */
export interface FieldGeometry {
  /** Rules that one cell stands for. */
  readonly perCell: number;
  readonly cells: number;
  readonly rows: number;
  readonly columns: number;
  /** Distance from one cell to the next, and a cell's own side, px. */
  readonly pitch: number;
  readonly cell: number;
  readonly width: number;
  readonly height: number;
}

const LEAST_PITCH = 3;
const LARGEST_PITCH = 16;
/** A cell that stands for several rules is no larger: it must not look like one rule of a small table. */
const SHARED_PITCH = 5;
/** How much less of the room a field may fill so that its cells stand for fewer rules. */
const WORTH = 0.06;
const STEPS = [1, 2, 5];

/**
 * Fits `rules` cells into at most `width` × `height` px, as near to the width as whole pixels allow: x is time, so the
 * width is the clock's. Whole px, so that columns fall on device pixels. Where a cell a rule would be too small to see, a
 * cell stands for 2, 5, 10… of them.
 */
export function fitField(rules: number, width: number, height: number): FieldGeometry {
  const count = Math.max(1, rules);
  const [wide, high] = [Math.max(LEAST_PITCH, width), Math.max(LEAST_PITCH, height)];
  const fits: FieldGeometry[] = [];
  for (let power = 0; power < 27; power++) {
    const perCell = (STEPS[power % 3] ?? 1) * 10 ** Math.floor(power / 3);
    const fit = fitCells(Math.ceil(count / perCell), perCell, wide, high);
    if (fit) fits.push(fit);
    // Cells are as large as they get: fewer of them fill no more.
    if (fit && fit.pitch >= (perCell === 1 ? LARGEST_PITCH : SHARED_PITCH)) break;
    if (perCell >= count) break;
  }
  const fill = ({ width: w, height: h }: FieldGeometry) => (w * h) / (wide * high);
  const most = Math.max(...fits.map(fill));
  return fits.find((fit) => fill(fit) >= most - WORTH) ?? { perCell: count, cells: 1, rows: 1, columns: 1, pitch: LEAST_PITCH, cell: LEAST_PITCH - 1, width: LEAST_PITCH, height: LEAST_PITCH };
}

function fitCells(cells: number, perCell: number, width: number, height: number): FieldGeometry | null {
  for (let pitch = Math.min(perCell === 1 ? LARGEST_PITCH : SHARED_PITCH, Math.floor(Math.sqrt((width * height) / cells))); pitch >= LEAST_PITCH; pitch--) {
    const mostRows = Math.floor(height / pitch);
    const mostColumns = Math.floor(width / pitch);
    if (mostRows * mostColumns < cells) continue;
    const rows = Math.ceil(cells / mostColumns);
    const columns = Math.ceil(cells / rows);
    return { perCell, cells, rows, columns, pitch, cell: pitch - (pitch > 5 ? 2 : 1), width: columns * pitch, height: rows * pitch };
  }
  return null;
}

/** Top left of the cell that holds a rule (from 0), px from the field's own corner. */
export function cellAt({ perCell, rows, pitch }: FieldGeometry, rule: number): { readonly x: number; readonly y: number } {
  const cell = Math.floor(rule / perCell);
  return { x: Math.floor(cell / rows) * pitch, y: (cell % rows) * pitch };
}
