import { UsageError } from './command.ts';

/** Bytes of hexadecimal text, white space and colons left out. Throws `UsageError` that names `what`. */
export function parseHex(text: string, what: string): Uint8Array {
  const digits = text.replace(/[\s:]/g, '').replace(/^0x/i, '');
  if (digits.length % 2 !== 0) throw new UsageError(`${what}: an odd number of hexadecimal digits (${digits.length}); each byte has two.`);
  if (!/^[0-9a-f]*$/i.test(digits)) {
    const at = digits.search(/[^0-9a-f]/i);
    throw new UsageError(`${what}: “${digits[at]}” at digit ${at + 1} is no hexadecimal digit.`);
  }
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

export function formatHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
