/** Half of a written bucket's mark, and what its number takes beside it, px. */
const MARK = 7;
const NUMBER = 18;
const HALF_LINE = 9;

interface Box {
  readonly left: number;
  readonly right: number;
  readonly y: number;
}

/**
 * On which side of its bucket each number stands: right, or left where the field ends or another's mark or number stands
 * there. Where both sides are taken it stands on the right all the same.
 *
 * @param hits middles of the marks, px
 */
export function bucketLabels(hits: readonly { readonly x: number; readonly y: number }[], width: number): readonly ('left' | 'right')[] {
  const taken: Box[] = hits.map(({ x, y }) => ({ left: x - MARK, right: x + MARK, y }));
  return hits.map(({ x, y }, own) => {
    const boxes = { right: { left: x + MARK, right: x + MARK + NUMBER, y }, left: { left: x - MARK - NUMBER, right: x - MARK, y } };
    const free = (box: Box) => box.left >= 0 && box.right <= width && taken.every((other, index) => index === own || other.right <= box.left || other.left >= box.right || Math.abs(other.y - box.y) >= 2 * HALF_LINE);
    const side = free(boxes.right) || (boxes.right.right <= width && !free(boxes.left)) ? 'right' : 'left';
    taken.push(boxes[side]);
    return side;
  });
}
