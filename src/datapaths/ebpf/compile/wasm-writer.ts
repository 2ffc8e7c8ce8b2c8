/** Opcodes of the WebAssembly binary format that a compiled program uses. */
export const WASM = {
  block: 0x02, loop: 0x03, if: 0x04, else: 0x05, end: 0x0b, br: 0x0c, brIf: 0x0d, brTable: 0x0e, return: 0x0f, call: 0x10, drop: 0x1a, select: 0x1b,
  localGet: 0x20, localSet: 0x21, localTee: 0x22, globalGet: 0x23, globalSet: 0x24,
  i64Load: 0x29, i64Load8: 0x31, i64Load16: 0x33, i64Load32: 0x35, i64Store: 0x37, i64Store8: 0x3c, i64Store16: 0x3d, i64Store32: 0x3e,
  i32Const: 0x41, i64Const: 0x42,
  i32Eqz: 0x45, i32LtU: 0x49, i32LeU: 0x4d, i32GeU: 0x4f, i64Eqz: 0x50, i64Ne: 0x52, i64GtS: 0x55,
  i32Add: 0x6a, i32Sub: 0x6b, i32DivU: 0x6e, i32RemU: 0x70, i32And: 0x71, i32Or: 0x72, i32Rotl: 0x77, i32Rotr: 0x78,
  i64Add: 0x7c, i64Sub: 0x7d, i64DivU: 0x80, i64RemU: 0x82, i64And: 0x83, i64Or: 0x84, i64Shl: 0x86, i64ShrU: 0x88, i64Rotl: 0x89,
  i32WrapI64: 0xa7, i64ExtendI32U: 0xad,
  void: 0x40, i32: 0x7f, i64: 0x7e, function: 0x60,
} as const;

/** Bytes of the WebAssembly binary format, one behind the other. Most of a compilation's time is spent here. */
export class WasmWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** Room for as many bytes at first. */
  constructor(room = 256) {
    this.#bytes = new Uint8Array(room);
  }

  get length(): number {
    return this.#length;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Opcodes, or other single bytes. */
  op(...bytes: readonly number[]): this {
    this.#reserve(bytes.length);
    for (let at = 0; at < bytes.length; at++) this.#bytes[this.#length++] = bytes[at]!;
    return this;
  }

  append(bytes: Uint8Array): this {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** Unsigned LEB128; `value` below 2^32. */
  unsigned(value: number): this {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.#byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.#byte(rest);
    return this;
  }

  /** Signed LEB128; `value` of 32 bits. */
  signed(value: number): this {
    let rest = value | 0;
    while (rest > 0x3f || rest < -0x40) {
      this.#byte((rest & 0x7f) | 0x80);
      rest >>= 7;
    }
    this.#byte(rest & 0x7f);
    return this;
  }

  /** An opcode with an index: a local, a global, a function, a label. */
  indexed(opcode: number, index: number): this {
    this.#reserve(2);
    this.#bytes[this.#length++] = opcode;
    if (index > 0x7f) return this.unsigned(index);
    this.#bytes[this.#length++] = index;
    return this;
  }

  i32(value: number): this {
    this.#byte(WASM.i32Const);
    return this.signed(value);
  }

  i64(value: bigint | number): this {
    this.#byte(WASM.i64Const);
    if (typeof value === 'number' && (value | 0) === value) return this.signed(value);
    let rest = BigInt.asIntN(64, BigInt(value));
    while (rest > 0x3fn || rest < -0x40n) {
      this.#byte(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.#byte(Number(rest & 0x7fn));
    return this;
  }

  /** A load or store at the address on the stack plus `offset`; no alignment is promised. */
  memory(opcode: number, offset = 0): this {
    this.#byte(opcode);
    this.#byte(0);
    return this.unsigned(offset);
  }

  /** A section, or another part that its length stands before. */
  sized(part: WasmWriter): this {
    return this.unsigned(part.length).append(part.#bytes.subarray(0, part.#length));
  }

  name(text: string): this {
    return this.unsigned(text.length).append(new TextEncoder().encode(text));
  }

  #byte(byte: number): void {
    if (this.#length === this.#bytes.length) this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
