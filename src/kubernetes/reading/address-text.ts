// This folder stands beside src/packet, not above it, and Go's parser is stricter than ping's: no leading zeros.

export function isIpv4(text: string): boolean {
  const octets = text.split('.');
  return octets.length === 4 && octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) <= 255);
}

export function isIpv6(text: string): boolean {
  if (!/^[0-9a-fA-F:.]{2,45}$/.test(text) || !text.includes(':')) return false;
  try {
    new URL(`http://[${text}]/`);
    return true;
  } catch {
    return false;
  }
}

/** `10.0.0.0/8` or an IPv6 prefix; blanks around it are allowed, as the API server allows them. */
export function isPrefix(text: string): boolean {
  const [address = '', length = '', ...more] = text.trim().split('/');
  if (more.length > 0 || !/^\d{1,3}$/.test(length)) return false;
  return isIpv4(address) ? Number(length) <= 32 : isIpv6(address) && Number(length) <= 128;
}
