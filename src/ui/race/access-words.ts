import type { MapAccess } from '../../datapaths/trace.ts';
import type { Packet } from '../../packet/packet.ts';
import { formatIpv4 } from '../../packet/address.ts';

/** A map's name without what Cilium's maps share: `cilium_lb4_services_v2` is `services`, `cilium_ct4_global` `ct4`. */
export function shortMap(name: string): string {
  return name.replace(/^cilium_(lb4_)?/, '').replace(/(_v\d+|_global)$/, '');
}

/** A Service's key without the address that every packet to it has. */
export function withoutTarget({ keyText }: Pick<MapAccess, 'keyText'>, packet: Packet): string {
  if (packet.protocol === 'ICMP') return keyText;
  const target = `${formatIpv4(packet.destination)}:${packet.destinationPort}/${packet.protocol} `;
  return keyText.startsWith(target) ? keyText.slice(target.length) : keyText;
}

/** A connection's key names both its ends; of this packet's own connection only the direction is news. */
export function connectionScope({ keyText }: Pick<MapAccess, 'keyText'>, packet: Packet): string | null {
  if (packet.protocol === 'ICMP') return null;
  const client = `${packet.protocol} ${formatIpv4(packet.source)}:${packet.sourcePort} → `;
  if (!keyText.startsWith(client)) return null;
  return keyText.slice(client.length);
}
