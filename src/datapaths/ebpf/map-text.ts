import { formatIpv4, type Ipv4 } from '../../packet/address.ts';
import { protocolOf } from '../../packet/protocol.ts';
import { MAP } from './agent/layout.ts';

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
const mac = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');

const METRIC_REASON: Readonly<Record<number, string>> = { 134: 'DROP_INVALID', 154: 'DROP_CSUM_L4', 158: 'DROP_NO_SERVICE', 196: 'DROP_TTL_EXCEEDED' };

/** `DROP_NO_SERVICE (-158)` for the reason byte of cilium_metrics. */
export function dropReason(reason: number): string {
  return `${METRIC_REASON[reason] ?? 'DROP'} (-${reason})`;
}

/** A key in the field's words, as `cilium bpf … list` has them. */
export function keyText(map: string, key: Uint8Array): string {
  const view = viewOf(key);
  switch (map) {
    case MAP.services:
      return `${formatIpv4(view.getUint32(0) as Ipv4)}:${view.getUint16(4)}/${protocolOf(view.getUint8(8)) ?? view.getUint8(8)} slot ${view.getUint16(6, true)}`;
    case MAP.backends:
      return `backend ${view.getUint32(0, true)}`;
    case MAP.reverseNat:
      return `rev_nat ${view.getUint16(0)}`;
    case MAP.connections: {
      const flags = view.getUint8(13) & 4 ? ' SERVICE' : ' OUT';
      return `${protocolOf(view.getUint8(12)) ?? ''} ${formatIpv4(view.getUint32(4) as Ipv4)}:${view.getUint16(10)} → ${formatIpv4(view.getUint32(0) as Ipv4)}:${view.getUint16(8)}${flags}`;
    }
    case MAP.endpoints:
      return formatIpv4(view.getUint32(0) as Ipv4);
    case MAP.metrics:
      return `${dropReason(view.getUint8(0))} egress`;
    default:
      return hex(key);
  }
}

/** A value in the field's words; `slot` 0 of a Service and its other slots read differently, so the key is asked too. */
export function valueText(map: string, key: Uint8Array, value: Uint8Array | null): string {
  if (value === null) return '';
  const view = viewOf(value);
  switch (map) {
    case MAP.services:
      return viewOf(key).getUint16(6, true) === 0 ? `count ${view.getUint16(4, true)}, rev_nat ${view.getUint16(6)}` : `backend ${view.getUint32(0, true)}`;
    case MAP.backends:
      return `${formatIpv4(view.getUint32(0) as Ipv4)}:${view.getUint16(4)}/${protocolOf(view.getUint8(6)) ?? view.getUint8(6)}`;
    case MAP.reverseNat:
      return `${formatIpv4(view.getUint32(0) as Ipv4)}:${view.getUint16(4)}`;
    case MAP.connections: {
      const backend = view.getBigUint64(8, true);
      const index = view.getUint16(38);
      return `${backend === 0n ? '' : `backend ${backend}, `}${index === 0 ? '' : `rev_nat ${index}, `}packets ${view.getBigUint64(16, true)}`;
    }
    case MAP.endpoints:
      return `ifindex ${view.getUint32(0, true)}, mac ${mac(value.subarray(16, 22))}`;
    case MAP.metrics:
      return `packets ${view.getBigUint64(0, true)}, bytes ${view.getBigUint64(8, true)}`;
    default:
      return hex(value);
  }
}
