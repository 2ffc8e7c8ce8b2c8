import { inPrefix, maskOf, type Ipv4, type Ipv4Prefix } from '../../../packet/address.ts';

export interface Interface {
  readonly name: string;
  /** In the order in which they were added: the first one is the primary. */
  readonly addresses: readonly Ipv4Prefix[];
  /** The addresses themselves, host bits kept, in the same order. */
  readonly own: readonly Ipv4[];
}

export interface Route {
  readonly destination: Ipv4Prefix;
  readonly via: Ipv4 | null;
  readonly device: string;
}

export interface Hop {
  readonly device: string;
  /** The next hop: the gateway, or the destination itself. */
  readonly next: Ipv4;
}

const LOOPBACK: Ipv4Prefix = { address: 0x7f000000 as Ipv4, length: 8 };

/** What routing knows of a machine: its interfaces, addresses and routes. Next hops need no ARP here. */
export class Topology {
  readonly #interfaces = new Map<string, Interface>();
  readonly #local = new Set<number>();
  /** Routes to single hosts. */
  readonly #hosts = new Map<number, Route>();
  readonly #pods: (address: Ipv4) => string | undefined;
  /** The others, longest prefix first. */
  #prefixes: Route[] = [];

  /** net.ipv4.conf.all.route_localnet: 127.0.0.0/8 may come in and go out by any interface. kube-proxy sets it for node ports on localhost. */
  readonly routeLocalnet: boolean;

  /** @param options.pods the device that leads to a pod's address: a node has a host route to each of its pods */
  constructor({ routeLocalnet = false, pods = () => undefined }: { readonly routeLocalnet?: boolean; readonly pods?: (address: Ipv4) => string | undefined } = {}) {
    this.routeLocalnet = routeLocalnet;
    this.#pods = pods;
  }

  addInterface(device: Interface): void {
    this.#interfaces.set(device.name, device);
    for (const address of device.own) this.#local.add(address);
  }

  addRoute(route: Route): void {
    if (route.destination.length === 32) {
      this.#hosts.set(route.destination.address, route);
      return;
    }
    this.#prefixes.push(route);
    this.#prefixes.sort((a, b) => b.destination.length - a.destination.length);
  }

  removeHostRoute(address: Ipv4): void {
    this.#hosts.delete(address);
  }

  isLocal(address: Ipv4): boolean {
    return this.#local.has(address) || isLoopback(address);
  }

  /** Where a packet to this address leaves; null: no route. A local address leaves by lo. */
  route(destination: Ipv4): Hop | null {
    if (this.isLocal(destination)) return { device: 'lo', next: destination };
    const host = this.#hosts.get(destination);
    const pod = host ? undefined : this.#pods(destination);
    if (pod !== undefined) return { device: pod, next: destination };
    const route = host ?? this.#prefixes.find((candidate) => inPrefix(destination, candidate.destination));
    return route ? { device: route.device, next: route.via ?? destination } : null;
  }

  /** The same for a packet of the machine's own: a loopback address does not go out (__mkroute_output). */
  routeFrom(source: Ipv4, destination: Ipv4): Hop | null {
    const hop = this.route(destination);
    return hop && hop.device !== 'lo' && isLoopback(source) && !this.routeLocalnet ? null : hop;
  }

  /**
   * inet_select_addr: the device's address in the next hop's subnet, else its first, else the first of another device;
   * 127.0.0.0/8 (of scope host) never.
   */
  addressFor(device: string, next: Ipv4): Ipv4 | null {
    const found = this.#interfaces.get(device);
    let first: Ipv4 | null = null;
    for (const [index, address] of (found?.own ?? []).entries()) {
      if (isLoopback(address)) continue;
      const prefix = found?.addresses[index];
      if (prefix && inPrefix(next, prefix)) return address;
      first ??= address;
    }
    if (first !== null) return first;
    for (const { own } of this.#interfaces.values()) {
      const address = own.find((candidate) => !isLoopback(candidate));
      if (address !== undefined) return address;
    }
    return null;
  }

  /** Of one of the machine's own addresses, the first that its device has in the same subnet (the others are secondary). */
  primaryOf(address: Ipv4): Ipv4 {
    for (const { addresses, own } of this.#interfaces.values()) {
      const prefix = addresses[own.indexOf(address)];
      const first = addresses.findIndex((other) => other.address === prefix?.address && other.length === prefix.length);
      const primary = own[first];
      if (primary !== undefined) return primary;
    }
    return address;
  }

  /** The first address of a device (for REDIRECT). */
  primaryAddress(device: string): Ipv4 | null {
    return this.#interfaces.get(device)?.own[0] ?? null;
  }

  /** The device that holds one of the machine's own addresses. */
  deviceOf(address: Ipv4): string {
    for (const { name, own } of this.#interfaces.values()) if (own.includes(address)) return name;
    return 'lo';
  }

  #standsOn(address: Ipv4, device: string): boolean {
    return this.#interfaces.get(device)?.own.includes(address) ?? false;
  }

  /** RTN_* of an address as `-m addrtype` names it; LOCAL only for those of `device`, where one is given. */
  addressType(address: Ipv4, device: string | null = null): 'UNSPEC' | 'LOCAL' | 'BROADCAST' | 'MULTICAST' | 'UNICAST' {
    if (address === 0) return 'UNSPEC';
    if (this.isLocal(address)) return device === null || this.#standsOn(address, device) ? 'LOCAL' : 'UNICAST';
    if (address === 0xffffffff) return 'BROADCAST';
    if (address >>> 28 === 0xe) return 'MULTICAST';
    for (const { addresses } of this.#interfaces.values()) {
      for (const prefix of addresses) {
        if (prefix.length < 31 && ((prefix.address | ~maskOf(prefix.length)) >>> 0 === address || prefix.address === address)) return 'BROADCAST';
      }
    }
    return 'UNICAST';
  }
}

export function isLoopback(address: Ipv4): boolean {
  return inPrefix(address, LOOPBACK);
}
