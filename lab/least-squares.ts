/** One equation: what its terms should sum up to. */
export interface Equation {
  readonly counts: readonly number[];
  readonly sum: number;
}

/**
 * Prices that are none below 0 and make the sums come out with the least RELATIVE error, squared: a small table's update
 * weighs as much as a large one's. Coordinate descent: the function is convex, so it ends at the least one.
 */
export function fitPrices(equations: readonly Equation[], prices: number): number[] {
  const rows = equations.filter(({ sum }) => sum > 0).map(({ counts, sum }) => Array.from({ length: prices }, (_, i) => (counts[i] ?? 0) / sum));
  const found = new Array<number>(prices).fill(0);
  const rest = rows.map(() => 1);
  const weight = found.map((_, i) => rows.reduce((sum, row) => sum + (row[i] ?? 0) ** 2, 0));
  for (let round = 0; round < 20_000; round++) {
    let moved = 0;
    for (let i = 0; i < prices; i++) {
      const all = weight[i] ?? 0;
      if (all === 0) continue;
      const old = found[i] ?? 0;
      const slope = rows.reduce((sum, row, r) => sum + (row[i] ?? 0) * (rest[r] ?? 0), 0);
      const next = Math.max(0, old + slope / all);
      if (next === old) continue;
      rows.forEach((row, r) => {
        rest[r] = (rest[r] ?? 0) - (row[i] ?? 0) * (next - old);
      });
      found[i] = next;
      moved = Math.max(moved, Math.abs(next - old) * Math.sqrt(all));
    }
    if (moved < 1e-12) break;
  }
  return found;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
