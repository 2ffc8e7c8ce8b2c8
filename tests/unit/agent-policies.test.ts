import type { LabelSelector } from 'kubernetes-types/meta/v1';
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from 'kubernetes-types/networking/v1';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { describe, expect, it } from 'vitest';
import { endpointKey, endpointValue, MAP } from '../../src/datapaths/ebpf/agent/layout.ts';
import { PolicyAgent } from '../../src/datapaths/ebpf/agent/policy-agent.ts';
import type { PolicyChange, PolicyObject } from '../../src/datapaths/ebpf/agent/policy-change.ts';
import { formatIpv4, inPrefix, parsePrefix } from '../../src/packet/address.ts';
import { address, Bench, macOf, packet, TC } from './program-bench.ts';

const NODE = { name: 'node-1', address: address('192.168.0.11') };

interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly ip: string;
  readonly labels: Readonly<Record<string, string>>;
}

const POD_PORT = 8080;
const PODS: readonly Pod[] = [
  { namespace: 'shop', name: 'web', ip: '10.0.0.1', labels: { app: 'web', tier: 'front' } },
  { namespace: 'shop', name: 'cart', ip: '10.0.0.2', labels: { app: 'cart', tier: 'back' } },
  { namespace: 'shop', name: 'cart-2', ip: '10.0.0.3', labels: { app: 'cart', tier: 'back', 'pod-template-hash': 'x1' } },
  { namespace: 'ops', name: 'probe', ip: '10.0.0.4', labels: { app: 'probe' } },
  { namespace: 'ops', name: 'web', ip: '10.0.0.5', labels: { app: 'web' } },
];
const NAMESPACES: Readonly<Record<string, Readonly<Record<string, string>>>> = { shop: { team: 'a' }, ops: { team: 'b' } };
const OUTSIDE = ['203.0.113.9', '203.0.113.200', '198.51.100.1'];
const PORTS = [80, 81, 443, POD_PORT];

const podObject = ({ namespace, name, ip, labels }: Pod): PolicyObject => ({
  kind: 'Pod',
  metadata: { namespace, name, labels: { ...labels } },
  spec: { nodeName: NODE.name, containers: [{ name: 'main', ports: [{ name: 'http', containerPort: POD_PORT }] }] },
  status: { podIP: ip, phase: 'Running' },
});
const CLUSTER: PolicyChange = [...Object.entries(NAMESPACES).map(([name, labels]): PolicyObject => ({ kind: 'Namespace', metadata: { name, labels: { ...labels } } })), ...PODS.map(podObject)].map((object) => ({ op: 'add', object }));

const policyObject = (name: string, namespace: string, spec: NonNullable<NetworkPolicy['spec']>): PolicyObject & { kind: 'NetworkPolicy' } => ({ kind: 'NetworkPolicy', metadata: { name, namespace }, spec });

// ---- What a policy means, from its documentation alone: a slow twin that knows neither identities nor tries.

function fits(selector: LabelSelector | undefined, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value) && (selector?.matchExpressions ?? []).every(({ key, operator, values }) => (operator === 'In' ? (values ?? []).includes(labels[key] ?? '') : operator === 'Exists' ? key in labels : operator === 'NotIn' ? !(values ?? []).includes(labels[key] ?? '') : !(key in labels)));
}

function peerFits(peer: NetworkPolicyPeer, namespace: string, ip: string): boolean {
  const pod = PODS.find((candidate) => candidate.ip === ip);
  if (peer.ipBlock) {
    if (pod) return false; // Cilium: an address block never means a pod.
    const within = (text: string) => inPrefix(address(ip), parsePrefix(text) ?? { address: address('0.0.0.0'), length: 32 });
    return within(peer.ipBlock.cidr) && !(peer.ipBlock.except ?? []).some(within);
  }
  if (!pod) return false;
  return (peer.namespaceSelector ? fits(peer.namespaceSelector, NAMESPACES[pod.namespace] ?? {}) : pod.namespace === namespace) && fits(peer.podSelector, pod.labels);
}

function portFits(port: NetworkPolicyPort, number: number): boolean {
  if ((port.protocol ?? 'TCP') !== 'TCP') return false;
  if (port.port === undefined) return true;
  if (typeof port.port === 'string') return port.port === 'http' && number === POD_PORT;
  return number >= port.port && number <= (port.endPort ?? port.port);
}

function allowed(policies: readonly NetworkPolicy[], direction: 'Ingress' | 'Egress', pod: Pod, other: string, port: number): boolean {
  const about = policies.filter(({ metadata, spec }) => metadata?.namespace === pod.namespace && fits(spec?.podSelector, pod.labels) && (spec?.policyTypes ?? []).includes(direction));
  if (about.length === 0) return true;
  return about.some(({ metadata, spec }) => {
    const rules = direction === 'Ingress' ? (spec?.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports })) : (spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }));
    return rules.some(({ peers, ports }) => (!peers || peers.length === 0 || peers.some((peer) => peerFits(peer, metadata?.namespace ?? '', other))) && (!ports || ports.length === 0 || ports.some((each) => portFits(each, port))));
  });
}

// ---- The same through agent, maps and programs.

class Node {
  readonly #bench: Bench;
  readonly agent: PolicyAgent;
  writes: { readonly map: string; readonly deleted: boolean }[] = [];
  #port = 1024;

  constructor() {
    this.#bench = new Bench('node', { constants: { enable_events: 0 } });
    this.agent = new PolicyAgent(
      (map, key, value) => {
        this.writes.push({ map, deleted: value === null });
        this.#bench.write(map, key, value);
      },
      { node: NODE, endpointId: (ip) => ip & 0xff },
    );
  }

  apply(change: PolicyChange): void {
    this.writes = [];
    this.agent.apply(change);
    for (const { ip } of PODS) {
      const index = address(ip) & 0xff;
      this.#bench.write(MAP.endpoints, endpointKey(address(ip)), endpointValue(index, macOf(index), macOf(index + 100), this.agent.identityOf(address(ip)) ?? 0));
    }
  }

  /** Whether the first packet of a connection arrives. */
  reaches(from: string, to: string, port: number): boolean {
    const sent = packet('TCP', `${from}:${this.#port++}`, `${to}:${port}`);
    if (!PODS.some(({ ip }) => ip === from)) return this.#bench.run('cil_to_container', sent).returnValue === TC.ok;
    const first = this.#bench.run('cil_from_container', sent);
    if (first.returnValue === TC.ok) return true;
    return first.returnValue === TC.redirect && this.#bench.run('cil_to_container', first.data, { mark: first.mark }).returnValue === TC.ok;
  }

  get policyMaps(): number {
    return this.#bench.collection.info(MAP.policyOfEndpoint).entries;
  }

  free(): void {
    this.#bench.free();
  }
}

const WEB = '10.0.0.1';
const CART = '10.0.0.2';
const PROBE = '10.0.0.4';

describe('a NetworkPolicy in words', () => {
  const cases: readonly { name: string; spec: NonNullable<NetworkPolicy['spec']>; yes: readonly [string, string, number][]; no: readonly [string, string, number][] }[] = [
    { name: 'nothing may reach the carts', spec: { podSelector: { matchLabels: { app: 'cart' } }, policyTypes: ['Ingress'] }, yes: [[CART, WEB, 80], ['198.51.100.1', WEB, 80]], no: [[WEB, CART, 80], ['198.51.100.1', CART, 80]] },
    { name: 'the web may, to port 80', spec: { podSelector: { matchLabels: { app: 'cart' } }, policyTypes: ['Ingress'], ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }], ports: [{ port: 80 }] }] }, yes: [[WEB, CART, 80]], no: [[WEB, CART, 81], [PROBE, CART, 80], ['10.0.0.5', CART, 80]] },
    { name: 'a namespace may', spec: { podSelector: {}, policyTypes: ['Ingress'], ingress: [{ from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ops' } } }] }] }, yes: [[PROBE, CART, 443]], no: [[WEB, CART, 443]] },
    { name: 'a port by its name', spec: { podSelector: { matchLabels: { app: 'cart' } }, policyTypes: ['Ingress'], ingress: [{ ports: [{ port: 'http' }] }] }, yes: [[WEB, CART, POD_PORT]], no: [[WEB, CART, 80]] },
    { name: 'a range of ports', spec: { podSelector: { matchLabels: { app: 'cart' } }, policyTypes: ['Ingress'], ingress: [{ ports: [{ port: 80, endPort: 442 }] }] }, yes: [[WEB, CART, 80], [WEB, CART, 81], [WEB, CART, 442]], no: [[WEB, CART, 79], [WEB, CART, 443]] },
    { name: 'a block with a hole', spec: { podSelector: { matchLabels: { app: 'cart' } }, policyTypes: ['Ingress'], ingress: [{ from: [{ ipBlock: { cidr: '203.0.113.0/24', except: ['203.0.113.128/25'] } }] }] }, yes: [['203.0.113.9', CART, 80]], no: [['203.0.113.200', CART, 80], ['198.51.100.1', CART, 80], [WEB, CART, 80]] },
    { name: 'out to nowhere but the carts', spec: { podSelector: { matchLabels: { app: 'web' } }, policyTypes: ['Egress'], egress: [{ to: [{ podSelector: { matchLabels: { app: 'cart' } } }] }] }, yes: [[WEB, CART, 80], [PROBE, WEB, 80]], no: [[WEB, PROBE, 80], [WEB, '198.51.100.1', 443]] },
    { name: 'the node itself may always', spec: { podSelector: {}, policyTypes: ['Ingress'] }, yes: [['192.168.0.11', CART, 80]], no: [['192.168.0.12', CART, 80]] },
  ];
  it.each(cases)('$name', ({ spec, yes, no }) => {
    const node = new Node();
    node.apply([...CLUSTER, { op: 'add', object: policyObject('p', 'shop', spec) }]);
    for (const [from, to, port] of yes) expect(node.reaches(from, to, port), `${from} → ${to}:${port}`).toBe(true);
    for (const [from, to, port] of no) expect(node.reaches(from, to, port), `${from} → ${to}:${port}`).toBe(false);
    node.free();
  });
});

describe('what is written', () => {
  const deny = policyObject('p', 'shop', { podSelector: { matchLabels: { app: 'cart' } }, policyTypes: ['Ingress'], ingress: [{ from: [{ podSelector: { matchLabels: { app: 'web' } } }] }] });

  it('nothing when nothing changed', () => {
    const node = new Node();
    node.apply([...CLUSTER, { op: 'add', object: deny }]);
    expect(node.policyMaps).toBe(2);
    node.apply([{ op: 'update', object: deny }]);
    expect(node.writes).toEqual([]);
    node.free();
  });

  it('pods that are alike are one identity, whatever their template’s hash', () => {
    const node = new Node();
    node.apply(CLUSTER);
    const [cart, other, web, foreign] = [CART, '10.0.0.3', WEB, '10.0.0.5'].map((ip) => node.agent.identityOf(address(ip)));
    expect(cart).toBe(other);
    expect(new Set([cart, web, foreign]).size).toBe(3);
    expect(Math.min(cart ?? 0, web ?? 0)).toBeGreaterThanOrEqual(256);
    node.free();
  });

  it('a new pod that is allowed: its identity is let in before its address has it', () => {
    const node = new Node();
    node.apply([...CLUSTER, { op: 'add', object: deny }]);
    node.apply([{ op: 'add', object: podObject({ namespace: 'shop', name: 'web-9', ip: '10.0.0.9', labels: { app: 'web', tier: 'new' } }) }]);
    expect(node.writes.map(({ map, deleted }) => `${deleted ? 'delete' : 'update'} ${map.replace(/_\d+$/, '')}`)).toEqual(['update cilium_policy_v2', 'update cilium_policy_v2', 'update cilium_ipcache_v2']);
    node.apply([{ op: 'delete', object: podObject({ namespace: 'shop', name: 'web-9', ip: '10.0.0.9', labels: {} }) }]);
    expect(node.writes.map(({ map, deleted }) => `${deleted ? 'delete' : 'update'} ${map.replace(/_\d+$/, '')}`)).toEqual(['delete cilium_ipcache_v2', 'delete cilium_policy_v2', 'delete cilium_policy_v2']);
    node.free();
  });

  it('a first policy is complete before it holds; with the last one all is open again', () => {
    const node = new Node();
    node.apply(CLUSTER);
    node.apply([{ op: 'add', object: deny }]);
    expect(node.writes.map(({ map }) => map).filter((map) => map !== MAP.ipcache)).toEqual(['cilium_policy_v2_00002', 'cilium_policy_v2_00002', 'cilium_policy_v2_00002', MAP.policyOfEndpoint, 'cilium_policy_v2_00003', 'cilium_policy_v2_00003', 'cilium_policy_v2_00003', MAP.policyOfEndpoint]);
    node.apply([{ op: 'delete', object: deny }]);
    expect(node.policyMaps).toBe(0);
    expect(node.reaches(PROBE, CART, 80)).toBe(true);
    node.free();
  });
});

// ---- Random policies, coming and going.

class Draw {
  readonly #random: RandomGenerator;
  constructor(seed: number) {
    this.#random = xoroshiro128plus(seed);
  }
  upTo(limit: number): number {
    return uniformInt(this.#random, 0, limit);
  }
  of<T>(list: readonly T[]): T {
    const chosen = list[this.upTo(list.length - 1)];
    if (chosen === undefined) throw new Error('Nothing to draw from.');
    return chosen;
  }
  selector(): LabelSelector {
    return this.of<LabelSelector>([{}, { matchLabels: { app: 'web' } }, { matchLabels: { app: 'cart' } }, { matchLabels: { tier: 'back' } }, { matchExpressions: [{ key: 'tier', operator: 'Exists' }] }, { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['web'] }] }]);
  }
  peer(): NetworkPolicyPeer {
    return this.of<NetworkPolicyPeer>([
      { podSelector: this.selector() },
      { namespaceSelector: this.of([{}, { matchLabels: { team: 'a' } }, { matchLabels: { team: 'b' } }]) },
      { namespaceSelector: { matchLabels: { team: 'b' } }, podSelector: this.selector() },
      { ipBlock: { cidr: this.of(['203.0.113.0/24', '203.0.0.0/16', '198.51.100.1/32', '0.0.0.0/0']) } },
      { ipBlock: { cidr: '203.0.113.0/24', except: ['203.0.113.128/25'] } },
      { ipBlock: { cidr: '0.0.0.0/0', except: ['203.0.113.0/24'] } },
    ]);
  }
  port(): NetworkPolicyPort {
    return this.of<NetworkPolicyPort>([{ port: 80 }, { port: 'http' }, { port: 81, endPort: 500 }, {}, { protocol: 'UDP', port: 80 }, { port: 443 }]);
  }
  some<T>(draw: () => T): T[] | undefined {
    const count = this.upTo(2);
    return count === 0 ? undefined : Array.from({ length: count }, draw);
  }
  policy(name: string): PolicyObject & { kind: 'NetworkPolicy' } {
    const rules = <T>(rule: () => T) => Array.from({ length: this.upTo(2) }, rule);
    const ports = () => this.some(() => this.port());
    const peers = () => this.some(() => this.peer());
    return policyObject(name, this.of(['shop', 'ops']), {
      podSelector: this.selector(),
      policyTypes: this.of([['Ingress'], ['Egress'], ['Ingress', 'Egress']]),
      ingress: rules(() => ({ ...one('from', peers()), ...one('ports', ports()) })),
      egress: rules(() => ({ ...one('to', peers()), ...one('ports', ports()) })),
    });
  }
}

function one<K extends string, T>(key: K, value: T | undefined): Partial<Record<K, T>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, T>);
}

it.each([1, 2, 3, 4, 5, 6])('random policies mean in the maps what they mean in words: seed %i', (seed) => {
  const draw = new Draw(seed);
  const node = new Node();
  node.apply(CLUSTER);
  const standing = new Map<string, PolicyObject & { kind: 'NetworkPolicy' }>();
  let refused = 0;
  for (let round = 0; round < 8; round++) {
    const name = `p${draw.upTo(3)}`;
    const old = standing.get(name);
    const next = draw.upTo(3) === 0 ? undefined : draw.policy(name);
    const change: PolicyChange = [...(old ? [{ op: 'delete', object: old } as const] : []), ...(next ? [{ op: 'add', object: next } as const] : [])];
    if (next) standing.set(name, next);
    else standing.delete(name);
    node.apply(change);
    const policies = [...standing.values()];
    const ends = [...PODS.map(({ ip }) => ip), ...OUTSIDE];
    for (const from of ends) {
      for (const to of ends) {
        const [sender, receiver] = [from, to].map((ip) => PODS.find((pod) => pod.ip === ip));
        if (from === to || (!sender && !receiver)) continue;
        for (const port of PORTS) {
          const expected = (!sender || allowed(policies, 'Egress', sender, to, port)) && (!receiver || allowed(policies, 'Ingress', receiver, from, port));
          if (!expected) refused += 1;
          expect(node.reaches(from, to, port), `round ${round}: ${from} → ${to}:${port} under ${JSON.stringify(policies.map(({ spec, metadata }) => ({ ns: metadata?.namespace, spec })))}`).toBe(expected);
        }
      }
    }
  }
  expect(refused).toBeGreaterThan(50);
  expect(formatIpv4(address(WEB))).toBe(WEB);
  node.free();
});
