import type { Ipv4, Ipv4Prefix } from '../../../packet/address.ts';
import { layOut } from './bytes.ts';
import type { BackendAddress, Frontend } from './frontends.ts';

// Keys and values as bpf-samples/include lays them out: addresses, ports and rev_nat_index in network order, the rest little-endian.

export const MAP = {
  services: 'cilium_lb4_services_v2',
  backends: 'cilium_lb4_backends_v3',
  reverseNat: 'cilium_lb4_reverse_nat',
  affinity: 'cilium_lb4_affinity',
  affinityMatch: 'cilium_lb_affinity_match',
  maglev: 'cilium_lb4_maglev',
  sourceRange: 'cilium_lb4_source_range',
  reverseSocket: 'cilium_lb4_reverse_sk',
  connections: 'cilium_ct4_global',
  endpoints: 'cilium_lxc',
  ipcache: 'cilium_ipcache_v2',
  /** Followed by a pod's number: its own policies. */
  policy: 'cilium_policy_v2',
  policyOfEndpoint: 'cilium_ep_to_policy',
  policyStats: 'cilium_policystats',
  snat: 'cilium_snat_v4_external',
  neighbours: 'cilium_nodeport_neigh4',
  prefilter: 'cilium_cidr_v4_dyn',
  events: 'cilium_events',
  metrics: 'cilium_metrics',
} as const;

/** Bits of `lb4_service.flags`. */
export const SERVICE_FLAG = { externalIP: 1 << 0, nodePort: 1 << 1, externalLocal: 1 << 2, affinity: 1 << 4, loadBalancer: 1 << 5, routable: 1 << 6, sourceRange: 1 << 7 } as const;
/** Bits of `lb4_service.flags2`. */
export const SERVICE_FLAG_2 = { internalLocal: 1 << 4, twoScopes: 1 << 5 } as const;
/** Values of `lb4_key.scope`. */
export const SCOPE = { external: 0, internal: 1 } as const;
/** How a backend is chosen: upper 8 bits of slot 0's affinity_timeout, and the constant lb_selection. */
export const ALGORITHM = { random: 1, maglev: 2 } as const;

/** `struct lb4_key`; slot 0 is the Service itself. */
export function serviceKey({ address, port, protocol, scope = SCOPE.external }: Pick<Frontend, 'address' | 'port' | 'protocol'> & { readonly scope?: number }, slot: number): Uint8Array {
  return layOut(12, (view) => {
    view.setUint32(0, address);
    view.setUint16(4, port);
    view.setUint16(6, slot, true);
    view.setUint8(8, protocol);
    view.setUint8(9, scope);
  });
}

/** What slot 0 says beside the number of backends. */
export interface ServiceTraits {
  readonly flags: number;
  readonly flags2: number;
  /** Seconds; 0 where there is none. */
  readonly affinitySeconds: number;
  /** A Service's own way to choose, of `ALGORITHM`; 0: the node's. */
  readonly algorithm: number;
}

const PLAIN: ServiceTraits = { flags: 0, flags2: 0, affinitySeconds: 0, algorithm: 0 };

/** `struct lb4_service` of slot 0. */
export function serviceValue(count: number, reverseNat: number, { flags, flags2, affinitySeconds, algorithm }: ServiceTraits = PLAIN): Uint8Array {
  return layOut(12, (view) => {
    view.setUint32(0, ((algorithm << 24) | (affinitySeconds & 0xffffff)) >>> 0, true);
    view.setUint16(4, count, true);
    view.setUint16(6, reverseNat);
    view.setUint8(8, flags);
    view.setUint8(9, flags2);
  });
}

/** `struct lb4_service` of slots 1 to count. */
export function slotValue(backend: number, reverseNat: number): Uint8Array {
  return layOut(12, (view) => {
    view.setUint32(0, backend, true);
    view.setUint16(6, reverseNat);
  });
}

export function backendId(id: number): Uint8Array {
  return layOut(4, (view) => {
    view.setUint32(0, id, true);
  });
}

/** `struct lb4_backend`. */
export function backendValue({ address, port, protocol }: BackendAddress): Uint8Array {
  return layOut(12, (view) => {
    view.setUint32(0, address);
    view.setUint16(4, port);
    view.setUint8(6, protocol);
  });
}

export function reverseNatKey(id: number): Uint8Array {
  return layOut(2, (view) => {
    view.setUint16(0, id);
  });
}

/** `struct lb4_reverse_nat`. */
export function reverseNatValue({ address, port }: Pick<Frontend, 'address' | 'port'>): Uint8Array {
  return layOut(6, (view) => {
    view.setUint32(0, address);
    view.setUint16(4, port);
  });
}

/** `struct lb_affinity_match`; its value is one byte that says nothing. */
export function affinityMatchKey(backend: number, reverseNat: number): Uint8Array {
  return layOut(8, (view) => {
    view.setUint32(0, backend, true);
    view.setUint16(4, reverseNat);
  });
}

export const AFFINITY_MATCH_VALUE = Uint8Array.of(1);

/** An inner map's only value: backend ids by the packet's hash. */
export function maglevValue(table: Uint32Array): Uint8Array {
  return layOut(4 * table.length, (view) => {
    table.forEach((backend, index) => {
      view.setUint32(4 * index, backend, true);
    });
  });
}

const SOURCE_RANGE_STATIC_BITS = 32;

/** `struct lb4_src_range_key`; its value is one byte that says nothing. */
export function sourceRangeKey(reverseNat: number, { address, length }: Ipv4Prefix): Uint8Array {
  return layOut(12, (view) => {
    view.setUint32(0, SOURCE_RANGE_STATIC_BITS + length, true);
    view.setUint16(4, reverseNat);
    view.setUint32(8, address);
  });
}

export const SOURCE_RANGE_VALUE = Uint8Array.of(1);

/** `struct endpoint_key`; family 1 is IPv4. */
export function endpointKey(address: Ipv4): Uint8Array {
  return layOut(20, (view) => {
    view.setUint32(0, address);
    view.setUint8(16, 1);
  });
}

/** `struct endpoint_info`. MACs are 6 bytes each; the pod's number is its interface's; `identity` 0: not known. */
export function endpointValue(ifindex: number, mac: Uint8Array, nodeMac: Uint8Array, identity = 0): Uint8Array {
  const value = layOut(48, (view) => {
    view.setUint32(0, ifindex, true);
    view.setUint16(6, ifindex & 0xffff, true);
    view.setUint32(32, identity, true);
  });
  value.set(mac, 16);
  value.set(nodeMac, 24);
  return value;
}
