import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { ServicePort } from 'kubernetes-types/core/v1';
import type { EndpointPort, EndpointSlice } from 'kubernetes-types/discovery/v1';
import type { ClusterObject } from './change.ts';
import { PRESET_NODE } from './node.ts';
import { shop } from './shop.ts';

/** Sizes of the presets, in Services of two endpoints each; `shop` is the small realistic one. */
export type PresetName = 'shop' | '1' | '50' | '500' | '5000' | '20000' | '50000';

const WORDS = ['cart', 'orders', 'search', 'stock', 'prices', 'users', 'mail', 'images', 'reviews', 'billing', 'quotes', 'events', 'tags', 'feeds', 'audit', 'routes'];
const NAMESPACES = ['shop', 'payments', 'search', 'media', 'identity', 'logistics', 'data', 'platform'];
/** A port as a Service has it, and as its slice does: many Services share one. */
interface Ports {
  readonly service: ServicePort[];
  readonly slice: EndpointPort[];
}

/** What many objects share must not change with one of them; kubectl's types know no `readonly`. */
function frozen<T extends object>(value: T): T {
  for (const part of Object.values(value)) if (Array.isArray(part)) Object.freeze(part);
  return Object.freeze(value);
}

function portsOf(name: string, port: number, targetPort: number): Ports {
  return frozen({ service: [frozen<ServicePort>({ name, port, targetPort, protocol: 'TCP' })], slice: [frozen<EndpointPort>({ name, port: targetPort, protocol: 'TCP' })] });
}

const PORTS: readonly Ports[] = frozen([portsOf('http', 80, 8080), portsOf('https', 443, 8443), portsOf('grpc', 9000, 9000), portsOf('http', 8080, 8080), portsOf('metrics', 9090, 9090)]);
const ADDED_PORTS = portsOf('http', 80, 8080);

/** Service addresses: 10.96.0.0/12, of which 10.111.0.0/16 is kept for Services that are added. */
const SERVICE_BASE = 0x0a600000;
const SERVICE_SPACE = 15 * 65536;
const ADDED_SERVICE_BASE = 0x0a6f0000;
/** Pod addresses: 10.244.0.0/14, of which 10.247.0.0/16 is kept for Services that are added. */
const POD_BASE = 0x0af40000;
const POD_SPACE = 3 * 65536;
const ADDED_POD_BASE = 0x0af70000;
/** The first addresses of each range are the cluster's own (API server, DNS, gateways, the client). */
const RESERVED = 256;

/** Endpoints of one added Service, so that no two have a pod in common. */
const MOST_ADDED_ENDPOINTS = 128;

const OCTETS: readonly string[] = frozen(Array.from({ length: 256 }, (_, octet) => String(octet)));
/** An octet and the dot behind it. */
const DOTTED: readonly string[] = frozen(OCTETS.map((octet) => `${octet}.`));

/** From ready pieces: a large cluster has 150,000 addresses. */
function toText(address: number): string {
  return DOTTED[address >>> 24]! + DOTTED[(address >>> 16) & 255]! + (DOTTED[(address >>> 8) & 255]! + OCTETS[address & 255]!);
}

/** The same seed gives the same cluster. Every pod is on one node, as in the lab's set-up. */
export function preset(name: PresetName, seed: number): ClusterObject[] {
  if (name === 'shop') return shop();
  const services = Number(name);
  const random = xoroshiro128plus(seed);
  // Strides without a factor in common with the spaces: no address comes twice.
  const serviceStep = 2 * uniformInt(random, 1000, 200_000) + 1;
  const podStep = 2 * uniformInt(random, 1000, 50_000) + 1;
  const coprime = (step: number) => (step % 3 === 0 || step % 5 === 0 ? step + 2 : step);
  const step = coprime(coprime(coprime(serviceStep)));
  const stepPod = coprime(coprime(coprime(podStep)));
  const objects: ClusterObject[] = [];
  for (let index = 0; index < services; index++) {
    const port = PORTS[uniformInt(random, 0, PORTS.length - 1)] ?? PORTS[0];
    if (!port) continue;
    const namespace = NAMESPACES[uniformInt(random, 0, NAMESPACES.length - 1)] ?? 'shop';
    const service = `${WORDS[index % WORDS.length] ?? 'svc'}-${index + 1}`;
    const address = toText(SERVICE_BASE + RESERVED + ((index * step) % (SERVICE_SPACE - RESERVED)));
    const pod = (endpoint: number) => toText(POD_BASE + RESERVED + (((index * 2 + endpoint) * stepPod) % (POD_SPACE - RESERVED)));
    const [own, slice] = serviceObjects(namespace, service, address, port, [pod(0), pod(1)]);
    objects.push(own, slice);
  }
  return objects;
}

/** What all of the presets' Services and endpoints have in common, once. */
const IPV4 = frozen<'IPv4'[]>(['IPv4']);
const READY = frozen({ ready: true, serving: true, terminating: false });

/** A Service of one port and its EndpointSlice, as the API server holds them. */
function serviceObjects(namespace: string, name: string, address: string, { service: ports, slice: targets }: Ports, pods: readonly string[]): [ClusterObject, ClusterObject] {
  const endpoints: EndpointSlice['endpoints'] = pods.map((pod, index) => ({
    addresses: [pod],
    conditions: READY,
    nodeName: PRESET_NODE.name,
    targetRef: { kind: 'Pod', namespace, name: `${name}-${index}` },
  }));
  return [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { namespace, name },
      spec: { type: 'ClusterIP', clusterIP: address, clusterIPs: [address], ports, internalTrafficPolicy: 'Cluster', ipFamilies: IPV4, ipFamilyPolicy: 'SingleStack', sessionAffinity: 'None' },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { namespace, name: `${name}-abcde`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: targets,
      endpoints,
    },
  ];
}

/**
 * What *Add a Service* adds: the `index`th one (from 0), with its own addresses. `taken` says which addresses the cluster
 * has already.
 */
export function addedService(index: number, endpoints: number, taken: (address: string) => boolean): { readonly name: string; readonly address: string; readonly objects: readonly ClusterObject[] } {
  const name = `added-${index + 1}`;
  let service = ADDED_SERVICE_BASE + RESERVED + index;
  while (taken(toText(service))) service += 1;
  const pods: string[] = [];
  for (let pod = ADDED_POD_BASE + RESERVED + index * MOST_ADDED_ENDPOINTS; pods.length < endpoints; pod++) if (!taken(toText(pod))) pods.push(toText(pod));
  return { name: `shop/${name}`, address: toText(service), objects: serviceObjects('shop', name, toText(service), ADDED_PORTS, pods) };
}
