import { afterEach, describe, expect, it } from 'vitest';
import { MAP } from '../../src/datapaths/ebpf/agent/layout.ts';
import type { Packet } from '../../src/packet/packet.ts';
import { TCP_FLAG } from '../../src/packet/packet.ts';
import { Bench, flowText, packet, ping, TC, type Pod, type Ran } from './program-bench.ts';

/** Both programs of a pod over the same maps, as a packet meets them one after the other. */

const CLIENT: Pod = { ip: '10.0.0.1', ifindex: 11, identity: 300 };
const A: Pod = { ip: '10.0.1.1', ifindex: 21, identity: 400 };
const PODS = [CLIENT, A];
const VIP = '10.96.0.10:80';
const HTTP = { protocol: 6, ports: { port: 8080, bits: 16 } };

let bench: Bench;
afterEach(() => {
  bench.free();
});

function start(constants: Record<string, number> = {}): void {
  bench = new Bench('node', { constants });
  bench.pods(...PODS);
  bench.service(1, VIP, ['10.0.1.1:8080']);
}

/** From the sender's veth to the receiver's: through cil_to_container where the first program sends it there. */
function send(sent: Packet): { readonly arrived: string; readonly first: Ran; readonly second: Ran | null } {
  const sender = PODS.find(({ ip }) => flowText(sent).startsWith(`${ip}:`) || flowText(sent).startsWith(`${ip} `));
  const first = bench.run('cil_from_container', sent, { ifindex: sender?.ifindex ?? 1 });
  if (first.returnValue !== TC.redirect) return { arrived: first.returnValue === TC.ok ? `stack ${first.flow}` : 'dropped', first, second: null };
  if (first.redirect?.by === 'redirect_peer') return { arrived: first.flow, first, second: null };
  const second = bench.run('cil_to_container', first.data, { ifindex: first.redirect?.ifindex ?? 0, mark: first.mark });
  return { arrived: second.returnValue === TC.ok ? second.flow : 'dropped', first, second };
}

const syn = () => packet('TCP', '10.0.0.1:40000', VIP);
const synAck = () => packet('TCP', '10.0.1.1:8080', '10.0.0.1:40000', { flags: TCP_FLAG.SYN | TCP_FLAG.ACK });

describe('a connection to a Service, and its answer', () => {
  const cases = [
    { name: 'no policies', client: null, server: null, there: true },
    { name: 'both closed but for it', client: [{ identity: 400, egress: true, ports: HTTP }], server: [{ identity: 300, ports: HTTP }], there: true },
    { name: 'the client may not', client: [], server: null, there: false },
    { name: 'the server will not', client: null, server: [], there: false },
    { name: 'the server takes nobody else’s', client: null, server: [{ identity: 301 }], there: false },
  ];
  it.each(cases)('$name', ({ client, server, there }) => {
    start();
    if (client) bench.policies(CLIENT, client);
    if (server) bench.policies(A, server);
    const went = send(syn());
    expect(went.arrived).toBe(there ? '10.0.0.1:40000 → 10.0.1.1:8080' : 'dropped');
    if (!there) return;
    expect(went.second?.sound).toBe(true);
    const back = send(synAck());
    // The answer needs no policy of its own, and is the Service's when it comes.
    expect(back.arrived).toBe(`${VIP} → 10.0.0.1:40000`);
    expect(back.second?.sound).toBe(true);
    expect(back.first.flow).toBe('10.0.1.1:8080 → 10.0.0.1:40000');
  });

  it('the server, closed, can begin nothing of its own', () => {
    start();
    bench.policies(A, [{ identity: 300, ports: HTTP }]);
    send(syn());
    expect(send(packet('TCP', '10.0.1.1:5000', '10.0.0.1:40000')).arrived).toBe('dropped');
  });

  it('records tell both places, and their counters agree', () => {
    start();
    send(syn());
    const told = bench.collection.takeRecords(MAP.events).map((bytes) => ({ type: bytes[0], from: new DataView(bytes.buffer, bytes.byteOffset).getUint32(16, true), to: new DataView(bytes.buffer, bytes.byteOffset).getUint32(20, true) }));
    expect(told).toEqual([{ type: 4, from: 300, to: 400 }]);
    expect([bench.counted(0, 1), bench.counted(0, 2)]).toEqual([1, 0]);
  });
});

it('ping there and back between closed pods', () => {
  start();
  bench.policies(CLIENT, [{ identity: 400, egress: true, ports: { protocol: 1, ports: null } }]);
  bench.policies(A, [{ identity: 300, ports: { protocol: 1, ports: null } }]);
  expect(send(ping('10.0.0.1', '10.0.1.1')).arrived).toBe('10.0.0.1 → 10.0.1.1');
  expect(send(ping('10.0.1.1', '10.0.0.1', 0)).arrived).toBe('10.0.1.1 → 10.0.0.1');
});

it('hairpin passes no policy, there and back', () => {
  start();
  bench.policies(A, []);
  expect(send(packet('TCP', '10.0.1.1:50000', VIP)).arrived).toBe('169.254.42.1:50000 → 10.0.1.1:8080');
  expect(send(packet('TCP', '10.0.1.1:8080', '169.254.42.1:50000', { flags: TCP_FLAG.SYN | TCP_FLAG.ACK })).arrived).toBe(`${VIP} → 10.0.1.1:50000`);
});

it('policies off: one program is enough', () => {
  start({ enable_policy: 0, enable_events: 0 });
  const went = send(syn());
  expect(went.second).toBeNull();
  expect(send(synAck()).arrived).toBe(`${VIP} → 10.0.0.1:40000`);
});
