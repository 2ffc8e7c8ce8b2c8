/** The run of `size` items of `count` that holds `current` with `after` items behind it where there is room. */
export function listWindow(count: number, current: number, size: number, after = 1): { readonly from: number; readonly to: number } {
  const shown = Math.min(count, Math.max(1, size));
  const from = Math.min(Math.max(0, current + after + 1 - shown), count - shown);
  return { from, to: from + shown };
}
