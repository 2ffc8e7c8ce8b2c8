import type { Shape } from './shape.ts';

// The fields that the datapaths read, as k8s.io/api has them. A Service or a slice may hold more: it is handed through.

const labels: Shape = { mapOf: 'text' };
const metadata: Shape = { fields: { name: 'text', namespace: 'text', labels, annotations: labels }, required: ['name'] };
const texts: Shape = { list: 'text' };
const named: Shape = { list: { fields: { name: 'text' }, required: ['name'] } };
const object = (fields: Readonly<Record<string, Shape>>, required: readonly string[] = []): Shape => ({ fields: { metadata, ...fields }, required: ['metadata', ...required] });

const SERVICE = object({
  spec: {
    fields: {
      type: 'text',
      clusterIP: 'text',
      clusterIPs: texts,
      externalName: 'text',
      ports: { list: { fields: { name: 'text', port: 'integer', protocol: 'text', nodePort: 'integer' }, required: ['port'] } },
      externalIPs: texts,
      loadBalancerSourceRanges: texts,
      internalTrafficPolicy: 'text',
      externalTrafficPolicy: 'text',
      healthCheckNodePort: 'integer',
      sessionAffinity: 'text',
      sessionAffinityConfig: { fields: { clientIP: { fields: { timeoutSeconds: 'integer' } } } },
    },
  },
  status: { fields: { loadBalancer: { fields: { ingress: { list: { fields: { ip: 'text', ipMode: 'text', hostname: 'text' } } } } } } },
}, ['spec']);

const ENDPOINT_SLICE = object({
  addressType: 'text',
  ports: { list: { fields: { name: 'text', port: 'integer', protocol: 'text' } } },
  endpoints: {
    list: {
      fields: {
        addresses: texts,
        conditions: { fields: { ready: 'flag', serving: 'flag', terminating: 'flag' } },
        nodeName: 'text',
        zone: 'text',
        hints: { fields: { forZones: named, forNodes: named } },
        targetRef: { fields: { kind: 'text', namespace: 'text', name: 'text' } },
      },
      required: ['addresses'],
    },
  },
}, ['addressType']);

const POD = object({
  spec: {
    fields: {
      nodeName: 'text',
      hostNetwork: 'flag',
      containers: { list: { fields: { ports: { list: { fields: { name: 'text', containerPort: 'integer', protocol: 'text' }, required: ['containerPort'] } } } } },
    },
  },
  status: { fields: { phase: 'text', podIP: 'text', podIPs: { list: { fields: { ip: 'text' } } } } },
});

const selector: Shape = { fields: { matchLabels: labels, matchExpressions: { list: { fields: { key: 'text', operator: 'text', values: texts }, required: ['key', 'operator'] } } } };
const peers: Shape = { list: { fields: { podSelector: selector, namespaceSelector: selector, ipBlock: { fields: { cidr: 'text', except: texts }, required: ['cidr'] } } } };
const policyPorts: Shape = { list: { fields: { port: 'number-or-name', endPort: 'integer', protocol: 'text' } } };

const NETWORK_POLICY = object({
  spec: {
    fields: {
      podSelector: selector,
      policyTypes: texts,
      ingress: { list: { fields: { from: peers, ports: policyPorts } } },
      egress: { list: { fields: { to: peers, ports: policyPorts } } },
    },
  },
}, ['spec']);

const NAMESPACE = object({});

const NODE = object({
  spec: { fields: { podCIDR: 'text', podCIDRs: texts } },
  status: { fields: { addresses: { list: { fields: { type: 'text', address: 'text' }, required: ['type', 'address'] } } } },
});

/** By kind; what is not here is ignored and counted. */
export const SHAPES = { Service: SERVICE, EndpointSlice: ENDPOINT_SLICE, Pod: POD, Node: NODE, NetworkPolicy: NETWORK_POLICY, Namespace: NAMESPACE } as const satisfies Readonly<Record<string, Shape>>;

/** The group that each kind belongs to; its version does not matter. Knative has a Service of its own. */
export const GROUPS: Readonly<Record<keyof typeof SHAPES, string>> = { Service: '', EndpointSlice: 'discovery.k8s.io', Pod: '', Node: '', NetworkPolicy: 'networking.k8s.io', Namespace: '' };

export function isReadKind(kind: string): kind is keyof typeof SHAPES {
  return Object.hasOwn(SHAPES, kind);
}
