import { afterEach, describe, expect, it } from 'vitest';
import { AFFINITY_MATCH_VALUE, affinityMatchKey, backendId, MAP, SERVICE_FLAG, SERVICE_FLAG_2 } from '../../src/datapaths/ebpf/agent/layout.ts';
import { maglevTable } from '../../src/datapaths/ebpf/agent/maglev.ts';
import { encodeFrame } from '../../src/packet/frame.ts';
import { TCP_FLAG } from '../../src/packet/packet.ts';
import { address, ALGORITHM, Bench, macOf, packet, ping, TC, UDP, type Pod } from './program-bench.ts';

const PROGRAM = 'cil_from_container';
const CLIENT: Pod = { ip: '10.0.0.1', ifindex: 11, identity: 300 };
const A: Pod = { ip: '10.0.1.1', ifindex: 21, identity: 400 };
const B: Pod = { ip: '10.0.1.2', ifindex: 22, identity: 400 };
const VIP = '10.96.0.10:80';
const LOOPBACK = '169.254.42.1';

let bench: Bench;
afterEach(() => {
  bench.free();
});

function start(options: ConstructorParameters<typeof Bench>[1] = {}): Bench {
  bench = new Bench('from_container', options);
  bench.pods(CLIENT, A, B);
  return bench;
}

describe('without policies', () => {
  const cases = [
    { name: 'TCP to a Service', sent: packet('TCP', '10.0.0.1:40000', VIP), verdict: TC.redirect, flow: '10.0.0.1:40000 → 10.0.1.1:8080', lookups: 6 },
    { name: 'UDP to a Service', sent: packet('UDP', '10.0.0.1:40000', '10.96.0.11:53'), verdict: TC.redirect, flow: '10.0.0.1:40000 → 10.0.1.1:5353', lookups: 6 },
    { name: 'SCTP to a Service whose port is the same', sent: packet('SCTP', '10.0.0.1:40000', '10.96.0.12:3868'), verdict: TC.redirect, flow: '10.0.0.1:40000 → 10.0.1.1:3868', lookups: 6 },
    { name: 'SCTP to another port: its checksum cannot be mended', sent: packet('SCTP', '10.0.0.1:40000', '10.96.0.13:3868'), verdict: TC.shot, flow: '10.0.0.1:40000 → 10.96.0.13:3868', lookups: 4 },
    { name: 'to a pod', sent: packet('TCP', '10.0.0.1:40000', '10.0.1.2:9000'), verdict: TC.redirect, flow: '10.0.0.1:40000 → 10.0.1.2:9000', lookups: 4 },
    { name: 'to nobody here: the stack routes it', sent: packet('TCP', '10.0.0.1:40000', '203.0.113.9:443'), verdict: TC.ok, flow: '10.0.0.1:40000 → 203.0.113.9:443', lookups: 4 },
    { name: 'the Service’s address, another port', sent: packet('TCP', '10.0.0.1:40000', '10.96.0.10:81'), verdict: TC.ok, flow: '10.0.0.1:40000 → 10.96.0.10:81', lookups: 4 },
    { name: 'a Service without backends', sent: packet('TCP', '10.0.0.1:40000', '10.96.0.14:80'), verdict: TC.shot, flow: '10.0.0.1:40000 → 10.96.0.14:80', lookups: 1 },
    { name: 'its last hop', sent: packet('TCP', '10.0.0.1:40000', VIP, { ttl: 1 }), verdict: TC.shot, flow: '10.0.0.1:40000 → 10.0.1.1:8080', lookups: 6 },
    { name: 'a ping is the stack’s', sent: ping('10.0.0.1', '10.0.1.1'), verdict: TC.ok, flow: '10.0.0.1 → 10.0.1.1', lookups: 0 },
  ];
  it.each(cases)('$name', ({ sent, verdict, flow, lookups }) => {
    start();
    bench.service(1, VIP, ['10.0.1.1:8080']);
    bench.service(2, '10.96.0.11:53', ['10.0.1.1:5353'], { protocol: UDP });
    bench.service(3, '10.96.0.12:3868', ['10.0.1.1:3868'], { protocol: 132 });
    bench.service(4, '10.96.0.13:3868', ['10.0.1.1:3869'], { protocol: 132 });
    bench.service(5, '10.96.0.14:80', []);
    const ran = bench.run(PROGRAM, sent);
    expect(ran).toMatchObject({ returnValue: verdict, flow, sound: true });
    // What a drop is counted in is no look-up for the packet's way.
    expect(ran.accesses.filter(({ operation, map }) => operation === 'lookup' && map !== MAP.metrics)).toHaveLength(lookups);
    if (verdict === TC.redirect) {
      expect(ran.redirect).toMatchObject({ by: 'redirect_peer' });
      expect(ran.packet?.ttl).toBe(sent.ttl - 1);
      expect([...ran.data.subarray(0, 12)]).toEqual([...macOf(ran.redirect?.ifindex ?? 0), ...macOf((ran.redirect?.ifindex ?? 0) + 100)]);
    }
  });

  const odd = [
    { name: 'ARP', change: (frame: Uint8Array) => (frame[13] = 6) },
    { name: 'IPv6', change: (frame: Uint8Array) => frame.set([0x86, 0xdd], 12) },
    { name: 'a fragment', change: (frame: Uint8Array) => (frame[20] = 0x20) },
    { name: 'IP options', change: (frame: Uint8Array) => (frame[14] = 0x46) },
    { name: 'another protocol', change: (frame: Uint8Array) => (frame[23] = 47) },
  ];
  it.each(odd)('$name is left to the stack, as it is', ({ change }) => {
    start();
    bench.service(1, VIP, ['10.0.1.1:8080']);
    const frame = encodeFrame(packet('TCP', '10.0.0.1:40000', VIP), { source: macOf(1), destination: macOf(2) });
    change(frame);
    const ran = bench.run(PROGRAM, frame);
    expect(ran.returnValue).toBe(TC.ok);
    expect(ran.data).toEqual(frame);
    expect(ran.accesses).toHaveLength(0);
  });

  it('an answer gets the Service’s address back; the connection’s next packets go where its first went', () => {
    start();
    bench.service(1, VIP, ['10.0.1.1:8080', '10.0.1.2:8080']);
    const first = bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', VIP));
    const server = first.flow.split(' → ')[1] ?? '';
    const answer = bench.run(PROGRAM, packet('TCP', server, '10.0.0.1:40000', { flags: TCP_FLAG.SYN | TCP_FLAG.ACK }));
    expect(answer).toMatchObject({ returnValue: TC.redirect, flow: `${VIP} → 10.0.0.1:40000`, sound: true });
    for (let count = 0; count < 8; count++) {
      const next = bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', VIP, { flags: TCP_FLAG.ACK }));
      expect(next).toMatchObject({ flow: `10.0.0.1:40000 → ${server}`, sound: true });
      expect(next.accesses.some(({ operation }) => operation === 'update')).toBe(false);
    }
  });

  it('a UDP checksum of 0 stays 0', () => {
    start();
    bench.service(2, '10.96.0.11:53', ['10.0.1.1:5353'], { protocol: UDP });
    const frame = encodeFrame(packet('UDP', '10.0.0.1:40000', '10.96.0.11:53'), { source: macOf(1), destination: macOf(2) });
    frame.fill(0, 40, 42);
    const ran = bench.run(PROGRAM, frame);
    expect(ran).toMatchObject({ flow: '10.0.0.1:40000 → 10.0.1.1:5353', sound: true });
    expect([...ran.data.subarray(40, 42)]).toEqual([0, 0]);
  });

  it('a backend that has gone: the connection gets another', () => {
    start();
    bench.service(1, VIP, ['10.0.1.1:8080']);
    bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', VIP));
    bench.service(1, VIP, ['10.0.1.1:8080', '10.0.1.2:8080']);
    bench.write(MAP.backends, backendId(100), null);
    const flows = new Set<string>();
    for (let port = 0; port < 16; port++) {
      const { returnValue, flow } = bench.run(PROGRAM, packet('TCP', `10.0.0.1:${40000 + port}`, VIP, { flags: TCP_FLAG.ACK }));
      flows.add(`${returnValue} ${flow.split(' → ')[1]}`);
    }
    // A slot that points at nothing drops; no packet may go on to the Service's address.
    expect([...flows].sort()).toEqual([`${TC.shot} ${VIP}`, `${TC.redirect} 10.0.1.2:8080`]);
  });

  const lives = [
    { name: 'after a SYN, within a minute', flags: [TCP_FLAG.SYN], seconds: 59, lives: true },
    { name: 'after a SYN, beyond', flags: [TCP_FLAG.SYN], seconds: 61, lives: false },
    { name: 'established, for six hours', flags: [TCP_FLAG.SYN, TCP_FLAG.ACK], seconds: 21_599, lives: true },
    { name: 'established, beyond', flags: [TCP_FLAG.SYN, TCP_FLAG.ACK], seconds: 21_601, lives: false },
    { name: 'a FIN of one end only', flags: [TCP_FLAG.SYN, TCP_FLAG.ACK, TCP_FLAG.FIN | TCP_FLAG.ACK], seconds: 600, lives: true },
    { name: 'reset', flags: [TCP_FLAG.SYN, TCP_FLAG.ACK, TCP_FLAG.RST], seconds: 11, lives: false },
  ];
  it.each(lives)('a connection’s life: $name', ({ flags, seconds, lives: alive }) => {
    start();
    for (const each of flags) bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', '10.0.1.1:80', { flags: each }));
    bench.now += BigInt(seconds) * 1_000_000_000n;
    const ran = bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', '10.0.1.1:80', { flags: TCP_FLAG.ACK }));
    expect(ran.accesses.some(({ map, operation }) => map === MAP.connections && operation === 'update')).toBe(!alive);
  });

  it('both ends said FIN: the same ports again are a new connection', () => {
    start();
    const there = (flags: number) => bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', '10.0.1.1:80', { flags }));
    there(TCP_FLAG.SYN);
    there(TCP_FLAG.FIN | TCP_FLAG.ACK);
    bench.run(PROGRAM, packet('TCP', '10.0.1.1:80', '10.0.0.1:40000', { flags: TCP_FLAG.FIN | TCP_FLAG.ACK }));
    expect(there(TCP_FLAG.ACK).accesses.some(({ operation }) => operation === 'update')).toBe(false);
    expect(there(TCP_FLAG.SYN).accesses.some(({ operation }) => operation === 'update')).toBe(true);
  });
});

describe('hairpin: a pod that gets itself', () => {
  it('sees another client, and its answer comes back from the Service', () => {
    start();
    bench.service(1, VIP, ['10.0.1.1:8080']);
    const there = bench.run(PROGRAM, packet('TCP', '10.0.1.1:50000', VIP));
    expect(there).toMatchObject({ returnValue: TC.redirect, flow: `${LOOPBACK}:50000 → 10.0.1.1:8080`, sound: true, redirect: { ifindex: A.ifindex, by: 'redirect_peer' } });
    const back = bench.run(PROGRAM, packet('TCP', '10.0.1.1:8080', `${LOOPBACK}:50000`, { flags: TCP_FLAG.SYN | TCP_FLAG.ACK }));
    expect(back).toMatchObject({ returnValue: TC.redirect, flow: `${VIP} → 10.0.1.1:50000`, sound: true, redirect: { ifindex: A.ifindex } });
  });
});

describe('session affinity', () => {
  const AFFINITY = { flags: SERVICE_FLAG.affinity, affinitySeconds: 60 };
  const backends = ['10.0.1.1:80', '10.0.1.2:80', '10.0.1.3:80', '10.0.1.4:80'];
  const send = (from: string, port: number) => bench.run(PROGRAM, packet('TCP', `${from}:${port}`, VIP)).flow.split(' → ')[1] ?? '';
  const match = (id: number, there: boolean) => {
    bench.write(MAP.affinityMatch, affinityMatchKey(id, 1), there ? AFFINITY_MATCH_VALUE : null);
  };

  function withAffinity(): void {
    start();
    bench.service(1, VIP, backends, AFFINITY);
    backends.forEach((_, index) => {
      match(100 + index, true);
    });
  }

  it('keeps a client’s connections together, whatever port they come from', () => {
    withAffinity();
    const first = send('10.0.0.1', 40000);
    for (let port = 40001; port < 40030; port++) expect(send('10.0.0.1', port)).toBe(first);
    const others = new Set(Array.from({ length: 30 }, (_, index) => send(`10.0.9.${index}`, 40000)));
    expect(others.size).toBe(backends.length);
  });

  it('holds for its time after the last packet, and not a moment more', () => {
    withAffinity();
    const first = send('10.0.0.1', 40000);
    for (let round = 1; round < 6; round++) {
      bench.now += 59_000_000_000n;
      expect(send('10.0.0.1', 40000 + round)).toBe(first);
    }
    const seen = new Set<string>();
    for (let round = 6; round < 40; round++) {
      bench.now += 60_000_000_000n;
      seen.add(send('10.0.0.1', 40000 + round));
    }
    expect(seen.size).toBe(backends.length);
  });

  it('ends with the backend', () => {
    withAffinity();
    const first = send('10.0.0.1', 40000);
    match(100 + backends.indexOf(first), false);
    const seen = new Set(Array.from({ length: 30 }, (_, index) => send(`10.0.0.1`, 41000 + index)));
    // Drawn anew, and then kept: maybe the same one, as its slot is still there.
    expect(seen.size).toBeGreaterThanOrEqual(1);
    const ran = bench.run(PROGRAM, packet('TCP', '10.0.0.1:45000', VIP));
    expect(bench.lookups(ran)).toContain('lookup lb_affinity_match');
  });
});

describe('Maglev', () => {
  const backends = ['10.0.1.1:80', '10.0.1.2:80', '10.0.1.3:80'];
  const table = maglevTable(backends.map((name, index) => ({ id: 100 + index, name })));

  it.each([
    { name: 'the node’s choice', constants: { lb_selection: ALGORITHM.maglev }, algorithm: 0, maglev: true },
    { name: 'the Service’s own', constants: {}, algorithm: ALGORITHM.maglev, maglev: true },
    { name: 'the Service wants none', constants: { lb_selection: ALGORITHM.maglev }, algorithm: ALGORITHM.random, maglev: false },
    { name: 'the node draws', constants: {}, algorithm: 0, maglev: false },
  ])('$name', ({ constants, algorithm, maglev }) => {
    const chosen = [1, 2].map((seed) => {
      bench = new Bench('from_container', { constants, seed });
      bench.service(1, VIP, backends, { algorithm });
      bench.maglev(1, table);
      const flows = Array.from({ length: 200 }, (_, port) => bench.run(PROGRAM, packet('TCP', `10.0.0.1:${40000 + port}`, VIP)));
      expect(flows.every((ran) => bench.lookups(ran).includes('lookup lb4_maglev') === maglev)).toBe(true);
      const targets = flows.map(({ flow }) => flow.split(' → ')[1]);
      expect(new Set(targets).size).toBe(backends.length);
      if (seed === 1) bench.free();
      return targets;
    });
    // By the hash alone: the same on every node. Drawn: not.
    if (maglev) expect(chosen[0]).toEqual(chosen[1]);
    else expect(chosen[0]).not.toEqual(chosen[1]);
  });

  it('with affinity the port does not count', () => {
    start({ constants: { lb_selection: ALGORITHM.maglev } });
    bench.service(1, VIP, backends, { flags: SERVICE_FLAG.affinity, affinitySeconds: 0 });
    bench.maglev(1, table);
    // The memory of 0 seconds never holds: what is the same is the hash.
    const targets = new Set(Array.from({ length: 50 }, (_, port) => bench.run(PROGRAM, packet('TCP', `10.0.0.1:${40000 + port}`, VIP)).flow.split(' → ')[1]));
    expect(targets.size).toBe(1);
  });
});

it('two scopes: a pod finds the backends of the internal one', () => {
  start();
  bench.service(1, '192.168.0.11:30080', ['10.0.1.1:80'], { scope: 1, flags: SERVICE_FLAG.nodePort | SERVICE_FLAG.routable, flags2: SERVICE_FLAG_2.twoScopes });
  bench.service(2, '192.168.0.11:30080', [], { flags: SERVICE_FLAG.nodePort | SERVICE_FLAG.routable | SERVICE_FLAG.externalLocal, flags2: SERVICE_FLAG_2.twoScopes });
  expect(bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', '192.168.0.11:30080'))).toMatchObject({ returnValue: TC.redirect, flow: '10.0.0.1:40000 → 10.0.1.1:80' });
});

describe('with policies', () => {
  const policy = { constants: { enable_policy: 1 } };
  const WORLD = 2;
  const HTTP = { protocol: 6, ports: { port: 80, bits: 16 } };
  const cases = [
    { name: 'no policy selects the pod', entries: null, to: '10.0.1.1:80', verdict: 0 },
    { name: 'nothing is allowed', entries: [], to: '10.0.1.1:80', verdict: -133 },
    { name: 'everything is', entries: [{ identity: 0, egress: true }], to: '10.0.1.1:80', verdict: 0 },
    { name: 'only the other way', entries: [{ identity: 0, egress: false }], to: '10.0.1.1:80', verdict: -133 },
    { name: 'this identity', entries: [{ identity: 400, egress: true }], to: '10.0.1.1:80', verdict: 0 },
    { name: 'another identity', entries: [{ identity: 401, egress: true }], to: '10.0.1.1:80', verdict: -133 },
    { name: 'this port of this identity', entries: [{ identity: 400, egress: true, ports: HTTP }], to: '10.0.1.1:80', verdict: 0 },
    { name: 'another port', entries: [{ identity: 400, egress: true, ports: HTTP }], to: '10.0.1.1:81', verdict: -133 },
    { name: 'a prefix of ports', entries: [{ identity: 0, egress: true, ports: { protocol: 6, ports: { port: 80, bits: 14 } } }], to: '10.0.1.1:83', verdict: 0 },
    { name: 'beyond the prefix', entries: [{ identity: 0, egress: true, ports: { protocol: 6, ports: { port: 80, bits: 14 } } }], to: '10.0.1.1:84', verdict: -133 },
    { name: 'a deny of the identity', entries: [{ identity: 400, egress: true, deny: true }, { identity: 0, egress: true, ports: HTTP }], to: '10.0.1.1:80', verdict: -181 },
    { name: 'a deny of all', entries: [{ identity: 400, egress: true, ports: HTTP }, { identity: 0, egress: true, deny: true }], to: '10.0.1.1:80', verdict: -181 },
    { name: 'the world, by the longest prefix', entries: [{ identity: 16777300, egress: true }], to: '203.0.113.9:443', verdict: 0 },
    { name: 'not the world’s rest', entries: [{ identity: 16777300, egress: true }], to: '203.0.114.9:443', verdict: -133 },
    { name: 'the world', entries: [{ identity: WORLD, egress: true }], to: '8.8.8.8:53', verdict: 0 },
    { name: 'the backend’s identity and port count, not the Service’s', entries: [{ identity: 400, egress: true, ports: { protocol: 6, ports: { port: 8080, bits: 16 } } }], to: VIP, verdict: 0 },
  ];
  it.each(cases)('$name', ({ entries, to, verdict }) => {
    start(policy);
    bench.service(1, VIP, ['10.0.1.1:8080']);
    bench.identity('0.0.0.0/0', WORLD);
    bench.identity('203.0.113.0/24', 16777300);
    if (entries) bench.policies(CLIENT, entries);
    const ran = bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', to));
    const here = !/^(203|8)\./.test(to);
    expect(ran.returnValue).toBe(verdict < 0 ? TC.shot : here ? TC.redirect : TC.ok);
    if (verdict < 0) expect(bench.counted(-verdict, 2)).toBe(1);
    // Whatever the policies, two look-ups in the trie of the pod.
    const asked = ran.accesses.filter(({ map }) => map.startsWith(`${MAP.policyOfEndpoint}/`));
    expect(asked.length).toBeLessThanOrEqual(2);
    if (verdict === 0 && here) {
      // On to cil_to_container with the sender's identity.
      expect(ran.redirect).toEqual({ ifindex: A.ifindex, by: 'redirect' });
      expect(ran.mark).toBe(((CLIENT.identity ?? 0) << 16) | 0x0f00);
    }
  });

  it('an address that is no pod’s may not send', () => {
    start(policy);
    expect(bench.run(PROGRAM, packet('TCP', '10.0.0.99:40000', '10.0.1.1:80')).returnValue).toBe(TC.shot);
    expect(bench.counted(132, 2)).toBe(1);
  });

  it.each([
    { name: 'a fragment', at: 20, value: 0x20, reason: 157 },
    { name: 'IP options', at: 14, value: 0x46, reason: 134 },
    { name: 'another protocol', at: 23, value: 47, reason: 137 },
  ])('what cannot be judged is dropped: $name', ({ at, value, reason }) => {
    start(policy);
    const frame = encodeFrame(packet('TCP', '10.0.0.1:40000', '10.0.1.1:80'), { source: macOf(1), destination: macOf(2) });
    frame[at] = value;
    expect(bench.run(PROGRAM, frame).returnValue).toBe(TC.shot);
    expect(bench.counted(reason, 2)).toBe(1);
  });

  it('a ping is asked of too, and its answer is one connection with it', () => {
    start(policy);
    bench.policies(CLIENT, [{ identity: 400, egress: true, ports: { protocol: 1, ports: null } }]);
    bench.policies(A, []);
    expect(bench.run(PROGRAM, ping('10.0.0.1', '10.0.1.1')).returnValue).toBe(TC.redirect);
    // A may not begin anything; without an entry of cil_to_container its echo reply would be something new.
    expect(bench.run(PROGRAM, ping('10.0.1.1', '10.0.0.1', 0)).returnValue).toBe(TC.shot);
  });

  it('a pod may always talk to itself', () => {
    start(policy);
    bench.service(1, VIP, ['10.0.1.1:8080']);
    bench.policies(A, []);
    expect(bench.run(PROGRAM, packet('TCP', '10.0.1.1:50000', VIP))).toMatchObject({ returnValue: TC.redirect, redirect: { by: 'redirect_peer' } });
    expect(bench.run(PROGRAM, packet('TCP', '10.0.1.1:8080', `${LOOPBACK}:50000`, { flags: TCP_FLAG.SYN | TCP_FLAG.ACK }))).toMatchObject({ returnValue: TC.redirect, flow: `${VIP} → 10.0.1.1:50000` });
  });
});

describe('with events', () => {
  const record = () => {
    const [bytes] = bench.collection.takeRecords(MAP.events);
    if (!bytes) throw new Error('no record');
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return { type: view.getUint8(0), subtype: view.getUint8(1), source: view.getUint16(2, true), original: view.getUint32(8, true), captured: view.getUint16(12, true), version: view.getUint8(14), from: view.getUint32(16, true), to: view.getUint32(20, true), view, bytes };
  };

  it('a trace of each packet that goes on, with the packet behind it', () => {
    start({ constants: { enable_events: 1 } });
    bench.service(1, VIP, ['10.0.1.1:8080']);
    const ran = bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', VIP));
    const told = record();
    expect(told).toMatchObject({ type: 4, subtype: 0, source: CLIENT.ifindex, original: 86, captured: 86, version: 2, from: 300, to: 400 });
    expect(told.view.getUint8(26)).toBe(0);
    expect(told.view.getUint32(28, true)).toBe(A.ifindex);
    expect(told.view.getUint32(32)).toBe(address('10.0.0.1'));
    expect(told.bytes.subarray(56)).toEqual(ran.data);
    bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', VIP, { flags: TCP_FLAG.ACK }));
    expect(record().view.getUint8(26)).toBe(1);
    bench.run(PROGRAM, packet('TCP', '10.0.1.1:8080', '10.0.0.1:40000', { flags: TCP_FLAG.ACK }));
    const answer = record();
    expect(answer.view.getUint8(26)).toBe(2);
    // As it was before it got the Service's address back.
    expect(answer.view.getUint32(32)).toBe(address('10.0.1.1'));
    bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', '203.0.113.9:443'));
    expect(record()).toMatchObject({ type: 4, subtype: 3, to: 2 });
    expect(bench.counted(0, 2)).toBe(4);
  });

  it('a drop with its reason', () => {
    start({ constants: { enable_events: 1 } });
    bench.service(5, '10.96.0.14:80', []);
    bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', '10.96.0.14:80'));
    const told = record();
    expect(told).toMatchObject({ type: 1, subtype: 158, source: CLIENT.ifindex, original: 86, captured: 86, version: 3, from: 300 });
    expect(told.bytes).toHaveLength(48 + 86);
  });

  it('no more of a packet than 128 bytes', () => {
    start({ constants: { enable_events: 1 } });
    bench.run(PROGRAM, { ...packet('UDP', '10.0.0.1:40000', '10.0.1.1:53'), length: 500 });
    expect(record()).toMatchObject({ original: 514, captured: 128 });
  });

  it('per pod and policy entry, what it let through', () => {
    start({ constants: { enable_events: 1, enable_policy: 1 } });
    const ports = { protocol: 6, ports: { port: 80, bits: 14 } };
    bench.policies(CLIENT, [{ identity: 400, egress: true, ports }]);
    for (let port = 80; port < 84; port++) bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', `10.0.1.1:${port}`));
    const [row, ...others] = bench.collection.entries(MAP.policyStats, 0, 10);
    expect(others).toHaveLength(0);
    // Pod, -, prefix length, identity, egress, protocol, port.
    expect([...(row?.key ?? [])]).toEqual([CLIENT.ifindex, 0, 0, 22, 400 & 255, 400 >> 8, 0, 0, 1, 6, 0, 80]);
    expect(new DataView(row?.value.buffer ?? new ArrayBuffer(16), row?.value.byteOffset).getBigUint64(0, true)).toBe(4n);
  });

  it('none without somebody who asked', () => {
    start();
    bench.run(PROGRAM, packet('TCP', '10.0.0.1:40000', '10.0.1.1:80'));
    expect(bench.collection.takeRecords(MAP.events)).toHaveLength(0);
  });
});
