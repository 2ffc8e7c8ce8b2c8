import type { Target } from './api.ts';

/** A target with the name that the chain lane knows it by: `namespace/name:port/protocol`. */
export interface PlacedTarget extends Target {
  readonly id: string;
  /** Whether it has endpoints that are pods, as far as its objects say. */
  readonly pods: boolean;
}

/** A Service port that the chain lane has rules for, with the endpoints that its cluster IP leads to. */
export interface LanePort {
  readonly port: { readonly name: string; readonly namespacedName: string; readonly portName: string; readonly protocol: string; readonly clusterIP: string; readonly port: number };
  readonly endpoints: number;
  /** `namespace/name:port/protocol`, as `positions` has it; absent: it follows from the port. */
  readonly id?: string;
}

/** As a page writes them: one text for the thousands of Service ports. */
const PROTOCOLS: Readonly<Record<string, Target['protocol']>> = { tcp: 'TCP', udp: 'UDP', sctp: 'SCTP' };

/** Where nothing can be sent to. */
export const NO_TARGET: Target = { servicePort: '', address: '', port: 0, protocol: 'TCP', endpoints: 0, position: null };

/**
 * Every Service port that has an address, in the chain's order; last those that have no rule there. `podless`: Services,
 * as `namespace/name`, without a pod.
 */
export function targetsOf(ports: Iterable<LanePort>, positions: readonly string[], podless: ReadonlySet<string>): PlacedTarget[] {
  const position = new Map<string, number>();
  positions.forEach((id, index) => {
    if (!position.has(id)) position.set(id, index);
  });
  const placed: PlacedTarget[] = [];
  const others: PlacedTarget[] = [];
  for (const { port, endpoints, id = `${port.name}/${port.protocol}` } of ports) {
    // Rules of external addresses stand there too, but only where there are endpoints.
    const place = endpoints === 0 ? null : (position.get(id) ?? null);
    (place === null ? others : placed).push({
      id,
      servicePort: port.portName === '' ? `${port.namespacedName}:${port.port}` : port.name,
      address: port.clusterIP,
      port: port.port,
      protocol: PROTOCOLS[port.protocol] ?? (port.protocol.toUpperCase() as Target['protocol']),
      endpoints,
      position: place,
      pods: !podless.has(port.namespacedName),
    });
  }
  return placed.concat(others);
}

/**
 * By name; null: the last one in the chain that leads to pods, so that the packet's way ends at one; else the last of all,
 * or where the chain is empty the first of those without a rule.
 */
export function findTarget(targets: readonly PlacedTarget[], servicePort: string | null): PlacedTarget | null {
  if (servicePort !== null) return targets.find((target) => target.servicePort === servicePort) ?? null;
  const placed = targets.filter(({ position }) => position !== null);
  return placed.findLast(({ pods }) => pods) ?? placed.at(-1) ?? targets[0] ?? null;
}

/** What a page is told of a target. */
export function publicTarget({ servicePort, address, port, protocol, endpoints, position }: PlacedTarget): Target {
  return { servicePort, address, port, protocol, endpoints, position };
}
