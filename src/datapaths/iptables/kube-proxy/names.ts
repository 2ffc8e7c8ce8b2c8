import { ChainDigest } from './chain-digest.ts';

/** base32 (RFC 4648) as character codes. */
const ALPHABET = Uint8Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', (letter) => letter.charCodeAt(0));

/** Scratch space for digests: it carries nothing from one name to the next. */
const digest = new ChainDigest();

/**
 * The name of a Service port's chain of endpoints (`namespace/name:port` and protocol hashed) or of an endpoint's chain
 * (`ip:port` too): `KUBE-SVC-` or `KUBE-SEP-` and base32(sha256(text)), cut to 16 characters (pkg/proxy/iptables/proxier.go,
 * portProtoHash and servicePortEndpointChainName). `ns1/svc1:p80tcp` gives XPGD46QRK7WJZT7O.
 */
export function chainName(kind: 'SVC' | 'SEP', port: string, protocol: string, endpoint = ''): string {
  digest.update(port, protocol, endpoint);
  const { high, middle, low } = digest;
  // 16 characters of 5 bits are the digest's first 80 bits. Made in one go: 150,000 names in pieces would be millions of strings.
  return String.fromCharCode(
    75, 85, 66, 69, 45, kind.charCodeAt(0), kind.charCodeAt(1), kind.charCodeAt(2), 45, // KUBE-SVC-
    five(high >>> 27), five(high >>> 22), five(high >>> 17), five(high >>> 12), five(high >>> 7), five(high >>> 2),
    five((high << 3) | (middle >>> 29)), five(middle >>> 24), five(middle >>> 19), five(middle >>> 14), five(middle >>> 9), five(middle >>> 4),
    five((middle << 1) | (low >>> 15)), five(low >>> 10), five(low >>> 5), five(low),
  );
}

function five(bits: number): number {
  return ALPHABET[bits & 31] ?? 0;
}

/** `namespace/name:port`, without the colon where the port has no name: how kube-proxy names a Service port. */
export function servicePortName(namespacedName: string, port: string): string {
  return port === '' ? namespacedName : `${namespacedName}:${port}`;
}

/** Whether a chain is one of those that kube-proxy makes for a Service and takes away again. */
export function isServiceChain(chain: string): boolean {
  return /^KUBE-(SVC|SVL|SEP|FW|EXT)-/.test(chain);
}
