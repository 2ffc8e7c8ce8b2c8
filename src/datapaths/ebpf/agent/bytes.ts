/** Sets a struct's fields, as a DataView does. */
export class StructBytes {
  readonly bytes: Uint8Array;

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  setUint8(at: number, value: number): void {
    this.bytes[at] = value;
  }

  setUint16(at: number, value: number, littleEndian = false): void {
    const { bytes } = this;
    bytes[at] = littleEndian ? value : value >>> 8;
    bytes[at + 1] = littleEndian ? value >>> 8 : value;
  }

  setUint32(at: number, value: number, littleEndian = false): void {
    this.setUint16(at, littleEndian ? value : value >>> 16, littleEndian);
    this.setUint16(at + 2, littleEndian ? value >>> 16 : value, littleEndian);
  }
}

/**
 * A struct's bytes, zeros where `fill` sets nothing. Without a DataView: that would need an ArrayBuffer of its own for each
 * of the million keys and values of a large cluster, where a short array of bytes needs none.
 */
export function layOut(size: number, fill: (view: StructBytes) => void): Uint8Array {
  const view = new StructBytes(size);
  fill(view);
  return view.bytes;
}
