/** The same in an array of at least that length, and of twice the old one: growing step by step then costs little. */
export function grown(array: Int32Array, atLeast: number): Int32Array<ArrayBuffer>;
export function grown(array: Float64Array, atLeast: number): Float64Array<ArrayBuffer>;
export function grown(array: Int32Array | Float64Array, atLeast: number): Int32Array<ArrayBuffer> | Float64Array<ArrayBuffer> {
  const length = Math.max(atLeast, array.length * 2);
  const next = array instanceof Int32Array ? new Int32Array(length) : new Float64Array(length);
  next.set(array);
  return next;
}
