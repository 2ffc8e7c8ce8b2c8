import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DEFAULT_CONFIG, Proxier } from '../../src/datapaths/iptables/kube-proxy/index.ts';
import type { ClusterChange, ClusterObject } from '../../src/kubernetes/change.ts';
import { canonical } from './canonical.ts';
import { drawCase, RECORDED, type ProxyCase } from './kube-proxy/draw-case.ts';
import { FIRST_WIDE, WIDE_RECORDED, widenCase } from './kube-proxy/widen-case.ts';

type Hashes = readonly (readonly (string | null)[])[];

/** A hash of each payload that the real kube-proxy wrote for these random clusters: `npm run lab -- kube-proxy --record`. */
const { cases, wide } = JSON.parse(readFileSync(join(import.meta.dirname, 'kube-proxy', 'recorded.json'), 'utf8')) as { readonly cases: Hashes; readonly wide: Hashes };

function hashesOf({ config, items, steps }: ProxyCase, seed: number): (string | null)[] {
  const proxier = new Proxier({ ...DEFAULT_CONFIG, ...config }, seed);
  const changes = [items.map((object) => ({ op: 'add', object })), ...steps] as unknown as readonly ClusterChange[];
  return changes.map((change) => proxier.sync(change)).map((payload) => (payload ? createHash('sha256').update(canonical(payload.text)).digest('hex').slice(0, 16) : null));
}

describe('random clusters, as the real kube-proxy writes them', () => {
  test('all are there', () => expect([cases.length, wide.length]).toEqual([RECORDED, WIDE_RECORDED]));

  test.each(cases.map((hashes, index) => [index + 1, hashes] as const))('seed %i', (seed, hashes) => {
    expect(hashesOf(drawCase(seed), seed)).toEqual(hashes);
  });

  test.each(wide.map((hashes, index) => [FIRST_WIDE + index, hashes] as const))('of what is seldom met, seed %i', (seed, hashes) => {
    expect(hashesOf(widenCase(seed), seed)).toEqual(hashes);
  });
});

describe('what the real kube-proxy was found to do', () => {
  const service = (labels: Record<string, string> = {}): ClusterObject => ({
    kind: 'Service', apiVersion: 'v1', metadata: { name: 'web', namespace: 'shop', labels },
    spec: { type: 'ClusterIP', clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'], sessionAffinity: 'None', ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }] },
  } as ClusterObject);
  const slice = (name: string, conditions: readonly object[], labels: Record<string, string> = {}): ClusterObject => ({
    kind: 'EndpointSlice', apiVersion: 'discovery.k8s.io/v1', metadata: { name, namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web', ...labels } }, addressType: 'IPv4',
    endpoints: conditions.map((one) => ({ addresses: ['10.244.0.5'], conditions: one })), ports: [{ name: '', port: 8080, protocol: 'TCP' }],
  } as unknown as ClusterObject);
  const full = (...objects: ClusterObject[]) => new Proxier(DEFAULT_CONFIG, 1).sync(objects.map((object) => ({ op: 'add', object })))?.text ?? '';
  const READY = { ready: true, serving: true, terminating: false };
  const UNREADY = { ready: false, serving: false, terminating: false };
  const ENDING = { ready: false, serving: false, terminating: true };

  test('a Service that is labelled headless but has a cluster IP gets its rules', () => {
    expect(full(service({ 'service.kubernetes.io/headless': '' }), slice('a', [READY]))).toContain('--to-destination 10.244.0.5:8080');
  });

  test('of two endpoints with one address the last stands, unless it ends', () => {
    expect(full(service(), slice('a', [READY, UNREADY]))).not.toContain('--to-destination');
    expect(full(service(), slice('a', [UNREADY, READY]))).toContain('--to-destination');
    expect(full(service(), slice('a', [READY, ENDING]))).toContain('--to-destination');
  });

  test('a slice that becomes a headless Service’s goes from the Service that it was of', () => {
    const proxier = new Proxier(DEFAULT_CONFIG, 1);
    proxier.sync([{ op: 'add', object: service() }, { op: 'add', object: slice('a', [READY]) }]);
    const moved = slice('a', [READY], { 'kubernetes.io/service-name': 'other', 'service.kubernetes.io/headless': '' });
    expect(proxier.sync([{ op: 'update', object: moved }])?.text).toContain('shop/web has no endpoints');
  });

  describe('of the node’s address', () => {
    const node = (addresses: readonly (readonly [type: string, address: string])[]): ClusterObject =>
      ({ kind: 'Node', metadata: { name: DEFAULT_CONFIG.node }, status: { addresses: addresses.map(([type, address]) => ({ type, address })) } }) as ClusterObject;
    const nodePorts = (nodePortAddresses: readonly string[], ...changes: readonly (readonly ClusterObject[])[]) => {
      const proxier = new Proxier({ ...DEFAULT_CONFIG, nodePortAddresses }, 1);
      const texts = changes.map((objects) => proxier.sync(objects.map((object) => ({ op: 'add', object })))?.text ?? '');
      return (texts.at(-1) ?? '').split('\n').flatMap((line) => / -d (\S+) -j KUBE-NODEPORTS$/.exec(line)?.[1] ?? []);
    };
    const EVERY = ['0.0.0.0/1', '128.0.0.0/1'];

    test.each<[string, readonly (readonly [string, string])[], readonly string[]]>([
      ['the first of IPv4 within the cluster', [['Hostname', 'a'], ['InternalIP', 'fd00::1'], ['InternalIP', '192.168.0.9'], ['InternalIP', '192.168.0.8']], ['127.0.0.1', '192.168.0.9']],
      ['else one outside', [['ExternalIP', '203.0.113.1'], ['InternalIP', 'fd00::1']], ['127.0.0.1', '203.0.113.1']],
      ['one within before one outside', [['ExternalIP', '203.0.113.1'], ['InternalIP', '192.168.0.9']], ['127.0.0.1', '192.168.0.9']],
      ['loopback where it has none, once', [['Hostname', 'a']], ['127.0.0.1']],
    ])('it is %s', (_, addresses, expected) => {
      expect(nodePorts(EVERY, [node(addresses)])).toEqual(expected);
    });

    test('it stays as it was when kube-proxy started', () => {
      expect(nodePorts(EVERY, [node([['InternalIP', '192.168.0.9']])], [node([['InternalIP', '192.168.0.8']]), service()])).toEqual(['127.0.0.1', '192.168.0.9']);
      expect(nodePorts(EVERY, [], [node([['InternalIP', '192.168.0.8']]), service()])).toEqual(['127.0.0.1']);
    });

    test.each<[readonly string[], readonly string[]]>([
      [['primary'], ['192.168.0.9']],
      [['localhost'], ['127.0.0.1']],
      [['all', 'primary'], []],
      [['192.168.0.0/24', 'primary'], ['192.168.0.9']],
    ])('node ports on %j', (networks, expected) => {
      expect(nodePorts(networks, [node([['InternalIP', '192.168.0.9']])])).toEqual(expected);
    });

    test('node ports on a primary address that is not known are on all', () => {
      expect(nodePorts(['primary'], [node([])])).toEqual([]);
    });
  });

  describe('that changes nothing', () => {
    const balancer = (ports: readonly object[], loadBalancerSourceRanges: readonly string[]): ClusterObject => ({
      kind: 'Service', metadata: { name: 'web', namespace: 'shop' },
      spec: { type: 'LoadBalancer', clusterIP: '10.96.0.10', ports, loadBalancerSourceRanges }, status: { loadBalancer: { ingress: [{ ip: '198.51.100.1' }] } },
    } as unknown as ClusterObject);
    const [HTTP, DNS] = [{ name: 'http', port: 80, protocol: 'TCP' }, { name: 'dns', port: 53, protocol: 'UDP' }];

    test.each<[string, ClusterObject, ClusterObject]>([
      ['ports in another order', balancer([HTTP, DNS], []), balancer([DNS, HTTP], [])],
      ['one more range beside one of everything', balancer([HTTP], ['0.0.0.0/0']), balancer([HTTP], ['10.0.0.0/8', '10.9.8.7/0'])],
      ['a port’s target', balancer([HTTP], []), balancer([{ ...HTTP, targetPort: 'web' }], [])],
    ])('%s', (_, before, after) => {
      const proxier = new Proxier(DEFAULT_CONFIG, 1);
      proxier.sync([{ op: 'add', object: before }]);
      expect(proxier.sync([{ op: 'update', object: after }])).toBeNull();
    });

    test('but a range of everything is not the same as none', () => {
      const proxier = new Proxier(DEFAULT_CONFIG, 1);
      proxier.sync([{ op: 'add', object: balancer([HTTP], []) }]);
      expect(proxier.sync([{ op: 'update', object: balancer([HTTP], ['0.0.0.0/0']) }])?.portsWritten).toBe(1);
    });
  });

  test('an endpoint’s address is printed without leading zeros', () => {
    const odd = { ...slice('a', [READY]), endpoints: [{ addresses: ['010.244.000.005'], conditions: READY }] } as unknown as ClusterObject;
    expect(full(service(), odd)).toContain('--to-destination 10.244.0.5:8080');
  });
});
