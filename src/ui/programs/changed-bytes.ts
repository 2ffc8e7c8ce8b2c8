/**
 * Which bytes of `after` are not as they were. Where a program moved the packet's start, the ends are held against each
 * other: a header put before or taken away leaves the rest as it was.
 */
export function changedBytes(before: Uint8Array, after: Uint8Array): boolean[] {
  const changed = (shift: number) => Array.from(after, (byte, index) => before[index - shift] !== byte);
  const same = (flags: readonly boolean[]) => flags.filter((flag) => !flag).length;
  const fromStart = changed(0);
  if (before.length === after.length) return fromStart;
  const fromEnd = changed(after.length - before.length);
  return same(fromEnd) > same(fromStart) ? fromEnd : fromStart;
}
