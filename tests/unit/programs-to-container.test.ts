import { afterEach, describe, expect, it } from 'vitest';
import { MAP } from '../../src/datapaths/ebpf/agent/layout.ts';
import { encodeFrame } from '../../src/packet/frame.ts';
import { TCP_FLAG } from '../../src/packet/packet.ts';
import { Bench, macOf, packet, ping, TC, type Pod } from './program-bench.ts';

const PROGRAM = 'cil_to_container';
const SERVER: Pod = { ip: '10.0.1.1', ifindex: 21, identity: 400 };
const mark = (identity: number) => ((identity & 0xffff) << 16) | 0x0f00 | (identity >> 16);
const HTTP = { protocol: 6, ports: { port: 80, bits: 16 } };

let bench: Bench;
afterEach(() => {
  bench.free();
});

function start(constants: Record<string, number> = {}): void {
  bench = new Bench('to_container', { constants });
  bench.pods(SERVER);
  bench.identity('0.0.0.0/0', 2);
  bench.identity('10.0.0.1/32', 300);
}

describe('who may talk to the pod', () => {
  const cases = [
    { name: 'anybody, where no policy selects it', entries: null, from: '10.0.0.1:40000', verdict: 0 },
    { name: 'nobody', entries: [], from: '10.0.0.1:40000', verdict: -133 },
    { name: 'an identity, by its address', entries: [{ identity: 300 }], from: '10.0.0.1:40000', verdict: 0 },
    { name: 'an identity, by its mark', entries: [{ identity: 301 }], from: '10.0.0.1:40000', mark: mark(301), verdict: 0 },
    { name: 'a mark that says no identity', entries: [{ identity: 300 }], from: '10.0.0.1:40000', mark: 0x4000, verdict: 0 },
    { name: 'an identity of more than 16 bits, by its mark', entries: [{ identity: 0x1000021 & 0xffffff }], from: '10.0.0.1:40000', mark: mark(0x21), verdict: 0 },
    { name: 'not another identity', entries: [{ identity: 300 }], from: '10.0.0.1:40000', mark: mark(301), verdict: -133 },
    { name: 'the world', entries: [{ identity: 2 }], from: '8.8.8.8:40000', verdict: 0 },
    { name: 'to this port', entries: [{ identity: 300, ports: HTTP }], from: '10.0.0.1:40000', verdict: 0 },
    { name: 'to another port', entries: [{ identity: 300, ports: { protocol: 6, ports: { port: 81, bits: 16 } } }], from: '10.0.0.1:40000', verdict: -133 },
    { name: 'not what it may send itself', entries: [{ identity: 300, egress: true }], from: '10.0.0.1:40000', verdict: -133 },
    { name: 'a deny', entries: [{ identity: 300, deny: true }], from: '10.0.0.1:40000', verdict: -181 },
  ];
  it.each(cases)('$name', ({ entries, from, mark: marked = 0, verdict }) => {
    start();
    if (entries) bench.policies(SERVER, entries);
    const ran = bench.run(PROGRAM, packet('TCP', from, '10.0.1.1:80'), { mark: marked });
    expect(ran.returnValue).toBe(verdict < 0 ? TC.shot : TC.ok);
    expect(ran).toMatchObject({ flow: `${from} → 10.0.1.1:80`, sound: true });
    expect(bench.counted(verdict < 0 ? -verdict : 0, 1)).toBe(1);
    expect(ran.accesses.filter(({ map }) => map.startsWith(`${MAP.policyOfEndpoint}/`)).length).toBeLessThanOrEqual(2);
    // What was refused leaves no connection behind.
    expect(bench.collection.info(MAP.connections).entries).toBe(verdict < 0 ? 0 : 1);
  });
});

it('established packets are asked of again: a policy that comes later holds at once', () => {
  start();
  bench.policies(SERVER, [{ identity: 300 }]);
  const send = () => bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', '10.0.1.1:80', { flags: TCP_FLAG.ACK })).returnValue;
  expect([send(), send()]).toEqual([TC.ok, TC.ok]);
  bench.policies(SERVER, []);
  expect(send()).toBe(TC.shot);
});

it.each([
  { name: 'ARP', at: 13, value: 6, verdict: TC.ok },
  { name: 'a fragment', at: 20, value: 0x20, verdict: TC.shot },
  { name: 'another protocol', at: 23, value: 47, verdict: TC.shot },
])('$name', ({ at, value, verdict }) => {
  start();
  const frame = encodeFrame(packet('TCP', '10.0.0.1:40000', '10.0.1.1:80'), { source: macOf(1), destination: macOf(2) });
  frame[at] = value;
  expect(bench.run(PROGRAM, frame).returnValue).toBe(verdict);
});

it('a ping is let in by its protocol', () => {
  start();
  bench.policies(SERVER, [{ identity: 300, ports: { protocol: 1, ports: null } }]);
  expect(bench.run(PROGRAM, ping('10.0.0.1', '10.0.1.1')).returnValue).toBe(TC.ok);
  expect(bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', '10.0.1.1:80')).returnValue).toBe(TC.shot);
});

it('policies off: all is let in, and still counted', () => {
  start({ enable_policy: 0 });
  bench.policies(SERVER, []);
  expect(bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', '10.0.1.1:80')).returnValue).toBe(TC.ok);
  expect(bench.counted(0, 1)).toBe(1);
});

it('events off: nothing is told or counted but drops', () => {
  start({ enable_events: 0 });
  bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', '10.0.1.1:80'));
  bench.policies(SERVER, []);
  bench.run(PROGRAM, packet('TCP', '10.0.0.1:40001', '10.0.1.1:80'));
  expect([bench.counted(0, 1), bench.counted(133, 1)]).toEqual([0, 1]);
  expect(bench.collection.takeRecords(MAP.events)).toHaveLength(0);
});
