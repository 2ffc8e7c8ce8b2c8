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

  /** Whether somebody who has no address yet speaks to all, or to a group of this link. */
  isUnaddressed(source: Ipv4, destination: Ipv4): boolean {
    return source === 0 && (destination === LIMITED_BROADCAST || (destination & 0xffffff00) >>> 0 === LINK_GROUPS);
  }

  /** Whether a packet that comes in between these two is none that routing believes (ip_route_input_slow, ip_mc_validate_source). */
  isMartian(source: Ipv4, destination: Ipv4): boolean {
    if (isMulticast(source) || source === LIMITED_BROADCAST) return true;
    if (destination === LIMITED_BROADCAST || (source === 0 && destination === 0)) return source !== 0 && this.isLocal(source);
    if (source === 0) return !this.isUnaddressed(source, destination);
    return destination === 0 || this.isLocal(source) || (isLoopback(destination) && !this.routeLocalnet);
  }

  /** Whom a link carries a packet for this address to, if it comes in by this device. Another network's broadcast comes by a router, as to one host. */
  carriedTo(destination: Ipv4, device: string): 'unicast' | 'broadcast' | 'multicast' {
    if (isMulticast(destination)) return 'multicast';
    const own = this.#interfaces.get(device)?.addresses ?? [];
    return destination === LIMITED_BROADCAST || own.some((prefix) => isBroadcastOf(destination, prefix)) ? 'broadcast' : 'unicast';
  }

  /** RTN_* of the route to an address; `device`: only its own addresses are LOCAL and BROADCAST. */
  routeType(address: Ipv4, device: string | null = null): 'LOCAL' | 'BROADCAST' | 'UNICAST' {
    if (this.isLocal(address)) return device === null || this.#standsOn(address, device) ? 'LOCAL' : 'UNICAST';
    for (const { name, addresses } of this.#interfaces.values()) {
      if ((device === null || device === name) && addresses.some((prefix) => isBroadcastOf(address, prefix))) return 'BROADCAST';
    }
    return 'UNICAST';
  }

  /** RTN_* of an address as `-m addrtype` names it; LOCAL only for those of `device`, where one is given. */
  addressType(address: Ipv4, device: string | null = null): 'LOCAL' | 'BROADCAST' | 'MULTICAST' | 'UNICAST' {
    // __inet_dev_addr_type: no address at all counts with the broadcasts.
    if (address === 0 || address === LIMITED_BROADCAST) return 'BROADCAST';
    if (isMulticast(address)) return 'MULTICAST';
    return this.routeType(address, device);
  }
}

const LIMITED_BROADCAST = 0xffffffff;
/** 224.0.0.0/24, which no router passes on. */
const LINK_GROUPS = 0xe0000000;

/** A network's lowest address is one like any other since Linux 5.14. */
function isBroadcastOf(address: Ipv4, { address: network, length }: Ipv4Prefix): boolean {
  return length < 31 && (network | ~maskOf(length)) >>> 0 === address;
}

function isMulticast(address: Ipv4): boolean {
  return address >>> 28 === 0xe;
}

export function isLoopback(address: Ipv4): boolean {
  return inPrefix(address, LOOPBACK);
}
