import { describe, expect, it } from 'vitest';
import { Proxier, type ProxyConfig } from '../../src/datapaths/iptables/kube-proxy/index.ts';
import type { ClusterObject } from '../../src/kubernetes/change.ts';

type Spec = Record<string, unknown>;

const service = (spec: Spec, status: Spec = {}, name = 'web'): ClusterObject =>
  ({ kind: 'Service', metadata: { namespace: 'default', name }, spec: { clusterIP: '10.96.0.10', ports: [{ port: 80 }], ...spec }, status }) as ClusterObject;
const slice = (endpoints: readonly string[], name = 'web', labels: Spec = {}): ClusterObject =>
  ({
    kind: 'EndpointSlice',
    metadata: { namespace: 'default', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name, ...labels } },
    addressType: 'IPv4',
    ports: [{ name: '', port: 8080, protocol: 'TCP' }],
    endpoints: endpoints.map((address) => ({ addresses: [address], nodeName: 'node-1' })),
  }) as ClusterObject;
const node = (zone: string, address = '192.168.0.11'): ClusterObject =>
  ({ kind: 'Node', metadata: { name: 'node-1', labels: { 'topology.kubernetes.io/zone': zone } }, status: { addresses: [{ type: 'InternalIP', address }] } }) as ClusterObject;

function start(objects: readonly ClusterObject[], config: Partial<ProxyConfig> = {}): { readonly proxier: Proxier; readonly lines: readonly string[] } {
  const proxier = new Proxier(config, 1);
  const payload = proxier.sync(objects.map((object) => ({ op: 'add', object })));
  return { proxier, lines: payload?.text.split('\n') ?? [] };
}

describe('what kube-proxy makes of a Service', () => {
  it('prints source ranges without host bits and addresses without leading zeros', () => {
    const balancer = service(
      { type: 'LoadBalancer', loadBalancerSourceRanges: [' 10.1.2.3/8 ', 'fd00::/8'], externalIPs: ['198.51.100.007'] },
      { loadBalancer: { ingress: [{ ip: '203.0.113.1' }, { ip: '203.0.113.2', ipMode: 'Proxy' }, { hostname: 'x' }] } },
    );
    const { lines } = start([balancer, slice(['10.244.0.2'])]);
    expect(lines.filter((line) => line.includes('KUBE-FW-') && line.includes(' -s '))).toEqual([expect.stringContaining(' -s 10.0.0.0/8 -j KUBE-EXT-')]);
    expect(lines.some((line) => line.includes('-d 198.51.100.7 '))).toBe(true);
    expect(lines.some((line) => line.includes('203.0.113.2'))).toBe(false);
  });

  it('takes the cluster IP that stands where IPv4 stands among the families', () => {
    const dual = service({ clusterIP: 'fd00::1', clusterIPs: ['fd00::1', '10.96.0.77'], ipFamilies: ['IPv6', 'IPv4'] });
    expect(start([dual, slice(['10.244.0.2'])]).lines.some((line) => line.includes('-d 10.96.0.77 '))).toBe(true);
    expect(start([service({ clusterIP: 'fd00::1', clusterIPs: ['fd00::1'], ipFamilies: ['IPv6'] })]).lines.some((line) => line.includes('KUBE-SVC'))).toBe(false);
  });

  it('passes over endpoint ports without a number, and slices without endpoints', () => {
    const odd = { ...slice(['10.244.0.2']), ports: [{ name: '', port: 0 }] } as ClusterObject;
    expect(start([service({}), odd]).lines.some((line) => line.includes('has no endpoints'))).toBe(true);
    expect(start([service({}), { ...slice([]), endpoints: null } as unknown as ClusterObject]).lines.some((line) => line.includes('has no endpoints'))).toBe(true);
  });
});

describe('when kube-proxy syncs', () => {
  it('queues a sync for a change even if the next one undoes it', () => {
    const { proxier } = start([service({}), slice(['10.244.0.2'])]);
    const undone = proxier.sync([
      { op: 'update', object: service({ sessionAffinity: 'ClientIP' }) },
      { op: 'update', object: service({}) },
    ]);
    expect(undone?.kind).toBe('partial');
    expect(undone?.portsWritten).toBe(0);
    expect(proxier.sync([{ op: 'update', object: service({}) }])).toBeNull();
  });

  it('leaves stale chains in a large cluster, at a full sync too', () => {
    const many = Array.from({ length: 1001 }, (_, i) => `10.244.${i >> 8}.${i & 255}`);
    const { proxier } = start([service({}), slice(many), node('a')]);
    proxier.sync([{ op: 'update', object: slice(many.slice(0, 1000).concat('10.245.0.1')) }]);
    const zone = proxier.sync([{ op: 'update', object: node('b') }]);
    expect(zone?.kind).toBe('full');
    expect(zone?.nat.deletes).toBe(0);
    // Once the cluster is small again they go.
    expect(proxier.sync([{ op: 'update', object: slice(['10.244.0.1']) }])?.nat.deletes).toBe(1001);
  });
});

describe('nodePortAddresses', () => {
  const jumps = (nodePortAddresses: readonly string[], config: Partial<ProxyConfig> = {}) =>
    start([node('a'), service({ type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] }), slice(['10.244.0.2'])], { nodePortAddresses, ...config }).lines;
  const last = (lines: readonly string[]) => lines.filter((line) => line.endsWith('-j KUBE-NODEPORTS')).map((line) => line.replace(/.*chain" /, ''));

  it.each([
    [[], {}, ['-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS']],
    [['10.0.0.0/8', '0.0.0.0/0'], {}, ['-m addrtype --dst-type LOCAL -j KUBE-NODEPORTS']],
    [['192.168.0.0/16'], {}, ['-d 192.168.0.11 -j KUBE-NODEPORTS']],
    [['primary'], {}, ['-d 192.168.0.11 -j KUBE-NODEPORTS']],
    [['10.0.0.0/8'], {}, []],
    [['127.0.0.0/8', '192.168.0.0/16'], {}, ['-d 127.0.0.1 -j KUBE-NODEPORTS', '-d 192.168.0.11 -j KUBE-NODEPORTS']],
    [['127.0.0.0/8'], { localhostNodePorts: false }, []],
  ] as const)('%j', (addresses, config, expected) => {
    expect(last(jumps(addresses, config))).toEqual(expected);
  });

  it('counts localhost node ports only where they are', () => {
    expect(jumps(['192.168.0.0/16'], { nfacct: true }).some((line) => line.includes('localhost_nps'))).toBe(false);
    expect(jumps([], { nfacct: true }).some((line) => line.includes('localhost_nps'))).toBe(true);
  });
});
