import type { ClusterObject } from '../kubernetes/change.ts';
import type { Target } from './api.ts';
import { hostAddresses } from '../kubernetes/node.ts';
import { podlessServices, slicesOf } from './podless-services.ts';

/** A target with the name that the chain lane knows it by: `namespace/name:port/protocol`. */
export interface PlacedTarget extends Target {
  readonly id: string;
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

/** `namespace/name:port`; by its number where the port has no name. */
const nameOf = ({ port }: LanePort) => (port.portName === '' ? `${port.namespacedName}:${port.port}` : port.name);
const idOf = ({ port, id }: LanePort) => id ?? `${port.name}/${port.protocol}`;

/**
 * Every Service port that has an address, in the chain's order. Nearly always one of them is asked for: the list of all, of
 * a large cluster 50,000, is made when somebody wants it.
 */
export class Targets {
  readonly #ports: readonly LanePort[];
  readonly #positions: readonly string[];
  readonly #objects: readonly ClusterObject[];
  #all: readonly PlacedTarget[] | null = null;
  #podless: ReadonlySet<string> | null = null;
  #hosts: ReadonlySet<string> | null = null;

  /** `positions`: for each rule of KUBE-SERVICES the port's id. `objects` say which endpoints are pods. */
  constructor(ports: Iterable<LanePort>, positions: readonly string[], objects: readonly ClusterObject[]) {
    this.#ports = [...ports];
    this.#positions = positions;
    this.#objects = objects;
  }

  get size(): number {
    return this.#ports.length;
  }

  /** Services that have such ports. */
  get services(): number {
    return new Set(this.#ports.map(({ port }) => port.namespacedName)).size;
  }

  /** Last those that have no rule in the chain. */
  get all(): readonly PlacedTarget[] {
    if (this.#all) return this.#all;
    const positions = new Map<string, number>();
    this.#positions.forEach((id, index) => {
      if (!positions.has(id)) positions.set(id, index);
    });
    const placed: PlacedTarget[] = [];
    const others: PlacedTarget[] = [];
    for (const port of this.#ports) {
      const position = port.endpoints === 0 ? null : (positions.get(idOf(port)) ?? null);
      (position === null ? others : placed).push(targetOf(port, position));
    }
    this.#all = placed.concat(others);
    return this.#all;
  }

  /**
   * By name; null: the last one in the chain that leads to pods, so that the packet's way ends at one; else the last of all,
   * or where the chain is empty the first of those without a rule.
   */
  find(servicePort: string | null): PlacedTarget | null {
    const port = servicePort === null ? this.#last() : this.#ports.find((one) => nameOf(one) === servicePort);
    if (!port) return null;
    const position = port.endpoints === 0 ? -1 : this.#positions.indexOf(idOf(port));
    return targetOf(port, position < 0 ? null : position);
  }

  #last(): LanePort | undefined {
    // Rules of external addresses stand there too, but only where there are endpoints.
    const isPlaced = (port: LanePort) => port.endpoints > 0 && this.#positions.lastIndexOf(idOf(port)) >= 0;
    return this.#ports.findLast((port) => isPlaced(port) && !this.#isPodless(port.port.namespacedName)) ?? this.#ports.findLast(isPlaced) ?? this.#ports[0];
  }

  #isPodless(service: string): boolean {
    if (this.#podless) return this.#podless.has(service);
    // Nearly always the first one has pods: then nothing of the others need be known.
    this.#hosts ??= new Set(hostAddresses(this.#objects).values());
    if (!podlessServices(slicesOf(this.#objects, service), this.#hosts).has(service)) return false;
    this.#podless = podlessServices(this.#objects, this.#hosts);
    return true;
  }
}

function targetOf(lanePort: LanePort, position: number | null): PlacedTarget {
  const { port, endpoints } = lanePort;
  return {
    id: idOf(lanePort),
    servicePort: nameOf(lanePort),
    address: port.clusterIP,
    port: port.port,
    protocol: PROTOCOLS[port.protocol] ?? (port.protocol.toUpperCase() as Target['protocol']),
    endpoints,
    position,
  };
}

/** What a page is told of a target. */
export function publicTarget({ servicePort, address, port, protocol, endpoints, position }: PlacedTarget): Target {
  return { servicePort, address, port, protocol, endpoints, position };
}
