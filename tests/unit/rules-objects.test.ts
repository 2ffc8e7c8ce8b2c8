import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { objectsOfRules, readDump, recogniseChains, RULES_NODE, type Dump } from '../../src/datapaths/iptables/index.ts';
import { Proxier, standingRules, type ProxyConfig } from '../../src/datapaths/iptables/kube-proxy/index.ts';
import type { ClusterObject } from '../../src/kubernetes/change.ts';
import { PRESET_NODE } from '../../src/kubernetes/node.ts';
import { preset } from '../../src/kubernetes/presets.ts';
import { savedRules } from './saved-rules.ts';
import { canonical } from '../conformance/canonical.ts';

const folder = join(import.meta.dirname, '..', 'conformance', 'golden');
const read = (name: string, file: string) => readFileSync(join(folder, name, file), 'utf8');
const add = (objects: readonly ClusterObject[]) => objects.map((object) => ({ op: 'add' as const, object }));

function readWhole(text: string): Dump {
  const dump = readDump(text);
  expect(dump.faults).toEqual([]);
  return dump;
}

/** Rules do not say the node's name: endpoints that they show to be here are put on `node`. */
function placed(objects: readonly ClusterObject[], node: string): ClusterObject[] {
  return objects.map((object) =>
    object.kind === 'EndpointSlice' ? { ...object, endpoints: object.endpoints.map((endpoint) => (endpoint.nodeName === RULES_NODE ? { ...endpoint, nodeName: node } : endpoint)) } : object,
  );
}

/**
 * A Service that only local endpoints may serve, and has none: which ones it has elsewhere, no rule says. What is left of
 * it is refused as one without any.
 */
function elsewhere(text: string): string {
  return text.replaceAll(/^(-A KUBE-SERVICES -m comment --comment "\S+ has no) local endpoints("[^\n]*) -j DROP$/gm, (rule, head: string, tail: string) => (tail.includes(' -d 10.96.0.60 ') ? `${head} endpoints${tail} -j REJECT` : rule));
}

describe('Services out of kube-proxy’s rules', () => {
  // The proof that nothing is lost: the rebuilt objects make the same rules again.
  it.each(readdirSync(folder).filter((name) => name.startsWith('case-')))('%s: kube-proxy writes the same rules for them', (name) => {
    const { config } = JSON.parse(read(name, 'meta.json')) as { config: ProxyConfig };
    const own = (JSON.parse(read(name, 'cluster.json')) as { items: ClusterObject[] }).items.filter(({ kind }) => kind === 'Node');
    const text = read(name, 'final.restore');
    const found = objectsOfRules(readWhole(savedRules(standingRules(), text)).tables);
    const again = new Proxier(config, 3).sync(add([...own, ...placed(found.objects, config.node)]));
    expect(canonical(again?.text ?? '')).toBe(canonical(elsewhere(text)));
  });

  it.each(['shop', '50', '500'] as const)('the preset %s: the same Services, ports, endpoints and places', (name) => {
    const proxier = new Proxier({ node: PRESET_NODE.name, clusterCIDR: PRESET_NODE.clusterCIDR }, 1);
    const payload = proxier.sync(add(preset(name, 1)));
    const found = objectsOfRules(readWhole(savedRules(standingRules(), payload?.text ?? '')).tables);
    expect(found.positions).toEqual(proxier.positions());
    const ports = (all: Iterable<{ readonly port: { readonly name: string; readonly protocol: string; readonly clusterIP: string; readonly port: number }; readonly endpoints: number }>) =>
      [...all].map(({ port: { name: own, protocol, clusterIP, port }, endpoints }) => `${own}/${protocol} ${clusterIP}:${port} ${endpoints}`).sort();
    expect(ports(found.ports.map((port) => ({ port, endpoints: port.endpoints })))).toEqual(ports(proxier.servicePorts()));
    expect(found.clusterCIDR).toBe(PRESET_NODE.clusterCIDR);
  });

  it('of an older kube-proxy: pairs of rules, KUBE-XLB, and a port of its own for each', () => {
    const text = `*nat
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-XLB-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-FW-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-SEP-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-SEP-BBBBBBBBBBBBBBBB - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-SERVICES ! -s 10.244.0.0/16 -d 10.96.7.7/32 -p tcp -m comment --comment "shop/web:http cluster IP" -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SERVICES -d 10.96.7.7/32 -p tcp -m comment --comment "shop/web:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-AAAAAAAAAAAAAAAA
-A KUBE-SERVICES -d 203.0.113.9/32 -p tcp -m comment --comment "shop/web:http loadbalancer IP" -m tcp --dport 80 -j KUBE-FW-AAAAAAAAAAAAAAAA
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-NODEPORTS -s 127.0.0.0/8 -p tcp -m comment --comment "shop/web:http" -m tcp --dport 30080 -j KUBE-MARK-MASQ
-A KUBE-NODEPORTS -p tcp -m comment --comment "shop/web:http" -m tcp --dport 30080 -j KUBE-XLB-AAAAAAAAAAAAAAAA
-A KUBE-FW-AAAAAAAAAAAAAAAA -m comment --comment "shop/web:http loadbalancer IP" -j KUBE-XLB-AAAAAAAAAAAAAAAA
-A KUBE-XLB-AAAAAAAAAAAAAAAA -s 10.244.0.0/16 -m comment --comment "Redirect pods trying to reach external loadbalancer VIP to clusterIP" -j KUBE-SVC-AAAAAAAAAAAAAAAA
-A KUBE-XLB-AAAAAAAAAAAAAAAA -m comment --comment "Balancing rule 0 for shop/web:http" -j KUBE-SEP-BBBBBBBBBBBBBBBB
-A KUBE-SVC-AAAAAAAAAAAAAAAA -m comment --comment "shop/web:http" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-AAAAAAAAAAAAAAAA
-A KUBE-SVC-AAAAAAAAAAAAAAAA -m comment --comment "shop/web:http" -j KUBE-SEP-BBBBBBBBBBBBBBBB
-A KUBE-SEP-AAAAAAAAAAAAAAAA -s 10.244.1.5/32 -m comment --comment "shop/web:http" -j KUBE-MARK-MASQ
-A KUBE-SEP-AAAAAAAAAAAAAAAA -p tcp -m comment --comment "shop/web:http" -m tcp -j DNAT --to-destination 10.244.1.5:8080
-A KUBE-SEP-BBBBBBBBBBBBBBBB -p tcp -m comment --comment "shop/web:http" -m tcp -j DNAT --to-destination 10.244.0.6:8080
COMMIT
`;
    const { tables } = readWhole(text);
    const found = objectsOfRules(tables);
    expect(found).toMatchObject({
      ports: [{ name: 'shop/web:http', clusterIP: '10.96.7.7', port: 80, endpoints: 2 }],
      positions: ['', 'shop/web:http/tcp', 'shop/web:http/tcp'],
      clusterCIDR: '10.244.0.0/16',
      local: ['10.244.0.6'],
      objects: [
        { kind: 'Service', spec: { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ports: [{ name: 'http', port: 80, nodePort: 30080 }] }, status: { loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } } },
        { kind: 'EndpointSlice', ports: [{ name: 'http', port: 8080 }], endpoints: [{ addresses: ['10.244.0.6'], nodeName: RULES_NODE }, { addresses: ['10.244.1.5'] }] },
      ],
    });
    const known = recogniseChains(tables.get('nat')!);
    expect(known.get('KUBE-XLB-AAAAAAAAAAAAAAAA')).toEqual({ service: 'shop/web:http', endpoint: null });
    expect(known.get('KUBE-SEP-BBBBBBBBBBBBBBBB')).toEqual({ service: 'shop/web:http', endpoint: '10.244.0.6:8080' });
  });

  it('gives every chain of a large cluster its name, whose rules have no comments', () => {
    const payload = new Proxier({ node: 'node-1' }, 1).sync(add(preset('5000', 1)));
    expect(payload?.text).toMatch(/^-A KUBE-SEP-\S+ -s \S+ -j/m);
    const nat = readWhole(savedRules(standingRules(), payload?.text ?? '')).tables.get('nat')!;
    const known = recogniseChains(nat);
    const chains = [...nat.chains()].map(({ name }) => name).filter((name) => /^KUBE-(SVC|SEP)-/.test(name));
    expect(chains).toHaveLength(15_000);
    for (const chain of chains) expect(known.get(chain)?.endpoint === null, chain).toBe(!chain.startsWith('KUBE-SEP-'));
  });

  it('knows which endpoints flannel and CNI plugins have here', () => {
    const payload = new Proxier({ node: 'n', clusterCIDR: '10.244.0.0/16' }, 1).sync(add(preset('shop', 1)));
    const flannel = `*nat
:FLANNEL-POSTRTG - [0:0]
:CNI-0123456789abcdef01234567 - [0:0]
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
-A POSTROUTING -s 10.244.1.61/32 -m comment --comment "name: \\"cbr0\\" id: \\"f00\\"" -j CNI-0123456789abcdef01234567
-A FLANNEL-POSTRTG -s 10.244.3.0/24 -d 10.244.0.0/16 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG ! -s 10.244.0.0/16 -d 10.244.3.0/24 -m comment --comment "flanneld masq" -j RETURN
`;
    const services = `*nat\n${payload!.text.split('*nat\n')[1]!}`.replaceAll('10.244.0.', '10.244.3.');
    const found = objectsOfRules(readWhole(flannel + services.slice('*nat\n'.length)).tables);
    const endpoints = [...services.matchAll(/--to-destination ([\d.]+):/g)].map(([, address = '']) => address);
    const here = endpoints.filter((address) => address.startsWith('10.244.3.') || address === '10.244.1.61');
    expect(here.length).toBeGreaterThan(1);
    expect(here.length).toBeLessThan(endpoints.length);
    expect([...found.local].sort()).toEqual([...new Set(here)].sort());
  });

  it('has none without kube-proxy', () => {
    expect(objectsOfRules(readWhole('*filter\n-A INPUT -j ACCEPT\nCOMMIT\n').tables)).toEqual({ objects: [], ports: [], positions: [], clusterCIDR: null, local: [] });
  });
});

describe('what single rules say, however they are written', () => {
  const rulesOfService = (comment: string) => `*nat
:KUBE-SERVICES - [0:0]
:KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]
:KUBE-SEP-AAAAAAAAAAAAAAAA - [0:0]
-A KUBE-SERVICES -d 10.96.7.7/32 -p tcp ${comment} -m tcp --dport 80 -j KUBE-SVC-AAAAAAAAAAAAAAAA
-A KUBE-SVC-AAAAAAAAAAAAAAAA -j KUBE-SEP-AAAAAAAAAAAAAAAA
-A KUBE-SEP-AAAAAAAAAAAAAAAA -p tcp -m tcp -j DNAT --to-destination 10.244.1.5:8080
COMMIT
`;
  it.each([
    ['one blank', '-m comment --comment "shop/web:http cluster IP"'],
    ['two blanks', '-m  comment --comment  "shop/web:http cluster IP"'],
    ['a tab', '-m comment\t--comment\t"shop/web:http cluster IP"'],
    ['no quotes', '--match comment --comment   shop/web:http'],
    ['an escape', '-m comment --comment "shop/\\web:http cluster IP"'],
  ])('a comment behind %s names the Service', (_, comment) => {
    const { tables } = readWhole(rulesOfService(comment));
    expect(objectsOfRules(tables).ports.map(({ id }) => id)).toEqual(['shop/web:http/tcp']);
    expect(recogniseChains(tables.get('nat')!).get('KUBE-SEP-AAAAAAAAAAAAAAAA')).toEqual({ service: 'shop/web:http', endpoint: '10.244.1.5:8080' });
  });

  it.each([
    ['-A KUBE-SVC-AAAAAAAAAAAAAAAA -j LOG --log-prefix "--comment a/b:c cluster IP"', null],
    ['-A KUBE-SVC-AAAAAAAAAAAAAAAA -j LOG --log-prefix "--comment a/b:c" -m comment --comment d/e:f', 'd/e:f'],
    ['-A KUBE-SVC-AAAAAAAAAAAAAAAA -m comment --comment "--comment a/b:c"', null],
  ])('no log’s prefix is taken for a comment: %s', (rule, service) => {
    const { tables } = readWhole(`*nat\n:KUBE-SVC-AAAAAAAAAAAAAAAA - [0:0]\n${rule}\nCOMMIT\n`);
    expect(recogniseChains(tables.get('nat')!).get('KUBE-SVC-AAAAAAAAAAAAAAAA')?.service ?? null).toBe(service);
  });

  // kube-proxy's --cluster-cidr stands in `! -s NETWORK … -j KUBE-MARK-MASQ` of a Service's chain.
  it.each([
    ['10.0.0.0/255.0.0.0', '10.0.0.0/8'],
    ['10.128.0.0/9', '10.128.0.0/9'],
    ['10.0.1.7/32', '10.0.1.7/32'],
    ['10.0.1.0/255.0.255.0', null],
    ['0.0.0.1/0.0.0.255', null],
  ])('a pods’ range of %s is %s', (network, clusterCIDR) => {
    const text = rulesOfService('-m comment --comment "shop/web:http cluster IP"')
      .replace(':KUBE-SEP', ':KUBE-MARK-MASQ - [0:0]\n:KUBE-SEP')
      .replace('-A KUBE-SVC', `-A KUBE-SVC-AAAAAAAAAAAAAAAA ! -s ${network} -d 10.96.7.7/32 -j KUBE-MARK-MASQ\n-A KUBE-SVC`);
    expect(objectsOfRules(readWhole(text).tables).clusterCIDR).toBe(clusterCIDR);
  });
});
