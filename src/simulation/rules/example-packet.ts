import type { Implementation } from '../../datapaths/registry.ts';
import type { ClusterNode } from '../../kubernetes/node.ts';
import { parseIpv4, type Ipv4 } from '../../packet/address.ts';
import { firstPacket, type Draw } from '../exchange.ts';
import type { PlacedTarget } from '../target.ts';
import type { MadePacket } from './api.ts';
import { podInterfaces } from './interface-names.ts';

const UPLINK = 'eth0';
/** Two addresses of the outside: of the networks for documentation (RFC 5737). */
const OUTSIDE = { client: '203.0.113.7', server: '198.51.100.10' } as const;
/** SSH, HTTPS, HTTP and DNS. */
const PORTS = [['TCP', 22], ['TCP', 443], ['TCP', 80], ['UDP', 53]] as const;

const address = (text: string): Ipv4 => parseIpv4(text) ?? (0 as Ipv4);

/** The first packet of a connection of the sending pod to the target: by each of the pod's interfaces that rules name, or by the one that the node gives it. */
export function examplesFor(target: PlacedTarget, lane: Implementation<'iptables'>, { client }: ClusterNode, drawn: Draw): readonly MadePacket[] {
  const from = address(client.address);
  const packet = firstPacket({ from, to: address(target.address), port: target.port, protocol: target.protocol }, drawn);
  const named = podInterfaces(lane);
  return (named.length > 0 ? named : [lane.deviceOf(from)]).map((input) => ({ packet, input, output: null, keep: false }));
}

/** Where rules name no Service: packets from outside to the node, of the node itself, and of a pod to the outside. */
export function packetsToTry(node: ClusterNode, drawn: Draw): readonly MadePacket[] {
  const make = (from: string, to: string, [protocol, port]: (typeof PORTS)[number], input: string | null): MadePacket => ({
    packet: firstPacket({ from: address(from), to: address(to), port, protocol }, drawn),
    input,
    output: null,
    keep: false,
  });
  return [
    ...PORTS.map((port) => make(OUTSIDE.client, node.address, port, UPLINK)),
    ...PORTS.map((port) => make(node.address, OUTSIDE.server, port, null)),
  ];
}
