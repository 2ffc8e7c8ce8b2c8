import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from 'kubernetes-types/networking/v1';
import type { LabelSelector } from 'kubernetes-types/meta/v1';
import { isPrefix } from './address-text.ts';
import { error, pathText, shown, type Finding, type Path } from './finding.ts';

const OPERATORS: readonly string[] = ['In', 'NotIn', 'Exists', 'DoesNotExist'];
const TYPES: readonly string[] = ['Ingress', 'Egress'];
const PROTOCOLS: readonly string[] = ['TCP', 'UDP', 'SCTP'];

/** What the API server would not take of a NetworkPolicy. One without a selector is about every pod of its namespace. */
export function checkPolicy({ spec }: NetworkPolicy): Finding[] {
  const findings: Finding[] = [];
  if (!spec) return findings;
  spec.podSelector ??= {};
  checkSelector(spec.podSelector, ['spec', 'podSelector'], findings);
  spec.policyTypes?.forEach((type, index) => {
    if (!TYPES.includes(type)) findings.push(error('fault_policy_type', ['spec', 'policyTypes', index], { found: shown(type) }));
  });
  spec.ingress?.forEach(({ from, ports }, index) => checkRule(from, 'from', ports, ['spec', 'ingress', index], findings));
  spec.egress?.forEach(({ to, ports }, index) => checkRule(to, 'to', ports, ['spec', 'egress', index], findings));
  return findings;
}

function checkRule(peers: readonly NetworkPolicyPeer[] | undefined, side: 'from' | 'to', ports: readonly NetworkPolicyPort[] | undefined, path: Path, into: Finding[]): void {
  peers?.forEach(({ podSelector, namespaceSelector, ipBlock }, index) => {
    const at = [...path, side, index];
    if (!podSelector && !namespaceSelector && !ipBlock) into.push(error('fault_policy_peer', at));
    if (podSelector) checkSelector(podSelector, [...at, 'podSelector'], into);
    if (namespaceSelector) checkSelector(namespaceSelector, [...at, 'namespaceSelector'], into);
    if (!ipBlock) return;
    if (!isPrefix(ipBlock.cidr)) into.push(error('fault_prefix', [...at, 'ipBlock', 'cidr'], { found: shown(ipBlock.cidr) }));
    ipBlock.except?.forEach((prefix, place) => {
      if (!isPrefix(prefix)) into.push(error('fault_prefix', [...at, 'ipBlock', 'except', place], { found: shown(prefix) }));
    });
  });
  ports?.forEach(({ port, endPort, protocol = 'TCP' }, index) => {
    const at = [...path, 'ports', index];
    if (typeof port === 'number' && (port < 1 || port > 65535)) into.push(error('fault_port_range', [...at, 'port'], { field: pathText([...at, 'port']), found: port }));
    if (endPort !== undefined && (typeof port !== 'number' || endPort < port || endPort > 65535)) into.push(error('fault_port_range', [...at, 'endPort'], { field: pathText([...at, 'endPort']), found: endPort }));
    if (!PROTOCOLS.includes(protocol)) into.push(error('fault_protocol', [...at, 'protocol'], { found: shown(protocol) }));
  });
}

function checkSelector({ matchExpressions = [] }: LabelSelector, path: Path, into: Finding[]): void {
  matchExpressions.forEach(({ operator }, index) => {
    if (!OPERATORS.includes(operator)) into.push(error('fault_selector_operator', [...path, 'matchExpressions', index, 'operator'], { found: shown(operator) }));
  });
}
