import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Dice } from '../../lab/dice.ts';
import type { CasePacket, Out, RecordedCase } from '../../lab/netfilter/case.ts';
import { differences } from '../../lab/netfilter/compare.ts';
import { endsOf } from '../../lab/netfilter/ends.ts';
import { kubeProxyCase } from '../../lab/netfilter/kube-proxy-case.ts';
import { RandomPacket, type Sent } from '../../lab/netfilter/random-packet.ts';
import { randomRules, randomSets } from '../../lab/netfilter/random-rules.ts';
import { frameOf, headersOf } from '../../lab/netfilter/wire.ts';
import { replay } from '../../src/datapaths/iptables/netfilter/replay.ts';

/** The lab's netfilter check, as far as it needs no kernel: what it makes, and that it would see a difference. */
const lines = readFileSync(new URL('../conformance/netfilter/found.jsonl', import.meta.url), 'utf8').trim().split('\n');
const recorded = lines.map((line) => JSON.parse(line) as RecordedCase);
const [first] = recorded as [RecordedCase];
const topology = first['topology.json'];

/** Answers as a machine without rules would. */
function packetsOf(seed: number, count: number): CasePacket[] {
  const random = new RandomPacket(new Dice(seed), endsOf(topology));
  const history: Sent[] = [];
  const where = topology.interfaces.find(({ side }) => side === 'server')?.name ?? '';
  const packets: CasePacket[] = [];
  while (packets.length < count) {
    const made = random.next(history);
    if (!made) continue;
    const packet = { ...made, id: packets.length + 1 } as CasePacket;
    packets.push(packet);
    history.push({ packet, out: { ...packet, where, mark: 0 } as unknown as Out });
  }
  return packets;
}

describe('random rules', () => {
  it('are the same from the same seed', () => {
    const make = (seed: number) => randomRules(new Dice(seed), endsOf(topology)) + randomSets(new Dice(seed), endsOf(topology));
    expect(make(7)).toBe(make(7));
    expect(make(7)).not.toBe(make(8));
  });

  it('are rules that the engine takes', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const dice = new Dice(seed);
      const ends = endsOf(topology);
      const rules = randomRules(dice, ends);
      expect(() => replay({ name: String(seed), 'topology.json': topology, 'rules.restore': rules, 'ipsets.txt': randomSets(dice, ends), 'packets.json': [] }), rules).not.toThrow();
    }
  });

  it('hold every match and target that the check speaks of', () => {
    const ends = endsOf(topology);
    const all = Array.from({ length: 300 }, (_, seed) => randomRules(new Dice(seed + 1), ends)).join('');
    for (const match of ['state', 'conntrack', 'limit', 'hashlimit', 'length', 'pkttype', 'iprange', 'tcpmss', 'multiport', 'mark', 'connmark', 'addrtype', 'set', 'recent', 'statistic', 'rpfilter', 'ttl', 'tos', 'dscp', 'comment']) expect(all).toContain(`-m ${match} `.replace('rpfilter ', 'rpfilter'));
    for (const target of ['REDIRECT', 'NETMAP', 'SNAT', 'DNAT', 'MASQUERADE', 'CT --notrack', 'NOTRACK', 'REJECT', 'REJECT --reject-with tcp-reset', 'LOG', 'NFLOG', 'RETURN', 'MARK', 'CONNMARK', 'TCPMSS', 'TTL', 'TOS', 'DSCP', 'CLASSIFY', 'CHECKSUM', 'TRACE', 'SET']) expect(all).toContain(`-j ${target}`);
    expect(all).toMatch(/-g [uds]-\d/);
    expect(all).toMatch(/DNAT --to-destination [\d.]+-[\d.]+/);
    expect(all).toMatch(/SNAT --to-source [\d.]+:\d+-\d+/);
  });
});

describe('random packets', () => {
  it('come out of their frames as they went in', () => {
    for (const packet of packetsOf(3, 400)) {
      const read = headersOf(frameOf(packet, 0, new Set()).subarray(14));
      for (const field of ['proto', 'src', 'dst', 'sport', 'dport', 'ttl', 'length', 'icmp_type', 'icmp_code', 'seq'] as const) expect({ [field]: read[field] }, JSON.stringify(packet)).toEqual({ [field]: packet[field] });
      if (packet.inner) expect(read.inner).toMatchObject({ src: packet.inner['src'], dst: packet.inner['dst'] });
    }
  });

  it('are of every protocol, new, answering and about others', () => {
    const packets = packetsOf(3, 400);
    for (const proto of ['tcp', 'udp', 'icmp', 'sctp']) expect(packets.some((packet) => packet.proto === proto && packet.reply_to !== undefined)).toBe(true);
    expect(packets.some(({ inner }) => inner)).toBe(true);
  });
});

describe('the comparison', () => {
  it('finds nothing where both agree', () => {
    for (const one of recorded) expect(differences(one), one.name).toEqual([]);
  });

  it.each([
    { name: 'a counter', change: (one: RecordedCase): RecordedCase => ({ ...one, kernel: { ...one.kernel, counters: JSON.parse(JSON.stringify(one.kernel.counters).replace(/"policy":\[(\d+)/, '"policy":[9$1')) as RecordedCase['kernel']['counters'] } }) },
    { name: 'a packet that did not come out', change: (one: RecordedCase): RecordedCase => ({ ...one, kernel: { ...one.kernel, outs: one.kernel.outs.map(() => []) } }) },
    { name: 'another mark', change: (one: RecordedCase): RecordedCase => ({ ...one, kernel: { ...one.kernel, outs: one.kernel.outs.map((outs) => outs.map((out) => ({ ...out, mark: out.mark + 1 }))) } }) },
  ])('finds $name', ({ change }) => {
    expect(differences(change(first)).length).toBeGreaterThan(0);
  });
});

describe('kube-proxy’s cases', () => {
  it('say by which draws the rules choose the endpoint that came out', () => {
    const plan = kubeProxyCase('legacy', 1);
    const payload = plan.rules[1] ?? '';
    const chain = /-A (KUBE-SVC-\S+) .* --probability 0.33/.exec(payload)?.[1] ?? '';
    const endpoints = [...payload.matchAll(new RegExp(`^-A ${chain} .* -> ([\\d.]+):(\\d+)"(?! -m recent).* -j KUBE-SEP`, 'gm'))];
    expect(endpoints.length).toBe(3);
    const [, dst = '', dport = ''] = new RegExp(`-d ([\\d.]+) .*--dport (\\d+) -j ${chain}`).exec(payload) ?? [];
    const proto = new RegExp(`-p (\\w+) -d [\\d.]+ .*-j ${chain}`).exec(payload)?.[1] ?? '';
    const packet = { id: 1, from: 'client', proto, src: '10.244.0.10', dst, sport: 4000, dport: Number(dport), ttl: 64, length: 40 };
    const drawn = endpoints.map(([, address = '', port = '']) => plan.draws?.(packet, [{ ...packet, where: 'sv0', mark: 0, dst: address, dport: Number(port) }]));
    expect(drawn).toEqual([[0], [0x7fffffff, 0], [0x7fffffff, 0x7fffffff, 0]]);
  });
});
