import { cellAt, type FieldGeometry } from './field-geometry.ts';

export interface FieldColours {
  readonly cell: string;
  readonly done: string;
  readonly hot: string;
}

/** How hot the last columns behind the head still are, the head's own first. */
const TRAIL = [0.9, 0.75, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1];

/**
 * Paints the field with `taken` rules done. The cells are a repeated tile: a frame costs a few filled rectangles, however
 * many rules there are.
 */
export function paintField(context: CanvasRenderingContext2D, geometry: FieldGeometry, taken: number, colours: FieldColours, ratio: number): void {
  const { cells, rows, columns, pitch, cell, perCell, width, height } = geometry;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const fill = (colour: string) => tile(context, pitch, cell, colour, ratio);
  const done = Math.floor(taken / perCell);
  const column = Math.floor(done / rows);
  const row = done % rows;
  /** Cells `from` to `to` of the reading order, as at most three rectangles. */
  const paint = (from: number, to: number) => {
    if (to <= from) return;
    const [first, last] = [Math.floor(from / rows), Math.floor((to - 1) / rows)];
    if (first === last) {
      context.fillRect(first * pitch, (from % rows) * pitch, pitch, (to - from) * pitch);
      return;
    }
    context.fillRect(first * pitch, (from % rows) * pitch, pitch, (rows - (from % rows)) * pitch);
    context.fillRect((first + 1) * pitch, 0, (last - first - 1) * pitch, rows * pitch);
    context.fillRect(last * pitch, 0, pitch, ((to - 1) % rows + 1) * pitch);
  };
  context.fillStyle = fill(colours.cell);
  paint(done, cells);
  context.fillStyle = fill(colours.done);
  paint(0, Math.min(done, cells));
  if (done === 0 || done >= cells) return;
  context.fillStyle = fill(colours.hot);
  TRAIL.forEach((alpha, behind) => {
    const at = column - behind;
    if (at < 0 || at >= columns) return;
    context.globalAlpha = alpha;
    paint(at * rows, behind === 0 ? at * rows + row : (at + 1) * rows);
  });
  context.globalAlpha = 1;
}

function tile(context: CanvasRenderingContext2D, pitch: number, cell: number, colour: string, ratio: number): CanvasPattern | string {
  const size = Math.max(1, Math.round(pitch * ratio));
  const canvas = new OffscreenCanvas(size, size);
  const own = canvas.getContext('2d');
  if (!own) return colour;
  own.fillStyle = colour;
  own.fillRect(0, 0, Math.max(1, Math.round(cell * ratio)), Math.max(1, Math.round(cell * ratio)));
  const pattern = context.createPattern(canvas, 'repeat');
  // The tile is in device pixels, the drawing in CSS px.
  pattern?.setTransform(new DOMMatrix().scale(pitch / size));
  return pattern ?? colour;
}

/** Where the head stands: the cell after the last rule taken. */
export function headAt(geometry: FieldGeometry, taken: number): { readonly x: number; readonly y: number } {
  return cellAt(geometry, Math.min(taken, geometry.cells * geometry.perCell - 1));
}
