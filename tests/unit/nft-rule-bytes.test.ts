import { expect, test } from 'vitest';
import { Netfilter } from '../../src/datapaths/iptables/netfilter/netfilter.ts';
import { Topology } from '../../src/datapaths/iptables/netfilter/topology.ts';
import { ruleMessage } from '../../src/datapaths/iptables/nft-messages.ts';
import { expressionBytes } from '../../src/datapaths/iptables/nft-rule-bytes.ts';

function bytesOf(rule: string): number {
  const netfilter = new Netfilter({ topology: new Topology(), random32: () => 0 });
  netfilter.restore(`*filter\n:X - [0:0]\n-A X ${rule}\nCOMMIT\n`);
  const table = netfilter.tables.get('filter')!;
  return ruleMessage('filter', 'X', expressionBytes(table, table.start[table.chainId('X')!]!));
}

/** NFT_MSG_NEWRULE of iptables-nft-restore 1.8.9 as caught on its way: what kube-proxy's recorded payloads do not hold. */
test.each([
  ['-m mark --mark 0x4000 -j ACCEPT', 236],
  ['-m mark --mark 0x4000/0x0 -j DROP', 304],
  ['-s 0.0.0.0/0 -j ACCEPT', 156],
])('%s', (rule, bytes) => {
  expect(bytesOf(rule)).toBe(bytes);
});

test.each(['-i eth0 -j ACCEPT', '-p tcp -m tcp --sport 5 --dport 80 -j ACCEPT', '-p tcp -m tcp --dport 80:81 -j ACCEPT', '-p tcp -m tcp --syn -j ACCEPT', '-m limit --limit 1/s -j ACCEPT'])('what kube-proxy never writes is refused, never guessed: %s', (rule) => {
  expect(() => bytesOf(rule)).toThrow('is not known here');
});
