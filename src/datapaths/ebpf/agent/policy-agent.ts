import type { Namespace, Pod } from 'kubernetes-types/core/v1';
import type { NetworkPolicy } from 'kubernetes-types/networking/v1';
import { parseIpv4, type Ipv4, type Ipv4Prefix } from '../../../packet/address.ts';
import { protocolNumber } from './frontends.ts';
import { Identities, RESERVED_IDENTITY, type CidrIdentity, type PodIdentity } from './identities.ts';
import { endpointKey, MAP } from './layout.ts';
import { policyEntries, prefixesOf, type NamedPort } from './network-policy.ts';
import type { PolicyChange } from './policy-change.ts';
import { ipcacheKey, ipcacheValue, policyKey, policyValue } from './policy-layout.ts';
import { policyMapName, policyMapReference } from './policy-map-name.ts';
import type { Write } from './write.ts';

export interface PolicyAgentOptions {
  readonly node: { readonly name: string; readonly address: Ipv4 };
  /** The number of a pod on this node (`lxc_id`). */
  readonly endpointId: (address: Ipv4) => number;
}

interface KnownPod {
  readonly address: Ipv4;
  readonly nodeName: string | undefined;
  readonly identity: PodIdentity;
  readonly namedPorts: readonly NamedPort[];
}

interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** By the key's bytes as text. */
type Entries = Map<string, Entry>;

const METADATA_NAME = 'kubernetes.io/metadata.name';

/**
 * Cilium's bookkeeping for identities and policies: who an address is (`cilium_ipcache_v2`), and for each pod of the node
 * that a NetworkPolicy selects, whom it may talk to (its own `cilium_policy_v2`). Writes only what changed. What allows
 * comes before the addresses that need it, and goes after them; a pod's policies are complete before they hold.
 */
export class PolicyAgent {
  readonly #write: Write;
  readonly #node: PolicyAgentOptions['node'];
  readonly #endpointId: PolicyAgentOptions['endpointId'];
  readonly #identities = new Identities();
  readonly #pods = new Map<string, Pod>();
  readonly #nodes = new Map<string, Ipv4>();
  readonly #namespaces = new Map<string, Namespace>();
  readonly #policies = new Map<string, NetworkPolicy>();
  #ipcache: Entries = new Map();
  /** By address: the pods of this node that policies hold for. */
  #installed = new Map<Ipv4, { readonly id: number; readonly entries: Entries }>();
  #byAddress = new Map<Ipv4, number>();

  constructor(write: Write, { node, endpointId }: PolicyAgentOptions) {
    this.#write = write;
    this.#node = node;
    this.#endpointId = endpointId;
  }

  /** Pods of this node that a policy selects. */
  get selected(): number {
    return this.#installed.size;
  }

  /** The identity of a pod's address; null for what is no pod that the agent knows. */
  identityOf(address: Ipv4): number | null {
    return this.#byAddress.get(address) ?? null;
  }

  apply(change: PolicyChange): void {
    for (const { op, object } of change) {
      const name = object.metadata?.name ?? '';
      const key = `${object.metadata?.namespace ?? 'default'}/${name}`;
      switch (object.kind) {
        case 'Pod':
          set(this.#pods, key, op === 'delete' ? undefined : object);
          break;
        case 'Node':
          set(this.#nodes, name, op === 'delete' ? undefined : parseIpv4(object.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address ?? ''));
          break;
        case 'Namespace':
          set(this.#namespaces, name, op === 'delete' ? undefined : object);
          break;
        case 'NetworkPolicy':
          set(this.#policies, key, op === 'delete' ? undefined : object);
          break;
        default:
          break;
      }
    }
    this.#reconcile();
  }

  #reconcile(): void {
    const pods = this.#knownPods();
    const cidrs = this.#prefixes().map((prefix) => this.#identities.ofPrefix(prefix));
    const wanted = this.#wantedPolicies(pods, cidrs);
    const ipcache = this.#wantedIpcache(pods, cidrs);
    const old = this.#installed;
    const detached = [...old].filter(([address]) => !wanted.has(address));

    for (const [address, { id, entries }] of wanted) {
      put(this.#write, policyMapName(id), old.get(address)?.entries, entries);
      if (!old.has(address)) this.#write(MAP.policyOfEndpoint, endpointKey(address), policyMapReference(id));
    }
    put(this.#write, MAP.ipcache, this.#ipcache, ipcache);
    remove(this.#write, MAP.ipcache, this.#ipcache, ipcache);
    for (const [address, { id, entries }] of wanted) remove(this.#write, policyMapName(id), old.get(address)?.entries, entries);
    // The map itself goes with the last that refers to it.
    for (const [address] of detached) this.#write(MAP.policyOfEndpoint, endpointKey(address), null);

    this.#installed = wanted;
    this.#ipcache = ipcache;
    this.#byAddress = new Map(pods.map(({ address, identity }) => [address, identity.id]));
    this.#identities.keep(new Set([...pods.map(({ identity }) => identity.id), ...cidrs.map(({ id }) => id)]));
  }

  #knownPods(): KnownPod[] {
    const pods: KnownPod[] = [];
    for (const { metadata, spec, status } of this.#pods.values()) {
      const address = parseIpv4(status?.podIP ?? '');
      // A pod on the host's network is the host; one that has ended gives its address back.
      if (address === undefined || spec?.hostNetwork || status?.phase === 'Succeeded' || status?.phase === 'Failed') continue;
      const namespace = metadata?.namespace ?? 'default';
      const namespaceLabels = { ...this.#namespaces.get(namespace)?.metadata?.labels, [METADATA_NAME]: namespace };
      const namedPorts: NamedPort[] = [];
      for (const container of spec?.containers ?? []) {
        for (const { name, containerPort, protocol: text } of container.ports ?? []) {
          const protocol = protocolNumber(text);
          if (name !== undefined && protocol !== undefined) namedPorts.push({ name, protocol, port: containerPort });
        }
      }
      pods.push({ address, nodeName: spec?.nodeName, identity: this.#identities.ofPod(namespace, metadata?.labels ?? {}, namespaceLabels), namedPorts });
    }
    return pods;
  }

  #prefixes(): Ipv4Prefix[] {
    const everything: Ipv4Prefix = { address: 0 as Ipv4, length: 0 };
    return unique([everything, ...[...this.#policies.values()].flatMap(prefixesOf)], ({ address, length }) => `${address}/${length}`);
  }

  #wantedPolicies(pods: readonly KnownPod[], cidrs: readonly CidrIdentity[]): Map<Ipv4, { readonly id: number; readonly entries: Entries }> {
    const wanted = new Map<Ipv4, { readonly id: number; readonly entries: Entries }>();
    const directory = { pods: unique(pods, ({ identity, namedPorts }) => JSON.stringify([identity.id, namedPorts])), cidrs };
    // Pods that are alike are allowed alike.
    const computed = new Map<string, Entries | null>();
    for (const pod of pods) {
      if (pod.nodeName !== this.#node.name) continue;
      const alike = JSON.stringify([pod.identity.id, pod.namedPorts]);
      let entries = computed.get(alike);
      if (entries === undefined) {
        const allowed = policyEntries(this.#policies.values(), pod, directory);
        entries = allowed && new Map(allowed.map(({ identity, egress, ports }) => entry(policyKey(identity, egress, ports), policyValue(false, ports))));
        computed.set(alike, entries);
      }
      if (entries) wanted.set(pod.address, { id: this.#endpointId(pod.address), entries });
    }
    return wanted;
  }

  #wantedIpcache(pods: readonly KnownPod[], cidrs: readonly CidrIdentity[]): Entries {
    const wanted: Entries = new Map();
    const add = (prefix: Ipv4Prefix, identity: number, node: Ipv4 | null) => {
      const [key, made] = entry(ipcacheKey(prefix), ipcacheValue(identity, node));
      wanted.set(key, made);
    };
    for (const { prefix, id } of cidrs) add(prefix, id, null);
    for (const [name, address] of this.#nodes) add({ address, length: 32 }, name === this.#node.name ? RESERVED_IDENTITY.host : RESERVED_IDENTITY.remoteNode, null);
    add({ address: this.#node.address, length: 32 }, RESERVED_IDENTITY.host, null);
    for (const { address, identity, nodeName } of pods) add({ address, length: 32 }, identity.id, nodeName === this.#node.name ? null : (this.#nodes.get(nodeName ?? '') ?? null));
    return wanted;
  }
}

function entry(key: Uint8Array, value: Uint8Array): [string, Entry] {
  return [key.join(' '), { key, value }];
}

/** Writes what is new or has another value. */
function put(write: Write, map: string, old: Entries | undefined, wanted: Entries): void {
  for (const [text, { key, value }] of wanted) {
    const known = old?.get(text)?.value;
    if (known?.join(' ') !== value.join(' ')) write(map, key, value);
  }
}

/** Deletes what is not wanted any more. */
function remove(write: Write, map: string, old: Entries | undefined, wanted: Entries): void {
  for (const [text, { key }] of old ?? []) if (!wanted.has(text)) write(map, key, null);
}

function set<T>(map: Map<string, T>, key: string, value: T | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function unique<T>(list: readonly T[], keyOf: (item: T) => string): T[] {
  return [...new Map(list.map((item) => [keyOf(item), item] as const)).values()];
}
