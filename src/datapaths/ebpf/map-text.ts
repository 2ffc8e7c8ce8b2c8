import { formatIpv4, type Ipv4 } from '../../packet/address.ts';
import { protocolOf } from '../../packet/protocol.ts';
import { ALGORITHM, MAP, SERVICE_FLAG } from './agent/layout.ts';

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
const mac = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
const ip = (view: DataView, at: number) => formatIpv4(view.getUint32(at) as Ipv4);
const end = (view: DataView, address: number, port: number) => `${ip(view, address)}:${view.getUint16(port)}`;
const protocol = (number: number) => protocolOf(number) ?? String(number);

/** As bpf-samples/include/reasons.h names them, without their sign. */
const METRIC_REASON: Readonly<Record<number, string>> = {
  132: 'DROP_INVALID_SIP',
  133: 'DROP_POLICY',
  134: 'DROP_INVALID',
  137: 'DROP_CT_UNKNOWN_PROTO',
  154: 'DROP_CSUM_L4',
  157: 'DROP_FRAG_NOSUPPORT',
  158: 'DROP_NO_SERVICE',
  167: 'DROP_NAT_NO_MAPPING',
  174: 'DROP_IS_CLUSTER_IP',
  177: 'DROP_NOT_IN_SRC_RANGE',
  181: 'DROP_POLICY_DENY',
  196: 'DROP_TTL_EXCEEDED',
};

/** `DROP_NO_SERVICE (-158)` for the reason byte of cilium_metrics. */
export function dropReason(reason: number): string {
  return `${METRIC_REASON[reason] ?? 'DROP'} (-${reason})`;
}

/** Inner maps are named after the one that holds them: `cilium_ep_to_policy/14`. */
function isInner(map: string, outer: string): boolean {
  return map.startsWith(`${outer}/`);
}

function isPolicy(map: string): boolean {
  return isInner(map, MAP.policyOfEndpoint) || map.startsWith(MAP.policy);
}

/** `10.0.0.1:40000 → 10.96.0.10:80/TCP OUT`, of an ipv4_ct_tuple. */
function tupleText(view: DataView): string {
  const flags = view.getUint8(13);
  return `${protocol(view.getUint8(12))} ${end(view, 4, 10)} → ${end(view, 0, 8)} ${flags & 4 ? 'SERVICE' : flags & 1 ? 'IN' : 'OUT'}`;
}

/** Who, which way, and to which protocol and ports; `bits` of the last two count. */
function policyText(identity: number, egress: boolean, number: number, port: number, bits: number): string {
  const who = identity === 0 ? 'any identity' : `identity ${identity}`;
  const ports = bits === 0 ? 'all' : bits <= 8 ? protocol(number) : `${port}${bits < 24 ? `-${port + 2 ** (24 - bits) - 1}` : ''}/${protocol(number)}`;
  return `${egress ? 'egress to' : 'ingress from'} ${who}, ${ports}`;
}

/** A key in the field's words, as `cilium bpf … list` has them. */
export function keyText(map: string, key: Uint8Array): string {
  const view = viewOf(key);
  if (isPolicy(map)) return policyText(view.getUint32(4, true), view.getUint8(8) === 1, view.getUint8(9), view.getUint16(10), view.getUint32(0, true) - 40);
  switch (map) {
    case MAP.services:
      return `${end(view, 0, 4)}/${protocol(view.getUint8(8))} slot ${view.getUint16(6, true)}${view.getUint8(9) === 1 ? ' internal' : ''}`;
    case MAP.backends:
      return `backend ${view.getUint32(0, true)}`;
    case MAP.reverseNat:
    case MAP.maglev:
      return `rev_nat ${view.getUint16(0)}`;
    case MAP.affinity:
      return `${view.getUint8(10) & 1 ? `netns ${view.getBigUint64(0, true)}` : ip(view, 0)}, rev_nat ${view.getUint16(8)}`;
    case MAP.affinityMatch:
      return `backend ${view.getUint32(0, true)}, rev_nat ${view.getUint16(4)}`;
    case MAP.sourceRange:
      return `${ip(view, 8)}/${view.getUint32(0, true) - 32}, rev_nat ${view.getUint16(4)}`;
    case MAP.reverseSocket:
      return `socket ${view.getBigUint64(0, true)}, ${end(view, 8, 12)}`;
    case MAP.connections:
    case MAP.snat:
      return tupleText(view);
    case MAP.endpoints:
    case MAP.policyOfEndpoint:
    case MAP.neighbours:
      return ip(view, 0);
    case MAP.ipcache:
      return `${ip(view, 8)}/${view.getUint32(0, true) - 32}`;
    case MAP.prefilter:
      return `${ip(view, 4)}/${view.getUint32(0, true)}`;
    case MAP.policyStats:
      return `pod ${view.getUint16(0, true)}, ${policyText(view.getUint32(4, true), view.getUint8(8) === 1, view.getUint8(9), view.getUint16(10), view.getUint8(3))}`;
    case MAP.metrics: {
      const reason = view.getUint8(0);
      return `${reason === 0 ? 'forwarded' : dropReason(reason)} ${view.getUint8(1) === 1 ? 'ingress' : 'egress'}`;
    }
    default:
      return isInner(map, MAP.maglev) ? 'table' : hex(key);
  }
}

/** A value in the field's words; `slot` 0 of a Service and its other slots read differently, so the key is asked too. */
export function valueText(map: string, key: Uint8Array, value: Uint8Array | null): string {
  if (value === null) return '';
  const view = viewOf(value);
  if (isPolicy(map)) return view.getUint8(2) & 1 ? 'deny' : 'allow';
  switch (map) {
    case MAP.services:
      return viewOf(key).getUint16(6, true) === 0 ? `count ${view.getUint16(4, true)}, rev_nat ${view.getUint16(6)}${traitsText(view)}` : `backend ${view.getUint32(0, true)}`;
    case MAP.backends:
      return `${end(view, 0, 4)}/${protocol(view.getUint8(6))}`;
    case MAP.reverseNat:
    case MAP.reverseSocket:
      return end(view, 0, 4);
    case MAP.affinity:
      return `backend ${view.getUint32(8, true)}`;
    case MAP.connections: {
      const backend = view.getBigUint64(8, true);
      const index = view.getUint16(38);
      return `${backend === 0n ? '' : `backend ${backend}, `}${index === 0 ? '' : `rev_nat ${index}, `}packets ${view.getBigUint64(16, true)}`;
    }
    case MAP.snat:
      return end(view, 32, 36);
    case MAP.endpoints: {
      const identity = view.getUint32(32, true);
      return `ifindex ${view.getUint32(0, true)}, mac ${mac(value.subarray(16, 22))}${identity === 0 ? '' : `, identity ${identity}`}`;
    }
    case MAP.neighbours:
      return `mac ${mac(value.subarray(0, 6))}`;
    case MAP.ipcache:
      return `identity ${view.getUint32(0, true)}${view.getUint32(4) === 0 ? '' : `, on ${ip(view, 4)}`}`;
    case MAP.policyOfEndpoint:
      return 'its policies';
    case MAP.maglev:
      return `${value.length / 4} slots`;
    case MAP.affinityMatch:
    case MAP.sourceRange:
    case MAP.prefilter:
      return 'there';
    case MAP.policyStats:
    case MAP.metrics:
      return `packets ${view.getBigUint64(0, true)}, bytes ${view.getBigUint64(8, true)}`;
    default:
      return isInner(map, MAP.maglev) ? `${value.length / 4} slots` : hex(value);
  }
}

/** What slot 0 says beside count and number, where it says anything. */
function traitsText(view: DataView): string {
  const first = view.getUint32(0, true);
  const affinity = view.getUint8(8) & SERVICE_FLAG.affinity ? `, affinity ${first & 0xffffff} s` : '';
  return `${affinity}${first >>> 24 === ALGORITHM.maglev ? ', maglev' : ''}`;
}
