import { formatIpv4 } from '../../packet/address.ts';
import { TCP_FLAG, type Packet } from '../../packet/packet.ts';

/** One field of the header, before and after. */
export interface HeaderRow {
  readonly field: 'src' | 'dst' | 'proto' | 'ttl';
  readonly before: string;
  /** One value for each lane's packet; null: it did not come out, which the first row says for all of them. */
  readonly after: readonly (string | null)[];
}

const end = (address: Packet['source'], port: number | null) => (port === null ? formatIpv4(address) : `${formatIpv4(address)}:${port}`);

function fieldsOf(packet: Packet): Record<HeaderRow['field'], string> {
  const ported = packet.protocol !== 'ICMP';
  return {
    src: end(packet.source, ported ? packet.sourcePort : null),
    dst: end(packet.destination, ported ? packet.destinationPort : null),
    proto: protocolWords(packet),
    ttl: String(packet.ttl),
  };
}

function protocolWords(packet: Packet): string {
  if (packet.protocol !== 'TCP') return packet.protocol;
  const flags = Object.entries(TCP_FLAG).filter(([, bit]) => (packet.flags & bit) !== 0).map(([name]) => name);
  return flags.length === 0 ? 'TCP' : `TCP, ${flags.join(' ')}`;
}

/** The header's fields as they left the client and as they came out of each lane. */
export function headerRows(packet: Packet, out: readonly (Packet | null)[]): readonly HeaderRow[] {
  const before = fieldsOf(packet);
  const after = out.map((one) => (one ? fieldsOf(one) : null));
  return (['src', 'dst', 'proto', 'ttl'] as const).map((field) => ({ field, before: before[field], after: after.map((one) => one?.[field] ?? null) }));
}
