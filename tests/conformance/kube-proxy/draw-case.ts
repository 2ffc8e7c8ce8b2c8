import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** One case for kube-proxy: its settings, the objects it starts with, and what changes after that, a sync a step. */
export interface ProxyCase {
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly items: readonly KubeObject[];
  readonly steps: readonly (readonly { readonly op: 'add' | 'update' | 'delete'; readonly object: KubeObject }[])[];
}

export interface KubeObject {
  readonly kind: string;
  readonly [key: string]: unknown;
}

const NODE = 'node-a';
const NODES = [NODE, 'node-b', 'node-c'];
const ZONES = ['zone-1', 'zone-2'];
const PROTOCOLS = ['TCP', 'UDP', 'SCTP'];

/** How many seeds, from 1, the real kube-proxy's payloads are recorded for in recorded.json. */
export const RECORDED = 240;

interface ServicePort { name?: string; port: number; protocol?: string; nodePort?: number; targetPort: number }
interface ServiceShape { namespace: string; name: string; ports: ServicePort[]; object: KubeObject }

/**
 * A cluster, its changes and its settings, all drawn from the seed: everything that kube-proxy's iptables mode reads, with
 * the fields that the API server fills in. Never one address in two slices: there kube-proxy takes a random one.
 */
export function drawCase(seed: number): ProxyCase {
  const random = xoroshiro128plus(seed);
  // Now and then more endpoints than kube-proxy's large-cluster mode begins at (1,000).
  const services = seed % 60 === 59 ? 600 : seed % 10 === 9 ? 60 : 8;
  const steps = services > 100 ? 4 : 10;
  const below = (bound: number) => uniformInt(random, 0, bound - 1);
  const chance = (part: number) => below(1000) < part * 1000;
  const one = <T>(list: readonly T[]): T => list[below(list.length)] as T;
  const some = <T>(list: readonly T[]) => list.filter(() => chance(0.5));
  const shapes = new Map<string, ServiceShape>();
  const slices = new Map<string, KubeObject>();
  let node: KubeObject = nodeObject();
  let nextNodePort = 30000;
  let nextSlice = 0;
  const externals = Array.from({ length: 4 }, (_, index) => `203.0.113.${index + 1}`);

  function nodeObject(): KubeObject {
    const labels: Record<string, string> = { 'kubernetes.io/hostname': NODE };
    if (chance(0.8)) labels['topology.kubernetes.io/zone'] = one(ZONES);
    return { kind: 'Node', apiVersion: 'v1', metadata: { name: NODE, labels }, status: { addresses: [{ type: 'InternalIP', address: '192.168.10.10' }] } };
  }

  function serviceObject(namespace: string, name: string, old?: ServiceShape): ServiceShape {
    const count = 1 + below(chance(0.3) ? 4 : 1);
    const same = chance(0.3);
    const ports: ServicePort[] = old && chance(0.6) ? old.ports.map((port) => ({ ...port })) : Array.from({ length: count }, (_, index) => {
      const port: ServicePort = { port: same ? 53 : 80 + index * 10 + below(5), targetPort: 8080 + index };
      const protocol = same ? PROTOCOLS[index % 3] : chance(0.7) ? 'TCP' : one(PROTOCOLS);
      port.protocol = protocol as string;
      if (count > 1 || chance(0.5)) port.name = `p${index}`;
      return port;
    });
    const taken = new Set<string>();
    for (let index = ports.length - 1; index >= 0; index--) {
      const key = `${ports[index]?.port}/${ports[index]?.protocol ?? 'TCP'}`;
      if (taken.has(key)) ports.splice(index, 1);
      taken.add(key);
    }
    const type = one(['ClusterIP', 'ClusterIP', 'ClusterIP', 'NodePort', 'NodePort', 'LoadBalancer', 'LoadBalancer', 'ExternalName']);
    const spec: Record<string, unknown> = { type, ports };
    const oldSpec = old?.object['spec'] as Record<string, unknown> | undefined;
    const keep = typeof oldSpec?.['clusterIP'] === 'string' && oldSpec['clusterIP'] !== '' && chance(0.8);
    const v4 = `10.96.${below(4)}.${1 + below(250)}`;
    const v6 = `fd00:96::${(1 + below(999)).toString(16)}`;
    const family = chance(0.1) ? 'ipv6' : chance(0.15) ? 'dual' : 'ipv4';
    if (type === 'ExternalName') {
      spec['externalName'] = 'db.example.com';
      if (chance(0.5)) delete spec['ports'];
    } else if (chance(0.06)) {
      spec['clusterIP'] = 'None';
      spec['clusterIPs'] = ['None'];
    } else if (keep) {
      spec['clusterIP'] = oldSpec['clusterIP'];
      if (oldSpec['clusterIPs']) spec['clusterIPs'] = oldSpec['clusterIPs'];
      if (oldSpec['ipFamilies']) spec['ipFamilies'] = oldSpec['ipFamilies'];
    } else {
      const ips = family === 'dual' ? (chance(0.5) ? [v4, v6] : [v6, v4]) : family === 'ipv6' ? [v6] : [v4];
      spec['clusterIP'] = ips[0];
      const listed = chance(0.9) || family === 'dual';
      if (listed) spec['clusterIPs'] = ips;
      if (listed && (family === 'dual' || chance(0.7))) spec['ipFamilies'] = ips.map((ip) => (ip.includes(':') ? 'IPv6' : 'IPv4'));
    }
    const status: Record<string, unknown> = {};
    if (type === 'NodePort' || (type === 'LoadBalancer' && chance(0.8))) for (const port of ports) port.nodePort ??= nextNodePort++;
    else for (const port of ports) delete port.nodePort;
    if (type === 'LoadBalancer') {
      if (ports[0]?.nodePort === undefined) spec['allocateLoadBalancerNodePorts'] = false;
      const ingress = Array.from({ length: below(4) }, () => {
        const entry: Record<string, unknown> = chance(0.1) ? { hostname: 'lb.example.com' } : { ip: chance(0.12) ? `2001:db8::${1 + below(99)}` : `198.51.100.${1 + below(60)}` };
        if (chance(0.4)) entry['ipMode'] = chance(0.4) ? 'Proxy' : 'VIP';
        return entry;
      });
      if (ingress.length > 0) status['loadBalancer'] = { ingress };
      if (chance(0.5)) {
        spec['loadBalancerSourceRanges'] = some(['10.0.0.0/8', '192.168.0.0/16', '192.168.10.10/32', '203.0.113.0/24', ' 172.16.0.0/12 ', 'fd00::/8', '10.1.2.3/8', '0.0.0.0/0'].filter((range) => range !== '0.0.0.0/0' || chance(0.3)));
      }
    }
    if (type !== 'ExternalName') {
      if (chance(0.2)) spec['externalIPs'] = some([...externals, '2001:db8:1::1']);
      if (type !== 'ClusterIP' && chance(0.4)) spec['externalTrafficPolicy'] = one(['Local', 'Cluster']);
      else if (spec['externalIPs'] && chance(0.3)) spec['externalTrafficPolicy'] = 'Local';
      if (type === 'LoadBalancer' && spec['externalTrafficPolicy'] === 'Local' && chance(0.8)) spec['healthCheckNodePort'] = nextNodePort++;
      if (chance(0.25)) spec['internalTrafficPolicy'] = one(['Local', 'Cluster']);
      if (chance(0.2)) {
        spec['sessionAffinity'] = 'ClientIP';
        spec['sessionAffinityConfig'] = { clientIP: { timeoutSeconds: one([10800, 60, 1, 86400]) } };
      } else spec['sessionAffinity'] = 'None';
      if (chance(0.1)) spec['publishNotReadyAddresses'] = true;
      if (chance(0.15)) spec['trafficDistribution'] = one(['PreferClose', 'PreferSameZone', 'PreferSameNode']);
    }
    const labels: Record<string, string> = {};
    if (chance(0.03)) labels['service.kubernetes.io/service-proxy-name'] = 'other';
    if (chance(0.03)) labels['service.kubernetes.io/headless'] = '';
    const annotations: Record<string, string> = {};
    if (chance(0.15)) annotations['service.kubernetes.io/topology-mode'] = one(['Auto', 'Disabled', 'auto']);
    if (chance(0.1)) annotations['example.com/note'] = String(below(100));
    return { namespace, name, ports, object: { kind: 'Service', apiVersion: 'v1', metadata: { name, namespace, labels, annotations }, spec, status } };
  }

  function endpoint(index: number): Record<string, unknown> {
    const conditions: Record<string, unknown> = {};
    const state = below(10);
    if (state < 6) conditions['ready'] = true;
    else if (state === 6) conditions['ready'] = false;
    else if (state === 7) Object.assign(conditions, { ready: false, serving: true, terminating: true });
    else if (state === 8) Object.assign(conditions, { ready: false, serving: false, terminating: true });
    if (state < 6 && chance(0.5)) Object.assign(conditions, { serving: true, terminating: false });
    const made: Record<string, unknown> = { addresses: [`10.244.${nextSlice % 200}.${2 + ((index * 7 + below(40)) % 250)}`], conditions };
    if (chance(0.9)) made['nodeName'] = one(NODES);
    if (chance(0.5)) made['zone'] = one(ZONES);
    if (chance(0.4)) {
      const hints: Record<string, unknown> = {};
      if (chance(0.8)) hints['forZones'] = some(ZONES).map((name) => ({ name }));
      if (chance(0.4)) hints['forNodes'] = some(NODES).map((name) => ({ name }));
      made['hints'] = hints;
    }
    return made;
  }

  function sliceObject(service: ServiceShape, name: string, hinted: boolean, addressType = chance(0.08) ? 'IPv6' : chance(0.02) ? 'FQDN' : 'IPv4'): KubeObject {
    const endpoints: Record<string, unknown>[] = Array.from({ length: chance(0.12) ? 0 : 1 + below(5) }, (_, index) => endpoint(index)).map((made) => {
      if (addressType === 'IPv6') made['addresses'] = [`fd00:244::${1 + below(999)}`];
      if (addressType === 'FQDN') made['addresses'] = ['pod.example.com'];
      if (!hinted) delete made['hints'];
      return made;
    });
    const ports = service.ports.filter(() => chance(0.95)).map(({ name: portName, targetPort, protocol }) => ({
      ...(portName === undefined ? { name: '' } : { name: portName }),
      ...(chance(0.02) ? {} : { port: targetPort + (chance(0.1) ? 100 : 0) }),
      protocol: protocol ?? 'TCP',
    }));
    const labels: Record<string, string> = chance(0.02) ? {} : { 'kubernetes.io/service-name': service.name };
    if (chance(0.03)) labels['service.kubernetes.io/headless'] = '';
    return { kind: 'EndpointSlice', apiVersion: 'discovery.k8s.io/v1', metadata: { name, namespace: service.namespace, labels }, addressType, endpoints, ports };
  }

  const namespaces = ['default', 'shop', 'kube-system'];
  const addService = (index: number) => {
    const service = serviceObject(one(namespaces), `svc-${index}`);
    shapes.set(`${service.namespace}/${service.name}`, service);
    return service;
  };
  const addSlice = (service: ServiceShape) => {
    const slice = sliceObject(service, `slice-${nextSlice++}`, chance(0.4));
    slices.set(nameOf(slice), slice);
    return slice;
  };
  let nextService = 0;
  for (; nextService < services; nextService++) {
    const service = addService(nextService);
    for (let slice = chance(0.1) ? 0 : 1 + below(chance(0.25) ? 3 : 1); slice > 0; slice--) addSlice(service);
  }
  const hasNode = chance(0.9);
  const items = [...(hasNode ? [node] : []), ...[...shapes.values()].map(({ object }) => object), ...slices.values()];

  type Change = { op: 'add' | 'update' | 'delete'; object: KubeObject };
  const drawn: Change[][] = [];
  for (let step = 0; step < steps; step++) {
    const changes: Change[] = [];
    for (let change = below(4); change >= 0; change--) {
      const service = shapes.size > 0 ? one([...shapes.values()]) : null;
      const slice = slices.size > 0 ? one([...slices.values()]) : null;
      switch (below(9)) {
        case 0: {
          const made = addService(nextService++);
          changes.push({ op: 'add', object: made.object });
          if (chance(0.8)) changes.push({ op: 'add', object: addSlice(made) });
          break;
        }
        case 1:
          if (!service) break;
          shapes.delete(`${service.namespace}/${service.name}`);
          changes.push({ op: 'delete', object: service.object });
          if (chance(0.3)) {
            const again = serviceObject(service.namespace, service.name);
            shapes.set(`${service.namespace}/${service.name}`, again);
            changes.push({ op: 'add', object: again.object });
          }
          break;
        case 2:
        case 3: {
          if (!service) break;
          const updated = serviceObject(service.namespace, service.name, service);
          shapes.set(`${service.namespace}/${service.name}`, updated);
          changes.push({ op: 'update', object: updated.object });
          break;
        }
        case 4:
          if (service) changes.push({ op: 'add', object: addSlice(service) });
          break;
        case 5:
          if (!slice) break;
          slices.delete(nameOf(slice));
          changes.push({ op: 'delete', object: slice });
          break;
        case 6:
        case 7: {
          if (!slice || !service) break;
          const updated = sliceObject({ ...service, namespace: (slice['metadata'] as { namespace: string }).namespace }, (slice['metadata'] as { name: string }).name, chance(0.3), slice['addressType'] as string);
          slices.set(nameOf(updated), updated);
          changes.push({ op: 'update', object: updated });
          break;
        }
        default:
          if (hasNode && chance(0.3)) {
            node = nodeObject();
            changes.push({ op: 'update', object: node });
          } else if (service) changes.push({ op: 'update', object: service.object });
      }
    }
    drawn.push(changes);
  }
  const config = {
    node: NODE,
    clusterCIDR: chance(0.15) ? '' : '10.244.0.0/16',
    masqueradeAll: chance(0.2),
    masqueradeBit: one([14, 14, 0, 31, 5]),
    localhostNodePorts: chance(0.6),
    nfacct: chance(0.3),
    conntrackTCPLiberal: chance(0.2),
    nodePortAddresses: chance(0.25) ? some(['127.0.0.0/8', '192.168.10.0/24', '10.0.0.0/8', '0.0.0.0/0']) : [],
    family: 'ipv4',
    syncPeriod: '30s',
  };
  return { name: `seed ${seed}`, config, items, steps: drawn };
}

function nameOf(object: KubeObject): string {
  const { namespace, name } = object['metadata'] as { namespace: string; name: string };
  return `${namespace}/${name}`;
}
