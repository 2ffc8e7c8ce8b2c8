/** `0a 60 13`. */
export function hexText(bytes: Uint8Array): string {
  return Array.from(bytes, hexByte).join(' ');
}

export function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** `0a6013`: as links have it. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, hexByte).join('');
}

/** The bytes of such a text. */
export function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, index) => Number.parseInt(hex.slice(2 * index, 2 * index + 2), 16));
}

export type HexReading =
  | { readonly bytes: Uint8Array<ArrayBuffer> }
  /** The character that does not fit, and where, from 0; null: half a byte is missing at the end. */
  | { readonly found: string | null; readonly at: number };

/** Reads bytes in hex: blanks, colons, commas and `0x` between them do not matter. */
export function readHex(text: string): HexReading {
  const digits: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if (/[\s:,]/.test(character)) continue;
    if (character === '0' && /[xX]/.test(text.charAt(at + 1)) && digits.length % 2 === 0) {
      at += 1;
      continue;
    }
    const digit = Number.parseInt(character, 16);
    if (Number.isNaN(digit)) return { found: character, at };
    digits.push(digit);
  }
  if (digits.length % 2 === 1) return { found: null, at: text.length };
  return { bytes: Uint8Array.from({ length: digits.length / 2 }, (_, index) => (digits[2 * index] ?? 0) * 16 + (digits[2 * index + 1] ?? 0)) };
}
