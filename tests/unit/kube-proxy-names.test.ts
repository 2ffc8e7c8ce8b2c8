import { sha256 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chainName } from '../../src/datapaths/iptables/kube-proxy/names.ts';

/** The slow twin: the library's digest, read five bits at a time. */
function obviousHash(text: string): string {
  let bits = 0n;
  for (const byte of sha256(new TextEncoder().encode(text)).subarray(0, 10)) bits = bits * 256n + BigInt(byte);
  let hash = '';
  for (let i = 0; i < 16; i++) {
    hash = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.charAt(Number(bits & 31n)) + hash;
    bits >>= 5n;
  }
  return hash;
}

describe('chainName', () => {
  it('gives what kube-proxy’s own tests name', () => {
    expect(chainName('SVC', 'ns1/svc1:p80', 'tcp')).toBe('KUBE-SVC-XPGD46QRK7WJZT7O');
    expect(chainName('SEP', 'ns1/svc1:p80', 'tcp', '10.180.0.1:80')).toBe('KUBE-SEP-SXIVWICOYRO3J4NJ');
  });

  it('agrees with the library on short and long text, ASCII or not', () => {
    fc.assert(fc.property(fc.string({ maxLength: 120, unit: 'grapheme' }), (text) => chainName('SVC', text, '') === `KUBE-SVC-${obviousHash(text)}`), { seed: 4, numRuns: 500 });
    for (let length = 0; length < 130; length++) expect(chainName('SEP', 'x'.repeat(length >> 1), 'x'.repeat((length + 1) >> 1))).toBe(`KUBE-SEP-${obviousHash('x'.repeat(length))}`);
  });
});
