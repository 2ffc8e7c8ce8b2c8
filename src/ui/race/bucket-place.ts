/** Column and row of a bucket in a field of `columns` × `rows` cells that stand for all `buckets`, read row by row. */
export function bucketPlace(bucket: number, buckets: number, columns: number, rows: number): { readonly column: number; readonly row: number } {
  const cells = columns * rows;
  const cell = buckets <= cells ? bucket : Math.floor((bucket / buckets) * cells);
  const within = Math.min(cells - 1, Math.max(0, cell));
  return { column: within % columns, row: Math.floor(within / columns) };
}
