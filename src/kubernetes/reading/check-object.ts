import { isOfCluster, type ClusterObject } from '../change.ts';
import { isIpv4, isIpv6, isPrefix } from './address-text.ts';
import { error, note, pathText, shown, type Finding, type Path } from './finding.ts';
import { dropNulls, isRecord, mismatches } from './shape.ts';
import { checkPolicy } from './check-policy.ts';
import { isReadKind, SHAPES } from './shapes.ts';

type Of<Kind extends ClusterObject['kind']> = Extract<ClusterObject, { kind: Kind }>;

const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const PROTOCOLS: readonly string[] = ['TCP', 'UDP', 'SCTP'];
const SERVICE_NAME = 'kubernetes.io/service-name';

export interface Checked {
  /** Null: at least one finding is an error. Types are checked here, so that whoever reads it may trust them. */
  readonly object: ClusterObject | null;
  readonly findings: readonly Finding[];
}

/** Checks one parsed object of a kind that is read. Takes nulls out of it, in place. */
export function checkObject(value: Readonly<Record<string, unknown>>, kind: ClusterObject['kind']): Checked {
  dropNulls(value);
  const findings: Finding[] = [];
  mismatches(value, SHAPES[kind], [], findings);
  if (findings.length > 0) return { object: null, findings };
  // The one cast: the shape holds every field that is read.
  const object = (value['kind'] === kind ? value : { ...value, kind }) as unknown as ClusterObject;
  findings.push(...checkNames(object));
  if (object.kind === 'Service') findings.push(...checkService(object));
  else if (object.kind === 'EndpointSlice') {
    object.endpoints ??= [];
    findings.push(...checkSlice(object));
  } else if (object.kind === 'Pod') {
    if (object.status?.podIP) checkAddress(object.status.podIP, ['status', 'podIP'], findings);
  } else if (object.kind === 'NetworkPolicy') findings.push(...checkPolicy(object));
  return { object: findings.some(({ severity }) => severity === 'error') ? null : object, findings };
}

/** `Service shop/cart`, as far as the value says. */
export function nameOf(value: unknown, kind: string): string {
  const metadata = isRecord(value) && isRecord(value['metadata']) ? value['metadata'] : {};
  const text = (field: unknown, otherwise: string) => (typeof field === 'string' && field !== '' ? shown(field) : otherwise);
  const name = text(metadata['name'], '?');
  return isOfCluster(kind) || !isReadKind(kind) ? `${kind} ${name}` : `${kind} ${text(metadata['namespace'], 'default')}/${name}`;
}

// Names go into the text of rules as they are, so what the API server refuses must not come that far.
function* checkNames({ metadata }: ClusterObject): Iterable<Finding> {
  const { name = '', namespace } = metadata ?? {};
  if (!NAME.test(name)) yield error('fault_name', ['metadata', 'name'], { found: shown(name) });
  if (namespace !== undefined && !LABEL.test(namespace)) yield error('fault_name', ['metadata', 'namespace'], { found: shown(namespace) });
}

function checkAddress(text: string, path: Path, into: Finding[]): void {
  if (!isIpv4(text) && !isIpv6(text)) into.push(error('fault_address', path, { field: pathText(path), found: shown(text) }));
}

function checkService({ metadata, spec = {}, status }: Of<'Service'>): Finding[] {
  const findings: Finding[] = [];
  if (!LABEL.test(metadata?.name ?? '')) findings.push(error('fault_name', ['metadata', 'name'], { found: shown(metadata?.name) }));
  if (spec.type === 'ExternalName') return findings;
  const { clusterIP = '', clusterIPs = [], ports = [] } = spec;
  const isHeadless = clusterIP === 'None';
  if (clusterIP === '') findings.push(error('fault_no_cluster_ip', ['spec', 'clusterIP']));
  else if (!isHeadless) {
    checkAddress(clusterIP, ['spec', 'clusterIP'], findings);
    clusterIPs.forEach((address, index) => checkAddress(address, ['spec', 'clusterIPs', index], findings));
    if (isIpv6(clusterIP) && !clusterIPs.some(isIpv4)) findings.push(note('fault_ipv6_service', ['spec', 'clusterIP'], { found: clusterIP }));
    if (ports.length === 0) findings.push(error('fault_no_ports', ['spec', 'ports']));
  }
  const names = new Set<string>();
  const numbers = new Set<string>();
  ports.forEach(({ name = '', port, protocol = 'TCP', nodePort = 0 }, index) => {
    const path = ['spec', 'ports', index];
    checkPort(name, port, protocol, path, findings);
    if (nodePort < 0 || nodePort > 65535) findings.push(error('fault_port_range', [...path, 'nodePort'], { field: pathText([...path, 'nodePort']), found: nodePort }));
    if (names.has(`${name}/${protocol}`)) findings.push(error('fault_port_name_twice', [...path, 'name'], { found: name }));
    if (numbers.has(`${port}/${protocol}`)) findings.push(error('fault_port_twice', [...path, 'port'], { found: `${port}/${protocol}` }));
    names.add(`${name}/${protocol}`);
    numbers.add(`${port}/${protocol}`);
  });
  spec.externalIPs?.forEach((address, index) => checkAddress(address, ['spec', 'externalIPs', index], findings));
  spec.loadBalancerSourceRanges?.forEach((range, index) => {
    if (!isPrefix(range)) findings.push(error('fault_prefix', ['spec', 'loadBalancerSourceRanges', index], { found: shown(range) }));
  });
  status?.loadBalancer?.ingress?.forEach(({ ip = '' }, index) => {
    if (ip !== '') checkAddress(ip, ['status', 'loadBalancer', 'ingress', index, 'ip'], findings);
  });
  const health = spec.healthCheckNodePort ?? 0;
  if (health < 0 || health > 65535) findings.push(error('fault_port_range', ['spec', 'healthCheckNodePort'], { field: 'spec.healthCheckNodePort', found: health }));
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 1;
  if (seconds < 1 || seconds > 86400) findings.push(error('fault_affinity', ['spec', 'sessionAffinityConfig', 'clientIP', 'timeoutSeconds'], { found: seconds }));
  return findings;
}

function checkPort(name: string, port: number | undefined, protocol: string, path: Path, into: Finding[]): void {
  if (port !== undefined && (port < 1 || port > 65535)) into.push(error('fault_port_range', [...path, 'port'], { field: pathText([...path, 'port']), found: port }));
  if (!PROTOCOLS.includes(protocol)) into.push(error('fault_protocol', [...path, 'protocol'], { found: shown(protocol) }));
  if (name !== '' && !LABEL.test(name)) into.push(error('fault_name', [...path, 'name'], { found: shown(name) }));
}

function checkSlice({ metadata, addressType, ports = [], endpoints }: Of<'EndpointSlice'>): Finding[] {
  const findings: Finding[] = [];
  if (addressType === 'IPv6' || addressType === 'FQDN') findings.push(note('fault_other_slice', ['addressType'], { found: addressType }));
  else if (addressType !== 'IPv4') return [error('fault_address_type', ['addressType'], { found: shown(addressType) })];
  ports.forEach(({ name = '', port, protocol = 'TCP' }, index) => checkPort(name, port, protocol, ['ports', index], findings));
  endpoints.forEach(({ addresses }, index) => {
    addresses.forEach((address, place) => {
      const isRight = addressType === 'FQDN' || (addressType === 'IPv4' ? isIpv4(address) : isIpv6(address));
      if (!isRight) findings.push(error('fault_endpoint_address', ['endpoints', index, 'addresses', place], { type: addressType, found: shown(address) }));
    });
  });
  if (!metadata?.labels?.[SERVICE_NAME]) findings.push(note('fault_no_label', ['metadata', 'labels'], { label: SERVICE_NAME }));
  return findings;
}

/** The key of the Service that a slice belongs to; null: its label is missing. */
export function serviceOf({ metadata }: Of<'EndpointSlice'>): string | null {
  const name = metadata?.labels?.[SERVICE_NAME];
  return name ? `${metadata?.namespace ?? 'default'}/${name}` : null;
}
