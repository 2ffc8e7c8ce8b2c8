import type { ClusterObject } from './change.ts';
import { PRESET_NODE } from './node.ts';

interface Port {
  readonly name?: string;
  readonly protocol?: 'TCP' | 'UDP' | 'SCTP';
  readonly port: number;
  readonly targetPort: number | string;
  /** What a named target port is in the pods. */
  readonly number?: number;
}

interface Spec {
  readonly namespace: string;
  readonly name: string;
  /** `None`: headless; null: ExternalName. */
  readonly clusterIP: string | null;
  readonly ports: readonly Port[];
  readonly pods: readonly string[];
}

/** A small web shop with the system's own Services, of the kinds that real clusters hold. */
const SHOP: readonly Spec[] = [
  { namespace: 'default', name: 'kubernetes', clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, targetPort: 6443 }], pods: ['192.168.0.11'] },
  {
    namespace: 'kube-system',
    name: 'kube-dns',
    clusterIP: '10.96.0.10',
    ports: [
      { name: 'dns', protocol: 'UDP', port: 53, targetPort: 53 },
      { name: 'dns-tcp', port: 53, targetPort: 53 },
      { name: 'metrics', port: 9153, targetPort: 9153 },
    ],
    pods: ['10.244.0.2', '10.244.0.3'],
  },
  { namespace: 'shop', name: 'frontend', clusterIP: '10.102.14.7', ports: [{ name: 'http', port: 80, targetPort: 'web', number: 8080 }], pods: ['10.244.1.11', '10.244.1.12', '10.244.1.13'] },
  { namespace: 'shop', name: 'cart', clusterIP: '10.104.99.31', ports: [{ name: 'grpc', port: 7070, targetPort: 7070 }], pods: ['10.244.1.21', '10.244.1.22'] },
  {
    namespace: 'shop',
    name: 'checkout',
    clusterIP: '10.98.201.5',
    ports: [
      { name: 'grpc', port: 5050, targetPort: 5050 },
      { name: 'metrics', port: 9090, targetPort: 9090 },
    ],
    pods: ['10.244.1.31', '10.244.1.32'],
  },
  { namespace: 'shop', name: 'payment', clusterIP: '10.110.44.250', ports: [{ port: 50051, targetPort: 50051 }], pods: ['10.244.1.41', '10.244.1.42', '10.244.1.43', '10.244.1.44'] },
  { namespace: 'shop', name: 'catalog', clusterIP: '10.97.3.180', ports: [{ name: 'grpc', port: 3550, targetPort: 3550 }], pods: ['10.244.1.51', '10.244.1.52', '10.244.1.53'] },
  { namespace: 'shop', name: 'recommendation', clusterIP: '10.101.77.12', ports: [{ name: 'grpc', port: 8080, targetPort: 8080 }], pods: ['10.244.1.61'] },
  { namespace: 'shop', name: 'redis', clusterIP: '10.99.160.66', ports: [{ name: 'redis', port: 6379, targetPort: 6379 }], pods: ['10.244.1.71'] },
  { namespace: 'shop', name: 'ads', clusterIP: '10.106.8.8', ports: [{ name: 'grpc', port: 9555, targetPort: 9555 }], pods: [] },
  { namespace: 'shop', name: 'signalling', clusterIP: '10.103.20.40', ports: [{ name: 'diameter', protocol: 'SCTP', port: 3868, targetPort: 3868 }], pods: ['10.244.1.81', '10.244.1.82'] },
  { namespace: 'shop', name: 'postgres', clusterIP: 'None', ports: [{ name: 'postgres', port: 5432, targetPort: 5432 }], pods: ['10.244.1.91', '10.244.1.92'] },
  { namespace: 'shop', name: 'mail', clusterIP: null, ports: [], pods: [] },
];

export function shop(): ClusterObject[] {
  return SHOP.flatMap(objectsOf);
}

function objectsOf({ namespace, name, clusterIP, ports, pods }: Spec): ClusterObject[] {
  const metadata = { namespace, name };
  if (clusterIP === null) return [{ apiVersion: 'v1', kind: 'Service', metadata, spec: { type: 'ExternalName', externalName: 'smtp.example.com' } }];
  const service: ClusterObject = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata,
    spec: {
      type: 'ClusterIP',
      clusterIP,
      clusterIPs: [clusterIP],
      ports: ports.map(({ name: portName, protocol = 'TCP', port, targetPort }) => ({ ...(portName === undefined ? {} : { name: portName }), protocol, port, targetPort })),
      internalTrafficPolicy: 'Cluster',
      sessionAffinity: 'None',
    },
  };
  // The API server runs on the node itself: its endpoint is no pod.
  const isPod = namespace !== 'default';
  const slice: ClusterObject = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace, name: `${name}-xk2vd`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: ports.map(({ name: portName, protocol = 'TCP', targetPort, number }) => ({
      ...(portName === undefined ? {} : { name: portName }),
      protocol,
      port: number ?? Number(targetPort),
    })),
    endpoints: pods.map((pod, index) => ({
      addresses: [pod],
      conditions: { ready: true, serving: true, terminating: false },
      ...(isPod ? { nodeName: PRESET_NODE.name, targetRef: { kind: 'Pod', namespace, name: `${name}-${index}` } } : {}),
    })),
  };
  return [service, slice];
}
