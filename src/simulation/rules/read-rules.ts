import { serviceEntries } from '../../datapaths/ebpf/index.ts';
import { CountersKept, objectsOfRules, readDump, RULES_NODE, type Dump, type RulesObjects } from '../../datapaths/iptables/index.ts';
import type { ClusterObject } from '../../kubernetes/change.ts';
import type { Fault } from '../../kubernetes/fault.ts';
import { PRESET_NODE, type ClusterNode } from '../../kubernetes/node.ts';
import { formatIpv4, inPrefix, maskOf, parseIpv4, parsePrefix, type Ipv4, type Ipv4Prefix } from '../../packet/address.ts';
import type { Reading } from '../api.ts';
import type { LanePort } from '../target.ts';
import type { RuleFaultKey, RulesReading } from './api.ts';

/** Rules that are a person's own, as a lane takes them. */
export interface OwnRules {
  readonly dump: Dump;
  readonly ports: readonly LanePort[];
  /** As `Lanes.positions`. */
  readonly positions: readonly string[];
  readonly reading: RulesReading;
}

/** A text of rules as a cluster. */
export interface RulesCluster {
  readonly objects: readonly ClusterObject[];
  readonly node: ClusterNode;
  readonly ignored: Readonly<Record<string, number>>;
  readonly faults: readonly Fault[];
  readonly rules: OwnRules;
  /** As the text has them. */
  readonly counters: CountersKept;
}

const NOTES_LISTED = 200;
/** A pod range's length where no rule shows it. */
const USUAL_LENGTH = 16;

/** Reads the text of `iptables-save` (or for `iptables-restore`), with the cluster that kube-proxy's rules in it were made for. */
export function readRules(text: string, progress?: (done: number) => void): RulesCluster {
  const dump = readDump(text, progress ? { progress } : {});
  const found = objectsOfRules(dump.tables);
  return {
    objects: found.objects,
    node: nodeOfRules(found),
    ignored: {},
    faults: dump.faults.map(({ line, column, fault: { code, values } }) => ({ severity: 'error', message: `rule_fault_${code}` satisfies RuleFaultKey, values, line, column, object: null })),
    rules: {
      dump,
      ports: found.ports.flatMap((port) => (port.clusterIP === '' ? [] : [{ port, endpoints: port.endpoints }])),
      positions: found.positions,
      reading: {
        tables: [...dump.tables].map(([table, rules]) => ({ table, chains: [...rules.chains()].length, rules: rules.ruleCount })),
        notes: dump.notes.slice(0, NOTES_LISTED),
        notesTotal: dump.notes.length,
        leftOut: dump.leftOut,
      },
    },
    counters: new CountersKept(dump.tables, true),
  };
}

/** The same for a person who has not opened it yet. */
export function rulesReading(text: string, { objects, node, faults, rules }: RulesCluster): Reading {
  const counts = new Map<string, number>();
  let endpoints = 0;
  for (const object of objects) {
    if (object.kind !== 'EndpointSlice') continue;
    const service = `${object.metadata?.namespace ?? ''}/${object.metadata?.labels?.['kubernetes.io/service-name'] ?? ''}`;
    counts.set(service, (counts.get(service) ?? 0) + object.endpoints.length);
    endpoints += object.endpoints.length;
  }
  const services = objects.flatMap((object) => {
    if (object.kind !== 'Service') return [];
    const name = `${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`;
    return [{ name, address: object.spec?.clusterIP ?? '', endpoints: counts.get(name) ?? 0, line: 0 }];
  });
  const entries = serviceEntries(objects, { name: node.name, address: parseIpv4(node.address) ?? (0 as Ipv4) });
  return { lines: countLines(text), services, endpoints, ignored: {}, faults, becomes: entries === null ? null : { rules: rules.dump.rules, entries }, rules: rules.reading };
}

function countLines(text: string): number {
  let lines = 0;
  for (let at = 0; at >= 0 && at < text.length; lines++) {
    const newline = text.indexOf('\n', at);
    at = newline < 0 ? -1 : newline + 1;
  }
  return lines;
}

/**
 * The node that the rules are from. Rules do not say its address, nor the addresses of its pods: it has the presets'
 * address, or the next one that the cluster does not use, and the sending pod a free one in the pods' range, beside
 * endpoints that are known to be here, else beside any.
 */
function nodeOfRules({ objects, clusterCIDR, local }: RulesObjects): ClusterNode {
  const taken = new Set<number>();
  const endpoints: Ipv4[] = [];
  const take = (text: string | undefined): Ipv4 | undefined => {
    const address = parseIpv4(text ?? '');
    if (address !== undefined) taken.add(address);
    return address;
  };
  for (const object of objects) {
    if (object.kind === 'Service') {
      take(object.spec?.clusterIP);
      for (const address of object.spec?.externalIPs ?? []) take(address);
    } else if (object.kind === 'EndpointSlice') {
      for (const { addresses } of object.endpoints) {
        const address = take(addresses[0]);
        if (address !== undefined) endpoints.push(address);
      }
    }
  }
  const pods = rangeOfPods(clusterCIDR, endpoints);
  const free = (from: number): Ipv4 => {
    let address = from;
    // Network and broadcast addresses of a node's range are no pod's.
    while (taken.has(address) || (address & 255) === 0 || (address & 255) === 255) address += 1;
    return address as Ipv4;
  };
  const address = free(parseIpv4(PRESET_NODE.address) ?? 0);
  taken.add(address);
  const here = local.flatMap((text) => parseIpv4(text) ?? []);
  const usual = parseIpv4(PRESET_NODE.client.address) ?? 0;
  const beside = [...here, ...endpoints].find((endpoint) => inPrefix(endpoint, pods));
  const client = free(beside ?? (inPrefix(usual as Ipv4, pods) ? usual : pods.address + 10));
  return { name: RULES_NODE, address: formatIpv4(address), clusterCIDR: `${formatIpv4(pods.address)}/${pods.length}`, client: { name: PRESET_NODE.client.name, address: formatIpv4(client) } };
}

function rangeOfPods(clusterCIDR: string | null, endpoints: readonly Ipv4[]): Ipv4Prefix {
  const shown = clusterCIDR === null ? undefined : parsePrefix(clusterCIDR);
  if (shown) return shown;
  const [first] = endpoints;
  const base = first ?? parseIpv4(PRESET_NODE.client.address) ?? (0 as Ipv4);
  return { address: ((base & maskOf(USUAL_LENGTH)) >>> 0) as Ipv4, length: USUAL_LENGTH };
}
