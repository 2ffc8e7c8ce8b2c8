import { describe, expect, it } from 'vitest';
import { parseRule } from '../../src/datapaths/iptables/netfilter/parse/parse-rule.ts';
import { readDump } from '../../src/datapaths/iptables/netfilter/read-dump.ts';
import { splitWords } from '../../src/datapaths/iptables/netfilter/words.ts';

const rule = (text: string) => parseRule(splitWords(text) ?? []);
const inTable = (table: string, chain: string, ...lines: readonly string[]) => [`*${table}`, ...lines.map((line) => (/^-[A-Z]/.test(line) ? line : `-A ${chain} ${line}`)), 'COMMIT', ''].join('\n');

describe('options as people write them', () => {
  // What iptables 1.8.9 takes on the left, it writes as on the right.
  it.each([
    ['-j DNAT --to 10.0.0.1', '-j DNAT --to-destination 10.0.0.1'],
    ['-p tcp -j REDIRECT --to-port 3128', '-p tcp -j REDIRECT --to-ports 3128'],
    ['-p tcp -j REDIRECT --to 3128', '-p tcp -j REDIRECT --to-ports 3128'],
    ['-j SNAT --to 10.0.0.1', '-j SNAT --to-source 10.0.0.1'],
    ['-j DNAT -p tcp --dport 80 --to-destination 10.0.0.1:80', '-p tcp --dport 80 -j DNAT --to-destination 10.0.0.1:80'],
    ['-p tcp -j DNAT -i eth0 --to-destination 10.0.0.1:80 -d 10.0.0.2', '-p tcp -i eth0 -d 10.0.0.2 -j DNAT --to-destination 10.0.0.1:80'],
    ['-j LOG -m limit --limit 3/min --log-pre "x "', '-m limit --limit 3/min -j LOG --log-prefix "x "'],
    ['-p tcp -m multiport --dport 80,443 -j DROP', '-p tcp -m multiport --dports 80,443 -j DROP'],
    ['-p tcp --dport=80 -j DROP', '-p tcp --dport 80 -j DROP'],
    ['-p tcp --destination-p 80 -j DROP', '-p tcp --dport 80 -j DROP'],
    ['--prot tcp --sou 10.0.0.1 --dest 10.0.0.2 --jum DROP', '-p tcp -s 10.0.0.1 -d 10.0.0.2 -j DROP'],
    ['-m limit --limit 1/sec --limit-b 3', '-m limit --limit 1/sec --limit-burst 3'],
    ['-m mac --mac 00:11:22:33:44:55', '-m mac --mac-source 00:11:22:33:44:55'],
    ['-p icmp --icmp 8', '-p icmp -m icmp --icmp-type 8'],
    ['-j REJECT --reject icmp-host-unreach', '-j REJECT --reject-with icmp-host-unreachable'],
    ['-j MARK --or 5', '-j MARK --or-mark 5'],
    ['-j CONNMARK --restore', '-j CONNMARK --restore-mark'],
    ['-j CONNMARK --nfmask 0xff --ctmask 0xff --save-mark', '-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff'],
    ['-p tcp --syn -j TCPMSS --clamp-mss', '-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu'],
    ['-s 10/8', '-s 10.0.0.0/8'],
    ['-s 192.168/16', '-s 192.168.0.0/16'],
    ['-s 0/0', '-s 0.0.0.0/0'],
    ['-s any/0', '-s 0.0.0.0/0'],
    ['-s 127.1', '-s 127.1.0.0'],
    ['-p ipip', '-p 94'],
    ['-p eigrp', '-p 88'],
    ['-p tcp --dport webcache', '-p tcp --dport 8080'],
    ['-p udp --dport 0x35', '-p udp --dport 53'],
    ['-p tcp --tcp-flags syn,ack, syn', '-p tcp --tcp-flags SYN,ACK SYN'],
    ['-p icmp --icmp-type Echo-Req', '-p icmp --icmp-type 8'],
    ['-m limit --limit 5/Minute', '-m limit --limit 5/min'],
    ['-m length --length 0:0xffff', '-m length --length 0:65535'],
    ['-m set --set foo src', '-m set --match-set foo src'],
    ['-c 10,20 -j DROP', '-j DROP'],
    ['-v -j DROP', '-j DROP'],
    ['-m time --weekdays Mon --localtz', '-m time --weekdays Mon --kerneltz'],
  ])('%s', (written, saved) => {
    expect(rule(written)).toEqual(rule(saved));
  });

  it.each([
    ['--in eth0 -j DROP', '“--in” is not known here.'],
    ['-m conntrack --ctst NEW -j DROP', 'The match “conntrack” has no option --ctst here.'],
    ['-j MARK --set 1', 'The target MARK has no option --set here.'],
    ['-p icmp --icmp-type echo', '--icmp-type cannot take “echo”.'],
    ['-p tcp --tcp-flags ECE,CWR NONE', '--tcp-flags cannot take “ECE,CWR”.'],
    ['-m hashlimit --hashlimit-above 512kb/s --hashlimit-burst 5 --hashlimit-name x', 'hashlimit’s rate and its burst are both in bytes, or neither.'],
    ['-m time --timestart 09:00 --timestop 17:00 --contiguous', 'time’s --contiguous needs a --timestop before its --timestart.'],
    ['-j CONNMARK --set-mark 1 --save-mark', 'CONNMARK takes one action.'],
  ])('refuses %s', (written, reason) => {
    expect(() => rule(written)).toThrow(reason);
  });

  it('names the word that a person wrote', () => {
    expect(readDump(inTable('nat', 'PREROUTING', '-j DNAT -p tcp --to 10.0.0.300:80')).faults).toMatchObject([{ line: 2, word: '10.0.0.300:80', column: 35 }]);
  });

  it('edits chains as Linux does: -R, -D by number and by rule, -F, -Z, -X', () => {
    const rules = (text: string) => {
      const dump = readDump(text);
      expect(dump.faults).toEqual([]);
      const table = dump.tables.get('filter')!;
      return [...table.chains()].filter(({ id }) => (table.length[id] ?? 0) > 0).map(({ id, name }) => [name, Array.from({ length: table.length[id] ?? 0 }, (_, at) => `${table.ruleText((table.start[id] ?? 0) + at)} [${table.packets[(table.start[id] ?? 0) + at]}]`)]);
    };
    const five = [1, 2, 3, 4, 5].map((port) => `-A INPUT -p tcp --dport ${port}`);
    expect(rules(inTable('filter', '', ...five, '-D INPUT 2', '-R INPUT 1 -p tcp --dport 9', '-D INPUT -p tcp -m tcp --dport 4'))).toEqual([['INPUT', ['-p tcp --dport 9 [0]', '-p tcp --dport 3 [0]', '-p tcp --dport 5 [0]']]]);
    expect(rules(inTable('filter', '', ...five, '-F INPUT', '-A INPUT -j DROP'))).toEqual([['INPUT', ['-j DROP [0]']]]);
    expect(rules('*filter\n:A - [0:0]\n[3:30] -A INPUT -j DROP\n[4:40] -A A -j DROP\n[5:50] -A A -j DROP\n-Z INPUT\n-Z A 2\nCOMMIT\n')).toEqual([['INPUT', ['-j DROP [0]']], ['A', ['-j DROP [4]', '-j DROP [0]']]]);
    expect(rules('*filter\n:A - [0:0]\n-A INPUT -j A\n-F\n-X\n-A INPUT -j DROP\nCOMMIT\n')).toEqual([['INPUT', ['-j DROP [0]']]]);
    expect(readDump(inTable('filter', '', ...five, '-D INPUT 6')).faults).toMatchObject([{ line: 7, reason: 'INPUT has no rule 6: it has 5.' }]);
    expect(readDump(inTable('filter', '', ...five, '-D INPUT -j DROP')).faults).toMatchObject([{ line: 7, reason: 'INPUT has no such rule to take out.' }]);
  });

  it.each([
    ['a chain that is there', '-N X\n-N X', 'The chain X is there already.'],
    ['a long name', `:${'x'.repeat(29)} - [0:0]`, `The chain name ${'x'.repeat(29)} is too long: Linux takes 28 characters.`],
    ['a verdict for a name', ':ACCEPT - [0:0]', 'No chain can be named ACCEPT: that is a verdict.'],
    ['a policy of one’s own chain', '-N X\n-P X DROP', 'X is no built-in chain of the table filter: it has no policy.'],
    ['a place beyond the end', '-I INPUT 5 -j ACCEPT', 'INPUT has no rule 5: it has 0.'],
    ['a rule that is not there', '-R INPUT 1 -j ACCEPT', 'INPUT has no rule 1: it has 0.'],
    ['a chain in use', '-N X\n-A INPUT -j X\n-X X', 'The chain X cannot be deleted: INPUT jumps to it.'],
    ['a chain in use by one that no hook leads to', '-N X\n-N Y\n-A Y -j X\n-X X', 'The chain X cannot be deleted: Y jumps to it.'],
  ])('refuses %s', (_, lines, reason) => {
    expect(readDump(`*filter\n${lines}\nCOMMIT\n`).faults).toMatchObject([{ reason }]);
  });

  // mark_source_chains follows jumps from the hooks, and nothing behind a rule that takes every packet.
  it.each([
    ['that no hook leads to', '-A X -j Y\n-A Y -j X', true],
    ['behind a RETURN for all', '-A INPUT -j X\n-A X -j RETURN\n-A X -j X', true],
    ['behind a RETURN for some', '-A INPUT -j X\n-A X -p tcp -j RETURN\n-A X -j X', false],
    ['behind a counted RETURN', '-A INPUT -j X\n-A X -m comment --comment x -j RETURN\n-A X -j X', false],
    ['by goto', '-A INPUT -g X\n-A X -g Y\n-A Y -g X', false],
  ])('a circle %s', (_, rules, taken) => {
    expect(readDump(`*filter\n:X - [0:0]\n:Y - [0:0]\n${rules}\nCOMMIT\n`).faults.length).toBe(taken ? 0 : 1);
  });

  it('takes ipv6-icmp in IPv4 for a protocol, and leaves out what is marked as IPv6', () => {
    const dump = readDump(inTable('filter', 'INPUT', '-s 10.0.0.1 -j ACCEPT', '-p ipv6-icmp -j ACCEPT', '-6 -p ipv6-icmp -j ACCEPT'));
    expect(dump).toMatchObject({ faults: [], rules: 2, leftOut: [{ fromLine: 4, rules: 1 }] });
  });
});
