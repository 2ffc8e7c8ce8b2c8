import { parseIpv4, parsePrefix, inPrefix } from '../../../packet/address.ts';
import { allowsLocalhostNodePorts, type ProxyConfig } from './config.ts';
import type { CategorizedEndpoints, Endpoint } from './endpoints.ts';
import { hasFirewall, isExternallyAccessible, usesClusterEndpoints, usesLocalEndpoints, type ServicePort } from './service-ports.ts';

/** What one Service port puts into a payload, as lines without their line ends. */
export interface ServiceRules {
  /** nat KUBE-SERVICES and KUBE-NODEPORTS: in every payload, full or partial. */
  readonly shared: readonly string[];
  /** The filter table: in every payload too. */
  readonly filter: readonly string[];
  /** The port's own nat chains; only their names are kept between syncs. */
  readonly chains: readonly string[];
}

export interface RulesContext {
  readonly config: ProxyConfig;
  readonly nodeAddress: string;
  /** More than 1,000 endpoints: the many rules do without comments. */
  readonly largeCluster: boolean;
}

interface Layout {
  readonly svc: string;
  readonly svl: string;
  readonly ext: string;
  readonly fw: string;
  readonly usesCluster: boolean;
  readonly usesLocal: boolean;
  readonly usesExternal: boolean;
  readonly usesFirewall: boolean;
  readonly internal: string;
  readonly hasInternal: boolean;
  readonly externalPolicy: string;
  readonly hasExternal: boolean;
  readonly match: string;
}

/** Which chains a port has, and where its traffic goes (pkg/proxy/iptables/proxier.go, syncProxyRules). */
function layout(port: ServicePort, endpoints: CategorizedEndpoints): Layout {
  const svc = `KUBE-SVC-${port.hash}`;
  const svl = `KUBE-SVL-${port.hash}`;
  const { hasAny } = endpoints;
  const hasLocal = endpoints.local.length > 0;
  return {
    svc,
    svl,
    ext: `KUBE-EXT-${port.hash}`,
    fw: `KUBE-FW-${port.hash}`,
    usesCluster: endpoints.cluster.length > 0 && usesClusterEndpoints(port),
    usesLocal: hasLocal && usesLocalEndpoints(port),
    usesExternal: hasAny && isExternallyAccessible(port),
    usesFirewall: hasAny && hasFirewall(port),
    internal: port.internalPolicyLocal ? svl : svc,
    hasInternal: port.internalPolicyLocal ? hasAny && hasLocal : hasAny,
    externalPolicy: port.externalPolicyLocal ? svl : svc,
    hasExternal: port.externalPolicyLocal ? hasAny && hasLocal : hasAny,
    match: `-m ${port.protocol} -p ${port.protocol}`,
  };
}

/** The lines that every payload holds for a port, and the names of its own chains. */
export function serviceRules(port: ServicePort, endpoints: CategorizedEndpoints, context: RulesContext): ServiceRules {
  const at = layout(port, endpoints);
  const { hasAny } = endpoints;
  const shared: string[] = [];
  const filter: string[] = [];
  const says = (text: string) => `-m comment --comment "${port.name} ${text}"`;
  const to = (address: string) => `${at.match} -d ${address} --dport ${port.port}`;
  const refusal = hasAny ? says('has no local endpoints') : says('has no endpoints');
  const refuse = hasAny ? 'DROP' : 'REJECT';

  if (at.hasInternal) shared.push(`-A KUBE-SERVICES ${says('cluster IP')} ${to(port.clusterIP)} -j ${at.internal}`);
  else filter.push(`-A KUBE-SERVICES ${refusal} ${to(port.clusterIP)} -j ${refuse}`);

  for (const address of port.externalIPs) {
    if (hasAny) shared.push(`-A KUBE-SERVICES ${says('external IP')} ${to(address)} -j ${at.ext}`);
    if (!at.hasExternal) filter.push(`-A KUBE-EXTERNAL-SERVICES ${refusal} ${to(address)} -j ${refuse}`);
  }
  for (const address of port.loadBalancerVIPs) {
    if (hasAny) shared.push(`-A KUBE-SERVICES ${says('loadbalancer IP')} ${to(address)} -j ${at.usesFirewall ? at.fw : at.ext}`);
    if (at.usesFirewall) filter.push(`-A KUBE-PROXY-FIREWALL ${says(`traffic not accepted by ${at.fw}`)} ${to(address)} -j DROP`);
  }
  if (!at.hasExternal) {
    for (const address of port.loadBalancerVIPs) filter.push(`-A KUBE-EXTERNAL-SERVICES ${refusal} ${to(address)} -j ${refuse}`);
  }
  if (port.nodePort !== 0) {
    if (hasAny) {
      const rule = `-A KUBE-NODEPORTS -m comment --comment ${port.name} ${at.match}`;
      if (context.config.nfacct && allowsLocalhostNodePorts(context.config, context.nodeAddress)) {
        shared.push(`${rule} -d 127.0.0.0/8 --dport ${port.nodePort} -m nfacct --nfacct-name localhost_nps_accepted_pkts -j ${at.ext}`);
      }
      shared.push(`${rule} --dport ${port.nodePort} -j ${at.ext}`);
    }
    if (!at.hasExternal) {
      filter.push(`-A KUBE-EXTERNAL-SERVICES ${refusal} -m addrtype --dst-type LOCAL ${at.match} --dport ${port.nodePort} -j ${refuse}`);
    }
  }
  if (port.healthCheckNodePort !== 0) {
    filter.push(`-A KUBE-NODEPORTS ${says('health check node port')} -m tcp -p tcp --dport ${port.healthCheckNodePort} -j ACCEPT`);
  }

  const chains: string[] = [];
  if (at.usesExternal) chains.push(at.ext);
  if (at.usesFirewall) chains.push(at.fw);
  if (at.usesCluster) chains.push(at.svc);
  if (at.usesLocal) chains.push(at.svl);
  for (const endpoint of endpoints.reachable) chains.push(endpoint.chain);
  return { shared, filter, chains };
}

/** The rules of a port's own chains: only in payloads for which the port has changed. */
export function serviceChainRules(port: ServicePort, endpoints: CategorizedEndpoints, context: RulesContext): string[] {
  const at = layout(port, endpoints);
  const { config } = context;
  const rules: string[] = [];
  const says = (text: string) => `-m comment --comment "${text}"`;
  const local = config.clusterCIDR;

  if (at.hasInternal) {
    const rule = `-A ${at.internal} ${says(`${port.name} cluster IP`)} ${at.match} -d ${port.clusterIP} --dport ${port.port}`;
    if (config.masqueradeAll) rules.push(`${rule} -j KUBE-MARK-MASQ`);
    else if (local !== '') rules.push(`${rule} ! -s ${local} -j KUBE-MARK-MASQ`);
  }
  if (at.usesExternal) {
    const outside = `${port.name} external destinations`;
    if (!port.externalPolicyLocal) {
      rules.push(`-A ${at.ext} ${says(`masquerade traffic for ${outside}`)} -j KUBE-MARK-MASQ`);
    } else {
      if (local !== '') rules.push(`-A ${at.ext} ${says(`pod traffic for ${outside}`)} -s ${local} -j ${at.svc}`);
      rules.push(`-A ${at.ext} ${says(`masquerade LOCAL traffic for ${outside}`)} -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`);
      rules.push(`-A ${at.ext} ${says(`route LOCAL traffic for ${outside}`)} -m addrtype --src-type LOCAL -j ${at.svc}`);
    }
    if (at.hasExternal) rules.push(`-A ${at.ext} -j ${at.externalPolicy}`);
  }
  if (at.usesFirewall) {
    const rule = `-A ${at.fw} ${says(`${port.name} loadbalancer IP`)}`;
    for (const range of port.loadBalancerSourceRanges) rules.push(`${rule} -s ${range} -j ${at.ext}`);
    // A balancer's address is often the node's own too, and then the source of its health checks.
    if (port.loadBalancerSourceRanges.some((range) => contains(range, context.nodeAddress))) {
      for (const address of port.loadBalancerVIPs) rules.push(`${rule} -s ${address} -j ${at.ext}`);
    }
    rules.push(`-A ${at.fw} ${says(`other traffic to ${port.name} will be dropped by KUBE-PROXY-FIREWALL`)}`);
  }
  if (at.usesCluster) rules.push(...balancingRules(port, at.svc, endpoints.cluster, context));
  if (at.usesLocal) rules.push(...balancingRules(port, at.svl, endpoints.local, context));
  for (const endpoint of endpoints.reachable) {
    const rule = context.largeCluster ? `-A ${endpoint.chain}` : `-A ${endpoint.chain} -m comment --comment ${port.name}`;
    const remember = port.affinitySeconds > 0 ? ` -m recent --name ${endpoint.chain} --set` : '';
    rules.push(`${rule} -s ${endpoint.ip} -j KUBE-MARK-MASQ`);
    rules.push(`${rule}${remember} ${at.match} -j DNAT --to-destination ${endpoint.text}`);
  }
  return rules;
}

function balancingRules(port: ServicePort, chain: string, endpoints: readonly Endpoint[], context: RulesContext): string[] {
  const rule = (endpoint: Endpoint) =>
    context.largeCluster ? `-A ${chain}` : `-A ${chain} -m comment --comment "${port.name} -> ${endpoint.text}"`;
  const rules: string[] = [];
  if (port.affinitySeconds > 0) {
    for (const endpoint of endpoints) {
      rules.push(`${rule(endpoint)} -m recent --name ${endpoint.chain} --rcheck --seconds ${port.affinitySeconds} --reap -j ${endpoint.chain}`);
    }
  }
  endpoints.forEach((endpoint, index) => {
    const left = endpoints.length - index;
    const chance = left > 1 ? ` -m statistic --mode random --probability ${(1 / left).toFixed(10)}` : '';
    rules.push(`${rule(endpoint)}${chance} -j ${endpoint.chain}`);
  });
  return rules;
}

function contains(range: string, address: string): boolean {
  const prefix = parsePrefix(range);
  const value = parseIpv4(address);
  return prefix !== undefined && value !== undefined && inPrefix(value, prefix);
}
