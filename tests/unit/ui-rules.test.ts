import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { parseIpv4, type Ipv4 } from '../../src/packet/address.ts';
import { TCP_FLAG, type Packet } from '../../src/packet/packet.ts';
import type { ChainGraph, ChainNode, MadePacket, Walk } from '../../src/simulation/rules/api.ts';
import { answerOf, answerPacket } from '../../src/ui/rules/answer-packet.ts';
import { edgePath, layoutChains, viewed } from '../../src/ui/rules/graph-layout.ts';
import { follow, NO_TRAIL } from '../../src/ui/rules/graph-trail.ts';
import { litOn, neighbour, nodeOf } from '../../src/ui/rules/graph-walk.ts';
import { formOf, PROTOCOLS, readForm, sameForm, withProtocol } from '../../src/ui/rules/packet-form.ts';
import { ruleWords } from '../../src/ui/rules/rule-words.ts';
import { answersIn, matchedCount, pathOf, stopAt } from '../../src/ui/rules/walk-path.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';
import { Simulation } from '../../src/simulation/simulation.ts';
import { rulesProfile } from '../../src/ui/open/rules-profile.ts';
import { textKind } from '../../src/ui/open/text-kind.ts';
import { joinFiles } from '../../src/ui/open/join-files.ts';
import { TEST_PROFILES } from './simulation-profile.ts';

const ip = (text: string): Ipv4 => parseIpv4(text) ?? (0 as Ipv4);
const address = fc.integer({ min: 0, max: 0xffffffff }).map((value) => value as Ipv4);
const port = fc.integer({ min: 0, max: 65_535 });
const number = fc.integer({ min: 0, max: 0xffffffff });
const base = { source: address, destination: address, ttl: fc.integer({ min: 1, max: 255 }), length: fc.integer({ min: 40, max: 65_535 }) };
const ported = { ...base, sourcePort: port, destinationPort: port };
const packet: fc.Arbitrary<Packet> = fc.oneof(
  fc.record({ protocol: fc.constant('TCP' as const), ...ported, flags: fc.integer({ min: 0, max: 255 }), sequence: number, acknowledgement: number }),
  fc.record({ protocol: fc.constant('UDP' as const), ...ported }),
  fc.record({ protocol: fc.constant('SCTP' as const), ...ported, chunk: fc.integer({ min: 2, max: 255 }), verificationTag: number, initiateTag: number }),
  fc.record({ protocol: fc.constant('ICMP' as const), ...base, type: fc.integer({ min: 0, max: 255 }), code: fc.integer({ min: 0, max: 255 }), identifier: number, sequence: number, inner: fc.constant(null) }),
);
const syn: Packet = { protocol: 'TCP', source: ip('10.0.0.1'), destination: ip('10.96.0.1'), sourcePort: 40_000, destinationPort: 80, ttl: 64, length: 40, flags: TCP_FLAG.SYN, sequence: 100, acknowledgement: 0 };
const made = (one: Packet): MadePacket => ({ packet: one, input: 'veth1', output: null, keep: false });

describe('the packet’s form', () => {
  test('gives back whatever packet it was made of', () => {
    fc.assert(fc.property(packet, (one) => { expect(readForm(formOf(made(one)), one)).toEqual({ packet: one }); }), { seed: 4 });
  });
  test('is the same as long as every field is', () => {
    const form = formOf(made(syn));
    expect(sameForm(form, { ...form })).toBe(true);
    for (const change of [{ source: '' }, { flags: 0 }, { input: null }, { output: 'eth0' }, { ttl: '65' }]) expect(sameForm(form, { ...form, ...change })).toBe(false);
  });
  test('a packet of another protocol is a good one at once', () => {
    for (const from of PROTOCOLS) for (const to of PROTOCOLS) {
      const first = readForm(withProtocol(formOf(made(syn)), from), syn);
      if (!('packet' in first)) throw new Error(`No packet of ${from}.`);
      expect(readForm(withProtocol(formOf(made(first.packet)), to), first.packet)).toMatchObject({ packet: { protocol: to } });
    }
  });
  it.each([
    ['no address', { source: '10.0.0' }, { field: 'source', kind: 'address', found: '10.0.0' }],
    ['a number too large in it', { destination: '10.0.0.256' }, { field: 'destination', kind: 'address', found: '10.0.0.256' }],
    ['IPv6', { source: 'fe80::1' }, { field: 'source', kind: 'ipv6', found: 'fe80::1' }],
    ['nothing', { source: ' ' }, { field: 'source', kind: 'address', found: '' }],
    ['a port too large', { destinationPort: '65536' }, { field: 'destinationPort', kind: 'number', found: '65536', least: 0, most: 65_535 }],
    ['half a port', { sourcePort: '80.5' }, { field: 'sourcePort', kind: 'number', found: '80.5', least: 0, most: 65_535 }],
    ['a packet shorter than its headers', { length: '39' }, { field: 'length', kind: 'number', found: '39', least: 40, most: 65_535 }],
    ['a ttl of 0, which no sender has', { ttl: '0' }, { field: 'ttl', kind: 'number', found: '0', least: 1, most: 255 }],
  ] as const)('refuses %s', (_, change, fault) => {
    expect(readForm({ ...formOf(made(syn)), ...change }, syn)).toEqual({ faults: [fault] });
  });
  test('names everything that is wrong at once', () => {
    const read = readForm({ ...formOf(made(syn)), source: 'x', destinationPort: '-1', ttl: '256' }, syn);
    expect('faults' in read && read.faults.map(({ field }) => field)).toEqual(['source', 'ttl', 'destinationPort']);
  });
});

describe('the answer', () => {
  test('goes back to where the packet came from, whatever it was', () => {
    fc.assert(
      fc.property(packet, (one) => {
        const answer = answerPacket(one);
        if (!answer) return;
        expect([answer.source, answer.destination, answer.protocol]).toEqual([one.destination, one.source, one.protocol]);
        if (one.protocol !== 'ICMP' && answer.protocol !== 'ICMP') expect([answer.sourcePort, answer.destinationPort]).toEqual([one.destinationPort, one.sourcePort]);
      }),
      { seed: 4 },
    );
  });
  it.each([
    ['SYN by SYN, ACK', TCP_FLAG.SYN, 40, TCP_FLAG.SYN | TCP_FLAG.ACK, 101],
    ['data by ACK of its last byte', TCP_FLAG.ACK, 50, TCP_FLAG.ACK, 110],
    ['FIN by ACK of one more', TCP_FLAG.FIN | TCP_FLAG.ACK, 40, TCP_FLAG.ACK, 101],
  ])('TCP answers %s', (_, flags, length, answered, acknowledgement) => {
    expect(answerPacket({ ...syn, flags, length })).toMatchObject({ flags: answered, acknowledgement });
  });
  test('nobody answers a reset, an echo reply or an ICMP error', () => {
    expect(answerPacket({ ...syn, flags: TCP_FLAG.RST })).toBeNull();
    const icmp: Packet = { protocol: 'ICMP', source: syn.source, destination: syn.destination, ttl: 64, length: 84, type: 0, code: 0, identifier: 1, sequence: 1, inner: null };
    expect(answerPacket(icmp)).toBeNull();
    expect(answerPacket({ ...icmp, type: 3 })).toBeNull();
    expect(answerPacket({ ...icmp, type: 8 })).toMatchObject({ type: 0, identifier: 1 });
  });
});

const node = (name: string, change: Partial<ChainNode> = {}): ChainNode => ({ name, chains: 1, rules: 1, policy: null, service: null, endpoint: null, ...change });
const graph: ChainGraph = {
  table: 'nat',
  nodes: [node('PREROUTING', { policy: 'ACCEPT' }), node('OUTPUT', { policy: 'ACCEPT' }), node('KUBE-SERVICES'), node('KUBE-SVC-*', { chains: 3 }), node('KUBE-SVC', {})],
  edges: [{ from: 0, to: 2, rules: 1, goes: false }, { from: 1, to: 2, rules: 1, goes: false }, { from: 2, to: 3, rules: 3, goes: false }, { from: 2, to: 4, rules: 1, goes: true }],
};
const stage = (kind: 'chain' | 'conntrack', hook: string, part: string, name: string, firstStep: number, endStep: number) => ({ kind, hook, part, name, work: {}, firstStep, endStep });
const rule = (chain: string, index: number, matched: boolean) => ({ table: 'nat', chain, index, matched });
const stages = [stage('conntrack', 'PREROUTING', '', 'conntrack', 0, 0), stage('chain', 'PREROUTING', 'nat', 'PREROUTING', 0, 1), stage('chain', 'PREROUTING', 'nat', 'KUBE-SERVICES', 1, 4), stage('chain', 'PREROUTING', 'nat', 'KUBE-SVC-ABC', 4, 5)];
const walk: Walk = {
  lane: { report: { stages, verdict: { kind: 'delivered', address: ip('10.0.0.9'), port: 8080, device: 'veth9' }, packetOut: { ...syn, destination: ip('10.0.0.9') } }, timeline: {} } as unknown as Walk['lane'],
  rules: [rule('PREROUTING', 0, true), rule('KUBE-SERVICES', 0, false), rule('KUBE-SERVICES', 1, false), rule('KUBE-SERVICES', 2, true), rule('KUBE-SVC-ABC', 0, true)],
  nodes: ['', 'PREROUTING', 'KUBE-SERVICES', 'KUBE-SVC-*'],
  connections: 1,
};

describe('a walk', () => {
  const path = pathOf(walk);
  test('is a list of places, each with the rule that sent the packet on', () => {
    expect(path.map(({ name, first, end, matched }) => [name, end - first, matched])).toEqual([['conntrack', 0, null], ['PREROUTING', 1, 0], ['KUBE-SERVICES', 3, 2], ['KUBE-SVC-ABC', 1, 0]]);
    expect(path.reduce((sum, { first, end }) => sum + end - first, 0)).toBe(walk.rules.length);
    expect(matchedCount(walk)).toBe(3);
    expect(walk.rules.map((_, step) => stopAt(path, step))).toEqual([1, 2, 2, 2, 3]);
  });
  test('lights the chains and jumps that it has come to, and no others', () => {
    const shown = (stops: number) => { const { nodes, edges } = litOn(graph, path, stops); return [[...nodes], [...edges]]; };
    expect(shown(0)).toEqual([[], []]);
    expect(shown(2)).toEqual([[0], []]);
    expect(shown(3)).toEqual([[0, 2], [0]]);
    expect(shown(4)).toEqual([[0, 2, 3], [0, 2]]);
    expect(litOn({ ...graph, table: 'filter' }, path, 4).nodes.size).toBe(0);
  });
  test('says what each rule of a chain has answered so far', () => {
    expect([...answersIn(walk, 'nat', 'KUBE-SERVICES', 3)]).toEqual([[0, false], [1, false]]);
    expect([...answersIn(walk, 'nat', 'KUBE-SERVICES', 5)]).toEqual([[0, false], [1, false], [2, true]]);
    expect(answersIn(walk, 'filter', 'KUBE-SERVICES', 5).size).toBe(0);
  });
  test('is answered by the interface that the packet left by', () => {
    expect(answerOf(walk)).toMatchObject({ input: 'veth9', keep: true, packet: { source: ip('10.0.0.9'), destination: syn.source } });
  });
});

describe('the graph', () => {
  const layout = layoutChains(graph, { nodeWidth: ({ name }) => 40 + name.length * 7, nodeHeight: 44, gap: 10, column: 60 });
  test('finds a node by its name alone, not by what a chain’s name begins with', () => {
    expect(['KUBE-SVC-*', 'KUBE-SVC', 'KUBE-SERVICES', 'KUBE-SVC-ABC', ''].map((name) => nodeOf(graph, name))).toEqual([3, 4, 2, -1, -1]);
  });
  test('no two nodes stand over one another, and jumps lead to the right', () => {
    layout.nodes.forEach((a, one) => layout.nodes.slice(one + 1).forEach((b) => {
      expect(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true);
    }));
    for (const { from, to } of graph.edges) expect(layout.nodes[from]!.x + layout.nodes[from]!.width).toBeLessThan(layout.nodes[to]!.x);
    for (const edge of layout.edges) expect(edgePath(edge)).toMatch(/^M[\d.-]+ [\d.-]+(C([\d.-]+ ?){6})+$/);
  });
  it.each([
    [0, 'ArrowRight', 2],
    [2, 'ArrowLeft', [0, 1]],
    [2, 'ArrowRight', [3, 4]],
    [3, 'ArrowRight', null],
    [0, 'ArrowLeft', null],
    [0, 'End', 4],
    [4, 'Home', 0],
  ] as const)('from %i, %s leads along the jumps', (from, key, to) => {
    expect(Array.isArray(to) ? to : [to]).toContain(neighbour(graph, layout, from, key));
  });
  test('left and right go back the way that one came', () => {
    for (const start of [0, 1]) {
      const there = follow(graph, layout, NO_TRAIL, start, 'ArrowRight');
      const back = there && follow(graph, layout, there.trail, there.node, 'ArrowLeft');
      expect([there?.node, back?.node]).toEqual([2, start]);
    }
    for (const end of [3, 4]) {
      const there = follow(graph, layout, NO_TRAIL, end, 'ArrowLeft');
      expect([there?.node, there && follow(graph, layout, there.trail, 2, 'ArrowRight')?.node]).toEqual([2, end]);
    }
  });
  it.each([
    ['all that fits, in the middle', [[300, 400], [500, 600]], 400, 250],
    ['from the beginning', [[20, 120], [200, 300]], 400, 0],
    ['the first, with what is beyond it', [[100, 200], [900, 1000]], 400, 92],
    ['the first, with what is before it', [[900, 1000], [100, 200]], 400, 608],
    ['one larger than the room, from its beginning', [[100, 700]], 400, 92],
    ['nothing', [], 400, 0],
  ] as const)('shows of a walk %s', (_, spans, room, scroll) => { expect(viewed(spans, room)).toBe(scroll); });
  test('up and down stay in the column, and come back', () => {
    const [upper, lower] = layout.nodes[0]!.y < layout.nodes[1]!.y ? [0, 1] : [1, 0];
    expect(neighbour(graph, layout, upper, 'ArrowDown')).toBe(lower);
    expect(neighbour(graph, layout, lower, 'ArrowUp')).toBe(upper);
  });
});

describe('a rule in a list', () => {
  /** Rows of FORWARD, as the engine tells them: only it knows which names are chains. */
  const row = (rule: string) => {
    const browser = new Simulation({ assets: readAssets(), profiles: TEST_PROFILES }).rules({
      version: 1, mode: 'rules', cluster: { kind: 'rules', text: `*filter\n:KUBE-X - [0:0]\n:MARKS - [0:0]\n:mine - [0:0]\n-A FORWARD ${rule}\nCOMMIT\n` },
      seed: 1, target: { servicePort: null, position: null }, connection: 'new', packet: 0, profile: 'legacy', added: [],
    });
    return browser.chain('filter', 'FORWARD', 0, 1)!.rows[0]!;
  };
  it.each([
    ['-m comment --comment "a -j KUBE-X b" -d 10.0.0.1 -j KUBE-X', 'a -j KUBE-X b', { before: '-d 10.0.0.1 ', option: '-j ', chain: 'KUBE-X', after: '' }],
    ['-s 10.0.0.1 -g mine -m comment --comment plain', 'plain', { before: '-s 10.0.0.1 ', option: '-g ', chain: 'mine', after: '' }],
    ['-m  comment --comment\t"two  blanks" -j  KUBE-X', 'two  blanks', { before: '', option: '-j  ', chain: 'KUBE-X', after: '' }],
    ['-m comment -m tcp -p tcp --comment apart --dport 80 -j mine', 'apart', { before: '-m tcp -p tcp --dport 80 ', option: '-j ', chain: 'mine', after: '' }],
    ['-s 10.0.0.1 --jump KUBE-X -p tcp', null, { before: '-s 10.0.0.1 ', option: '--jump ', chain: 'KUBE-X', after: ' -p tcp' }],
    // A chain whose name begins as a target's does, and one that stands in a prefix.
    ['-j MARKS', null, { before: '', option: '-j ', chain: 'MARKS', after: '' }],
    ['-p tcp -j LOG --log-prefix "-j KUBE-X "', null, { before: '-p tcp -j LOG --log-prefix "-j KUBE-X "', option: '', chain: null, after: '' }],
    ['-j LOG --log-prefix "--comment x"', null, { before: '-j LOG --log-prefix "--comment x"', option: '', chain: null, after: '' }],
    ['-p tcp -j REJECT --reject-with tcp-reset', null, { before: '-p tcp -j REJECT --reject-with tcp-reset', option: '', chain: null, after: '' }],
    ['-m comment --comment only', 'only', { before: '', option: '', chain: null, after: '' }],
  ])('%s', (rule, comment, words) => {
    const found = row(rule);
    expect(found.comment).toBe(comment);
    expect(ruleWords(found)).toEqual(words);
  });
});

describe('the kernel tables that rules were saved from', () => {
  it.each([
    ['# Generated by iptables-save v1.8.10 (nf_tables) on Mon Nov 23 11:00:00 2026\n*nat\nCOMMIT\n', 'nft'],
    ['# Generated by iptables-nft-save v1.8.9 (nf_tables) on Mon\n', 'nft'],
    ['\n# Warning: x\n# Generated by iptables-save v1.8.7 (legacy) on Mon\r\n', 'legacy'],
    ['# Generated by iptables-save v1.8.9 on Mon Nov 23 10:11:12 2026\n*raw\n', null],
    ['*nat\n-A OUTPUT -m comment --comment "# Generated by iptables-save v1 (nf_tables)" -j ACCEPT\n', null],
    ['', null],
  ] as const)('%j', (text, profile) => { expect(rulesProfile(text)).toBe(profile); });
});

describe('a text is known by itself', () => {
  it.each([
    ['# Generated by iptables-save v1.8.9\n*nat\n', 'rules'],
    ['# Generated by xtables-save v1.8.2 on\n', 'rules'],
    ['*filter\r\n:INPUT ACCEPT [0:0]\r\n', 'rules'],
    ['-A INPUT -j DROP\n', 'rules'],
    ['-P INPUT ACCEPT\n-N MINE\n', 'rules'],
    ['apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n', 'text'],
    ['---\n# a comment\nkind: Service\n', 'text'],
    ['{"kind":"List"}', 'text'],
    ['data:\n  rules: |\n    x\nkind: ConfigMap\n', 'text'],
    ['kind: ConfigMap\ndata:\n  rules: |\n    *nat\n', 'text'],
    ['', null],
    ['hello', null],
  ])('%j is %s', (text, kind) => {
    expect(textKind(text)).toBe(kind);
  });
  test('files of rules are put together without a line between them', () => {
    expect(joinFiles(['*nat\nCOMMIT\n', '*filter\nCOMMIT\n'])).toBe('*nat\nCOMMIT\n\n*filter\nCOMMIT\n');
    expect(joinFiles(['kind: Service', 'kind: Pod'])).toBe('kind: Service\n---\nkind: Pod');
  });
});
