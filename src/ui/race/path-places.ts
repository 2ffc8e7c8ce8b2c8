/** Between two labels, px. */
const APART = 24;

/**
 * x of path B's stations for labels of these widths: as close as the labels let them stand, so that the last stretch has
 * room for what it bypasses. Where that is more than there is, they stand evenly.
 */
export function mapPlaces(labels: readonly number[], width: number): readonly number[] {
  const EDGE = 8;
  const last = labels.length - 1;
  const places = [EDGE];
  for (let index = 1; index < last; index++) {
    // The first label begins at its station's left edge; all others stand around theirs.
    const before = index === 1 ? (labels[0] ?? 0) - EDGE : (labels[index - 1] ?? 0) / 2;
    places.push((places[index - 1] ?? 0) + before + APART + (labels[index] ?? 0) / 2);
  }
  const end = width - EDGE;
  const tight = (places.at(-1) ?? 0) + (labels[last - 1] ?? 0) / 2 + (labels[last] ?? 0) > end;
  return tight ? labels.map((_, index) => EDGE + (index * (end - EDGE)) / Math.max(1, last)) : [...places, end];
}
