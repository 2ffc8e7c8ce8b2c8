import type { ClusterObject } from '../kubernetes/change.ts';

/** Services, as `namespace/name`, all of whose endpoints are no pods: the API server's stands on its node itself. */
export function podlessServices(objects: readonly ClusterObject[]): ReadonlySet<string> {
  const podless = new Set<string>();
  const withPods = new Set<string>();
  for (const object of objects) {
    if (object.kind !== 'EndpointSlice') continue;
    const service = object.metadata?.labels?.['kubernetes.io/service-name'];
    if (service === undefined) continue;
    const name = `${object.metadata?.namespace ?? 'default'}/${service}`;
    for (const { nodeName, targetRef } of object.endpoints ?? []) (nodeName !== undefined || targetRef?.kind === 'Pod' ? withPods : podless).add(name);
  }
  for (const name of withPods) podless.delete(name);
  return podless;
}
