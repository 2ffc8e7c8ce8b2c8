import type { Implementation } from '../datapaths/registry.ts';
import type { Target } from './api.ts';

/** A target with the name that the chain lane knows it by: `namespace/name:port/protocol`. */
export interface PlacedTarget extends Target {
  readonly id: string;
}

/** Every Service port that has an address, in the chain's order; last those that have no rule there. */
export function targetsOf(iptables: Implementation<'iptables'>, positions: readonly string[]): PlacedTarget[] {
  const position = new Map<string, number>();
  positions.forEach((id, index) => {
    if (!position.has(id)) position.set(id, index);
  });
  const targets: PlacedTarget[] = [];
  for (const { port, endpoints } of iptables.servicePorts()) {
    const id = `${port.name}/${port.protocol}`;
    targets.push({
      id,
      servicePort: port.portName === '' ? `${port.namespacedName}:${port.port}` : port.name,
      address: port.clusterIP,
      port: port.port,
      protocol: port.protocol.toUpperCase() as Target['protocol'],
      endpoints,
      // Rules of external addresses stand there too, but only where there are endpoints.
      position: endpoints === 0 ? null : (position.get(id) ?? null),
    });
  }
  return [...targets.filter(({ position: place }) => place !== null), ...targets.filter(({ position: place }) => place === null)];
}

/** By name; null: the last one in the chain, or where the chain is empty the first of those without a rule. */
export function findTarget(targets: readonly PlacedTarget[], servicePort: string | null): PlacedTarget | null {
  if (servicePort !== null) return targets.find((target) => target.servicePort === servicePort) ?? null;
  return targets.findLast(({ position }) => position !== null) ?? targets[0] ?? null;
}

/** What a page is told of a target. */
export function publicTarget({ servicePort, address, port, protocol, endpoints, position }: PlacedTarget): Target {
  return { servicePort, address, port, protocol, endpoints, position };
}
