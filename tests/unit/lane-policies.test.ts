import { describe, expect, it, test } from 'vitest';
import { findProfile } from '../../src/cost/profiles.ts';
import { readCluster } from '../../src/kubernetes/read.ts';
import { parseIpv4, type Ipv4 } from '../../src/packet/address.ts';
import type { Lane } from '../../src/simulation/api.ts';
import { decodeScene, encodeScene } from '../../src/simulation/link.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';
import type { Scene } from '../../src/simulation/scene.ts';
import { Simulation } from '../../src/simulation/simulation.ts';
import { raceModel } from '../../src/ui/race/race-model.ts';
import { ratioSpan } from '../../src/ui/race/ratio-span.ts';
import { stationWords } from '../../src/ui/race/station-words.ts';

const pod = (name: string, ip: string, node = 'node-1') => `
---
apiVersion: v1
kind: Pod
metadata: { namespace: shop, name: ${name}-0, labels: { app: ${name} } }
spec: { nodeName: ${node}, containers: [{ name: c, ports: [{ name: http, containerPort: 8080 }] }] }
status: { podIP: ${ip}, phase: Running }`;
const service = (name: string, ip: string, endpoint: string, node = 'node-1') => `
---
apiVersion: v1
kind: Service
metadata: { namespace: shop, name: ${name} }
spec: { type: ClusterIP, clusterIP: ${ip}, clusterIPs: [${ip}], ports: [{ port: 80, targetPort: 8080, protocol: TCP }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { namespace: shop, name: ${name}-1, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ port: 8080, protocol: TCP }]
endpoints: [{ addresses: [${endpoint}], nodeName: ${node}, conditions: { ready: true }, targetRef: { kind: Pod, namespace: shop, name: ${name}-0 } }]`;
const policy = (name: string, spec: string) => `
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { namespace: shop, name: ${name} }
spec: ${spec}`;

const OBJECTS = [
  pod('web', '10.244.1.10'),
  pod('cart', '10.244.1.20'),
  pod('open', '10.244.1.30'),
  pod('jail', '10.244.1.50'),
  pod('far', '10.244.2.40', 'node-2'),
  service('cart', '10.96.0.20', '10.244.1.20'),
  service('open', '10.96.0.30', '10.244.1.30'),
  service('far', '10.96.0.40', '10.244.2.40', 'node-2'),
  '\n---\napiVersion: v1\nkind: Namespace\nmetadata: { name: shop }',
].join('');
const POLICIES = [
  policy('cart', '{ podSelector: { matchLabels: { app: cart } }, policyTypes: [Ingress], ingress: [{ from: [{ podSelector: { matchExpressions: [{ key: app, operator: In, values: [web] }] } }], ports: [{ port: http }] }] }'),
  policy('jail', '{ podSelector: { matchLabels: { app: jail } }, policyTypes: [Egress], egress: [{ to: [{ podSelector: { matchLabels: { app: open } } }] }] }'),
].join('');

const simulation = new Simulation({ assets: readAssets(), profiles: { find: findProfile } });
const scene = (text: string, change: Partial<Scene> = {}): Scene => ({ version: 1, mode: 'race', cluster: { kind: 'text', text }, seed: 1, target: { servicePort: null, position: null }, connection: 'new', packet: 0, profile: 'legacy', added: [], ...change });
const CLUSTER = scene(OBJECTS + POLICIES);
const ip = (text: string) => parseIpv4(text) as Ipv4;
function send(wanted: Scene, from: string, to: string): { readonly chain: Lane; readonly map: Lane } {
  const { lanes } = simulation.raceBetween(wanted, from, { to: ip(to), port: 80, protocol: 'TCP' });
  return { chain: lanes.iptables, map: lanes.ebpf };
}
const metrics = ({ report }: Lane) => (report.trace?.kind === 'program' ? report.trace.accesses.filter(({ map }) => map === 'cilium_metrics') : []);

describe('a cluster with NetworkPolicies', () => {
  test.each([
    // sender, Service, what the map’s lane does, the span that a ratio would be of
    ['shop/web-0', '10.96.0.20', 'delivered', 'hop-policies'],
    ['default/client', '10.96.0.20', 'DROP_POLICY (-133)', 'policy'],
    ['shop/open-0', '10.96.0.20', 'DROP_POLICY (-133)', 'policy'],
    ['default/client', '10.96.0.30', 'delivered', 'hop-policies'],
    ['shop/jail-0', '10.96.0.30', 'delivered', 'hop-policies'],
    ['shop/jail-0', '10.96.0.20', 'DROP_POLICY (-133)', 'policy'],
    ['shop/jail-0', '10.96.0.40', 'DROP_POLICY (-133)', 'policy'],
    // Another node’s pod: its own node asks.
    ['shop/web-0', '10.96.0.40', 'forwarded', 'left'],
  ] as const)('%s to %s: %s', (from, to, ends, span) => {
    for (const connection of ['new', 'established'] as const) {
      const { chain, map } = send({ ...CLUSTER, connection }, from, to);
      const { verdict } = map.report;
      expect(verdict.kind === 'dropped' ? verdict.by : verdict.kind).toBe(ends);
      // kube-proxy’s rules ask no policy.
      expect(['delivered', 'forwarded']).toContain(chain.report.verdict.kind);
      expect(ratioSpan(chain, map)).toBe(span);
      if (connection === 'established') continue;
      // Only what was dropped is counted, under its reason.
      expect(metrics(map).map(({ keyText }) => keyText.split(' ')[0])).toEqual(verdict.kind === 'dropped' ? ['DROP_POLICY', 'DROP_POLICY'] : []);
      expect(metrics(map).at(-1)?.valueText).toBe(verdict.kind === 'dropped' ? 'packets 1, bytes 54' : undefined);
    }
  });

  it('is asked at both ends: the sending pod’s program, then the receiving pod’s', () => {
    const opened = simulation.open({ ...CLUSTER, target: { servicePort: 'shop/open:80', position: null } });
    expect(opened.policies).toEqual({ policies: 2, pods: 2 });
    const race = simulation.race({ ...CLUSTER, target: { servicePort: 'shop/open:80', position: null } });
    expect(raceModel(race, opened).map.stations.map(stationWords)).toEqual(['client pod', 'veth', 'cil_from_container', '11 map accesses', 'DNAT', 'redirect', 'cil_to_container', 'server pod']);
    expect(race.lanes.ebpf.report.work.programRuns).toBe(2);
    const cart = { ...CLUSTER, target: { servicePort: 'shop/cart:80', position: null } };
    expect(raceModel(simulation.race(cart), simulation.open(cart)).map.stations.map(stationWords).slice(-2)).toEqual(['cil_to_container: DROP_POLICY (-133)', 'server pod']);
  });

  it('the same scene gives the same, whatever was sent before', () => {
    const first = send(CLUSTER, 'default/client', '10.96.0.20').map.report;
    send(CLUSTER, 'shop/web-0', '10.96.0.20');
    expect(send(CLUSTER, 'default/client', '10.96.0.20').map.report).toEqual(first);
    const fresh = new Simulation({ assets: readAssets(), profiles: { find: findProfile } });
    expect(fresh.raceBetween(CLUSTER, 'default/client', { to: ip('10.96.0.20'), port: 80, protocol: 'TCP' }).lanes.ebpf.report).toEqual(first);
    expect(decodeScene(encodeScene(CLUSTER))).toEqual({ scene: CLUSTER });
  });

  it('a pod of a Service that is added later is asked of too', () => {
    const added = { ...CLUSTER, added: [1] };
    const { targets } = ((): { targets: ReturnType<Simulation['targets']> } => {
      simulation.open(added);
      return { targets: simulation.targets('added') };
    })();
    const [target] = targets;
    if (!target) throw new Error('nothing added');
    expect(send(added, 'shop/web-0', target.address).map.report.verdict.kind).toBe('delivered');
    expect(send(added, 'shop/jail-0', target.address).map.report.verdict).toEqual({ kind: 'dropped', by: 'DROP_POLICY (-133)' });
  });

  it('a person’s own cil_to_container asks the very policies', () => {
    const attached = { ...CLUSTER, attached: [{ hook: 'to-container', place: 'instead', object: { kind: 'sample', name: 'to_container' }, program: null, constants: { enable_events: '00' } }] } as const satisfies Scene;
    expect(simulation.open(attached).attached).toMatchObject([{ fault: null }]);
    for (const [from, to, kind] of [['default/client', '10.96.0.20', 'dropped'], ['shop/web-0', '10.96.0.20', 'delivered'], ['shop/web-0', '10.96.0.30', 'delivered']] as const) {
      const { report } = send(attached, from, to).map;
      expect([from, to, report.verdict.kind]).toEqual([from, to, kind]);
      expect(report.attached).toMatchObject([{ hook: 'to-container', program: 'cil_to_container' }]);
    }
  });
});

describe('without one', () => {
  it('the lane is as it was: one program, and the redirect past the receiving pod’s hook', () => {
    const plain = scene(OBJECTS);
    expect(simulation.open(plain).policies).toBeUndefined();
    const { chain, map } = send(plain, 'default/client', '10.96.0.20');
    expect(map.report.work.programRuns).toBe(1);
    expect(map.report.stages.filter(({ kind }) => kind === 'redirect').map(({ name }) => name)).toEqual(['redirect_peer']);
    expect(ratioSpan(chain, map)).toBe('same');
  });
});

describe('reading NetworkPolicies', () => {
  const faults = (text: string) => readCluster(text).faults.map(({ message, severity, object }) => [message, severity, object]);
  it('as kubectl prints them, with the pods and namespaces they are about', () => {
    const reading = readCluster(OBJECTS + POLICIES);
    expect(reading.faults).toEqual([]);
    expect(reading.ignored).toEqual({});
    expect(reading.objects.filter(({ kind }) => kind === 'NetworkPolicy' || kind === 'Namespace').map(({ kind, metadata }) => `${kind} ${metadata?.name ?? ''}`)).toEqual(['Namespace shop', 'NetworkPolicy cart', 'NetworkPolicy jail']);
  });
  test.each([
    ['fault_policy_type', '{ podSelector: {}, policyTypes: [ingress] }'],
    ['fault_policy_peer', '{ podSelector: {}, ingress: [{ from: [{}] }] }'],
    ['fault_selector_operator', '{ podSelector: { matchExpressions: [{ key: a, operator: in }] } }'],
    ['fault_prefix', '{ podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: 10.0.0.0 } }] }] }'],
    ['fault_prefix', '{ podSelector: {}, egress: [{ to: [{ ipBlock: { cidr: 10.0.0.0/8, except: [10.0.0.0/40] } }] }] }'],
    ['fault_port_range', '{ podSelector: {}, ingress: [{ ports: [{ port: 0 }] }] }'],
    ['fault_port_range', '{ podSelector: {}, ingress: [{ ports: [{ port: 90, endPort: 80 }] }] }'],
    ['fault_protocol', '{ podSelector: {}, ingress: [{ ports: [{ port: 80, protocol: tcp }] }] }'],
    ['fault_not_port', '{ podSelector: {}, ingress: [{ ports: [{ port: [80] }] }] }'],
    ['fault_not_list', '{ podSelector: {}, ingress: {} }'],
  ])('%s', (message, spec) => {
    expect(faults(OBJECTS + policy('wrong', spec))).toEqual([[message, 'error', 'NetworkPolicy shop/wrong']]);
  });
  it('none is enforced where there are no Pods, and that is said', () => {
    const text = service('cart', '10.96.0.20', '10.244.1.20') + POLICIES;
    expect(faults(text)).toEqual([['fault_no_pods', 'note', null]]);
    expect(simulation.open(scene(text)).policies).toEqual({ policies: 2, pods: 0 });
  });
  it('one without a selector is about every pod of its namespace', () => {
    expect(simulation.open(scene(OBJECTS + policy('all', '{ policyTypes: [Ingress] }'))).policies).toEqual({ policies: 1, pods: 4 });
  });
});
