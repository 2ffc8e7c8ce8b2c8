import type { StripGeometry } from './strip-geometry.ts';

/** Colours of the cells, as the theme has them. */
export interface StripColours {
  readonly cell: string;
  readonly done: string;
  readonly hot: string;
  readonly background: string;
}

/** How hot the last columns still are, the head's own first. */
const TRAIL = [0.9, 0.6, 0.35, 0.18] as const;
const NEVER_READ = 0.7;

/**
 * Paints the strip's cells. Filled areas first, then the gaps between cells over them: some hundred rectangles, however
 * many rules there are. `begun`: cells whose rules were begun; all of them once the walk is over, and then no trail.
 */
export function paintStrip(context: CanvasRenderingContext2D, geometry: StripGeometry, ratio: number, begun: number, running: boolean, colours: StripColours): void {
  const { canvas } = context;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.scale(ratio, ratio);
  const { left, cells, tailLeft, tailCells, rows } = geometry;
  fillCells(context, geometry, left, begun, cells, colours.cell);
  fillCells(context, geometry, left, 0, begun, colours.done);
  if (running && begun > 0) {
    const head = Math.floor((begun - 1) / rows);
    TRAIL.forEach((alpha, back) => {
      const own = head - back;
      if (own < 0) return;
      context.globalAlpha = alpha;
      fillCells(context, geometry, left, own * rows, Math.min(begun, (own + 1) * rows), colours.hot);
    });
    context.globalAlpha = 1;
  }
  context.globalAlpha = NEVER_READ;
  fillCells(context, geometry, tailLeft, 0, tailCells, colours.cell);
  context.globalAlpha = 1;
  const gap = gapOf(geometry, ratio);
  if (gap > 0) {
    cutGaps(context, geometry, left, Math.ceil(cells / rows), gap, colours.background);
    cutGaps(context, geometry, tailLeft, Math.ceil(tailCells / rows), gap, colours.background);
  }
}

/** One CSS px between cells, or the device's finest line where cells are small. */
function gapOf({ column, row }: StripGeometry, ratio: number): number {
  const least = Math.min(column, row);
  if (least * ratio < 2) return 0;
  return least >= 3 ? Math.max(1, Math.round(ratio)) / ratio : 1 / ratio;
}

/** Cells `from` to `to` (excluded), counted down the columns. */
function fillCells(context: CanvasRenderingContext2D, { rows, column, row }: StripGeometry, left: number, from: number, to: number, colour: string): void {
  if (to <= from) return;
  context.fillStyle = colour;
  let first = Math.floor(from / rows);
  const inFirst = from % rows;
  const last = Math.floor(to / rows);
  const inLast = to % rows;
  if (inFirst > 0) {
    const end = first === last ? inLast : rows;
    context.fillRect(left + first * column, inFirst * row, column, (end - inFirst) * row);
    if (first === last) return;
    first += 1;
  }
  if (last > first) context.fillRect(left + first * column, 0, (last - first) * column, rows * row);
  if (inLast > 0) context.fillRect(left + last * column, 0, column, inLast * row);
}

function cutGaps(context: CanvasRenderingContext2D, { rows, column, row }: StripGeometry, left: number, columns: number, gap: number, background: string): void {
  if (columns === 0) return;
  context.fillStyle = background;
  const height = rows * row;
  for (let index = 0; index < columns; index++) context.fillRect(left + (index + 1) * column - gap, 0, gap, height);
  for (let index = 0; index < rows; index++) context.fillRect(left, (index + 1) * row - gap, columns * column, gap);
}
