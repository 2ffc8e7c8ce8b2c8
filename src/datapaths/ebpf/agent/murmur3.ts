const MASK = 0xffff_ffff_ffff_ffffn;
const C1 = 0x87c3_7b91_1142_53d5n;
const C2 = 0x4cf5_ad43_2745_937fn;

const rotate = (value: bigint, bits: bigint) => ((value << bits) | (value >> (64n - bits))) & MASK;
const multiply = (a: bigint, b: bigint) => (a * b) & MASK;

function mix(hash: bigint): bigint {
  let value = hash;
  value = multiply(value ^ (value >> 33n), 0xff51_afd7_ed55_8ccdn);
  value = multiply(value ^ (value >> 33n), 0xc4ce_b9fe_1a85_ec53n);
  return value ^ (value >> 33n);
}

/** MurmurHash3 with 128 bits for 64-bit machines (Austin Appleby, public domain), as two 64-bit halves. */
export function murmur3(bytes: Uint8Array, seed: number): readonly [bigint, bigint] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let h1 = BigInt(seed >>> 0);
  let h2 = h1;
  let at = 0;
  for (; at + 16 <= bytes.length; at += 16) {
    h1 ^= multiply(rotate(multiply(view.getBigUint64(at, true), C1), 31n), C2);
    h1 = (multiply((rotate(h1, 27n) + h2) & MASK, 5n) + 0x52dc_e729n) & MASK;
    h2 ^= multiply(rotate(multiply(view.getBigUint64(at + 8, true), C2), 33n), C1);
    h2 = (multiply((rotate(h2, 31n) + h1) & MASK, 5n) + 0x3849_5ab5n) & MASK;
  }
  const tail = new Uint8Array(16);
  tail.set(bytes.subarray(at));
  const rest = new DataView(tail.buffer);
  h2 ^= multiply(rotate(multiply(rest.getBigUint64(8, true), C2), 33n), C1);
  h1 ^= multiply(rotate(multiply(rest.getBigUint64(0, true), C1), 31n), C2);
  const length = BigInt(bytes.length);
  h1 = ((h1 ^ length) + (h2 ^ length)) & MASK;
  h2 = ((h2 ^ length) + h1) & MASK;
  h1 = mix(h1);
  h2 = mix(h2);
  h1 = (h1 + h2) & MASK;
  return [h1, (h2 + h1) & MASK];
}
