import type { Service } from 'kubernetes-types/core/v1';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { describe, expect, it } from 'vitest';
import { Agent } from '../../src/datapaths/ebpf/agent/agent.ts';
import { MAP } from '../../src/datapaths/ebpf/agent/layout.ts';
import type { ClusterObject, ObjectChange } from '../../src/kubernetes/change.ts';
import { TCP_FLAG } from '../../src/packet/packet.ts';
import { address, ALGORITHM, Bench, packet, TC, XDP } from './program-bench.ts';

/*
 * The agent is stopped after every single write, and traffic is sent through the VM: from a pod, and from outside. What
 * becomes of a packet must be what the cluster before the change says, or what the one after it says: never a drop
 * between two that deliver, never a backend that is in neither.
 */

const NODE = { name: 'node-1', address: address('192.168.0.11') };
const CLIENT = '10.0.0.1';
const OUTSIDE = '203.0.113.9';
const SERVICES = 3;
const STEPS = 25;

interface Endpoint {
  readonly ip: string;
  readonly here: boolean;
  readonly draining: boolean;
}

interface State {
  readonly type: 'ClusterIP' | 'NodePort' | 'LoadBalancer';
  readonly internalLocal: boolean;
  readonly externalLocal: boolean;
  readonly affinity: boolean;
  readonly endpoints: readonly Endpoint[];
}

/** Where packets to an address go: `null`: to no Service; an empty set: nowhere. */
type Expected = ReadonlySet<string> | null;

function objectsOf(index: number, state: State): readonly [ClusterObject & { kind: 'Service' }, ClusterObject] {
  const metadata = { namespace: 'test', name: `s${index}` };
  const spec: Service['spec'] = {
    type: state.type,
    clusterIP: `10.96.0.${index + 1}`,
    ports: [{ name: 'http', port: 80, ...(state.type === 'ClusterIP' ? {} : { nodePort: 30080 + index }) }],
    internalTrafficPolicy: state.internalLocal ? 'Local' : 'Cluster',
    ...(state.type === 'ClusterIP' ? {} : { externalTrafficPolicy: state.externalLocal ? 'Local' : 'Cluster' }),
    ...(state.affinity ? { sessionAffinity: 'ClientIP' } : {}),
  };
  const service: ClusterObject & { kind: 'Service' } = { kind: 'Service', metadata, spec, ...(state.type === 'LoadBalancer' ? { status: { loadBalancer: { ingress: [{ ip: `198.51.100.${index + 1}` }] } } } : {}) };
  return [
    service,
    {
      kind: 'EndpointSlice',
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': metadata.name } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: state.endpoints.map(({ ip, here, draining }) => ({ addresses: [ip], nodeName: here ? NODE.name : 'node-2', conditions: { ready: !draining, serving: true, terminating: draining } })),
    },
  ];
}

/** What the objects mean, read without the agent's code. */
function expectedOf(state: State | null, to: 'cluster' | 'node' | 'balancer', from: 'pod' | 'outside'): Expected {
  if (!state) return null;
  if (to === 'node' && state.type === 'ClusterIP') return null;
  if (to === 'balancer' && state.type !== 'LoadBalancer') return null;
  // The outside may not use a ClusterIP at all.
  if (from === 'outside' && to === 'cluster') return new Set();
  const local = from === 'pod' ? state.internalLocal : state.externalLocal;
  const all = state.endpoints.filter(({ here }) => here || !local);
  const ready = all.filter(({ draining }) => !draining);
  return new Set((ready.length > 0 ? ready : all).map(({ ip }) => `${ip}:8080`));
}

class Churn {
  readonly #bench: Bench;
  readonly #agent: Agent;
  readonly #random: RandomGenerator;
  readonly #states: (State | null)[] = Array.from({ length: SERVICES }, () => null);
  #before: readonly (State | null)[] = [];
  #after: readonly (State | null)[] = [];
  /** Connections that are open: what they went to, from a port of their own. */
  #open: { readonly service: number; readonly port: number; readonly backend: string }[] = [];
  #port = 1024;
  writes = 0;
  sent = 0;
  readonly maps = new Set<string>();

  constructor(seed: number, algorithm: 'random' | 'maglev') {
    this.#random = xoroshiro128plus(seed);
    this.#bench = new Bench('node', { seed, constants: { enable_policy: 0, enable_events: 0, ...(algorithm === 'maglev' ? { lb_selection: ALGORITHM.maglev } : {}) } });
    this.#agent = new Agent(
      (map, key, value) => {
        this.#bench.write(map, key, value);
        this.writes += 1;
        this.maps.add(map);
        this.#check();
      },
      { node: NODE, algorithm },
    );
  }

  #chance(percent: number): boolean {
    return uniformInt(this.#random, 0, 99) < percent;
  }

  #draw(): State | null {
    if (this.#chance(15)) return null;
    const endpoints = Array.from({ length: 6 }, (_, index) => ({ ip: `10.0.${index % 2 === 0 ? 1 : 2}.${index + 1}`, here: index % 2 === 0, draining: this.#chance(25) })).filter(() => this.#chance(45));
    const type = (['ClusterIP', 'NodePort', 'LoadBalancer'] as const)[uniformInt(this.#random, 0, 2)] ?? 'ClusterIP';
    return { type, internalLocal: this.#chance(20), externalLocal: type !== 'ClusterIP' && this.#chance(50), affinity: this.#chance(30), endpoints };
  }

  step(): void {
    const index = uniformInt(this.#random, 0, SERVICES - 1);
    const old = this.#states[index] ?? null;
    const drawn = this.#draw();
    // Now and then only the endpoints change: that is what a rollout does.
    const next = old && drawn && this.#chance(50) ? { ...old, endpoints: drawn.endpoints } : drawn;
    this.#before = [...this.#states];
    this.#states[index] = next;
    this.#after = [...this.#states];
    const changes: ObjectChange[] = [];
    if (next) for (const object of objectsOf(index, next)) changes.push({ op: old ? 'update' : 'add', object });
    else if (old) for (const object of objectsOf(index, old)) changes.push({ op: 'delete', object });
    this.#agent.apply(changes);
    this.#before = this.#after;
    this.#check();
    this.#reopen();
  }

  /** One connection to each Service, for the next change to leave alone. */
  #reopen(): void {
    this.#open = [];
    for (let service = 0; service < SERVICES; service++) {
      const port = this.#port++;
      const { flow } = this.#bench.run('cil_from_container', packet('TCP', `${CLIENT}:${port}`, `10.96.0.${service + 1}:80`));
      const backend = flow.split(' → ')[1] ?? '';
      if (backend.endsWith(':8080')) this.#open.push({ service, port, backend });
    }
  }

  #check(): void {
    for (let service = 0; service < SERVICES; service++) {
      for (const to of ['cluster', 'node', 'balancer'] as const) {
        for (const from of ['pod', 'outside'] as const) this.#send(service, to, from);
      }
    }
    for (const { service, port, backend } of this.#open) {
      const stays = (state: State | null | undefined) => state?.endpoints.some(({ ip, here }) => `${ip}:8080` === backend && (here || !state.internalLocal));
      if (!stays(this.#before[service]) || !stays(this.#after[service])) continue;
      const { flow } = this.#bench.run('cil_from_container', packet('TCP', `${CLIENT}:${port}`, `10.96.0.${service + 1}:80`, { flags: TCP_FLAG.ACK }));
      expect(flow, `an open connection after write ${this.writes}`).toBe(`${CLIENT}:${port} → ${backend}`);
      this.sent += 1;
    }
  }

  #send(service: number, to: 'cluster' | 'node' | 'balancer', from: 'pod' | 'outside'): void {
    const destination = to === 'cluster' ? `10.96.0.${service + 1}:80` : to === 'node' ? `192.168.0.11:${30080 + service}` : `198.51.100.${service + 1}:80`;
    this.#port = this.#port >= 60000 ? 1024 : this.#port + 1;
    const source = `${from === 'pod' ? CLIENT : OUTSIDE}:${this.#port}`;
    const { returnValue, flow } = this.#bench.run(from === 'pod' ? 'cil_from_container' : 'cil_xdp_entry', packet('TCP', source, destination));
    const dropped = from === 'pod' ? returnValue === TC.shot : returnValue === XDP.drop;
    const went = dropped ? 'dropped' : (flow.split(' → ')[1] ?? '');
    const allowed = [this.#before, this.#after].flatMap((states) => {
      const expected = expectedOf(states[service] ?? null, to, from);
      return expected === null ? [destination] : expected.size === 0 ? ['dropped'] : [...expected];
    });
    expect(allowed, `${source} → ${destination} after write ${this.writes} (${[...this.maps].at(-1)})`).toContain(went);
    this.sent += 1;
  }

  /** Everything deleted: nothing may be left behind. */
  end(): Record<string, number> {
    for (const [index, state] of this.#states.entries()) {
      this.#before = [...this.#states];
      this.#states[index] = null;
      this.#after = [...this.#states];
      if (state) this.#agent.apply(objectsOf(index, state).map((object) => ({ op: 'delete', object })));
    }
    return Object.fromEntries([MAP.services, MAP.backends, MAP.reverseNat, MAP.affinityMatch, MAP.maglev].map((map) => [map, this.#bench.collection.info(map).entries]));
  }

  free(): void {
    this.#bench.free();
  }
}

describe.each(['random', 'maglev'] as const)('stopped between any two writes, choosing by %s', (algorithm) => {
  it.each([1, 2, 3, 4])('seed %i', (seed) => {
    const churn = new Churn(seed, algorithm);
    for (let step = 0; step < STEPS; step++) churn.step();
    expect(churn.end()).toEqual({ [MAP.services]: 0, [MAP.backends]: 0, [MAP.reverseNat]: 0, [MAP.affinityMatch]: 0, [MAP.maglev]: 0 });
    expect(churn.writes).toBeGreaterThan(100);
    expect(churn.maps.has(MAP.affinityMatch)).toBe(true);
    expect(churn.maps.has(MAP.maglev)).toBe(algorithm === 'maglev');
    churn.free();
  });
});
