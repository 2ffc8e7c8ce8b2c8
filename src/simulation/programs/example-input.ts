import { macOf } from '../../datapaths/ebpf/index.ts';
import { PRESET_NODE } from '../../kubernetes/node.ts';
import { shop } from '../../kubernetes/shop.ts';
import { parseIpv4, type Ipv4 } from '../../packet/address.ts';
import { encodeFrame } from '../../packet/frame.ts';
import { PROTOCOL_NUMBER } from '../../packet/protocol.ts';
import { draw, firstPacket } from '../exchange.ts';
import type { ProgramInput } from './api.ts';
import { shopPods } from './fill-maps.ts';
import { programKind } from './program-kind.ts';
import { encodeSockAddr } from '../../datapaths/ebpf/index.ts';

const LOOPBACK = 1;
/** An address out of 203.0.113.0/24, which RFC 5737 keeps for examples. */
const OUTSIDE = 0xcb00_7107 as Ipv4;
const OUTSIDE_MAC = Uint8Array.of(2, 2, 203, 0, 113, 7);
const NODE_MAC = Uint8Array.of(2, 3, 192, 168, 0, 11);

/** What a program is run on to start with: the first packet from the client pod (from outside, for XDP) to the shop's frontend. */
export function exampleInput(type: string, seed: number): ProgramInput {
  const { address, port } = frontend();
  switch (programKind(type)) {
    case 'sock_addr':
      return { data: encodeSockAddr({ address, port, protocol: PROTOCOL_NUMBER.TCP }), ifindex: LOOPBACK, ingressIfindex: 0, mark: 0 };
    case 'bytes':
      return { data: new Uint8Array(64), ifindex: LOOPBACK, ingressIfindex: 0, mark: 0 };
    case 'xdp': {
      const packet = firstPacket({ from: OUTSIDE, to: address, port, protocol: 'TCP' }, draw(seed, 0));
      return { data: encodeFrame(packet, { source: OUTSIDE_MAC, destination: NODE_MAC }), ifindex: 2, ingressIfindex: 2, mark: 0 };
    }
    case 'skb': {
      const client = parseIpv4(PRESET_NODE.client.address) ?? (0 as Ipv4);
      const ifindex = shopPods().find(client)?.ifindex ?? LOOPBACK;
      const packet = firstPacket({ from: client, to: address, port, protocol: 'TCP' }, draw(seed, 0));
      return { data: encodeFrame(packet, { source: macOf(client, 0), destination: macOf(client, 1) }), ifindex, ingressIfindex: ifindex, mark: 0 };
    }
  }
}

/** The Service that stands for the shop. */
function frontend(): { readonly address: Ipv4; readonly port: number } {
  for (const object of shop()) {
    if (object.kind !== 'Service' || object.metadata?.name !== 'frontend') continue;
    const address = parseIpv4(object.spec?.clusterIP ?? '');
    const port = object.spec?.ports?.[0]?.port;
    if (address !== undefined && port !== undefined) return { address, port };
  }
  throw new Error('The shop has no frontend.');
}
