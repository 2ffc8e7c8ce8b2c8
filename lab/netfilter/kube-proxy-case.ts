import { standingRules } from '../../src/datapaths/iptables/kube-proxy/index.ts';
import type { ClusterObject } from '../../src/kubernetes/change.ts';
import { PRESET_NODE } from '../../src/kubernetes/node.ts';
import { preset } from '../../src/kubernetes/presets.ts';
import { Dice } from '../dice.ts';
import { newProxier } from '../lab-cluster.ts';
import type { Backend, CasePacket, Out, Topology } from './case.ts';
import type { Ends } from './ends.ts';
import type { PlayPlan } from './play.ts';
import { RandomPacket, type Frontend } from './random-packet.ts';

const SERVICES = 12;
/** Each Service has its own: where two have one address and port, what came out would not say which of them chose. */
const external = (service: number) => `198.51.100.${service}`;
/** The node: its client pod by one interface, all others and the world by another. */
const TOPOLOGY: Topology = {
  interfaces: [
    { name: 'cl0', side: 'client', addresses: ['10.244.0.1/24'] },
    { name: 'sv0', side: 'server', addresses: [`${PRESET_NODE.address}/24`] },
    { name: 'lo', addresses: ['127.0.0.1/8'] },
  ],
  routes: [
    { dst: '10.244.0.0/24', dev: 'cl0', connected: true },
    { dst: '192.168.0.0/24', dev: 'sv0', connected: true },
    { dst: 'default', via: '192.168.0.1', dev: 'sv0' },
  ],
};

/** kube-proxy's own payload for a random cluster, and packets to its Services. */
export function kubeProxyCase(backend: Backend, seed: number): PlayPlan {
  const dice = new Dice(seed);
  const objects = randomCluster(dice, seed);
  const payload = newProxier(seed).sync(objects.map((object) => ({ op: 'add' as const, object })))?.text ?? '';
  const pods = objects.flatMap((object) => (object.kind === 'EndpointSlice' ? object.endpoints.flatMap(({ addresses }) => addresses) : []));
  const clients = [PRESET_NODE.client.address, '10.244.0.11'];
  const servers = [...dice.sample(pods, 4), '203.0.113.9'];
  const own = [PRESET_NODE.address, '10.244.0.1'];
  const ends: Ends = { interfaces: { client: 'cl0', server: 'sv0', lo: 'lo' }, own, clients, servers, virtual: [], all: [...clients, ...servers, ...own] };
  const endpoints = endpointsOf(payload);
  const random = new RandomPacket(dice, ends, frontendsOf(objects));
  return { name: `kube-proxy-${seed}-${backend}`, topology: TOPOLOGY, backend, rules: [standingRules(), payload], count: dice.between(20, 40), next: (history) => random.next(history), draws: (packet, outs) => drawsOf(endpoints, packet, outs) };
}

function randomCluster(dice: Dice, seed: number): ClusterObject[] {
  let port = 30_000;
  return preset('50', seed).slice(0, SERVICES * 2).map((object, index): ClusterObject => {
    if (object.kind === 'EndpointSlice') {
      // A Service without endpoints: refused.
      if (dice.chance(0.15)) return { ...object, endpoints: [] };
      // Of three endpoints, the first is drawn with another chance than the second.
      const [first, second] = object.endpoints;
      const third = first && dice.chance(0.5) ? [{ ...first, addresses: first.addresses.map((text) => text.replace(/^10\.24\d/, '10.247')) }] : [];
      return { ...object, endpoints: [...(first ? [first] : []), ...(second ? [second] : []), ...third] };
    }
    if (object.kind !== 'Service' || !object.spec?.ports) return object;
    const protocol = dice.pick(['TCP', 'TCP', 'UDP']);
    const affinity = dice.chance(0.25) ? { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } } : {};
    const type = dice.pick(['ClusterIP', 'NodePort', 'LoadBalancer']);
    const ports = object.spec.ports.map((one) => ({ ...one, protocol, ...(type === 'ClusterIP' ? {} : { nodePort: port++ }) }));
    const balancer = type === 'LoadBalancer' && dice.chance(0.5) ? { loadBalancerSourceRanges: dice.sample(['10.244.0.0/24', '203.0.113.0/24', '192.168.0.0/16'], 2) } : {};
    const spec = { ...object.spec, type, ports, ...affinity, ...balancer, ...(dice.chance(0.2) ? { externalIPs: [external(100 + index)] } : {}), ...(type === 'ClusterIP' || dice.chance(0.7) ? {} : { externalTrafficPolicy: 'Local' }) };
    return type === 'LoadBalancer' ? { ...object, spec, status: { loadBalancer: { ingress: [{ ip: external(index + 1), ipMode: 'VIP' }] } } } : { ...object, spec };
  }).map(protocolsAlike);
}

/** A slice's ports have the protocol of its Service's, which stands before it. */
function protocolsAlike(object: ClusterObject, index: number, all: readonly ClusterObject[]): ClusterObject {
  const service = all[index - 1];
  if (object.kind !== 'EndpointSlice' || service?.kind !== 'Service') return object;
  return { ...object, ports: (object.ports ?? []).map((port, at) => ({ ...port, protocol: service.spec?.ports?.[at]?.protocol ?? 'TCP' })) };
}

function frontendsOf(objects: readonly ClusterObject[]): Frontend[] {
  return objects.flatMap((object) => {
    if (object.kind !== 'Service') return [];
    const { clusterIP = '', externalIPs = [], ports = [] } = object.spec ?? {};
    const addresses = [clusterIP, ...externalIPs, ...(object.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? [])];
    return ports.flatMap(({ port, nodePort, protocol }) => {
      const of = protocol === 'UDP' ? 'udp' : 'tcp';
      return [...addresses.map((address) => ({ address, port, protocol: of }) as const), ...(nodePort === undefined ? [] : [{ address: PRESET_NODE.address, port: nodePort, protocol: of } as const])];
    });
  });
}

/** By chain that chooses an endpoint: the endpoints in the order that rules draw for them. */
type Choices = ReadonlyMap<string, readonly string[]>;

function endpointsOf(payload: string): Choices {
  const choices = new Map<string, string[]>();
  for (const [, chain = '', endpoint = ''] of payload.matchAll(/^-A (KUBE-SV[CL]-\S+) -m comment --comment "\S+ -> ([\d.:]+)"(?! -m recent).* -j KUBE-SEP-/gm)) choices.set(chain, [...(choices.get(chain) ?? []), endpoint]);
  // By what the packet was sent to.
  const next = new Map([...payload.matchAll(/^-A (KUBE-EXT-\S+) -j (KUBE-SV[CL]-\S+)$/gm)].map(([, from = '', to = '']) => [from, to]));
  const byFrontend = new Map<string, readonly string[]>();
  for (const line of payload.split('\n')) {
    const [, chain = ''] = /-j (KUBE-(?:SV[CL]|EXT|FW)-\S+)$/.exec(line) ?? [];
    const [, port = ''] = /--dport (\d+)/.exec(line) ?? [];
    const [, protocol = ''] = /-p (\w+)/.exec(line) ?? [];
    const [, address = PRESET_NODE.address] = /-d ([\d.]+)/.exec(line) ?? [];
    const service = chain.startsWith('KUBE-FW') ? chain.replace('KUBE-FW', 'KUBE-EXT') : chain;
    const list = choices.get(next.get(service) ?? service);
    if (chain !== '' && port !== '' && list) byFrontend.set(`${address}:${port}/${protocol}`, list);
  }
  return byFrontend;
}

/** Matches no chance below 1; matches every chance above 0 (xt_statistic compares the lower 31 bits). */
const NEVER = 0x7fffffff;
const ALWAYS = 0;

/** The numbers with which the rules of kube-proxy choose the endpoint that the kernel chose. */
function drawsOf(endpoints: Choices, packet: CasePacket, [out]: readonly Out[]): number[] {
  const list = endpoints.get(`${packet.dst}:${packet.dport ?? 0}/${packet.proto}`);
  const chosen = out && list ? list.indexOf(`${out.dst}:${out.dport ?? 0}`) : -1;
  return chosen < 0 ? [] : [...Array.from({ length: chosen }, () => NEVER), ALWAYS];
}
