/** An IPv4 address as an unsigned 32-bit integer in host order: 10.0.0.1 is 0x0a000001. */
export type Ipv4 = number & { readonly __brand: 'Ipv4' };

/** An IPv4 prefix: the network address with its host bits cleared, and its length in bits (0 to 32). */
export interface Ipv4Prefix {
  readonly address: Ipv4;
  readonly length: number;
}

const [ZERO, NINE, DOT] = [48, 57, 46] as const;

/** Reads dotted-decimal text; `undefined` where it is no IPv4 address. */
export function parseIpv4(text: string): Ipv4 | undefined {
  let value = 0;
  let octet = 0;
  let digits = 0;
  let dots = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= ZERO && code <= NINE) {
      octet = octet * 10 + code - ZERO;
      digits += 1;
      if (digits > 3 || octet > 255) return undefined;
    } else {
      if (code !== DOT || digits === 0 || dots === 3) return undefined;
      value = value * 256 + octet;
      octet = 0;
      digits = 0;
      dots += 1;
    }
  }
  return dots === 3 && digits > 0 ? ((value * 256 + octet) as Ipv4) : undefined;
}

/** The dotted-decimal text of an address. */
export function formatIpv4(address: Ipv4): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** The network mask of a prefix length: 24 gives 0xffffff00. */
export function maskOf(length: number): number {
  return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0;
}

/** Reads `10.0.0.0/8`, or a bare address as a /32; `undefined` where it is neither. */
export function parsePrefix(text: string): Ipv4Prefix | undefined {
  const slash = text.indexOf('/');
  const address = parseIpv4(slash < 0 ? text : text.slice(0, slash));
  if (address === undefined) return undefined;
  if (slash < 0) return { address, length: 32 };
  const bits = text.slice(slash + 1);
  if (!/^\d{1,2}$/.test(bits) || Number(bits) > 32) return undefined;
  const length = Number(bits);
  return { address: ((address & maskOf(length)) >>> 0) as Ipv4, length };
}

/** Whether an address lies within a prefix. */
export function inPrefix(address: Ipv4, prefix: Ipv4Prefix): boolean {
  return ((address ^ prefix.address) & maskOf(prefix.length)) === 0;
}
