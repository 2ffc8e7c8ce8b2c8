import { expect, it } from 'vitest';
import { IptablesDatapath } from '../../src/datapaths/iptables/iptables-datapath.ts';
import { readDump } from '../../src/datapaths/iptables/netfilter/read-dump.ts';
import { parseIpv4 } from '../../src/packet/address.ts';

it('sends packets through a person’s own rules', () => {
  const dump = readDump('*nat\n-A PREROUTING -d 10.96.0.10/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.244.0.3:8080\nCOMMIT\n*filter\n-A FORWARD -d 10.244.0.4 -j REJECT\nCOMMIT\n');
  const pods = [['a', '10.244.0.2'], ['b', '10.244.0.3'], ['c', '10.244.0.4']].map(([name = '', address = '']) => ({ name, address }));
  const lane = new IptablesDatapath({ seed: 1, backend: 'legacy', dump, node: { name: 'node-1', address: '192.168.0.11', clusterCIDR: '10.244.0.0/16', pods } });
  const send = (to: string, port: number) =>
    lane.send({ protocol: 'TCP', source: parseIpv4('10.244.0.2')!, destination: parseIpv4(to)!, sourcePort: 40000 + port, destinationPort: port, ttl: 64, length: 60, flags: 2, sequence: 1, acknowledgement: 0 }, 'stages').verdict;
  expect(lane.sync([]).kind).toBe('none');
  expect(send('10.96.0.10', 80)).toMatchObject({ kind: 'delivered', address: parseIpv4('10.244.0.3'), port: 8080 });
  expect(send('10.244.0.4', 81)).toMatchObject({ kind: 'rejected', by: 'filter:FORWARD:0' });
  expect(lane.inspect({ kind: 'rules', table: 'nat', chain: 'PREROUTING', from: 0, count: 5 })).toMatchObject({ total: 1, rows: [{ packets: 1 }] });
});
