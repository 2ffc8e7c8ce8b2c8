import type { Ipv4 } from '../../../packet/address.ts';
import type { BackendAddress, Frontend } from './frontends.ts';

// Keys and values as bpf-samples/include/maps.h lays them out: addresses and ports in network order, the rest little-endian.

export const MAP = {
  services: 'cilium_lb4_services_v2',
  backends: 'cilium_lb4_backends_v3',
  reverseNat: 'cilium_lb4_reverse_nat',
  connections: 'cilium_ct4_global',
  endpoints: 'cilium_lxc',
  metrics: 'cilium_metrics',
} as const;

function bytes(size: number, fill: (view: DataView) => void): Uint8Array {
  const view = new DataView(new ArrayBuffer(size));
  fill(view);
  return new Uint8Array(view.buffer);
}

/** `struct lb4_key`; slot 0 is the Service itself. */
export function serviceKey({ address, port, protocol }: Pick<Frontend, 'address' | 'port' | 'protocol'>, slot: number): Uint8Array {
  return bytes(12, (view) => {
    view.setUint32(0, address);
    view.setUint16(4, port);
    view.setUint16(6, slot, true);
    view.setUint8(8, protocol);
  });
}

/** `struct lb4_service` of slot 0. */
export function serviceValue(count: number, reverseNat: number): Uint8Array {
  return bytes(12, (view) => {
    view.setUint16(4, count, true);
    view.setUint16(6, reverseNat);
  });
}

/** `struct lb4_service` of slots 1 to count. */
export function slotValue(backend: number, reverseNat: number): Uint8Array {
  return bytes(12, (view) => {
    view.setUint32(0, backend, true);
    view.setUint16(6, reverseNat);
  });
}

export function backendId(id: number): Uint8Array {
  return bytes(4, (view) => {
    view.setUint32(0, id, true);
  });
}

/** `struct lb4_backend`. */
export function backendValue({ address, port, protocol }: BackendAddress): Uint8Array {
  return bytes(12, (view) => {
    view.setUint32(0, address);
    view.setUint16(4, port);
    view.setUint8(6, protocol);
  });
}

export function reverseNatKey(id: number): Uint8Array {
  return bytes(2, (view) => {
    view.setUint16(0, id);
  });
}

/** `struct lb4_reverse_nat`. */
export function reverseNatValue({ address, port }: Pick<Frontend, 'address' | 'port'>): Uint8Array {
  return bytes(6, (view) => {
    view.setUint32(0, address);
    view.setUint16(4, port);
  });
}

/** `struct endpoint_key`; family 1 is IPv4. */
export function endpointKey(address: Ipv4): Uint8Array {
  return bytes(20, (view) => {
    view.setUint32(0, address);
    view.setUint8(16, 1);
  });
}

/** `struct endpoint_info`. MACs are 6 bytes each; the pod's number is its interface's; `identity` 0: not known. */
export function endpointValue(ifindex: number, mac: Uint8Array, nodeMac: Uint8Array, identity = 0): Uint8Array {
  const value = bytes(48, (view) => {
    view.setUint32(0, ifindex, true);
    view.setUint16(6, ifindex & 0xffff, true);
    view.setUint32(32, identity, true);
  });
  value.set(mac, 16);
  value.set(nodeMac, 24);
  return value;
}
