const INITIAL = 0xdeadbeef;

const rotate = (word: number, bits: number) => (word << bits) | (word >>> (32 - bits));

/** An address as a little-endian machine reads it from a header. */
export function networkOrder(address: number): number {
  return ((address << 24) | ((address & 0xff00) << 8) | ((address >>> 8) & 0xff00) | (address >>> 24)) >>> 0;
}

/** jhash2 (include/linux/jhash.h): Bob Jenkins' hash over 32-bit words, as the kernel chooses NAT addresses by. */
export function jhash2(words: readonly number[], initial: number): number {
  let a = (INITIAL + words.length * 4 + initial) | 0;
  let b = a;
  let c = a;
  let at = 0;
  const word = (offset: number) => words[at + offset] ?? 0;
  for (; words.length - at > 3; at += 3) {
    a = (a + word(0)) | 0;
    b = (b + word(1)) | 0;
    c = (c + word(2)) | 0;
    a = ((a - c) | 0) ^ rotate(c, 4);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotate(a, 6);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotate(b, 8);
    b = (b + a) | 0;
    a = ((a - c) | 0) ^ rotate(c, 16);
    c = (c + b) | 0;
    b = ((b - a) | 0) ^ rotate(a, 19);
    a = (a + c) | 0;
    c = ((c - b) | 0) ^ rotate(b, 4);
    b = (b + a) | 0;
  }
  if (at === words.length) return c >>> 0;
  a = (a + word(0)) | 0;
  b = (b + word(1)) | 0;
  c = (c + word(2)) | 0;
  c = ((c ^ b) - rotate(b, 14)) | 0;
  a = ((a ^ c) - rotate(c, 11)) | 0;
  b = ((b ^ a) - rotate(a, 25)) | 0;
  c = ((c ^ b) - rotate(b, 16)) | 0;
  a = ((a ^ c) - rotate(c, 4)) | 0;
  b = ((b ^ a) - rotate(a, 14)) | 0;
  c = ((c ^ b) - rotate(b, 24)) | 0;
  return c >>> 0;
}
