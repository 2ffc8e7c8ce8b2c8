import type { Topology } from './case.ts';

/** Who there is around a router. */
export interface Ends {
  /** Interface names: `client`, `server` and `lo`. */
  readonly interfaces: Readonly<Record<string, string>>;
  /** The router's own addresses, 127.0.0.1 left out. */
  readonly own: readonly string[];
  readonly clients: readonly string[];
  readonly servers: readonly string[];
  /** Addresses that only a rule gives a meaning. */
  readonly virtual: readonly string[];
  readonly all: readonly string[];
}

/** Ports that Services have, and those that clients send from. All of a rule's other ports lie between these. */
export const SERVICE_PORTS = [80, 443, 53, 8080, 3001];
export const CLIENT_PORTS = [40000, 40001, 4000, 900, 500, 53];
/** Ports that SNAT rules name. */
export const NAT_PORTS = [5000, 600, 900, 80];
/** Ports from which NAT chooses: no rule tells them apart. */
export const NAT_RANGES = { source: '6000-6003', destination: '7000-7003' };

/** `10.1.0.10` → `10.1.0`. */
export const networkOf = (address: string) => address.slice(0, address.lastIndexOf('.'));

export function endsOf({ interfaces, routes }: Topology): Ends {
  const names: Record<string, string> = {};
  for (const { name, side } of interfaces) names[side ?? 'lo'] = name;
  const own = interfaces.flatMap(({ addresses }) => addresses.map((text) => text.split('/')[0] ?? '')).filter((address) => address !== '127.0.0.1');
  const network = (side: string) => networkOf(interfaces.find((one) => one.side === side)?.addresses[0] ?? '');
  const clients = [10, 11, 12].map((host) => `${network('client')}.${host}`);
  const servers = [20, 21, 22, 130].map((host) => `${network('server')}.${host}`);
  for (const { dst, via, dev } of routes) {
    if (via === undefined || dst === 'default') continue;
    const [a = '0', b = '0', c = '0'] = dst.split('.');
    const behind = `${a}.${b}.${dst.endsWith('/24') ? c : Number(c) + 1}.4`;
    (dev === names['client'] ? clients : servers).push(behind);
  }
  servers.push('203.0.113.9');
  const virtual = ['10.96.0.10', '10.96.0.11'];
  return { interfaces: names, own, clients, servers, virtual, all: [...clients, ...servers, ...virtual, ...own] };
}
