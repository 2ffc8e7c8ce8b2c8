import { DEFAULT_CONFIG, Proxier } from '../src/datapaths/iptables/kube-proxy/index.ts';
import type { ClusterChange, ClusterObject } from '../src/kubernetes/change.ts';
import { PRESET_NODE } from '../src/kubernetes/node.ts';
import { preset, type PresetName } from '../src/kubernetes/presets.ts';

const SERVER_PORT = 8080;

/** A Service that the lab sends to. */
export interface LabTarget {
  /** In nat KUBE-SERVICES, from 0. */
  readonly position: number;
  readonly address: string;
  readonly port: number;
}

/** A preset as the lab measures it. */
export interface LabCluster {
  readonly services: number;
  readonly seed: number;
  readonly objects: readonly ClusterObject[];
  readonly change: ClusterChange;
  readonly targets: readonly LabTarget[];
  /** The pods behind every target. */
  readonly servers: readonly { readonly address: string; readonly port: number }[];
}

/**
 * A preset whose Services are of UDP (a datagram's way ends in the server's queue, without a handshake) and whose
 * Services at the given positions of the chain stand for the same two pods. Positions past the end are left out.
 */
export function labCluster(size: PresetName, positions: readonly number[], seed = 1): LabCluster {
  const objects = preset(size, seed).map(overUdp);
  const proxier = newProxier(seed);
  proxier.sync(added(objects));
  const order = proxier.positions();
  const byName = new Map<string, ClusterObject[]>();
  for (const object of objects) {
    const name = object.kind === 'EndpointSlice' ? object.metadata?.labels?.['kubernetes.io/service-name'] : object.metadata?.name;
    const key = `${object.metadata?.namespace ?? ''}/${name ?? ''}`;
    byName.set(key, [...(byName.get(key) ?? []), object]);
  }
  const targets: LabTarget[] = [];
  let pods: string[] = [];
  for (const position of positions) {
    const name = order[position]?.split(':')[0];
    for (const object of byName.get(name ?? '') ?? []) {
      if (object.kind === 'Service') {
        const port = object.spec?.ports?.[0];
        if (!port || !object.spec?.clusterIP) continue;
        port.targetPort = SERVER_PORT;
        targets.push({ position, address: object.spec.clusterIP, port: port.port });
      }
      if (object.kind === 'EndpointSlice') {
        if (pods.length === 0) pods = object.endpoints.flatMap(({ addresses }) => addresses);
        object.ports = (object.ports ?? []).map((port) => ({ ...port, port: SERVER_PORT }));
        object.endpoints = object.endpoints.map((endpoint, index) => ({ ...endpoint, addresses: [pods[index] ?? ''] }));
      }
    }
  }
  return { services: Number(size), seed, objects, change: added(objects), targets, servers: pods.map((address) => ({ address, port: SERVER_PORT })) };
}

/** kube-proxy of the lab's node. */
export function newProxier(seed: number): Proxier {
  return new Proxier({ ...DEFAULT_CONFIG, node: PRESET_NODE.name, clusterCIDR: PRESET_NODE.clusterCIDR }, seed);
}

function added(objects: readonly ClusterObject[]): ClusterChange {
  return objects.map((object) => ({ op: 'add' as const, object }));
}

function overUdp(object: ClusterObject): ClusterObject {
  if (object.kind === 'Service' && object.spec?.ports) return { ...object, spec: { ...object.spec, ports: object.spec.ports.map((port) => ({ ...port, protocol: 'UDP' })) } };
  if (object.kind === 'EndpointSlice' && object.ports) return { ...object, ports: object.ports.map((port) => ({ ...port, protocol: 'UDP' })) };
  return object;
}
