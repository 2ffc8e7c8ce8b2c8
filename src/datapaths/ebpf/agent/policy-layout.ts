import type { Ipv4, Ipv4Prefix } from '../../../packet/address.ts';
import { layOut } from './bytes.ts';

// Keys and values of identities and policies, as bpf-samples/include/ipcache.h and policy.h lay them out.

const IPCACHE_STATIC_BITS = 32;
const POLICY_STATIC_BITS = 40;
const PROTOCOL_BITS = 8;
const IPV4 = 1;

/** `struct ipcache_key`. */
export function ipcacheKey({ address, length }: Ipv4Prefix): Uint8Array {
  return layOut(24, (view) => {
    view.setUint32(0, IPCACHE_STATIC_BITS + length, true);
    view.setUint8(7, IPV4);
    view.setUint32(8, address);
  });
}

/** `struct remote_endpoint_info`; `node`: the address of the node that a pod is on, null for this one and for what is no pod. */
export function ipcacheValue(identity: number, node: Ipv4 | null): Uint8Array {
  return layOut(24, (view) => {
    view.setUint32(0, identity, true);
    view.setUint32(4, node ?? 0);
  });
}

/** Which protocol and ports an entry is for: none: all; no ports: all of the protocol; else a port and how many of its bits count. */
export type PolicyPorts = { readonly protocol: number; readonly ports: { readonly port: number; readonly bits: number } | null } | null;

/** Bits of protocol and port that an entry compares: `lpm_prefix_length`. */
function portBits(ports: PolicyPorts): number {
  return ports === null ? 0 : PROTOCOL_BITS + (ports.ports?.bits ?? 0);
}

/** `struct policy_key`; identity 0: whoever it is. */
export function policyKey(identity: number, egress: boolean, ports: PolicyPorts): Uint8Array {
  return layOut(12, (view) => {
    view.setUint32(0, POLICY_STATIC_BITS + portBits(ports), true);
    view.setUint32(4, identity, true);
    view.setUint8(8, egress ? 1 : 0);
    view.setUint8(9, ports?.protocol ?? 0);
    view.setUint16(10, ports?.ports?.port ?? 0);
  });
}

/** `struct policy_entry`. */
export function policyValue(deny: boolean, ports: PolicyPorts): Uint8Array {
  return layOut(12, (view) => {
    view.setUint8(2, (deny ? 1 : 0) | (portBits(ports) << 3));
  });
}
