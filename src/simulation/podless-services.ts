import type { ClusterObject } from '../kubernetes/change.ts';

/**
 * Services, as `namespace/name`, all of whose endpoints are no pods of their own address: the API server's stands on its
 * node itself, as do pods on their host's network. `hosts`: addresses of nodes.
 */
export function podlessServices(objects: readonly ClusterObject[], hosts: ReadonlySet<string>): ReadonlySet<string> {
  const podless = new Set<string>();
  const withPods = new Set<string>();
  for (const object of objects) {
    if (object.kind !== 'EndpointSlice') continue;
    const service = object.metadata?.labels?.['kubernetes.io/service-name'];
    if (service === undefined) continue;
    const name = `${object.metadata?.namespace ?? 'default'}/${service}`;
    for (const { nodeName, targetRef, addresses } of object.endpoints ?? []) ((nodeName !== undefined || targetRef?.kind === 'Pod') && !hosts.has(addresses[0] ?? '') ? withPods : podless).add(name);
  }
  for (const name of withPods) podless.delete(name);
  return podless;
}

/** The slices of one Service, named `namespace/name`. */
export function slicesOf(objects: readonly ClusterObject[], service: string): ClusterObject[] {
  const slash = service.indexOf('/');
  const [namespace, name] = [service.slice(0, slash), service.slice(slash + 1)];
  return objects.filter(({ kind, metadata }) => kind === 'EndpointSlice' && metadata?.labels?.['kubernetes.io/service-name'] === name && (metadata.namespace ?? 'default') === namespace);
}
