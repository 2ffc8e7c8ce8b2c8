import type { Target } from '../../simulation/api.ts';

/** A Service that can be changed, in words of the picker. */
export interface ServiceRow {
  /** `namespace/name`. */
  readonly service: string;
  readonly address: string;
  /** Of the port with the most of them: a Service's ports have the same pods, where each pod has them all. */
  readonly endpoints: number;
}

/** The Services of some targets, each once, in their order. */
export function serviceRows(targets: readonly Target[]): readonly ServiceRow[] {
  const rows = new Map<string, ServiceRow>();
  for (const { servicePort, address, endpoints } of targets) {
    const service = servicePort.slice(0, servicePort.indexOf(':'));
    const known = rows.get(service);
    if (!known || known.endpoints < endpoints) rows.set(service, { service, address, endpoints });
  }
  return [...rows.values()];
}
