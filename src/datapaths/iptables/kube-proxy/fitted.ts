/**
 * A list in memory of just its size: one that grew has room for 16 more, and 100,000 Services and endpoints keep theirs.
 */
export function fitted<T>(list: readonly T[]): readonly T[] {
  return list.slice();
}
