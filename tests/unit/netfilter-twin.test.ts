import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TableName } from '../../src/datapaths/iptables/netfilter/hook.ts';
import { parseRule } from '../../src/datapaths/iptables/netfilter/parse/parse-rule.ts';
import { restore } from '../../src/datapaths/iptables/netfilter/restore.ts';
import type { RuleTable } from '../../src/datapaths/iptables/netfilter/rule-table.ts';
import { fitting, nextFitting } from '../../src/datapaths/iptables/netfilter/scan.ts';
import { walk } from '../../src/datapaths/iptables/netfilter/walk.ts';
import type { WalkContext } from '../../src/datapaths/iptables/netfilter/walk-context.ts';
import { Conntrack } from '../../src/datapaths/iptables/netfilter/conntrack.ts';
import { PacketLog } from '../../src/datapaths/iptables/netfilter/packet-log.ts';
import { RateLimits } from '../../src/datapaths/iptables/netfilter/rate-limits.ts';
import { Skb } from '../../src/datapaths/iptables/netfilter/skb.ts';
import { Topology } from '../../src/datapaths/iptables/netfilter/topology.ts';
import type { AddressMask, Negatable, Range, Rule } from '../../src/datapaths/iptables/netfilter/rule.ts';
import type { Ipv4 } from '../../src/packet/address.ts';
import type { Packet } from '../../src/packet/packet.ts';
import { PROTOCOL_NUMBER } from '../../src/packet/protocol.ts';

/*
 * The fast walk scans flat arrays of integers. Its twin below reads each rule from its words, compares field by field,
 * and calls itself for a jump: slow, and plain to see. Both must take every random packet through every random rule set
 * alike, to the same verdict and the same counters.
 */

const ADDRESSES = ['10.0.0.1', '10.0.0.2', '10.0.1.1', '192.168.0.1'];
const address = fc.constantFrom(...ADDRESSES, '10.0.0.0/24', '10.0.0.0/8', '0.0.0.0/0', '10.0.0.1/255.0.0.255');
const not = fc.constantFrom('', '', '', '! ');
const option = (text: fc.Arbitrary<string>) => fc.option(text, { nil: '' });
const CHAINS = ['a', 'b', 'c', 'd'];

/** A rule of the chain with this number: it may go to later chains only. */
const ruleIn = (chain: number) => {
  const later = CHAINS.slice(chain + 1);
  const target = fc.constantFrom('-j ACCEPT', '-j DROP', '-j RETURN', '', '', '-j MARK --xor-mark 0x1', ...later.map((name) => `-j ${name}`), ...later.map((name) => `-g ${name}`));
  const ports = fc.tuple(fc.constantFrom('tcp', 'udp'), option(fc.tuple(not, fc.constantFrom('--dport 80', '--dport 1:1000', '--sport 1024:')).map((parts) => parts.join('')))).map(([name, each]) => `-p ${name} -m ${name} ${each}`);
  return fc
    .tuple(
      option(fc.tuple(not, address).map(([no, text]) => `${no}-s ${text}`)),
      option(fc.tuple(not, address).map(([no, text]) => `${no}-d ${text}`)),
      option(fc.tuple(not, fc.constantFrom('eth0', 'eth+', 'lo', '+')).map(([no, text]) => `${no}-i ${text}`)),
      fc.oneof(ports, fc.constantFrom('', '', '! -p tcp', '-p icmp')),
      option(fc.tuple(not, fc.constantFrom('0x0/0x1', '0x1')).map(([no, text]) => `-m mark ${no}--mark ${text}`)),
      target,
    )
    .map((parts) => parts.filter((part) => part !== '').join(' '));
};

const rules = fc.tuple(
  fc.array(ruleIn(-1), { maxLength: 12 }),
  ...CHAINS.map((_, index) => fc.array(ruleIn(index), { maxLength: 8 })),
);

const packet: fc.Arbitrary<Packet> = fc
  .tuple(fc.nat(3), fc.nat(3), fc.constantFrom('TCP', 'UDP', 'ICMP'), fc.constantFrom(80, 443, 2000), fc.constantFrom(80, 443, 2000))
  .map(([from, to, protocol, sourcePort, destinationPort]): Packet => {
    const ip = { source: toNumber(ADDRESSES[from]!), destination: toNumber(ADDRESSES[to]!), ttl: 64, length: 60 };
    if (protocol === 'ICMP') return { protocol, ...ip, type: 8, code: 0, identifier: 1, sequence: 1, inner: null };
    if (protocol === 'UDP') return { protocol, ...ip, sourcePort, destinationPort };
    return { protocol: 'TCP', ...ip, sourcePort, destinationPort, flags: 2, sequence: 1, acknowledgement: 0 };
  });

function toNumber(text: string): Ipv4 {
  return text.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0) as Ipv4;
}

// ——— the twin ———

type Verdict = 'accept' | 'drop' | 'return' | 'end';

class Twin {
  readonly counters = new Map<string, number>();
  mark = 0;
  constructor(
    readonly chains: ReadonlyMap<string, readonly Rule[]>,
    readonly packet: Packet,
    readonly device: string,
  ) {}

  run(chain: string): Verdict {
    for (const [index, rule] of (this.chains.get(chain) ?? []).entries()) {
      if (!this.#fits(rule)) continue;
      const counter = `${chain}:${index}`;
      this.counters.set(counter, (this.counters.get(counter) ?? 0) + 1);
      const { target } = rule;
      if (target.kind === 'accept' || target.kind === 'drop' || target.kind === 'return') return target.kind;
      if (target.kind === 'mark') this.mark = ((this.mark & ~target.mask) ^ target.value) >>> 0;
      if (target.kind === 'jump' || target.kind === 'goto') {
        const verdict = this.run(target.chain);
        if (verdict === 'accept' || verdict === 'drop') return verdict;
        // A goto does not come back here: its end is this chain's.
        if (target.kind === 'goto') return 'end';
      }
    }
    return 'end';
  }

  #fits(rule: Rule): boolean {
    const asked = <T>(field: Negatable<T> | null, answer: (value: T) => boolean) => field === null || (field.negated ? !answer(field.value) : answer(field.value));
    const inside = (own: Ipv4) => (wanted: AddressMask) => (own & wanted.mask) >>> 0 === wanted.address;
    const { packet } = this;
    return (
      asked(rule.source, inside(packet.source)) &&
      asked(rule.destination, inside(packet.destination)) &&
      asked(rule.inInterface, (name) => (name.endsWith('+') ? this.device.startsWith(name.slice(0, -1)) : this.device === name)) &&
      asked(rule.protocol, (number) => number === PROTOCOL_NUMBER[packet.protocol]) &&
      rule.matches.every((match) => {
        const within = ([low, high]: Range, port: number) => port >= low && port <= high;
        if (match.kind === 'mark') return ((this.mark & match.mask) >>> 0 === match.mark) !== match.negated;
        if ((match.kind !== 'tcp' && match.kind !== 'udp') || packet.protocol === 'ICMP') return false;
        return asked(match.source, (range) => within(range, packet.sourcePort)) && asked(match.destination, (range) => within(range, packet.destinationPort));
      })
    );
  }
}

const context: WalkContext = { topology: new Topology(), sets: new Map(), recent: new Map(), limits: new RateLimits(), conntrack: new Conntrack(), now: 0, clock: 0, random32: () => 0 };

function load(lines: readonly (readonly string[])[]): RuleTable {
  const names = ['FORWARD', ...CHAINS];
  const text = ['*filter', ...CHAINS.map((name) => `:${name} - [0:0]`), ...lines.flatMap((chain, index) => chain.map((line) => `-A ${names[index]} ${line}`)), 'COMMIT', ''].join('\n');
  const tables = new Map<TableName, RuleTable>();
  restore(tables, text);
  return tables.get('filter')!;
}

describe('the fast walk and its slow twin', () => {
  it('take random packets through random rules alike', () => {
    fc.assert(
      fc.property(rules, fc.array(fc.tuple(packet, fc.constantFrom('eth0', 'eth1', 'lo')), { minLength: 1, maxLength: 6 }), (lines, packets) => {
        const names = ['FORWARD', ...CHAINS];
        const table = load(lines);
        const chains = new Map(lines.map((chain, index) => [names[index]!, chain.map((line) => parseRule(line.split(' ').filter((word) => word !== '')))]));
        const total = new Map<string, number>();
        for (const [each, device] of packets) {
          const twin = new Twin(chains, each, device);
          const verdict = twin.run('FORWARD') === 'drop' ? 'drop' : 'accept';
          for (const detail of ['none', 'steps'] as const) {
            const skb = new Skb(each);
            skb.inInterface = device;
            skb.outInterface = 'eth0';
            expect(walk(table, 'FORWARD', skb, context, new PacketLog(detail)).kind).toBe(verdict);
            expect(skb.mark).toBe(twin.mark);
          }
          for (const [counter, count] of twin.counters) total.set(counter, (total.get(counter) ?? 0) + 2 * count);
        }
        for (const { id, name } of table.chains()) {
          for (let index = 0; index < table.length[id]!; index++) {
            const rule = table.start[id]! + index;
            expect([table.packets[rule], table.bytes[rule]], `${name}:${index}`).toEqual([total.get(`${name}:${index}`) ?? 0, 60 * (total.get(`${name}:${index}`) ?? 0)]);
          }
        }
      }),
      { seed: 20261124, numRuns: 400 },
    );
  });

  it('find the same next rule', () => {
    fc.assert(
      fc.property(rules, packet, fc.constantFrom('eth0', 'lo', ''), (lines, each, device) => {
        const { arena } = load(lines);
        const number = PROTOCOL_NUMBER[each.protocol];
        const fits = fitting(arena.interfaces, device);
        const one = (rule: number) => nextFitting(arena.rules, rule, rule + 1, each.source, each.destination, number, fits, fits) === rule;
        let from = 0;
        for (let rule = 0; rule < arena.count; rule++) if (one(rule)) {
          expect(nextFitting(arena.rules, from, arena.count, each.source, each.destination, number, fits, fits)).toBe(rule);
          from = rule + 1;
        }
        expect(nextFitting(arena.rules, from, arena.count, each.source, each.destination, number, fits, fits)).toBe(arena.count);
      }),
      { seed: 7, numRuns: 200 },
    );
  });
});
