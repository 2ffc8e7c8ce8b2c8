import { formatIpv4, type Ipv4 } from './address.ts';
import type { Packet } from './packet.ts';
import type { Protocol } from './protocol.ts';

/** The five values that name one direction of a connection. Ports are 0 where a protocol has none. */
export interface Flow {
  readonly protocol: Protocol;
  readonly source: Ipv4;
  readonly sourcePort: number;
  readonly destination: Ipv4;
  readonly destinationPort: number;
}

export function flowOf(packet: Packet): Flow {
  const ported = packet.protocol !== 'ICMP';
  return {
    protocol: packet.protocol,
    source: packet.source,
    sourcePort: ported ? packet.sourcePort : 0,
    destination: packet.destination,
    destinationPort: ported ? packet.destinationPort : 0,
  };
}

/** `10.0.0.1:80`, or the bare address where there is no port. */
export function formatEndpoint(address: Ipv4, port: number): string {
  return port === 0 ? formatIpv4(address) : `${formatIpv4(address)}:${port}`;
}
