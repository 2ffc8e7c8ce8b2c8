/** What the strip is drawn from: the chain lane's times, and the room there is. Times in ns, lengths in CSS px. */
export interface StripInput {
  readonly width: number;
  readonly height: number;
  /** Device pixels a CSS px. */
  readonly ratio: number;
  /** The lane's whole time, and its walk through the chain. */
  readonly total: number;
  readonly scanStart: number;
  readonly scanEnd: number;
  /** Rules compared in that time. */
  readonly evaluated: number;
  /** Rules of the chain that are drawn: at least `evaluated`. Those never read stand after the lane's end, off the clock. */
  readonly rules: number;
}

export interface StripGeometry {
  /** px a ns: x is simulated time. */
  readonly scale: number;
  /** Rules a cell. */
  readonly perCell: number;
  readonly rows: number;
  /** Pitch of columns and rows: whole device pixels. */
  readonly column: number;
  readonly row: number;
  /** Height of the cells, and of the blocks beside them. */
  readonly height: number;
  /** Left edge of the cells that are on the clock, and how many of them there are. */
  readonly left: number;
  readonly cells: number;
  readonly columns: number;
  /** Left edge and number of the cells off the clock. */
  readonly tailLeft: number;
  readonly tailCells: number;
  /** Where the lane ends. */
  readonly end: number;
}

/** Between the lane's end and the rules that were never read. */
const TAIL_GAP = 16;
const LEAST_PITCH = 3;
const MOST_PITCH = 16;
const FEW_COLUMNS = 4;
/** A coarser cell has to be better by this part of the strip. */
const BETTER = 0.02;

/**
 * One cell a rule, read down each column, then right, so that x is time. Columns and rows are whole device pixels, for
 * which the whole strip may become a little narrower than the room there is. Below a pitch of 3 px a cell is 2, 5, 10…
 * rules.
 */
export function stripGeometry(input: StripInput): StripGeometry {
  const { width, height, ratio, total, scanStart, scanEnd, evaluated } = input;
  const rules = Math.max(evaluated, input.rules, 1);
  const ruleNs = evaluated > 0 ? (scanEnd - scanStart) / evaluated : 0;
  const tail = rules - evaluated;
  const gap = tail > 0 ? TAIL_GAP : 0;
  const room = Math.max(1, width - gap);
  const wanted = total > 0 ? room / (total + tail * ruleNs) : 0;
  const rulePx = ruleNs * wanted;
  const fitted = fitCells(rulePx, height, ratio);
  const { rows, perCell } = fitted;
  // A few columns are rounded each, and are off by less than a px together.
  const loss = rules / perCell / rows <= FEW_COLUMNS ? 0 : fitted.loss;
  const scale = wanted * (1 - loss);
  const column = Math.max(1, Math.round(rulePx * (1 - loss) * perCell * rows * ratio)) / ratio;
  const row = Math.max(1, Math.floor((height / rows) * ratio)) / ratio;
  const left = Math.round(scanStart * scale * ratio) / ratio;
  const cells = Math.ceil(evaluated / perCell);
  const end = total * scale;
  return {
    scale,
    perCell,
    rows,
    column,
    row,
    height: rows * row,
    left,
    cells,
    columns: Math.ceil(cells / rows),
    tailLeft: Math.ceil((end + gap) * ratio) / ratio,
    tailCells: Math.ceil(rules / perCell) - cells,
    end,
  };
}

interface Fit {
  readonly perCell: number;
  readonly rows: number;
  /** By how much the clock shrinks for it, of 1. */
  readonly loss: number;
  readonly cost: number;
}

/** Fewest rules a cell at which cells are large enough; the next step where its columns and rows come out much better. */
function fitCells(rulePx: number, height: number, ratio: number): Fit {
  const steps = [0, 1, 2, 3, 4, 5].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power));
  const pitchOf = (perCell: number) => Math.sqrt(rulePx * perCell * height);
  const first = Math.max(0, steps.findIndex((perCell) => pitchOf(perCell) >= LEAST_PITCH));
  const [best, next] = [first, first + 1].map((index) => {
    const perCell = steps[index] ?? 1;
    return fitRows(perCell, rulePx * perCell, height, ratio, Math.min(MOST_PITCH, Math.max(LEAST_PITCH, pitchOf(perCell))));
  });
  if (!best) throw new RangeError('There is no step to begin with.');
  return first > 0 && next && next.cost < best.cost - BETTER ? next : best;
}

/** The number of rows near the pitch whose columns and rows need the least shrinking to be whole device pixels. */
function fitRows(perCell: number, cellPx: number, height: number, ratio: number, pitch: number): Fit {
  const most = Math.max(1, Math.floor((height * ratio) / 2));
  const fewest = Math.min(most, Math.max(1, Math.floor(height / (pitch * 1.3))));
  const greatest = Math.min(most, Math.max(fewest, Math.ceil(height / (pitch * 0.8))));
  let best: Fit = { perCell, rows: Math.min(greatest, Math.max(fewest, Math.round(height / pitch))), loss: 0, cost: Infinity };
  for (let rows = fewest; rows <= greatest; rows++) {
    const column = cellPx * rows * ratio;
    // Too thin for a cell and its gap: left as it is.
    if (column < 2) continue;
    const loss = 1 - Math.floor(column + 1e-9) / column;
    const skew = Math.abs(Math.log((column / ratio) * (rows / height)));
    const used = (Math.max(1, Math.floor((height / rows) * ratio)) / ratio) * (rows / height);
    const cost = Math.max(0, loss) + (1 - used) * 0.6 + skew * 0.04;
    if (cost < best.cost) best = { perCell, rows, loss: Math.max(0, loss), cost };
  }
  return best;
}

/** Where a rule's cell stands: rules before `evaluated` on the clock, later ones off it. px from the strip's corner. */
export function cellOf(geometry: StripGeometry, rule: number): { readonly x: number; readonly y: number } {
  const { perCell, rows, column, row, left, cells, tailLeft } = geometry;
  const cell = Math.floor(rule / perCell);
  const [index, from] = cell < cells ? [cell, left] : [cell - cells, tailLeft];
  return { x: from + Math.floor(index / rows) * column, y: (index % rows) * row };
}

/** The rule whose cell would stand at `x` if every rule were read: what a dragged destination asks for. */
export function ruleAt(geometry: Pick<StripGeometry, 'left' | 'column' | 'rows' | 'perCell'>, x: number, rules: number): number {
  const rule = Math.floor(((x - geometry.left) / geometry.column) * geometry.rows * geometry.perCell);
  return Math.min(Math.max(0, rules - 1), Math.max(0, rule));
}

/** The same strip with none of its rules read: they stand after `end`, off the clock, as far as there is room. */
export function unread(geometry: StripGeometry, end: number, width: number): StripGeometry {
  const tailLeft = Math.ceil(end + 2 * TAIL_GAP);
  const room = Math.max(0, Math.floor((width - tailLeft) / geometry.column));
  return { ...geometry, cells: 0, columns: 0, end, tailLeft, tailCells: Math.min(geometry.cells + geometry.tailCells, room * geometry.rows) };
}
