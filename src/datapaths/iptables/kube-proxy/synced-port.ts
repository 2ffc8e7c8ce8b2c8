import type { CategorizedEndpoints } from './endpoints.ts';
import { hasFirewall, isExternallyAccessible, usesClusterEndpoints, usesLocalEndpoints, type ServicePort } from './service-ports.ts';

/**
 * A Service port as kube-proxy synced it: what it is, its endpoints, which chains it has and where its traffic goes. Made
 * anew at every change of the port, so that payloads may refer to it; all in one object, for every sync goes through all.
 */
export interface SyncedPort extends CategorizedEndpoints {
  readonly port: ServicePort;
  /** Endpoints of any condition. */
  readonly total: number;
  /** KUBE-SVC, of endpoints anywhere. */
  readonly usesCluster: boolean;
  /** KUBE-SVL, of those on this node. */
  readonly usesLocal: boolean;
  /** KUBE-EXT, for traffic from outside. */
  readonly usesExternal: boolean;
  /** KUBE-FW, for a balancer's clients. */
  readonly usesFirewall: boolean;
  /** Whether traffic to the cluster IP finds an endpoint. */
  readonly hasInternal: boolean;
  /** Whether traffic from outside does. */
  readonly hasExternal: boolean;
}

/** Which chains a port has, and where its traffic goes (pkg/proxy/iptables/proxier.go, syncProxyRules). */
export function syncedPort(port: ServicePort, { cluster, local, reachable, hasAny }: CategorizedEndpoints, total: number): SyncedPort {
  const hasLocal = local.length > 0;
  return {
    port,
    cluster,
    local,
    reachable,
    hasAny,
    total,
    usesCluster: cluster.length > 0 && usesClusterEndpoints(port),
    usesLocal: hasLocal && usesLocalEndpoints(port),
    usesExternal: hasAny && isExternallyAccessible(port),
    usesFirewall: hasAny && hasFirewall(port),
    hasInternal: port.internalPolicyLocal ? hasAny && hasLocal : hasAny,
    hasExternal: port.externalPolicyLocal ? hasAny && hasLocal : hasAny,
  };
}
