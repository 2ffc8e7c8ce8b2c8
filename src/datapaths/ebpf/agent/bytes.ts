/** A struct's bytes, zeros where `fill` sets nothing. */
export function layOut(size: number, fill: (view: DataView) => void): Uint8Array {
  const view = new DataView(new ArrayBuffer(size));
  fill(view);
  return new Uint8Array(view.buffer);
}
