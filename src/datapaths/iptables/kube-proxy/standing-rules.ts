import { formatIpv4, inPrefix, parseIpv4 } from '../../../packet/address.ts';
import { allowsLocalhostNodePorts, isLoopback, LOCALHOST, masqueradeMark, nodePortPrefixes, type ProxyConfig } from './config.ts';

/** Lines that stand in every payload whatever the Services are. */
export interface StandingLines {
  /** Before the Services' own filter rules. */
  readonly filterHead: readonly string[];
  readonly filterTail: readonly string[];
  readonly nat: readonly string[];
  /** The jump to KUBE-NODEPORTS: the last rule of KUBE-SERVICES. */
  readonly natTail: readonly string[];
  readonly filterChains: readonly string[];
  readonly natChains: readonly string[];
}

export function standingLines(config: ProxyConfig, nodeAddress: string): StandingLines {
  const mark = masqueradeMark(config);
  const filterChains = ['KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'KUBE-FORWARD', 'KUBE-NODEPORTS', 'KUBE-PROXY-FIREWALL'];
  const filterHead: string[] = [];
  if (allowsLocalhostNodePorts(config, nodeAddress)) {
    filterChains.push('KUBE-FIREWALL');
    filterHead.push(
      '-A KUBE-FIREWALL -m comment --comment "block incoming localnet connections" -d 127.0.0.0/8 ! -s 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP',
    );
  }
  const filterTail: string[] = [];
  if (!config.conntrackTCPLiberal) {
    const account = config.nfacct ? ' -m nfacct --nfacct-name ct_state_invalid_dropped_pkts' : '';
    filterTail.push(`-A KUBE-FORWARD -m conntrack --ctstate INVALID${account} -j DROP`);
  }
  filterTail.push(
    `-A KUBE-FORWARD -m comment --comment "kubernetes forwarding rules" -m mark --mark ${mark}/${mark} -j ACCEPT`,
    '-A KUBE-FORWARD -m comment --comment "kubernetes forwarding conntrack rule" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
  );
  return {
    filterChains,
    filterHead,
    filterTail,
    natChains: ['KUBE-SERVICES', 'KUBE-NODEPORTS', 'KUBE-POSTROUTING', 'KUBE-MARK-MASQ'],
    nat: [
      `-A KUBE-POSTROUTING -m mark ! --mark ${mark}/${mark} -j RETURN`,
      `-A KUBE-POSTROUTING -j MARK --xor-mark ${mark}`,
      '-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully',
      `-A KUBE-MARK-MASQ -j MARK --or-mark ${mark}`,
    ],
    natTail: nodePortJumps(config, nodeAddress),
  };
}

function nodePortJumps(config: ProxyConfig, nodeAddress: string): string[] {
  const rule =
    '-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"';
  const localhost = allowsLocalhostNodePorts(config, nodeAddress);
  const prefixes = nodePortPrefixes(config, nodeAddress);
  if (prefixes === null) {
    // Without localhost node ports the loopback addresses are left out.
    return [`${rule} -m addrtype --dst-type LOCAL${localhost ? '' : ' ! -d 127.0.0.0/8'} -j KUBE-NODEPORTS`];
  }
  const own = parseIpv4(nodeAddress);
  const addresses = [...new Set([LOCALHOST, ...(own === undefined ? [] : [own])])].filter((address) => localhost || !isLoopback(address));
  return addresses.filter((address) => prefixes.some((prefix) => inPrefix(address, prefix))).map((address) => `${rule} -d ${formatIpv4(address)} -j KUBE-NODEPORTS`);
}

/**
 * What kube-proxy sets up with single iptables commands before its first payload: its chains, the jumps to them from
 * the built-in chains, and the canaries. Each jump is inserted at the head (`-I`), so the last one made comes first.
 * As text for iptables-restore.
 */
export function standingRules(): string {
  const fromNew = '-m conntrack --ctstate NEW';
  const jump = (chain: string, state: string, comment: string, target: string) =>
    `-A ${chain}${state === '' ? '' : ` ${state}`}${comment === '' ? '' : ` -m comment --comment "${comment}"`} -j ${target}`;
  const external = (chain: string) => jump(chain, fromNew, 'kubernetes externally-visible service portals', 'KUBE-EXTERNAL-SERVICES');
  const firewall = (chain: string) => jump(chain, fromNew, 'kubernetes load balancer firewall', 'KUBE-PROXY-FIREWALL');
  const portals = (chain: string, state: string) => jump(chain, state, 'kubernetes service portals', 'KUBE-SERVICES');
  const filterChains = ['KUBE-EXTERNAL-SERVICES', 'KUBE-NODEPORTS', 'KUBE-SERVICES', 'KUBE-FORWARD', 'KUBE-PROXY-FIREWALL', 'KUBE-FIREWALL'];
  const declare = (chains: readonly string[]) => chains.map((chain) => `:${chain} - [0:0]`);
  const builtIn = (chains: readonly string[]) => chains.map((chain) => `:${chain} ACCEPT [0:0]`);
  return [
    '*mangle',
    ...builtIn(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']),
    ...declare(['KUBE-PROXY-CANARY']),
    'COMMIT',
    '*filter',
    ...builtIn(['INPUT', 'FORWARD', 'OUTPUT']),
    ...declare([...filterChains, 'KUBE-PROXY-CANARY']),
    jump('INPUT', '', '', 'KUBE-FIREWALL'),
    firewall('INPUT'),
    jump('INPUT', '', 'kubernetes health check service ports', 'KUBE-NODEPORTS'),
    external('INPUT'),
    firewall('FORWARD'),
    jump('FORWARD', '', 'kubernetes forwarding rules', 'KUBE-FORWARD'),
    portals('FORWARD', fromNew),
    external('FORWARD'),
    jump('OUTPUT', '', '', 'KUBE-FIREWALL'),
    firewall('OUTPUT'),
    portals('OUTPUT', fromNew),
    'COMMIT',
    '*nat',
    ...builtIn(['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING']),
    ...declare(['KUBE-SERVICES', 'KUBE-POSTROUTING', 'KUBE-PROXY-CANARY']),
    portals('PREROUTING', ''),
    portals('OUTPUT', ''),
    jump('POSTROUTING', '', 'kubernetes postrouting rules', 'KUBE-POSTROUTING'),
    'COMMIT',
    '',
  ].join('\n');
}
