import type { EndpointSlice } from 'kubernetes-types/discovery/v1';
import type { Service } from 'kubernetes-types/core/v1';
import type { ClusterObject } from '../kubernetes/change.ts';

export type ServiceObject = Extract<ClusterObject, { kind: 'Service' }>;
export type SliceObject = Extract<ClusterObject, { kind: 'EndpointSlice' }>;
type Endpoint = EndpointSlice['endpoints'][number];

/** The endpoint slice controller puts no more into one slice (`--max-endpoints-per-slice`). */
const MOST_ENDPOINTS = 100;

/** Where new pods come to, and the addresses that they get. */
export interface NewPods {
  readonly node: string;
  readonly address: () => string;
}

/** An endpoint that new connections may go to: kube-proxy and Cilium read a missing condition as true. */
export function isReady({ conditions }: Endpoint): boolean {
  return conditions?.ready ?? true;
}

/** Ready endpoints of a Service, over all its slices. */
export function countReady(slices: Iterable<SliceObject>): number {
  let count = 0;
  for (const { endpoints } of slices) count += (endpoints ?? []).filter(isReady).length;
  return count;
}

/**
 * The slices that change when a Service is scaled to `wanted` ready endpoints, as they are once its pods have come or
 * gone. The youngest pods, the last ones in a slice, go first, as a ReplicaSet chooses them.
 */
export function scaled(service: ServiceObject, slices: readonly SliceObject[], wanted: number, pods: NewPods): SliceObject[] {
  const changed = new Map<number, SliceObject>();
  const all = slices.length > 0 ? [...slices] : [emptySlice(service)];
  const now = (index: number) => changed.get(index) ?? all[index];
  let count = countReady(all);
  for (let index = all.length - 1; count > wanted && index >= 0; index--) {
    const slice = now(index);
    if (!slice) continue;
    const endpoints = [...slice.endpoints];
    for (let at = endpoints.length - 1; count > wanted && at >= 0; at--) {
      const endpoint = endpoints[at];
      if (!endpoint || !isReady(endpoint)) continue;
      endpoints.splice(at, 1);
      count -= 1;
    }
    if (endpoints.length < slice.endpoints.length) changed.set(index, { ...slice, endpoints });
  }
  while (count < wanted) {
    let index = all.length - 1;
    if ((now(index)?.endpoints.length ?? 0) >= MOST_ENDPOINTS) {
      const { name = '' } = service.metadata ?? {};
      const last = all.at(-1) ?? emptySlice(service);
      all.push({ ...last, metadata: { ...last.metadata, name: `${name}-more-${all.length}` }, endpoints: [] });
      index += 1;
    }
    const slice = now(index);
    if (!slice) break;
    changed.set(index, { ...slice, endpoints: [...slice.endpoints, newEndpoint(slice, pods)] });
    count += 1;
  }
  return [...changed.values()];
}

/** The pods that a roll-out replaces: those that are ready as it begins, by slice and address, in order. */
export interface RolloutPod {
  readonly slice: string;
  readonly address: string;
}

export function rolloutPods(slices: readonly SliceObject[]): RolloutPod[] {
  return slices.flatMap((slice) => slice.endpoints.filter(isReady).map(({ addresses }) => ({ slice: slice.metadata?.name ?? '', address: addresses[0] ?? '' })));
}

export const ROLLOUT_PHASES = ['ready', 'ending', 'gone'] as const;
export type RolloutPhase = (typeof ROLLOUT_PHASES)[number];

/** What the `update`th one (from 1) of a roll-out is: which pod it is about, from 0, and what happens to it. */
export function rolloutPart(update: number): { readonly pod: number; readonly phase: RolloutPhase } {
  const pod = Math.floor((update - 1) / ROLLOUT_PHASES.length);
  return { pod, phase: ROLLOUT_PHASES[(update - 1) % ROLLOUT_PHASES.length] ?? 'ready' };
}

/**
 * A slice after one update of a roll-out, as a Deployment with one pod at a time (maxSurge 1, maxUnavailable 0) makes
 * them: a new pod is ready beside the old ones; the old one is told to end, serves what it has and gets nothing new; it
 * is gone.
 */
export function rolledOut(slice: SliceObject, old: string, phase: RolloutPhase, pods: NewPods): SliceObject {
  switch (phase) {
    case 'ready':
      return { ...slice, endpoints: [...slice.endpoints, newEndpoint(slice, pods)] };
    case 'ending':
      return { ...slice, endpoints: slice.endpoints.map((endpoint) => (endpoint.addresses[0] === old ? { ...endpoint, conditions: { ready: false, serving: true, terminating: true } } : endpoint)) };
    case 'gone':
      return { ...slice, endpoints: slice.endpoints.filter(({ addresses }) => addresses[0] !== old) };
  }
}

function newEndpoint({ metadata }: EndpointSlice, { node, address }: NewPods): Endpoint {
  const namespace = metadata?.namespace ?? 'default';
  const service = metadata?.labels?.['kubernetes.io/service-name'] ?? '';
  const own = address();
  // A pod's name ends in letters drawn at random: here it says the address, which no other pod has.
  const name = `${service}-${own.replaceAll('.', '-')}`;
  return { addresses: [own], conditions: { ready: true, serving: true, terminating: false }, nodeName: node, targetRef: { kind: 'Pod', namespace, name } };
}

/** What the endpoint slice controller makes for a Service that had no pods yet. */
function emptySlice({ metadata, spec }: Service): SliceObject {
  const { name = '', namespace = 'default' } = metadata ?? {};
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace, name: `${name}-abcde`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    // A target port given by name is looked up in the pods: without any, the Service's own number stands for it.
    ports: (spec?.ports ?? []).map(({ name: portName, port, targetPort, protocol }) => ({ ...(portName === undefined ? {} : { name: portName }), port: typeof targetPort === 'number' ? targetPort : port, protocol: protocol ?? 'TCP' })),
    endpoints: [],
  };
}
