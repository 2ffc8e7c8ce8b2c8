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

  /** Digests the texts, one after another, into `high`, `middle` and `low`. */
  update(first: string, second = '', third = ''): void {
    const length = first.length + second.length + third.length;
    if (length > LONGEST || !this.#fill(first, second, third, length)) this.#updateLong(first + second + third);
    else this.#updateBlock();
  }

  #updateLong(text: string): void {
    const digest = sha256(this.#encoder.encode(text));
    const view = new DataView(digest.buffer, digest.byteOffset);
    this.high = view.getUint32(0);
    this.middle = view.getUint32(4);
    this.low = view.getUint16(8);
  }

  /** The block in `#w`. Four rounds at a time: each writes two of the eight words, and the others need not be moved. */
  #updateBlock(): void {
    const w = this.#w;
    const k = this.#k;
    for (let t = 16; t < 64; t++) {
      const x = w[t - 15]!;
      const y = w[t - 2]!;
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[t] = (w[t - 16]! + s0 + w[t - 7]! + s1) | 0;
    }
    const initial = this.#initial;
    let a = initial[0]!;
    let b = initial[1]!;
    let c = initial[2]!;
    let d = initial[3]!;
    let e = initial[4]!;
    let f = initial[5]!;
    let g = initial[6]!;
    let h = initial[7]!;
    for (let t = 0; t < 64; t += 4) {
      let sum = (h + (((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))) + (g ^ (e & (f ^ g))) + k[t]! + w[t]!) | 0;
      d = (d + sum) | 0;
      h = (sum + (((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))) + ((a & b) | (c & (a | b)))) | 0;
      sum = (g + (((d >>> 6) | (d << 26)) ^ ((d >>> 11) | (d << 21)) ^ ((d >>> 25) | (d << 7))) + (f ^ (d & (e ^ f))) + k[t + 1]! + w[t + 1]!) | 0;
      c = (c + sum) | 0;
      g = (sum + (((h >>> 2) | (h << 30)) ^ ((h >>> 13) | (h << 19)) ^ ((h >>> 22) | (h << 10))) + ((h & a) | (b & (h | a)))) | 0;
      sum = (f + (((c >>> 6) | (c << 26)) ^ ((c >>> 11) | (c << 21)) ^ ((c >>> 25) | (c << 7))) + (e ^ (c & (d ^ e))) + k[t + 2]! + w[t + 2]!) | 0;
      b = (b + sum) | 0;
      f = (sum + (((g >>> 2) | (g << 30)) ^ ((g >>> 13) | (g << 19)) ^ ((g >>> 22) | (g << 10))) + ((g & h) | (a & (g | h)))) | 0;
      sum = (e + (((b >>> 6) | (b << 26)) ^ ((b >>> 11) | (b << 21)) ^ ((b >>> 25) | (b << 7))) + (d ^ (b & (c ^ d))) + k[t + 3]! + w[t + 3]!) | 0;
      a = (a + sum) | 0;
      e = (sum + (((f >>> 2) | (f << 30)) ^ ((f >>> 13) | (f << 19)) ^ ((f >>> 22) | (f << 10))) + ((f & g) | (h & (f | g)))) | 0;
      sum = a;
      a = e;
      e = sum;
      sum = b;
      b = f;
      f = sum;
      sum = c;
      c = g;
      g = sum;
      sum = d;
      d = h;
      h = sum;
    }
    this.high = (a + initial[0]!) >>> 0;
    this.middle = (b + initial[1]!) >>> 0;
    this.low = ((c + initial[2]!) | 0) >>> 16;
  }

  /** Writes the padded block; false where the text is not ASCII. */
  #fill(first: string, second: string, third: string, length: number): boolean {
    const w = this.#w;
    w.fill(0, 0, 16);
    let at = 0;
    for (const text of [first, second, third]) {
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i);
        if (code > 127) return false;
        w[at >> 2]! |= code << (24 - (at & 3) * 8);
        at += 1;
      }
    }
    w[length >> 2]! |= 0x80 << (24 - (length & 3) * 8);
    w[15] = length * 8;
    return true;
  }
}
