import { sha256 } from '@noble/hashes/sha2.js';

/*
 * SHA-256 (FIPS 180-4) of short ASCII text in one block, with nothing allocated: kube-proxy names three chains a Service,
 * 150,000 at 50,000 Services, and a general library spends most of that time on making and clearing its objects. Longer
 * or other text goes to the library, which the tests compare this with.
 */
const LONGEST = 55;

/** First `count` primes' roots, as the standard takes its constants from. */
function fractions(count: number, power: number): Int32Array {
  const words = new Int32Array(count);
  for (let candidate = 2, found = 0; found < count; candidate++) {
    let prime = true;
    for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) prime = false;
    if (!prime) continue;
    const root = candidate ** power;
    words[found++] = Math.floor((root - Math.floor(root)) * 0x100000000) | 0;
  }
  return words;
}

/** Computes digests of many short texts; keeps only its scratch space. */
export class ChainDigest {
  readonly #k = fractions(64, 1 / 3);
  readonly #initial = fractions(8, 1 / 2);
  readonly #w = new Int32Array(64);
  readonly #encoder = new TextEncoder();
  /** The first four bytes of the digest as an unsigned number, the next four, and the next two: what a chain's name is made of. */
  high = 0;
  middle = 0;
  low = 0;

  /** Digests the text into `high`, `middle` and `low`. */
  update(text: string): void {
    if (text.length > LONGEST || !this.#fill(text)) {
      const digest = sha256(this.#encoder.encode(text));
      const view = new DataView(digest.buffer, digest.byteOffset);
      this.high = view.getUint32(0);
      this.middle = view.getUint32(4);
      this.low = view.getUint16(8);
      return;
    }
    const w = this.#w;
    const k = this.#k;
    for (let t = 16; t < 64; t++) {
      const x = w[t - 15]!;
      const y = w[t - 2]!;
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[t] = (w[t - 16]! + s0 + w[t - 7]! + s1) | 0;
    }
    const [i0, i1, i2, i3, i4, i5, i6, i7] = this.#initial as unknown as [number, number, number, number, number, number, number, number];
    let a = i0;
    let b = i1;
    let c = i2;
    let d = i3;
    let e = i4;
    let f = i5;
    let g = i6;
    let h = i7;
    for (let t = 0; t < 64; t++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const first = (h + s1 + ((e & f) ^ (~e & g)) + k[t]! + w[t]!) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    this.high = (a + i0) >>> 0;
    this.middle = (b + i1) >>> 0;
    this.low = (c + i2) >>> 16;
  }

  /** Writes the padded block; false where the text is not ASCII. */
  #fill(text: string): boolean {
    const w = this.#w;
    w.fill(0, 0, 16);
    const { length } = text;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code > 127) return false;
      w[i >> 2]! |= code << (24 - (i & 3) * 8);
    }
    w[length >> 2]! |= 0x80 << (24 - (length & 3) * 8);
    w[15] = length * 8;
    return true;
  }
}
