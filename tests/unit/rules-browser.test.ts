import fc from 'fast-check';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { describe, expect, it } from 'vitest';
import { readDump } from '../../src/datapaths/iptables/index.ts';
import { Netfilter } from '../../src/datapaths/iptables/netfilter/netfilter.ts';
import { PacketLog } from '../../src/datapaths/iptables/netfilter/packet-log.ts';
import { Topology } from '../../src/datapaths/iptables/netfilter/topology.ts';
import { formatIpv4, parseIpv4, type Ipv4 } from '../../src/packet/address.ts';
import { TCP_FLAG, type Packet } from '../../src/packet/packet.ts';
import { draw } from '../../src/simulation/exchange.ts';
import type { MadePacket, WalkedRule } from '../../src/simulation/rules/api.ts';
import { SimulationError, type SimulationErrorKey } from '../../src/simulation/simulation-error.ts';
import { faultSentence } from '../../src/ui/open/fault-sentence.ts';
import { CALICO, DOCKER, presetScene, saved, scene, start } from './rules-scenes.ts';

/** Its API server is at the address that a node whose rules do not say its own would have: this one takes the next. */
const CALICO_NODE = '192.168.0.12';

const at = (text: string): Ipv4 => parseIpv4(text)!;
function tcp(from: string, to: string, port: number, change: { readonly flags?: number; readonly sourcePort?: number } = {}): Packet {
  return { protocol: 'TCP', source: at(from), destination: at(to), sourcePort: 40_000, destinationPort: port, ttl: 64, length: 40, flags: TCP_FLAG.SYN, sequence: 1, acknowledgement: 0, ...change };
}
const ping = (from: string, to: string, type = 8): Packet => ({ protocol: 'ICMP', source: at(from), destination: at(to), ttl: 64, length: 84, type, code: 0, identifier: 5, sequence: 1, inner: null });
const made = (packet: Packet, input: string | null, output: string | null = null, keep = false): MadePacket => ({ packet, input, output, keep });
const matched = (rules: readonly WalkedRule[]) => rules.filter((rule) => rule.matched).map(({ table, chain, index }) => `${table}:${chain}:${index}`);

function refusal(call: () => unknown): SimulationErrorKey | null {
  try {
    call();
    return null;
  } catch (error) {
    if (error instanceof SimulationError) return error.key;
    throw error;
  }
}

describe('a race through a node’s own rules', () => {
  it.each(['shop', '50'] as const)('%s: counts what the cluster itself would', (name) => {
    const text = saved(name);
    const own = start();
    const cluster = start();
    const opened = own.open(scene(text));
    const expected = cluster.open(presetScene(name));
    const { services, endpoints, entries, positions } = expected;
    // Of a headless Service there is no rule, so that it is not among the rebuilt ones.
    if (name === '50') expect(opened).toMatchObject({ services, endpoints, entries });
    expect(opened).toMatchObject({ rules: expected.rules, positions, target: expected.target, faults: [] });
    expect(own.targets('').map(({ servicePort }) => servicePort)).toEqual(cluster.targets('').map(({ servicePort }) => servicePort));
    for (const connection of ['new', 'established'] as const) {
      for (const packet of [0, 1, 2]) {
        const wanted = { connection, packet, target: { servicePort: cluster.targets('')[packet]!.servicePort, position: null } };
        const here = own.race(scene(text, wanted));
        const there = cluster.race(presetScene(name, wanted));
        const chain = ({ lanes }: typeof here) => lanes.iptables.report.stages.filter(({ kind }) => kind === 'chain' || kind === 'conntrack' || kind === 'confirm').map(({ name: stage, hook, part, work }) => ({ stage, hook, part, work }));
        expect(chain(here)).toEqual(chain(there));
        const address = ({ lanes }: typeof here) => (lanes.iptables.report.packetOut ? formatIpv4(lanes.iptables.report.packetOut.destination) : null);
        expect(address(here)).toBe(address(there));
        // The other lane comes to an endpoint of the same Service.
        const kinds = Object.values(here.lanes).map(({ report }) => report.verdict.kind);
        expect(new Set(kinds).size).toBe(1);
      }
    }
  });

  it('refuses what rules cannot give, and goes on', () => {
    const simulation = start();
    const text = saved('shop');
    const { target } = simulation.open(scene(text));
    expect(refusal(() => simulation.race(scene(text, { target: { servicePort: target.servicePort, position: 0 } })))).toBe('simulation_rules_place');
    expect(refusal(() => simulation.race(scene(text, { target: { servicePort: 'a/b:c', position: null } })))).toBe('simulation_target');
    expect(refusal(() => simulation.update(scene(text, { added: [2] })))).toBe('simulation_rules_update');
    expect(refusal(() => simulation.race(scene(text, { target: { servicePort: target.servicePort, position: target.position } })))).toBe(null);
    const bare = scene('*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT\nCOMMIT\n');
    expect(simulation.open(bare)).toMatchObject({ services: 0, rules: 1, target: { servicePort: '', position: null } });
    expect(refusal(() => simulation.race(bare))).toBe('simulation_rules_no_services');
    // The example is one that passes.
    const { example } = simulation.rules(bare).tables();
    expect(example).toMatchObject({ input: 'eth0', packet: { destinationPort: 443 } });
    expect(simulation.rules(bare).send(example).lane.report.verdict.kind).toBe('delivered');
  });
});

describe('the packet to begin with', () => {
  it('comes in by an interface that the rules know as a pod’s, and by one that lets it through', () => {
    const browser = start().rules(scene(CALICO));
    const { example, interfaces } = browser.tables();
    expect(example.input).toBe('cali1a2b3c4d5e6');
    expect(interfaces).toContain(example.input);
    expect(browser.send(example).lane.report.verdict.kind).toBe('forwarded');
  });
  it('takes a name of a pattern where no name is whole, and the node’s own where rules name none', () => {
    const from = (rule: string) => start().rules(scene(`${saved('shop')}*mangle\n${rule}COMMIT\n`)).tables().example.input;
    expect(from('-A PREROUTING -i lxc+ -j ACCEPT\n')).toBe('lxc0');
    expect(from('-A PREROUTING -i cni0 -j ACCEPT\n')).toBe('cni0');
    expect(from('-A PREROUTING -i docker0 -j ACCEPT\n')).toMatch(/^veth/);
  });
});

describe('reading', () => {
  it('says what a node’s rules hold before any lane is built', () => {
    const reading = start().read({ kind: 'rules', text: CALICO });
    expect(reading).toMatchObject({
      lines: CALICO.split('\n').length - 1,
      services: [{ name: 'default/kubernetes', address: '10.96.0.1', endpoints: 1, line: 0 }],
      faults: [],
      becomes: { rules: 87 },
      rules: {
        tables: [{ table: 'raw', rules: 11 }, { table: 'nat', rules: 22 }, { table: 'filter', rules: 54 }],
        notes: [{ line: 60, table: 'nat', module: 'cali40masq-ipam-pools', effect: 'empty-set' }, {}, {}, {}],
        notesTotal: 4,
        leftOut: [{ fromLine: 144, toLine: 150, table: 'filter', rules: 2 }],
      },
    });
  });

  const cut = DOCKER.slice(0, DOCKER.lastIndexOf('COMMIT'));
  it.each([
    ['truncated', cut, ['rule_fault_cut_off'], 54],
    ['CRLF', DOCKER.replaceAll('\n', '\r\n'), [], 132],
    ['a missing chain', '*filter\n-A INPUT -j NOWHERE\nCOMMIT\n*raw\n-A OUTPUT -j ACCEPT\nCOMMIT\n', ['rule_fault_no_target'], 1],
    ['a loop', '*filter\n:A - [0:0]\n:B - [0:0]\n-A A -j B\n-A B -j A\n-A INPUT -j A\nCOMMIT\n', ['rule_fault_circle'], 0],
    ['an unknown table', '*wibble\n-A INPUT -j ACCEPT\nCOMMIT\n', ['rule_fault_no_table'], 0],
    ['IPv6 only', '*filter\n-A INPUT -s 2001:db8::1/128 -j ACCEPT\nCOMMIT\n', [], 0],
    ['nothing', '', [], 0],
    ['no rules at all', 'kind: Service\n', ['rule_fault_stray'], 0],
  ] as const)('%s: faults are values, the rest is there', (_, text, reasons, rules) => {
    const simulation = start();
    const { faults } = simulation.read({ kind: 'rules', text });
    expect(faults).toMatchObject(reasons.map((message) => ({ severity: 'error', message, object: null })));
    expect(simulation.open(scene(text))).toMatchObject({ rules, faults });
    const browser = simulation.rules(scene(text));
    expect(browser.tables().tables.reduce((sum, table) => sum + table.rules, 0)).toBe(rules);
    expect(browser.send(browser.tables().example).lane.report.verdict.kind).toMatch(/delivered|forwarded|dropped|rejected/);
  });
});

describe('a packet of one’s own', () => {
  const CASES: readonly (readonly [name: string, text: string, packets: readonly MadePacket[], verdict: object, rules: readonly string[]])[] = [
    ['a published port of Docker, out by its bridge', DOCKER, [made(tcp('203.0.113.7', '192.168.0.11', 8080), 'eth0', 'br-5f1a2b3c4d5e')], { kind: 'forwarded', device: 'br-5f1a2b3c4d5e', address: at('172.18.0.2'), port: 80 }, ['nat:DOCKER:2', 'filter:DOCKER:0']],
    ['the same, as the only route goes', DOCKER, [made(tcp('203.0.113.7', '192.168.0.11', 8080), 'eth0')], { kind: 'dropped', by: 'filter:FORWARD:policy' }, ['nat:DOCKER:2']],
    ['a container to the outside', DOCKER, [made(tcp('172.17.0.2', '198.51.100.10', 443), 'docker0')], { kind: 'forwarded', device: 'eth0' }, ['filter:FORWARD:8', 'nat:POSTROUTING:2']],
    ['ping', DOCKER, [made(ping('203.0.113.7', '192.168.0.11'), 'eth0')], { kind: 'delivered', device: 'lo' }, ['filter:ufw-before-input:5']],
    ['SSH', DOCKER, [made(tcp('203.0.113.7', '192.168.0.11', 22), 'eth0')], { kind: 'delivered' }, ['filter:ufw-user-input:0', 'filter:ufw-user-input:2']],
    ['SSH once too often', DOCKER, Array.from({ length: 6 }, (_, index) => made(tcp('203.0.113.7', '192.168.0.11', 22, { sourcePort: 41_000 + index }), 'eth0', null, index > 0)), { kind: 'rejected', by: 'filter:ufw-user-limit:1' }, ['filter:ufw-user-input:1']],
    ['DNS to a Service is not tracked, and so not translated', DOCKER, [made({ protocol: 'UDP', source: at('10.244.1.9'), destination: at('10.96.0.10'), sourcePort: 5000, destinationPort: 53, ttl: 64, length: 60 }, 'cni0')], { kind: 'forwarded', address: at('10.96.0.10') }, ['raw:PREROUTING:1']],
    ['a Service without endpoints', DOCKER, [made(tcp('10.244.1.9', '10.96.9.9', 9555), 'cni0')], { kind: 'rejected', by: 'filter:KUBE-SERVICES:0' }, []],
    ['a pod of Calico’s', CALICO, [made(tcp('192.168.200.5', '198.51.100.10', 443), 'cali1a2b3c4d5e6')], { kind: 'forwarded', device: 'eth0' }, ['raw:cali-PREROUTING:1', 'filter:cali-from-wl-dispatch:0', 'filter:cali-fw-cali1a2b3c4d5e6:2', 'filter:cali-pro-kns.shop:0', 'filter:cali-FORWARD:3']],
    ['a pod that may not', CALICO, [made(tcp('192.168.200.6', '198.51.100.10', 443), 'cali9f8e7d6c5b4')], { kind: 'dropped', by: 'filter:cali-fw-cali9f8e7d6c5b4:0' }, []],
    ['a pod that Calico does not know', CALICO, [made(tcp('192.168.200.7', '198.51.100.10', 443), 'cali0')], { kind: 'dropped', by: 'filter:cali-from-wl-dispatch:2' }, []],
    ['one pod’s packet by another’s interface', CALICO, [made(tcp('192.168.0.13', '198.51.100.10', 443), 'eth0', 'cali1a2b3c4d5e6')], { kind: 'forwarded', device: 'cali1a2b3c4d5e6' }, ['filter:cali-to-wl-dispatch:0', 'filter:cali-pri-kns.shop:0']],
    ['a tunnel into firewalld’s zone', CALICO, [made(tcp('10.8.0.2', CALICO_NODE, 8044), 'wg0')], { kind: 'delivered' }, ['filter:INPUT_ZONES:0', 'filter:IN_public_allow:1']],
    ['a port that is not open', CALICO, [made(tcp('10.8.0.2', CALICO_NODE, 9999), 'wg0')], { kind: 'rejected', by: 'filter:INPUT:7', answer: { protocol: 'ICMP', type: 3, code: 10 } }, []],
    ['the node’s own', CALICO, [made(tcp(CALICO_NODE, '198.51.100.10', 443), null)], { kind: 'forwarded', device: 'eth0' }, ['raw:OUTPUT:0']],
  ];

  it.each(CASES)('%s', (_, text, packets, verdict, rules) => {
    const browser = start().rules(scene(text));
    const walks = packets.map((packet) => browser.send(packet));
    const { lane, rules: walked } = walks.at(-1)!;
    expect(lane.report.verdict).toMatchObject(verdict);
    expect(matched(walked)).toEqual(expect.arrayContaining([...rules]));
    // Times are laid over the very stages that were counted.
    expect(lane.timeline.stages.map(({ stage }) => stage)).toEqual(lane.report.stages);
    expect(walked).toHaveLength(lane.report.work.rulesEvaluated ?? 0);
  });

  it('knows the connection of the packets before, where it is told to keep it', () => {
    const browser = start().rules(scene(DOCKER));
    const first = browser.send(made(tcp('10.244.1.9', '10.96.44.7', 80), 'cni0'));
    const { packetOut } = first.lane.report;
    expect(first).toMatchObject({ connections: 1, lane: { report: { connection: 'new' } } });
    const answer = { ...tcp('10.244.1.5', '10.244.1.9', 40_000, { flags: TCP_FLAG.SYN | TCP_FLAG.ACK, sourcePort: 8080 }), source: packetOut!.destination, destination: packetOut!.source };
    const back = browser.send(made(answer, 'cni0', null, true));
    expect(back).toMatchObject({ connections: 1, lane: { report: { connection: 'reply', packetOut: { source: at('10.96.44.7'), destination: at('10.244.1.9'), sourcePort: 80 } } } });
    expect(back.rules.some(({ table }) => table === 'nat')).toBe(false);
    expect(browser.send(made(answer, 'cni0')).lane.report.connection).not.toBe('reply');
  });

  it('counts from the text’s own counters, and from them again', () => {
    const simulation = start();
    const browser = simulation.rules(scene(DOCKER));
    const packet = made(tcp('203.0.113.7', '192.168.0.11', 22), 'eth0');
    const once = browser.send(packet);
    const packets = () => browser.chain('filter', 'ufw-user-input', 0, 5)!.rows.map((row) => row.packets);
    expect(packets()).toEqual([1, 0, 1]);
    expect(browser.send(packet)).toEqual(once);
    expect(packets()).toEqual([1, 0, 1]);
    browser.send({ ...packet, keep: true, packet: tcp('203.0.113.7', '192.168.0.11', 22, { sourcePort: 41_111 }) });
    expect(packets()).toEqual([2, 0, 2]);
    expect(start().rules(scene(DOCKER)).send(packet)).toEqual(once);
  });

  it('forgets what packets put into a set', () => {
    const text = '*filter\n-A INPUT -m set --match-set seen src -j REJECT\n-A INPUT -j SET --add-set seen src\nCOMMIT\n';
    const browser = start().rules(scene(text));
    const packet = made(tcp('203.0.113.7', '192.168.0.11', 22), 'eth0');
    const verdicts = [packet, { ...packet, keep: true }, packet].map((one) => browser.send(one).lane.report.verdict.kind);
    expect(verdicts).toEqual(['delivered', 'rejected', 'delivered']);
  });

  it('refuses names that no interface can have', () => {
    const browser = start().rules(scene(DOCKER));
    for (const name of ['', 'far too long for one', 'a b', 'a/b', '..']) {
      expect(refusal(() => browser.send(made(ping('203.0.113.7', '192.168.0.11'), name))), name).toBe('simulation_interface');
    }
  });
});

describe('random packets', () => {
  // Addresses, ports and interfaces that the two nodes' rules speak of, so that packets come far into them.
  const addresses = ['203.0.113.7', '10.244.1.5', '10.244.2.9', '10.96.0.10', '10.96.44.7', '10.96.9.9', '172.17.0.2', '172.18.0.2', '192.168.122.9', '192.168.0.11', '10.96.0.1', '192.168.200.5', '224.0.0.251'];
  const ports = [22, 53, 67, 80, 443, 8080, 9555, 30_080, 4789];
  const devices = ['eth0', 'docker0', 'br-5f1a2b3c4d5e', 'virbr0', 'cali1a2b3c4d5e6', 'cali9f8e7d6c5b4', 'wg0', 'tunl0'];
  const ip = { source: fc.constantFrom(...addresses).map(at), destination: fc.constantFrom(...addresses).map(at), ttl: fc.constantFrom(1, 2, 64) };
  const ported = { ...ip, sourcePort: fc.constantFrom(...ports, 40_000), destinationPort: fc.constantFrom(...ports) };
  const packet: fc.Arbitrary<Packet> = fc.oneof(
    fc.record({ protocol: fc.constant('TCP' as const), ...ported, length: fc.integer({ min: 40, max: 1500 }), flags: fc.integer({ min: 0, max: 255 }), sequence: fc.constant(1), acknowledgement: fc.constant(0) }),
    fc.record({ protocol: fc.constant('UDP' as const), ...ported, length: fc.integer({ min: 28, max: 1500 }) }),
    fc.record({ protocol: fc.constant('SCTP' as const), ...ported, length: fc.constant(52), chunk: fc.constantFrom(0, 1, 10), verificationTag: fc.constant(0), initiateTag: fc.constant(9) }),
    fc.record({ protocol: fc.constant('ICMP' as const), ...ip, length: fc.constant(84), type: fc.constantFrom(0, 8, 13), code: fc.constant(0), identifier: fc.constant(5), sequence: fc.constant(1), inner: fc.constant(null) }),
  );
  const sent = fc.record({ packet, input: fc.option(fc.constantFrom(...devices), { freq: 6 }), output: fc.option(fc.constantFrom(...devices), { freq: 1 }) });

  it.each([['Docker, flannel, libvirt, ufw', DOCKER], ['Calico, firewalld', CALICO]])('%s: agree with netfilter driven directly', (_, text) => {
    const simulation = start();
    const wanted = scene(text);
    const browser = simulation.rules(wanted);
    const client = at(simulation.open(wanted).client.address);
    const node = at(text === DOCKER ? '192.168.0.11' : CALICO_NODE);
    let ends = 0;
    fc.assert(
      fc.property(fc.array(sent, { minLength: 1, maxLength: 4 }), (packets) => {
        const { tables, sets } = readDump(text);
        const pods = new Map([[client, 'veth'], ...(text === DOCKER ? [[at('10.244.1.5'), 'veth0af40105'] as const] : [])]);
        const topology = new Topology({ routeLocalnet: true, pods: (to) => pods.get(to) });
        topology.addInterface({ name: 'lo', addresses: [{ address: at('127.0.0.0'), length: 8 }], own: [at('127.0.0.1')] });
        topology.addInterface({ name: 'eth0', addresses: [{ address: node, length: 32 }], own: [node] });
        topology.addRoute({ destination: { address: at('0.0.0.0'), length: 0 }, via: null, device: 'eth0' });
        const random = xoroshiro128plus(draw(wanted.seed, wanted.packet).seed);
        const netfilter = new Netfilter({ topology, tables, sets, random32: () => random.next() >>> 0 });
        packets.forEach(({ packet: one, input, output }, index) => {
          const walk = browser.send({ packet: one, input, output, keep: index > 0 });
          if (index > 0) netfilter.advance(1);
          const log = new PacketLog('none', true);
          const behind = input !== null && input !== 'eth0' && !topology.isLocal(one.source);
          if (behind) topology.addRoute({ destination: { address: one.source, length: 32 }, via: null, device: input });
          const passage = input === null ? netfilter.output(one, log, output) : netfilter.receive(one, input, log, output);
          if (behind) topology.removeHostRoute(one.source);
          expect(matched(walk.rules)).toEqual((log.hits ?? []).filter((hit) => !hit.endsWith(':policy')));
          const { verdict } = walk.lane.report;
          const kinds = { local: ['delivered'], forwarded: ['forwarded', 'delivered'], dropped: ['dropped'], unroutable: ['dropped'], rejected: ['rejected', 'dropped'] };
          expect(kinds[passage.outcome]).toContain(verdict.kind);
          if (walk.lane.report.packetOut) expect(walk.lane.report.packetOut).toEqual(passage.skb.toPacket());
          ends += 1;
        });
      }),
      { numRuns: 200, seed: 17 },
    );
    expect(ends).toBeGreaterThan(200);
  });
});

describe('a text that nobody’s iptables-save wrote', () => {
  // Lines of two nodes' rules, some doubled, cut, mixed or spoilt.
  const lines = [...DOCKER.split('\n'), ...CALICO.split('\n'), 'COMMIT', '*nat', '*wibble', ':KUBE-SERVICES - [0:0]', '-A KUBE-SERVICES -m comment --comment "a/b:c cluster IP" -d 10.0.0.1 -j KUBE-SVC-X', ''];
  const line = fc.oneof({ weight: 20, arbitrary: fc.constantFrom(...lines) }, { weight: 1, arbitrary: fc.string() }, { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...lines), fc.nat(60), fc.string({ maxLength: 3 })).map(([text, at_, put]) => text.slice(0, at_) + put + text.slice(at_ + 1)) });
  const section = fc.array(line, { maxLength: 60 }).map((body) => body.join('\n'));
  const spoilt = fc.tuple(fc.constantFrom(DOCKER, CALICO), fc.nat(), fc.nat(200), fc.string({ maxLength: 4 })).map(([text, from, length, put]) => {
    const cutAt = from % text.length;
    return text.slice(0, cutAt) + put + text.slice(cutAt + length);
  });

  it('is read, opened and sent through, whatever it is', () => {
    const simulation = start();
    let opened = 0;
    fc.assert(
      fc.property(fc.oneof(section, spoilt), (text) => {
        const { faults } = simulation.read({ kind: 'rules', text });
        for (const fault of faults) {
          const { line: place, column } = fault;
          expect(place).toBeGreaterThan(0);
          expect(place).toBeLessThanOrEqual(text.split('\n').length);
          expect(column).toBeGreaterThan(0);
          expect(faultSentence(fault)).not.toMatch(/rule_fault|undefined|^\s*$/);
        }
        const { rules } = simulation.open(scene(text));
        const browser = simulation.rules(scene(text));
        const { tables, example } = browser.tables();
        for (const { table } of tables) expect(browser.graph(table).nodes.length).toBeGreaterThan(0);
        expect(browser.send(example).lane.report.verdict.kind).not.toBe('');
        if (rules > 0) opened += 1;
      }),
      { numRuns: 120, seed: 5 },
    );
    expect(opened).toBeGreaterThan(50);
  });
});
