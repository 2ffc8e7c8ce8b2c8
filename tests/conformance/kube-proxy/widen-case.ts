import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { drawCase, type KubeObject, type ProxyCase } from './draw-case.ts';

/** How many seeds, from `FIRST_WIDE`, the real kube-proxy's payloads are recorded for. */
export const WIDE_RECORDED = 120;
export const FIRST_WIDE = 1001;

type Fields = Record<string, unknown>;
type Change = ProxyCase['steps'][number][number];

const NODE = 'node-a';
const PORT_NAMES = ['http', '0', 'x', 'a-b-c-d-e-f-g-h', 'p-1', 'metrics', '9090-tcp'];
const NAMESPACES = ['a', '0', 'team-7', 'n'.repeat(63), 'x--y'];
const RANGES = [
  ['0.0.0.0/0'], ['10.0.0.0/8', '0.0.0.0/0'], ['0.0.0.0/0', '192.168.0.0/16'], ['10.9.8.7/0'], ['::/0'], ['::/0', '10.0.0.0/8'], ['127.0.0.0/8'], ['192.168.10.10/32'],
  ['198.51.100.0/24', '198.51.100.0/24'], ['192.168.10.0/31', ' 10.1.2.3/9'], ['203.0.113.7/32', 'fd00::/8', '172.16.31.1/20'], [],
];

/**
 * A case of `drawCase` with what clusters seldom hold: odd names, ports in another order, ranges of everything, several
 * addresses an endpoint, a node without an address or with others, changes that take others back within one step, and
 * Services at the edge of large-cluster mode.
 */
export function widenCase(seed: number): ProxyCase {
  const random = xoroshiro128plus(seed * 31 + 7);
  const below = (count: number) => uniformInt(random, 0, count - 1);
  const chance = (share: number) => below(10_000) < share * 10_000;
  const one = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const some = <T>(list: readonly T[]) => list.filter(() => chance(0.5));
  const base = drawCase(seed);
  const names = new Map(['p0', 'p1', 'p2', 'p3'].map((name) => [name, chance(0.5) ? name : one(PORT_NAMES)]));
  // Names stay apart: two ports of one name and protocol are no Service's.
  if (new Set(names.values()).size < names.size) for (const [index, name] of [...names.keys()].entries()) names.set(name, `${PORT_NAMES[index]}`);
  const namespaces = new Map(['default', 'shop', 'kube-system'].map((name) => [name, chance(0.7) ? name : one(NAMESPACES)]));
  if (new Set(namespaces.values()).size < namespaces.size) namespaces.clear();

  const widen = (object: KubeObject): KubeObject => {
    const copy = structuredClone(object) as Fields & KubeObject;
    const metadata = copy['metadata'] as Fields;
    if (metadata['namespace'] !== undefined) metadata['namespace'] = namespaces.get(metadata['namespace'] as string) ?? metadata['namespace'];
    if (chance(0.05)) metadata['resourceVersion'] = String(1000 + below(9000));
    if (copy.kind === 'Service') widenService(copy);
    else if (copy.kind === 'EndpointSlice') widenSlice(copy, metadata);
    else widenNode(copy, metadata);
    return copy;
  };

  function widenService(service: Fields): void {
    const spec = service['spec'] as Fields;
    const ports = (spec['ports'] ?? []) as Fields[];
    for (const port of ports) {
      if (port['name'] !== undefined) port['name'] = names.get(port['name'] as string) ?? port['name'];
      if (chance(0.2)) port['targetPort'] = one(['http', 'p-grpc', 9090]);
      if (chance(0.1)) port['appProtocol'] = 'kubernetes.io/h2c';
    }
    if (chance(0.2)) ports.reverse();
    if (spec['type'] === 'LoadBalancer') {
      if (chance(0.5)) spec['loadBalancerSourceRanges'] = one(RANGES);
      if (chance(0.3)) {
        const ip = `198.51.100.${1 + below(60)}`;
        service['status'] = { loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }, { hostname: 'lb.example.com', ip: '', ipMode: 'VIP' }, ...some([{ ip }, { ip: '198.051.100.009' }, { ip: '192.168.10.10' }])] } };
      }
      if (chance(0.1)) spec['healthCheckNodePort'] = 32000 + below(99);
    }
    if (spec['externalIPs'] !== undefined && chance(0.3)) spec['externalIPs'] = [...some(['203.0.113.9', '203.0.113.009', '203.0.113.9', '2001:db8::9']), '192.168.10.10'];
    if (spec['sessionAffinity'] === 'ClientIP' && chance(0.5)) spec['sessionAffinityConfig'] = { clientIP: { timeoutSeconds: 1 + below(86_400) } };
    if (chance(0.05)) spec['selector'] = { app: String(below(9)) };
    if (chance(0.05)) spec['allocateLoadBalancerNodePorts'] = chance(0.5);
  }

  function widenSlice(slice: Fields, metadata: Fields): void {
    const ports = slice['ports'] as Fields[];
    for (const port of ports) port['name'] = names.get(port['name'] as string) ?? port['name'];
    // A second port of the same name, as where pods name different ports alike.
    const [first] = ports;
    if (first && chance(0.08)) ports.push({ ...first, port: 7000 + below(9) });
    if (chance(0.15)) ports.reverse();
    const endpoints = slice['endpoints'] as Fields[];
    const isIpv4 = slice['addressType'] === 'IPv4';
    for (const endpoint of endpoints) {
      const [address = ''] = endpoint['addresses'] as string[];
      if (isIpv4 && chance(0.04)) endpoint['addresses'] = [address, '10.244.250.250'];
      if (chance(0.05)) delete endpoint['conditions'];
      else if (chance(0.1)) endpoint['conditions'] = { ready: chance(0.3), ...(chance(0.7) ? { serving: chance(0.6) } : {}), ...(chance(0.7) ? { terminating: chance(0.6) } : {}) };
      if (chance(0.05)) endpoint['nodeName'] = NODE;
      if (chance(0.06)) endpoint['hints'] = one<Fields>([{}, { forZones: [] }, { forNodes: [{ name: NODE }] }, { forZones: [{ name: 'zone-1' }], forNodes: [{ name: 'node-b' }] }]);
      if (chance(0.1)) endpoint['targetRef'] = { kind: 'Pod', namespace: 'shop', name: `pod-${below(50)}` };
    }
    // One address twice: the last that does not end stands.
    const [again] = endpoints;
    if (isIpv4 && again && chance(0.06)) endpoints.push({ addresses: again['addresses'], conditions: { ready: chance(0.5), serving: true, terminating: chance(0.5) }, nodeName: one([NODE, 'node-b']) });
    if (chance(0.1)) metadata['annotations'] = { 'endpoints.kubernetes.io/last-change-trigger-time': `2026-11-2${below(9)}T00:00:00Z` };
    if (chance(0.05)) (metadata['labels'] as Fields)['endpointslice.kubernetes.io/managed-by'] = 'endpointslice-controller.k8s.io';
  }

  function widenNode(node: Fields, metadata: Fields): void {
    if (chance(0.4)) {
      node['status'] = {
        addresses: one([
          [{ type: 'Hostname', address: NODE }, { type: 'InternalIP', address: 'fd00:10::10' }, { type: 'InternalIP', address: '192.168.10.10' }],
          [{ type: 'ExternalIP', address: '203.0.113.200' }, { type: 'InternalIP', address: '192.168.10.10' }],
          [{ type: 'ExternalIP', address: '203.0.113.200' }],
          [{ type: 'InternalIP', address: 'fd00:10::10' }, { type: 'ExternalIP', address: '203.0.113.200' }],
          [{ type: 'Hostname', address: NODE }],
          [{ type: 'InternalIP', address: '10.1.2.3' }, { type: 'InternalIP', address: '192.168.10.10' }],
        ]),
      };
    }
    if (chance(0.1)) delete (metadata['labels'] as Fields)['topology.kubernetes.io/zone'];
    if (chance(0.2)) (metadata['labels'] as Fields)['topology.kubernetes.io/region'] = one(['r1', 'r2']);
  }

  const keyOf = ({ kind, metadata }: KubeObject) => `${kind} ${String((metadata as Fields)['namespace'])}/${String((metadata as Fields)['name'])}`;
  const items = base.items.map(widen);
  if (chance(0.2)) items.push({ kind: 'Node', apiVersion: 'v1', metadata: { name: 'node-b', labels: { 'topology.kubernetes.io/zone': 'zone-2' } }, status: { addresses: [{ type: 'InternalIP', address: '192.168.10.99' }] } });
  const now = new Map(items.map((object) => [keyOf(object), object]));
  const steps = base.steps.map((step) => {
    const changes: Change[] = [];
    for (const { op, object } of step) {
      const after = widen(object);
      const key = keyOf(after);
      const before = now.get(key);
      // Now and then no change at all, or only one of what says nothing.
      changes.push(op === 'update' && before && chance(0.15) ? { op, object: structuredClone(before) } : { op, object: after });
      const latest = changes.at(-1)?.object ?? after;
      if (op === 'delete') now.delete(key);
      else now.set(key, latest);
      if (op === 'update' && before && chance(0.15)) {
        changes.push({ op, object: before });
        now.set(key, before);
      } else if (op === 'delete' && before && chance(0.2)) {
        changes.push({ op: 'add', object: before });
        now.set(key, before);
      }
    }
    return chance(0.08) ? [] : changes;
  });
  if (chance(0.12)) addEdge(items, steps);

  /** A Service whose endpoints, with all others, go over 1,000 and back. */
  function addEdge(all: KubeObject[], changes: Change[][]): void {
    const ports = [{ name: '', port: 8080, protocol: 'TCP' }];
    const slice = (index: number, count: number): KubeObject => ({
      kind: 'EndpointSlice', apiVersion: 'discovery.k8s.io/v1', metadata: { name: `edge-${index}`, namespace: 'default', labels: { 'kubernetes.io/service-name': 'edge' } }, addressType: 'IPv4', ports,
      endpoints: Array.from({ length: count }, (_, place) => ({ addresses: [`10.245.${index}.${place + 1}`], conditions: { ready: true, serving: true, terminating: false }, nodeName: one([NODE, 'node-b']) })),
    });
    all.push({ kind: 'Service', apiVersion: 'v1', metadata: { name: 'edge', namespace: 'default' }, spec: { type: 'ClusterIP', clusterIP: '10.96.200.200', clusterIPs: ['10.96.200.200'], ipFamilies: ['IPv4'], sessionAffinity: 'None', ports: [{ port: 80, protocol: 'TCP', targetPort: 8080 }] }, status: {} });
    for (let index = 0; index < 10; index++) all.push(slice(index, 90 + below(12)));
    for (const step of changes) if (chance(0.5)) step.push({ op: 'update', object: slice(below(10), 60 + below(60)) });
  }

  const config = { ...base.config };
  if (config['clusterCIDR'] !== '' && chance(0.3)) config['clusterCIDR'] = one(['10.0.0.0/8', '10.244.7.9/16', '100.64.0.0/10']);
  if (chance(0.5)) config['masqueradeBit'] = below(32);
  if (chance(0.3)) {
    config['nodePortAddresses'] = one([
      ['127.0.0.1/32'], ['192.168.10.10/32'], ['fd00::/8'], ['fd00::/8', '192.168.10.0/24'], ['127.0.0.0/8', '127.0.0.1/32'], ['10.0.0.0/0'], ['192.168.10.0/24', '0.0.0.0/0'], ['126.0.0.0/7'], ['203.0.113.0/24', '10.1.2.0/24'], ['172.16.0.0/12'],
    ]);
  }
  if (chance(0.05)) config['node'] = one(['node-b', 'node-z']);
  return { name: `wide seed ${seed}`, config, items, steps };
}
