import { sha256 } from '@noble/hashes/sha2.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const encoder = new TextEncoder();

/**
 * The 16 characters that end a Service chain's name: base32(sha256(text)), cut (pkg/proxy/iptables/proxier.go,
 * portProtoHash and servicePortEndpointChainName). `ns1/svc1:p80tcp` gives XPGD46QRK7WJZT7O.
 */
export function chainHash(text: string): string {
  const digest = sha256(encoder.encode(text));
  let hash = '';
  // 16 characters of 5 bits are the digest's first 10 bytes.
  for (let character = 0; character < 16; character++) {
    const bit = character * 5;
    const pair = ((digest[bit >> 3] ?? 0) << 8) | (digest[(bit >> 3) + 1] ?? 0);
    hash += ALPHABET[(pair >> (11 - (bit & 7))) & 31];
  }
  return hash;
}

/** `namespace/name:port`, without the colon where the port has no name: how kube-proxy names a Service port. */
export function servicePortName(namespacedName: string, port: string): string {
  return port === '' ? namespacedName : `${namespacedName}:${port}`;
}

/** Whether a chain is one of those that kube-proxy makes for a Service and takes away again. */
export function isServiceChain(chain: string): boolean {
  return /^KUBE-(SVC|SVL|SEP|FW|EXT)-/.test(chain);
}
