import { parseIpv4, parsePrefix, inPrefix } from '../../../packet/address.ts';
import type { ProxyConfig } from './config.ts';
import type { Endpoint } from './endpoints.ts';
import type { RuleSink } from './rule-sink.ts';
import type { ServicePort } from './service-ports.ts';
import type { SyncedPort } from './synced-port.ts';

export interface RulesContext {
  readonly config: ProxyConfig;
  readonly nodeAddress: string;
  /** Node ports answer on loopback addresses. */
  readonly localhostNodePorts: boolean;
  /** More than 1,000 endpoints: the many rules do without comments. */
  readonly largeCluster: boolean;
}

/** One Service port's part of a payload, given to `sink` rule by rule. */
export type RulesOf = (service: SyncedPort, context: RulesContext, sink: RuleSink) => void;

// A port's own chains beside KUBE-SVC, of its endpoints anywhere: KUBE-SVL, of those on this node, and KUBE-EXT and
// KUBE-FW for traffic from outside. Few ports have them: their names are made where they are written.
const svl = (port: ServicePort) => `KUBE-SVL-${hashOf(port)}`;
const ext = (port: ServicePort) => `KUBE-EXT-${hashOf(port)}`;
const fw = (port: ServicePort) => `KUBE-FW-${hashOf(port)}`;
const hashOf = ({ chain }: ServicePort) => chain.slice('KUBE-SVC-'.length);

const internalChain = (port: ServicePort) => (port.internalPolicyLocal ? svl(port) : port.chain);

/** A rule's conditions that it goes to the port at this address. */
function toAddress(sink: RuleSink, port: ServicePort, address: string): void {
  sink.protocol(port.protocol);
  sink.destination(address);
  sink.destinationPort(port.port);
}

function leadsTo(sink: RuleSink, port: ServicePort, what: string, address: string, chain: string): void {
  sink.append('KUBE-SERVICES');
  sink.comment(port.name, what);
  toAddress(sink, port, address);
  sink.jump(chain);
  sink.end();
}

function nodePort(sink: RuleSink, port: ServicePort, localhost: boolean): void {
  sink.append('KUBE-NODEPORTS');
  sink.commentName(port.name);
  sink.protocol(port.protocol);
  if (localhost) sink.destination('127.0.0.0/8');
  sink.destinationPort(port.nodePort);
  if (localhost) sink.account('localhost_nps_accepted_pkts');
  sink.jump(ext(port));
  sink.end();
}

function refuse(sink: RuleSink, port: ServicePort, chain: string, address: string, hasAny: boolean): void {
  sink.append(chain);
  sink.comment(port.name, refusalOf(hasAny));
  toAddress(sink, port, address);
  sink.jump(hasAny ? 'DROP' : 'REJECT');
  sink.end();
}

function refusalOf(hasAny: boolean): string {
  return hasAny ? 'has no local endpoints' : 'has no endpoints';
}

/** nat KUBE-SERVICES and KUBE-NODEPORTS: in every payload, full or partial. */
export const sharedRules: RulesOf = (service, context, sink) => {
  const { port } = service;
  if (service.hasInternal) leadsTo(sink, port, 'cluster IP', port.clusterIP, internalChain(port));
  if (!service.hasAny) return;
  for (const address of port.externalIPs) leadsTo(sink, port, 'external IP', address, ext(port));
  for (const address of port.loadBalancerVIPs) leadsTo(sink, port, 'loadbalancer IP', address, service.usesFirewall ? fw(port) : ext(port));
  if (port.nodePort === 0) return;
  if (context.config.nfacct && context.localhostNodePorts) nodePort(sink, port, true);
  nodePort(sink, port, false);
};

/** The filter table: in every payload too. */
export const filterRules: RulesOf = (service, _context, sink) => {
  const { port, hasAny, hasExternal } = service;
  if (!service.hasInternal) refuse(sink, port, 'KUBE-SERVICES', port.clusterIP, hasAny);
  if (!hasExternal) for (const address of port.externalIPs) refuse(sink, port, 'KUBE-EXTERNAL-SERVICES', address, hasAny);
  if (service.usesFirewall) {
    for (const address of port.loadBalancerVIPs) {
      sink.append('KUBE-PROXY-FIREWALL');
      sink.comment(port.name, `traffic not accepted by ${fw(port)}`);
      toAddress(sink, port, address);
      sink.jump('DROP');
      sink.end();
    }
  }
  if (!hasExternal) {
    for (const address of port.loadBalancerVIPs) refuse(sink, port, 'KUBE-EXTERNAL-SERVICES', address, hasAny);
    if (port.nodePort !== 0) {
      sink.append('KUBE-EXTERNAL-SERVICES');
      sink.comment(port.name, refusalOf(hasAny));
      sink.local('dst');
      sink.protocol(port.protocol);
      sink.destinationPort(port.nodePort);
      sink.jump(hasAny ? 'DROP' : 'REJECT');
      sink.end();
    }
  }
  if (port.healthCheckNodePort !== 0) {
    sink.append('KUBE-NODEPORTS');
    sink.comment(port.name, 'health check node port');
    sink.protocol('tcp');
    sink.destinationPort(port.healthCheckNodePort);
    sink.jump('ACCEPT');
    sink.end();
  }
};

/** Visits the names of the port's own nat chains. */
export function eachChain(service: SyncedPort, visit: (chain: string) => void): void {
  const { port } = service;
  if (service.usesExternal) visit(ext(port));
  if (service.usesFirewall) visit(fw(port));
  if (service.usesCluster) visit(port.chain);
  if (service.usesLocal) visit(svl(port));
  for (const endpoint of service.reachable) visit(endpoint.chain);
}

/** The rules of a port's own chains: only in payloads for which the port has changed. */
export const chainRules: RulesOf = (service, context, sink) => {
  const { port } = service;
  const { config } = context;
  const local = config.clusterCIDR;

  if (service.hasInternal && (config.masqueradeAll || local !== '')) {
    sink.append(internalChain(port));
    sink.comment(port.name, 'cluster IP');
    toAddress(sink, port, port.clusterIP);
    if (!config.masqueradeAll) sink.source(local, true);
    sink.jump('KUBE-MARK-MASQ');
    sink.end();
  }
  if (service.usesExternal) externalRules(service, local, sink);
  if (service.usesFirewall) firewallRules(port, context, sink);
  if (service.usesCluster) balancingRules(port, port.chain, service.cluster, context, sink);
  if (service.usesLocal) balancingRules(port, svl(port), service.local, context, sink);
  for (const endpoint of service.reachable) endpointRules(port, endpoint, context, sink);
};

function endpointRules(port: ServicePort, endpoint: Endpoint, context: RulesContext, sink: RuleSink): void {
  const begin = () => {
    sink.append(endpoint.chain);
    if (!context.largeCluster) sink.commentName(port.name);
  };
  begin();
  sink.source(endpoint.ip);
  sink.jump('KUBE-MARK-MASQ');
  sink.end();
  begin();
  if (port.affinitySeconds > 0) sink.remember(endpoint.chain);
  sink.protocol(port.protocol);
  sink.translate(endpoint.ip, endpoint.port);
  sink.end();
}

function externalRules({ port, hasExternal }: SyncedPort, local: string, sink: RuleSink): void {
  const chain = ext(port);
  const begin = (what: string) => {
    sink.append(chain);
    sink.comment(`${what} ${port.name} external destinations`);
  };
  if (!port.externalPolicyLocal) {
    begin('masquerade traffic for');
    sink.jump('KUBE-MARK-MASQ');
    sink.end();
  } else {
    if (local !== '') {
      begin('pod traffic for');
      sink.source(local);
      sink.jump(port.chain);
      sink.end();
    }
    begin('masquerade LOCAL traffic for');
    sink.local('src');
    sink.jump('KUBE-MARK-MASQ');
    sink.end();
    begin('route LOCAL traffic for');
    sink.local('src');
    sink.jump(port.chain);
    sink.end();
  }
  if (!hasExternal) return;
  sink.append(chain);
  sink.jump(port.externalPolicyLocal ? svl(port) : port.chain);
  sink.end();
}

function firewallRules(port: ServicePort, context: RulesContext, sink: RuleSink): void {
  const allow = (source: string) => {
    sink.append(fw(port));
    sink.comment(port.name, 'loadbalancer IP');
    sink.source(source);
    sink.jump(ext(port));
    sink.end();
  };
  for (const range of port.loadBalancerSourceRanges) allow(range);
  // A balancer's address is often the node's own too, and then the source of its health checks.
  if (port.loadBalancerSourceRanges.some((range) => contains(range, context.nodeAddress))) for (const address of port.loadBalancerVIPs) allow(address);
  sink.append(fw(port));
  sink.comment('other traffic to', `${port.name} will be dropped by KUBE-PROXY-FIREWALL`);
  sink.end();
}

function balancingRules(port: ServicePort, chain: string, endpoints: readonly Endpoint[], context: RulesContext, sink: RuleSink): void {
  if (port.affinitySeconds > 0) {
    for (const endpoint of endpoints) {
      beginChoice(sink, port, chain, endpoint, context);
      sink.remembered(endpoint.chain, port.affinitySeconds);
      sink.jump(endpoint.chain);
      sink.end();
    }
  }
  let left = endpoints.length;
  for (const endpoint of endpoints) {
    beginChoice(sink, port, chain, endpoint, context);
    if (left > 1) sink.oneIn(left);
    sink.jump(endpoint.chain);
    sink.end();
    left -= 1;
  }
}

function beginChoice(sink: RuleSink, port: ServicePort, chain: string, { text }: Endpoint, context: RulesContext): void {
  sink.append(chain);
  if (!context.largeCluster) sink.comment(port.name, `-> ${text}`);
}

function contains(range: string, address: string): boolean {
  const prefix = parsePrefix(range);
  const value = parseIpv4(address);
  return prefix !== undefined && value !== undefined && inPrefix(value, prefix);
}
