import type { Ipv4 } from '../../packet/address.ts';

/** The hardware address of a pod's veth, by its two ends: 0 the pod's, 1 the node's. 02:… is locally administered; the rest says whose it is. */
export function macOf(address: Ipv4, end: 0 | 1): Uint8Array {
  return Uint8Array.of(2, end, address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255);
}
