import { describe, expect, it } from 'vitest';
import { Proxier, standingRules } from '../../src/datapaths/iptables/kube-proxy/index.ts';
import { recogniseChains } from '../../src/datapaths/iptables/recognise-chains.ts';
import { readDump } from '../../src/datapaths/iptables/netfilter/read-dump.ts';
import { preset } from '../../src/kubernetes/presets.ts';

const filter = (...rules: readonly string[]) => ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD DROP [12:3456]', ':OUTPUT ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n');
const inTable = (table: string, chain: string, rule: string) => [`*${table}`, `:${chain} ACCEPT [0:0]`, `-A ${chain} ${rule}`, 'COMMIT', ''].join('\n');
const fault = (text: string) => readDump(text).faults.map(({ line, column, word, reason }) => ({ line, column, word, reason }));

describe('a person’s own rules', () => {
  it('reads counters, comments, quotes, escapes, CRLF and blanks', () => {
    const text = filter(
      '[5:300] -A INPUT -s 10.0.0.0/255.0.0.0 ! -i eth0 -m comment --comment "it\'s \\"quoted\\" \\\\ -j DROP" -j ACCEPT',
      '# a comment',
      '  -A FORWARD\t-p tcp -m tcp --dport :1023 -j DROP  ',
      '-A OUTPUT -d 192.168.1.1 -j ACCEPT',
    ).replaceAll('\n', '\r\n');
    const dump = readDump(text);
    expect(dump.faults).toEqual([]);
    expect(dump.rules).toBe(3);
    const table = dump.tables.get('filter')!;
    const input = table.chainId('INPUT')!;
    expect(table.packets[table.start[input]!]).toBe(5);
    expect(table.bytes[table.start[input]!]).toBe(300);
    expect(table.ruleText(table.start[input]!)).toBe('-s 10.0.0.0/255.0.0.0 ! -i eth0 -m comment --comment "it\'s \\"quoted\\" \\\\ -j DROP" -j ACCEPT');
    const forward = table.chainId('FORWARD')!;
    expect([table.policies.get(forward), table.policyPackets.get(forward), table.policyBytes.get(forward)]).toEqual(['DROP', 12, 3456]);
  });

  it.each([
    ['a match that nobody knows', '-A INPUT -m wibble --wobble 3 -j DROP', 5, 13, 'wibble', 'The match “wibble” is not known here.'],
    ['an option that a match does not have', '-A INPUT -p tcp -m tcp --dporst 80 -j DROP', 5, 24, '--dporst', 'The match “tcp” has no option --dporst here.'],
    ['a bad address', '[0:0] -A INPUT -s 10.0.0.300/8 -j DROP', 5, 19, '10.0.0.300/8', '-s cannot take “10.0.0.300/8”.'],
    ['a port without a protocol', '-A INPUT --dport 80 -j DROP', 5, 10, '--dport', '--dport needs -p tcp, udp or sctp before it.'],
    ['a jump to a chain that is not there', '-A INPUT -j DOCKER', 5, 1, '', 'There is no chain or target DOCKER to jump to.'],
    ['two rules on a line', '-A INPUT -j DROP -A INPUT -j ACCEPT', 5, 18, '-A', 'A second command, -A: one rule stands on a line.'],
    ['an open quote', '-A INPUT -m comment --comment "abc -j DROP', 5, 1, '', 'A quote is opened and not closed.'],
    ['half a rule', '-A INPUT -p tcp --dport', 5, 17, '--dport', 'The rule ends where the value of --dport should stand.'],
    ['a target of another table', '-A INPUT -j DNAT --to-destination 10.0.0.1', 5, 1, '', 'The target DNAT belongs to the table nat, not to filter.'],
    ['an interface that no packet has there', '-A INPUT -o eth0 -j DROP', 5, 1, '', '-o cannot stand in INPUT: the packet is not routed yet.'],
    ['a RST for what is no TCP', '-A INPUT -p udp -j REJECT --reject-with tcp-reset', 5, 41, 'tcp-reset', 'REJECT --reject-with tcp-reset needs -p tcp.'],
  ])('refuses %s', (_, rule, line, column, word, reason) => {
    expect(fault(filter(rule))).toEqual([{ line, column, word, reason }]);
  });

  it('refuses loops, truncated texts, unknown tables and stray lines, and reads the tables beside them', () => {
    const loop = filter(':A - [0:0]', ':B - [0:0]', '-A INPUT -j A', '-A A -j B', '-A B -g A');
    expect(fault(loop)).toEqual([{ line: 10, column: 1, word: '', reason: 'The chains jump in a circle: A → B → A.' }]);
    const cut = filter('-A INPUT -j ACCEPT').replace('COMMIT\n', '');
    expect(fault(cut)[0]?.reason).toBe('The text ends before the table filter was committed: it is cut off.');
    const broute = `*broute\n:BROUTING ACCEPT [0:0]\nCOMMIT\n${filter('-A INPUT -j ACCEPT')}`;
    expect(readDump(broute)).toMatchObject({ faults: [{ line: 1, reason: 'There is no table broute here.' }], rules: 1 });
    expect(fault(`hello\n${filter()}`)).toMatchObject([{ line: 1, word: 'hello' }]);
    expect(readDump(`${inTable('nat', 'PREROUTING', '-j WIBBLE')}${filter('-A INPUT -j DROP')}`)).toMatchObject({ faults: [{ line: 3 }], rules: 1 });
    expect([...readDump(`${inTable('nat', 'PREROUTING', '-j WIBBLE')}${filter()}`).tables.keys()]).toEqual(['filter']);
  });

  it('refuses NAT where Linux does', () => {
    expect(fault(inTable('nat', 'POSTROUTING', '-j DNAT --to-destination 10.0.0.1'))).toMatchObject([{ reason: 'The target DNAT stands in POSTROUTING, which is reached from POSTROUTING: there it is not allowed.' }]);
    const viaChain = '*nat\n:X - [0:0]\n-A PREROUTING -j X\n-A X -j MASQUERADE\nCOMMIT\n';
    expect(fault(viaChain)).toMatchObject([{ reason: 'The target MASQUERADE stands in X, which is reached from PREROUTING: there it is not allowed.' }]);
    expect(fault(inTable('nat', 'PREROUTING', '-j DROP'))).toMatchObject([{ reason: expect.stringContaining('nat is not for filtering') }]);
  });

  it('counts IPv6 rules and leaves them out', () => {
    const v6 = '# Generated by ip6tables-save v1.8.9\n*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p ipv6-icmp -j ACCEPT\n-A INPUT -s fe80::/10 -j ACCEPT\nCOMMIT\n';
    const both = readDump(`# Generated by iptables-save v1.8.9\n${filter('-A INPUT -j ACCEPT')}${v6}`);
    expect(both).toMatchObject({ faults: [], rules: 1, leftOut: [{ fromLine: 9, toLine: 13, table: 'filter', rules: 2 }] });
    // Without its comment it is told by its addresses.
    expect(readDump(filter('-A INPUT -j ACCEPT') + v6.slice(v6.indexOf('*'))).leftOut).toMatchObject([{ rules: 2 }]);
    // One among IPv4 rules.
    expect(readDump(filter('-A INPUT -s 10.0.0.1 -j ACCEPT', '-A INPUT -s 2001:db8::1 -j DROP'))).toMatchObject({ rules: 1, leftOut: [{ fromLine: 6, toLine: 6, rules: 1 }] });
  });

  it('reads iptables -S as the table filter', () => {
    const dump = readDump('-P INPUT DROP\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n-N DOCKER\n-A INPUT -i lo -j ACCEPT\n-A DOCKER -j RETURN');
    expect(dump).toMatchObject({ faults: [], rules: 2 });
    expect(fault('-P INPUT DROP\n-A INPUT -j NOWHERE\n')).toMatchObject([{ line: 2 }]);
  });

  it.each([
    ['-m owner --uid-owner 0 -j ACCEPT', 'filter', 'OUTPUT', 'owner', 'never-no-socket'],
    ['-m owner ! --uid-owner 0 -j ACCEPT', 'filter', 'OUTPUT', 'owner', 'always-no-socket'],
    ['-m physdev --physdev-is-bridged -j ACCEPT', 'filter', 'FORWARD', 'physdev', 'never-no-bridge'],
    ['-m mac --mac-source 02:42:ac:11:00:02 -j ACCEPT', 'filter', 'FORWARD', 'mac', 'never-no-ethernet'],
    ['-m string --string "GET /" --algo bm --to 65535 -j DROP', 'filter', 'FORWARD', 'string', 'never-no-payload'],
    ['-m policy --dir in --pol ipsec -j ACCEPT', 'filter', 'FORWARD', 'policy', 'never-no-ipsec'],
    ['-m policy --dir in --pol none -j ACCEPT', 'filter', 'FORWARD', 'policy', 'always-no-ipsec'],
    ['-m set --match-set cali40s:abc src -j ACCEPT', 'filter', 'FORWARD', 'cali40s:abc', 'empty-set'],
    ['-p esp -m esp --espspi 500 -j ACCEPT', 'filter', 'INPUT', 'esp', 'never-no-protocol'],
    ['-j NFQUEUE --queue-num 0', 'filter', 'INPUT', 'NFQUEUE', 'dropped-no-listener'],
    ['-j TEE --gateway 10.0.0.9', 'mangle', 'PREROUTING', 'TEE', 'nothing-not-simulated'],
    ['-m time --timestart 08:00 --timestop 18:00 -j ACCEPT', 'filter', 'INPUT', 'time', 'clock'],
  ])('reads and notes %s', (rule, table, chain, module, effect) => {
    expect(readDump(inTable(table, chain, rule))).toMatchObject({ faults: [], rules: 1, notes: [{ line: 3, table, module, effect }] });
  });

  it.each([
    'filter INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT',
    'filter INPUT -m limit --limit 3/min --limit-burst 10 -j LOG --log-prefix "[UFW BLOCK] "',
    'filter INPUT -m length --length 0:28 -m pkttype --pkt-type broadcast -m ttl --ttl-lt 5 -j DROP',
    'filter INPUT -m iprange --src-range 10.0.0.1-10.0.0.9 ! --dst-range 10.1.0.0-10.1.0.3 -j DROP',
    'filter FORWARD -p tcp -m multiport ! --dports 80,443,8000:8080 -m tcp ! --syn -j REJECT --reject-with icmp-admin-prohibited',
    'filter INPUT -p tcp -m hashlimit --hashlimit-above 10/sec --hashlimit-burst 20 --hashlimit-mode srcip --hashlimit-name ssh --hashlimit-htable-expire 60000 -j DROP',
    'filter FORWARD -i docker0 ! -o docker0 -j ACCEPT',
    'filter FORWARD -m addrtype --dst-type LOCAL --limit-iface-in -j ACCEPT',
    'filter FORWARD -f -j DROP',
    'raw PREROUTING -j TRACE',
    'raw PREROUTING -p udp -m udp --dport 53 -j NOTRACK',
    'raw PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp',
    'raw PREROUTING -m rpfilter --validmark --invert -j DROP',
    'mangle FORWARD -p tcp -m tcp --tcp-flags SYN,RST SYN -m tcpmss --mss 1400:65495 -j TCPMSS --clamp-mss-to-pmtu',
    'mangle POSTROUTING -o virbr0 -p udp -m udp --dport 68 -j CHECKSUM --checksum-fill',
    'mangle PREROUTING -m dscp --dscp-class EF -j TOS --set-tos Minimize-Delay',
    'mangle PREROUTING -j CONNMARK --restore-mark --nfmask 0xffff --ctmask 0xffff',
    'nat PREROUTING -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080-8090 --random',
    'nat PREROUTING -d 192.0.2.0/24 -j NETMAP --to 10.0.0.0/24',
    'nat PREROUTING -p tcp -m tcp --dport 443 -j DNAT --to-destination 10.0.0.1-10.0.0.4:8443-8450 --persistent',
    'nat POSTROUTING -s 10.244.0.0/16 ! -d 224.0.0.0/4 -j MASQUERADE --random-fully',
    'nat POSTROUTING -p udp -j SNAT --to-source 192.0.2.7:1024-65535 --random-fully',
    'nat OUTPUT -m nfacct --nfacct-name seen -j NFLOG --nflog-group 5 --nflog-prefix "x y"',
    'security INPUT -j CONNSECMARK --restore',
  ])('takes %s', (rule) => {
    const [table = '', chain = '', ...words] = rule.split(' ');
    expect(readDump(inTable(table, chain, words.join(' ')))).toMatchObject({ faults: [], rules: 1 });
  });

  it('says how far it is, through all tables', () => {
    const rules = '-A OUTPUT -d 10.0.0.1 -j ACCEPT\n'.repeat(140_000);
    const seen: number[] = [];
    readDump(`*raw\n${rules}COMMIT\n*filter\n${rules}COMMIT\n`, { progress: (done) => seen.push(done) });
    expect(seen.length).toBeGreaterThan(3);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBeGreaterThan(0.75);
    expect(seen.at(-1)).toBeLessThanOrEqual(1);
  });

  it('makes a rule of each address in a list', () => {
    const dump = readDump(filter('-A INPUT -s 10.0.0.1,10.0.0.2 -d 10.1.0.0/16,10.2.0.0/16 -j DROP'));
    expect(dump.tables.get('filter')!.ruleCount).toBe(4);
  });

  it('gives kube-proxy’s chains their Services’ names back', () => {
    const payload = new Proxier({ node: 'node-1' }, 1).sync(preset('50', 1).map((object) => ({ op: 'add', object })))!;
    // As a dump would hold it: the chains that kube-proxy made before, and the payload's own.
    const dump = readDump(`${standingRules()}${payload.text}`);
    const known = recogniseChains(dump.tables.get('nat')!);
    expect(dump.faults).toEqual([]);
    const chains = [...dump.tables.get('nat')!.chains()].map(({ name }) => name).filter((name) => /^KUBE-(SVC|SEP)-/.test(name));
    expect(chains.length).toBeGreaterThan(100);
    for (const chain of chains) {
      expect(known.get(chain)?.service).toMatch(/^[a-z0-9-]+\/[a-z0-9-]+/);
      expect(known.get(chain)?.endpoint === null).toBe(!chain.startsWith('KUBE-SEP-'));
    }
  });
});
