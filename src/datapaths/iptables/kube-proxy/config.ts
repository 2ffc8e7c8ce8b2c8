import { inPrefix, parsePrefix, type Ipv4, type Ipv4Prefix } from '../../../packet/address.ts';

/** kube-proxy's settings, under the names that `--config` of the command line takes. */
export interface ProxyConfig {
  /** The node that kube-proxy runs on. */
  readonly node: string;
  /** `--cluster-cidr`; '' where it is not set: then nothing is known to be local. */
  readonly clusterCIDR: string;
  readonly masqueradeAll: boolean;
  /** Bit of the packet mark that asks for masquerading. */
  readonly masqueradeBit: number;
  readonly localhostNodePorts: boolean;
  /** Whether the kernel has nfacct counters. */
  readonly nfacct: boolean;
  readonly conntrackTCPLiberal: boolean;
  readonly family: 'ipv4';
  /** CIDRs whose addresses node ports answer on; empty: every local address. */
  readonly nodePortAddresses: readonly string[];
  /** Such as `30s`: how long stale chains may stay in large-cluster mode. */
  readonly syncPeriod: string;
}

export const DEFAULT_CONFIG: ProxyConfig = {
  node: 'node-1',
  clusterCIDR: '10.244.0.0/16',
  masqueradeAll: false,
  masqueradeBit: 14,
  localhostNodePorts: true,
  nfacct: false,
  conntrackTCPLiberal: false,
  family: 'ipv4',
  nodePortAddresses: [],
  syncPeriod: '30s',
};

/** The mark as kube-proxy prints it: bit 14 is 0x00004000. */
export function masqueradeMark(config: ProxyConfig): string {
  return `0x${((1 << config.masqueradeBit) >>> 0).toString(16).padStart(8, '0')}`;
}

/** What stands for networks in `nodePortAddresses`; `primary`, for the node's own address, where that is known (expandNodePortAddressKeywords, cmd/kube-proxy/app). */
const KEYWORDS: Readonly<Partial<Record<string, string>>> = { localhost: '127.0.0.0/8', all: '0.0.0.0/0' };

/** The CIDRs of `nodePortAddresses`; null: node ports answer on every local address (NewNodePortAddresses, pkg/proxy/util). */
export function nodePortPrefixes(config: ProxyConfig, nodeAddress: string): readonly Ipv4Prefix[] | null {
  const prefixes: Ipv4Prefix[] = [];
  for (const text of config.nodePortAddresses) {
    if (text === 'primary' && nodeAddress.startsWith('127.')) continue;
    const prefix = parsePrefix(text === 'primary' ? nodeAddress : (KEYWORDS[text] ?? text));
    if (prefix?.length === 0) return null;
    if (prefix) prefixes.push(prefix);
  }
  return prefixes.length > 0 ? prefixes : null;
}

/** Whether node ports answer on loopback addresses: asked for, and not outside `nodePortAddresses`. */
export function allowsLocalhostNodePorts(config: ProxyConfig, nodeAddress: string): boolean {
  const prefixes = nodePortPrefixes(config, nodeAddress);
  return config.localhostNodePorts && (prefixes === null || prefixes.some((prefix) => isLoopback(prefix.address) || inPrefix(LOCALHOST, prefix)));
}

export const LOCALHOST = 0x7f000001 as Ipv4;

export function isLoopback(address: Ipv4): boolean {
  return address >>> 24 === 127;
}
