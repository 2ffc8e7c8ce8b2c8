import { afterEach, describe, expect, it } from 'vitest';
import { MAP, SERVICE_FLAG, SOURCE_RANGE_VALUE, sourceRangeKey } from '../../src/datapaths/ebpf/agent/layout.ts';
import { encodeFrame } from '../../src/packet/frame.ts';
import { TCP_FLAG } from '../../src/packet/packet.ts';
import { address, Bench, macOf, packet, ping, prefix, TC, UDP, XDP, type Pod } from './program-bench.ts';

const PROGRAM = 'cil_xdp_entry';
const NODE = '192.168.0.11';
const NODE_PORT = `${NODE}:30080`;
const CLIENT = '203.0.113.9:50000';
const HERE: Pod = { ip: '10.0.1.1', ifindex: 21, identity: 400 };
const OTHER_NODE = '192.168.0.12';
const ROUTABLE = SERVICE_FLAG.routable | SERVICE_FLAG.nodePort;

let bench: Bench;
afterEach(() => {
  bench.free();
});

const network = (text: string) => {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, address(text));
  return new Uint8Array(view.buffer);
};
const number = (value: number) => {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, value, true);
  return new Uint8Array(view.buffer);
};

function start(object: 'xdp_node' | 'node' = 'xdp_node', constants: Record<string, Uint8Array | number> = {}): void {
  bench = new Bench(object, { constants: { nat_ipv4_masquerade: network(NODE), ...constants } });
  bench.pods(HERE);
  bench.identity('10.0.2.0/24', 500, OTHER_NODE);
  bench.write(MAP.neighbours, network(OTHER_NODE), Uint8Array.of(...macOf(0x12), 0, 0));
}

function unwanted(text: string): void {
  const { address: ip, length } = prefix(text);
  const key = new DataView(new ArrayBuffer(8));
  key.setUint32(0, length, true);
  key.setUint32(4, ip);
  bench.write(MAP.prefilter, new Uint8Array(key.buffer), Uint8Array.of(0));
}

describe('the prefilter', () => {
  it.each([
    { from: '203.0.113.9:1', wanted: false },
    { from: '203.0.114.9:1', wanted: true },
    { from: '198.51.100.7:1', wanted: false },
    { from: '198.51.100.8:1', wanted: true },
  ])('$from', ({ from, wanted }) => {
    start();
    unwanted('203.0.113.0/24');
    unwanted('198.51.100.7/32');
    const ran = bench.run(PROGRAM, packet('UDP', from, `${NODE}:53`));
    expect(ran.returnValue).toBe(wanted ? XDP.pass : XDP.drop);
    // One look-up, before anything else is asked.
    expect(ran.accesses[0]).toMatchObject({ map: MAP.prefilter, found: !wanted });
    expect(bench.counted(181, 1)).toBe(wanted ? 0 : 1);
  });

  it('drops fragments and pings of such addresses too', () => {
    start();
    unwanted('203.0.113.0/24');
    const frame = encodeFrame(packet('UDP', CLIENT, `${NODE}:53`), { source: macOf(1), destination: macOf(2) });
    frame[20] = 0x20;
    expect(bench.run(PROGRAM, frame).returnValue).toBe(XDP.drop);
    expect(bench.run(PROGRAM, ping('203.0.113.9', NODE)).returnValue).toBe(XDP.drop);
  });
});

describe('what is no Service passes as it is', () => {
  it.each([
    { name: 'another port', sent: packet('TCP', CLIENT, `${NODE}:22`) },
    { name: 'another protocol', sent: packet('UDP', CLIENT, NODE_PORT) },
    { name: 'a ping', sent: ping('203.0.113.9', NODE) },
  ])('$name', ({ sent }) => {
    start();
    bench.service(1, NODE_PORT, ['10.0.1.1:8080'], { flags: ROUTABLE });
    const frame = encodeFrame(sent, { source: macOf(1), destination: macOf(2) });
    const ran = bench.run(PROGRAM, frame);
    expect(ran.returnValue).toBe(XDP.pass);
    expect(ran.data).toEqual(frame);
  });

  it('ARP', () => {
    start();
    expect(bench.run(PROGRAM, Uint8Array.from({ length: 42 }, (_, at) => (at === 12 ? 8 : at === 13 ? 6 : 0))).returnValue).toBe(XDP.pass);
  });
});

describe.each(['TCP', 'UDP'] as const)('a NodePort, %s', (protocol) => {
  const number6 = protocol === 'TCP' ? 6 : UDP;

  it('a backend here: translated, then the stack’s', () => {
    start();
    bench.service(1, NODE_PORT, ['10.0.1.1:8080'], { flags: ROUTABLE, protocol: number6 });
    const ran = bench.run(PROGRAM, packet(protocol, CLIENT, NODE_PORT));
    expect(ran).toMatchObject({ returnValue: XDP.pass, flow: `${CLIENT} → 10.0.1.1:8080`, sound: true });
    expect(ran.packet?.ttl).toBe(64);
  });

  it('a backend elsewhere: as the node, out again; the answer comes back the same way', () => {
    start();
    bench.service(1, NODE_PORT, ['10.0.2.7:8080'], { flags: ROUTABLE, protocol: number6 });
    const there = bench.run(PROGRAM, packet(protocol, CLIENT, NODE_PORT));
    expect(there).toMatchObject({ returnValue: XDP.tx, flow: `${NODE}:50000 → 10.0.2.7:8080`, sound: true });
    expect(there.packet?.ttl).toBe(63);
    expect([...there.data.subarray(0, 12)]).toEqual([...macOf(0x12), ...macOf(0xbb)]);

    const back = bench.run(PROGRAM, packet(protocol, '10.0.2.7:8080', `${NODE}:50000`, { flags: TCP_FLAG.SYN | TCP_FLAG.ACK }));
    expect(back).toMatchObject({ returnValue: XDP.tx, flow: `${NODE_PORT} → ${CLIENT}`, sound: true });
    // To whoever handed us the client's packet.
    expect([...back.data.subarray(0, 6)]).toEqual([...macOf(0xaa)]);

    const next = bench.run(PROGRAM, packet(protocol, CLIENT, NODE_PORT, { flags: TCP_FLAG.ACK }));
    expect(next).toMatchObject({ returnValue: XDP.tx, flow: `${NODE}:50000 → 10.0.2.7:8080`, sound: true });
    expect(next.accesses.some(({ map, operation }) => operation === 'update' && map !== MAP.neighbours)).toBe(false);
  });

  it('two clients with the same port: each keeps its own way', () => {
    start();
    bench.service(1, NODE_PORT, ['10.0.2.7:8080'], { flags: ROUTABLE, protocol: number6 });
    const clients = ['203.0.113.9:50000', '203.0.113.10:50000', '203.0.113.11:50000', '203.0.113.12:1024'];
    const sources = clients.map((from) => bench.run(PROGRAM, packet(protocol, from, NODE_PORT)).flow.split(' → ')[0] ?? '');
    expect(new Set(sources).size).toBe(clients.length);
    for (const source of sources) expect(Number(source.split(':')[1])).toBeGreaterThanOrEqual(32768);
    sources.forEach((source, index) => {
      expect(bench.run(PROGRAM, packet(protocol, '10.0.2.7:8080', source)).flow).toBe(`${NODE_PORT} → ${clients[index]}`);
    });
  });

  it('its last hop', () => {
    start();
    bench.service(1, NODE_PORT, ['10.0.2.7:8080'], { flags: ROUTABLE, protocol: number6 });
    expect(bench.run(PROGRAM, packet(protocol, CLIENT, NODE_PORT, { ttl: 1 })).returnValue).toBe(XDP.drop);
    expect(bench.counted(196, 1)).toBe(1);
  });

  it('a next hop that nobody knows: rewritten, and the stack finds it', () => {
    start();
    bench.service(1, NODE_PORT, ['10.0.3.7:8080'], { flags: ROUTABLE, protocol: number6 });
    const ran = bench.run(PROGRAM, packet(protocol, CLIENT, NODE_PORT));
    expect(ran).toMatchObject({ returnValue: XDP.pass, flow: `${NODE}:50000 → 10.0.3.7:8080`, sound: true });
    expect(ran.packet?.ttl).toBe(64);
  });

  it('out by another device', () => {
    start('xdp_node', { direct_routing_dev_ifindex: number(5) });
    bench.service(1, NODE_PORT, ['10.0.2.7:8080'], { flags: ROUTABLE, protocol: number6 });
    expect(bench.run(PROGRAM, packet(protocol, CLIENT, NODE_PORT), { ifindex: 3 })).toMatchObject({ returnValue: XDP.redirect, redirect: { ifindex: 5 } });
    expect(bench.run(PROGRAM, packet(protocol, CLIENT, NODE_PORT), { ifindex: 5 })).toMatchObject({ returnValue: XDP.tx });
  });
});

describe('who may', () => {
  const cases = [
    { name: 'a ClusterIP is not for the outside', flags: 0, ranges: [], backends: ['10.0.1.1:80'], reason: 174 },
    { name: 'no backend', flags: ROUTABLE, ranges: [], backends: [], reason: 158 },
    { name: 'out of the source ranges', flags: ROUTABLE | SERVICE_FLAG.sourceRange, ranges: ['198.51.100.0/24'], backends: ['10.0.1.1:80'], reason: 177 },
    { name: 'in the source ranges', flags: ROUTABLE | SERVICE_FLAG.sourceRange, ranges: ['198.51.100.0/24', '203.0.112.0/22'], backends: ['10.0.1.1:80'], reason: 0 },
  ];
  it.each(cases)('$name', ({ flags, ranges, backends, reason }) => {
    start();
    bench.service(1, NODE_PORT, backends, { flags });
    for (const range of ranges) bench.write(MAP.sourceRange, sourceRangeKey(1, prefix(range)), SOURCE_RANGE_VALUE);
    const ran = bench.run(PROGRAM, packet('TCP', CLIENT, NODE_PORT));
    expect(ran.returnValue).toBe(reason === 0 ? XDP.pass : XDP.drop);
    if (reason > 0) expect(bench.counted(reason, 1)).toBe(1);
  });
});

it('a UDP checksum of 0 stays 0', () => {
  start();
  bench.service(1, NODE_PORT, ['10.0.2.7:8080'], { flags: ROUTABLE, protocol: UDP });
  const frame = encodeFrame(packet('UDP', CLIENT, NODE_PORT), { source: macOf(1), destination: macOf(2) });
  frame.fill(0, 40, 42);
  const ran = bench.run(PROGRAM, frame);
  expect(ran).toMatchObject({ returnValue: XDP.tx, sound: true });
  expect([...ran.data.subarray(40, 42)]).toEqual([0, 0]);
});

it('checksums hold whatever the addresses and ports', () => {
  start();
  for (let round = 0; round < 200; round++) {
    const octet = (shift: number) => (round * 7919 + shift * 104729) & 255;
    const from = `${1 + (octet(1) % 200)}.${octet(2)}.${octet(3)}.${octet(4)}:${1 + octet(5) * 256}`;
    const service = `192.168.${octet(6)}.${octet(7)}:${1 + octet(8)}`;
    bench.service(1 + round, service, [`10.0.${round % 2 === 0 ? 1 : 2}.${round % 2 === 0 ? 1 : octet(9)}:${1 + octet(10) * 200}`], { flags: ROUTABLE, protocol: round % 3 === 0 ? UDP : 6 });
    const ran = bench.run(PROGRAM, packet(round % 3 === 0 ? 'UDP' : 'TCP', from, service));
    expect(ran.sound, `${from} → ${service}: ${ran.flow}`).toBe(true);
    expect([XDP.pass, XDP.tx]).toContain(ran.returnValue);
  }
});

it('a NodePort’s answer from a pod here becomes the node’s again in cil_from_container', () => {
  start('node', { enable_events: 0 });
  bench.service(1, NODE_PORT, ['10.0.1.1:8080'], { flags: ROUTABLE });
  bench.policies(HERE, [{ identity: 2, ports: { protocol: 6, ports: { port: 8080, bits: 16 } } }]);
  const came = bench.run(PROGRAM, packet('TCP', CLIENT, NODE_PORT));
  expect(came.returnValue).toBe(XDP.pass);
  expect(bench.run('cil_to_container', came.data, { ifindex: HERE.ifindex }).returnValue).toBe(TC.ok);
  const back = bench.run('cil_from_container', packet('TCP', '10.0.1.1:8080', CLIENT, { flags: TCP_FLAG.SYN | TCP_FLAG.ACK }));
  expect(back).toMatchObject({ returnValue: TC.ok, flow: `${NODE_PORT} → ${CLIENT}`, sound: true });
});
