import { describe, expect, it } from 'vitest';
import { parseIpv4, type Ipv4 } from '../../src/packet/address.ts';
import type { Packet } from '../../src/packet/packet.ts';
import { parseIpSets } from '../../src/datapaths/iptables/netfilter/ipset-text.ts';
import type { SetSide } from '../../src/datapaths/iptables/netfilter/ipset.ts';
import { Skb } from '../../src/datapaths/iptables/netfilter/skb.ts';

const ip = (text: string): Ipv4 => parseIpv4(text)!;
const udp = (source: string, destination = '10.0.9.9', destinationPort = 53): Packet => ({ protocol: 'UDP', source: ip(source), destination: ip(destination), ttl: 64, length: 28, sourcePort: 4000, destinationPort });
const sctp = (destinationPort: number): Packet => ({ protocol: 'SCTP', source: ip('10.0.0.1'), destination: ip('10.0.0.2'), ttl: 64, length: 36, sourcePort: 4000, destinationPort, chunk: 1, verificationTag: 0, initiateTag: 1 });
const asked = (text: string, packet: Packet, sides: readonly SetSide[], { now = 0, wantsNomatch = false } = {}) => parseIpSets(text).get('s')?.matches(new Skb(packet), sides, now, wantsNomatch);

describe('ipsets', () => {
  // As net/netfilter/ipset does it.
  it.each<[string, string, Packet, readonly SetSide[], boolean]>([
    ['a range of addresses', 'create s hash:ip\nadd s 10.0.0.1-10.0.0.5', udp('10.0.0.5'), ['src'], true],
    ['a netmask', 'create s hash:ip netmask 24\nadd s 10.0.0.1', udp('10.0.0.200'), ['src'], true],
    ['a range of networks', 'create s hash:net\nadd s 10.0.0.1-10.0.0.6', udp('10.0.0.6'), ['src'], true],
    ['beyond a range of networks', 'create s hash:net\nadd s 10.0.0.1-10.0.0.6', udp('10.0.0.7'), ['src'], false],
    ['the longest prefix says no', 'create s hash:net\nadd s 10.0.0.0/8\nadd s 10.0.0.0/24 nomatch', udp('10.0.0.6'), ['src'], false],
    ['the first network’s length counts before the second’s', 'create s hash:net,net\nadd s 10.0.0.0/24,10.0.0.0/8\nadd s 10.0.0.0/16,10.0.9.0/24 nomatch', udp('10.0.0.6'), ['src', 'dst'], true],
    ['one side asked of a set of two parts', 'create s hash:ip,port\nadd s 10.0.0.1,udp:53', udp('10.0.0.1'), ['src'], false],
    ['a named port', 'create s hash:ip,port\nadd s 10.0.0.1,udp:domain', udp('10.0.0.1'), ['src', 'dst'], true],
    ['a list of ports', 'create s hash:ip,port\nadd s 10.0.0.1,udp:50-60', udp('10.0.0.1'), ['src', 'dst'], true],
    ['bitmap:port knows UDP', 'create s bitmap:port range 0-65535\nadd s 53', udp('10.0.0.1'), ['dst'], true],
    ['bitmap:port does not know SCTP', 'create s bitmap:port range 0-65535\nadd s 53', sctp(53), ['dst'], false],
    ['outside a bitmap', 'create s bitmap:ip range 10.0.0.0/24\nadd s 10.0.0.1', udp('10.0.1.1'), ['src'], false],
    ['an IPv6 set', 'create s hash:ip family inet6\nadd s ::1', udp('10.0.0.1'), ['src'], false],
    ['a list of sets', 'create a hash:ip\nadd a 10.0.0.1\ncreate s list:set\nadd s a', udp('10.0.0.1'), ['src'], true],
    ['a comment with words', 'create s hash:net comment\nadd s 10.0.0.0/8 comment "no nomatch here"', udp('10.0.0.1'), ['src'], true],
    ['what was taken out', 'create s hash:ip\nadd s 10.0.0.1\nadd s 10.0.0.2\ndel s 10.0.0.1', udp('10.0.0.1'), ['src'], false],
  ])('%s', (_, text, packet, sides, found) => {
    expect(asked(text, packet, sides)).toBe(found);
  });

  it('forgets members when their time is over', () => {
    const text = 'create s hash:ip timeout 10\nadd s 10.0.0.1\nadd s 10.0.0.2 timeout 1\nadd s 10.0.0.3 timeout 0';
    expect(asked(text, udp('10.0.0.1'), ['src'], { now: 9_000 })).toBe(true);
    expect(asked(text, udp('10.0.0.1'), ['src'], { now: 10_001 })).toBe(false);
    expect(asked(text, udp('10.0.0.2'), ['src'], { now: 1_001 })).toBe(false);
    expect(asked(text, udp('10.0.0.3'), ['src'], { now: 1e9 })).toBe(true);
  });

  it('turns round with --return-nomatch', () => {
    const text = 'create s hash:net\nadd s 10.0.0.0/8\nadd s 10.0.0.0/24 nomatch';
    expect(asked(text, udp('10.0.0.1'), ['src'], { wantsNomatch: true })).toBe(true);
    expect(asked(text, udp('10.1.0.1'), ['src'], { wantsNomatch: true })).toBe(false);
    expect(asked(text, udp('11.1.0.1'), ['src'], { wantsNomatch: true })).toBe(false);
  });

  it('adds packets with the longest prefix that the set holds, and renews with --exist alone', () => {
    const set = parseIpSets('create s hash:net timeout 10\nadd s 192.168.0.0/24').get('s')!;
    const skb = new Skb(udp('10.0.0.1'));
    expect(set.add(skb, ['src'], 0, { seconds: null, exist: false })).toBe(true);
    expect(set.matches(new Skb(udp('10.0.0.77')), ['src'], 0)).toBe(true);
    expect(set.add(skb, ['src'], 9_000, { seconds: null, exist: false })).toBe(false);
    expect(set.matches(skb, ['src'], 11_000)).toBe(false);
    expect(set.add(skb, ['src'], 11_000, { seconds: null, exist: false })).toBe(true);
    expect(set.add(skb, ['src'], 15_000, { seconds: 20, exist: true })).toBe(true);
    expect(set.matches(skb, ['src'], 34_000)).toBe(true);
    set.reset();
    expect(set.matches(skb, ['src'], 34_000)).toBe(false);
  });

  it.each([
    ['create s hash:mac', 'The set type hash:mac is not known here.'],
    ['add s 10.0.0.1', 'There is no set s.'],
    ['create s hash:ip\nadd s 10.0.0.300', '10.0.0.300 is no IPv4 address.'],
    ['create s hash:ip wibble 3', 'The option wibble of a set is not known here.'],
    ['wibble s', 'The ipset command wibble is not known here.'],
  ])('refuses %s', (text, reason) => {
    expect(() => parseIpSets(text)).toThrow(reason);
  });
});
