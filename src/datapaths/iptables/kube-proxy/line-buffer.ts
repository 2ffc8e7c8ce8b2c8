/**
 * Gathers lines of ASCII text as bytes, so that a payload of hundreds of thousands of lines is not kept as that many
 * strings until it is whole (kube-proxy's own LineBuffer is a bytes.Buffer too).
 */
export class LineBuffer {
  #bytes = new Uint8Array(1 << 14);
  #length = 0;
  #lines = 0;
  readonly #encoder = new TextEncoder();

  get lines(): number {
    return this.#lines;
  }

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  write(line: string): void {
    const needed = this.#length + line.length + 1;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#encoder.encodeInto(line, this.#bytes.subarray(this.#length));
    this.#bytes[needed - 1] = 10;
    this.#length = needed;
    this.#lines += 1;
  }

  writeAll(lines: readonly string[]): void {
    for (const line of lines) this.write(line);
  }
}

/** Several buffers, one after the other, as text. */
export function joinBuffers(buffers: readonly LineBuffer[]): string {
  const whole = new Uint8Array(buffers.reduce((sum, { bytes }) => sum + bytes.length, 0));
  let at = 0;
  for (const { bytes } of buffers) {
    whole.set(bytes, at);
    at += bytes.length;
  }
  return new TextDecoder('latin1').decode(whole);
}
