import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { standingRules, Proxier, type ProxyConfig, type SyncPayload } from '../../src/datapaths/iptables/kube-proxy/index.ts';
import { blobSize } from '../../src/datapaths/iptables/netfilter/blob-size.ts';
import type { TableName } from '../../src/datapaths/iptables/netfilter/hook.ts';
import { FIRST_OBJECT_TARGET, hasObject, MATCH_STRIDE, STRIDE, TARGET } from '../../src/datapaths/iptables/netfilter/rule-layout.ts';
import { restore } from '../../src/datapaths/iptables/netfilter/restore.ts';
import { RestoreError } from '../../src/datapaths/iptables/netfilter/restore-error.ts';
import type { Match, Target } from '../../src/datapaths/iptables/netfilter/rule.ts';
import type { RuleTable } from '../../src/datapaths/iptables/netfilter/rule-table.ts';
import { putPayload } from '../../src/datapaths/iptables/payload-rules.ts';
import type { ClusterChange, ClusterObject } from '../../src/kubernetes/change.ts';

/*
 * A payload goes into tables as it is described, and its text is made when somebody looks. Its text, read by the parser
 * that reads a person's own rules, must give the very same tables.
 */

type Tables = Map<TableName, RuleTable>;

/** A target's parts, whether they are kept or made when they are asked for. */
function partsOf(target: Match | Target | undefined) {
  return target?.kind === 'nat' ? { kind: target.kind, name: target.name, range: target.range } : target;
}

/** Everything that a packet, a kernel or a reader can tell of a table. */
function contentsOf(table: RuleTable) {
  const { arena } = table;
  const chains = [...table.chains()].map(({ id, name }) => {
    const start = table.start[id]!;
    const rules = Array.from({ length: table.length[id]! }, (_, offset) => {
      const rule = start + offset;
      const row = [...arena.rules.subarray(rule * STRIDE, (rule + 1) * STRIDE)];
      const [first, count, kind, argument] = [row[8]!, row[9]!, row[10]!, row[11]!];
      const matches = Array.from({ length: count }, (_, match) => {
        const words = [...arena.matches.subarray((first + match) * MATCH_STRIDE, (first + match + 1) * MATCH_STRIDE)];
        return hasObject(words[0]! & 255) ? [words[0], arena.objects[words[1]!]] : words;
      });
      const interfaces = [arena.interfaces[row[5]!], arena.interfaces[row[6]!]];
      const target = kind >= FIRST_OBJECT_TARGET ? partsOf(arena.objects[argument]) : kind === TARGET.jump || kind === TARGET.goto ? table.chainName(argument) : argument;
      return { text: table.ruleText(rule), fields: [...row.slice(0, 5), row[7]], interfaces, matches, kind, target, counters: [table.packets[rule], table.bytes[rule]] };
    });
    return { name, rules, policy: table.policies.get(id) };
  });
  return { chains, live: table.ruleCount, blob: blobSize(table), tracks: table.needsConntrack() };
}

const contents = (tables: Tables) => Object.fromEntries([...tables].map(([name, table]) => [name, contentsOf(table)]));

function started(): Tables {
  const tables: Tables = new Map();
  restore(tables, standingRules());
  return tables;
}

/** Both ways, step by step, over the same tables. */
function compare(config: Partial<ProxyConfig>, steps: readonly ClusterChange[]): void {
  const proxier = new Proxier(config, 1);
  const [described, read] = [started(), started()];
  for (const step of steps) {
    const payload = proxier.sync(step);
    if (!payload) continue;
    putPayload(described, payload);
    restore(read, payload.text, { noflush: true });
    expect(contents(described)).toEqual(contents(read));
    expect(counted(payload)).toEqual(countedIn(payload.text));
    const declared: (readonly [string, string])[] = [];
    payload.eachChain((table, chain) => {
      declared.push([table, chain]);
      return true;
    });
    expect(declared).toEqual(declaredIn(payload.text));
  }
}

const counted = ({ bytes, filter, nat }: SyncPayload) => ({ bytes, filter, nat });

function countedIn(text: string) {
  const table = (name: string) => {
    const lines = text.slice(text.indexOf(`*${name}\n`)).split('COMMIT')[0]!.split('\n');
    const those = (start: string) => lines.filter((line) => line.startsWith(start)).length;
    return { chains: those(':'), rules: those('-A '), deletes: those('-X ') };
  };
  return { bytes: Buffer.byteLength(text), filter: table('filter'), nat: table('nat') };
}

function declaredIn(text: string): (readonly [string, string])[] {
  let table = '';
  return text.split('\n').flatMap((line) => {
    if (line.startsWith('*')) table = line.slice(1);
    return line.startsWith(':') ? [[table, line.slice(1, line.indexOf(' '))] as const] : [];
  });
}

const golden = join(import.meta.dirname, '..', 'conformance', 'golden');
const json = (name: string, file: string) => JSON.parse(readFileSync(join(golden, name, file), 'utf8')) as unknown;

describe('a payload put into tables equals its text read into tables', () => {
  it.each(readdirSync(golden).filter((name) => name.startsWith('case-')))('%s, every step', (name) => {
    const { config } = json(name, 'meta.json') as { readonly config: ProxyConfig };
    const { items } = json(name, 'cluster.json') as { readonly items: readonly ClusterObject[] };
    compare(config, [items.map((object) => ({ op: 'add', object })), ...(json(name, 'steps.json') as ClusterChange[])]);
  });

  const address = (range: string) => fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 250 })).map(([high, low]) => `${range}.${high}.${low}`);
  const port = fc.record({ name: fc.constantFrom('', 'http', 'dns'), protocol: fc.constantFrom('TCP', 'UDP', 'SCTP'), port: fc.integer({ min: 1, max: 65535 }), nodePort: fc.constantFrom(0, 30080, 31000) });
  const service = fc.record({
    name: fc.constantFrom('web', 'api', 'db'),
    type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer'),
    clusterIP: address('10.96'),
    ports: fc.uniqueArray(port, { minLength: 1, maxLength: 3, selector: ({ name, protocol }) => `${name}/${protocol}` }),
    externalIPs: fc.array(address('198.51'), { maxLength: 2 }),
    ingress: fc.array(address('203.0'), { maxLength: 2 }),
    ranges: fc.array(fc.constantFrom('10.0.0.0/8', '192.168.0.0/16', '0.0.0.0/0'), { maxLength: 2 }),
    internalTrafficPolicy: fc.constantFrom('Cluster', 'Local'),
    externalTrafficPolicy: fc.constantFrom('Cluster', 'Local'),
    sessionAffinity: fc.constantFrom('None', 'ClientIP'),
  });
  const endpoint = fc.record({ address: address('10.244'), node: fc.constantFrom('node-1', 'node-2'), ready: fc.boolean(), serving: fc.boolean(), terminating: fc.boolean() });
  const change = fc.oneof(
    service.map(({ name, ingress, ranges, ...spec }) => ({
      op: 'update',
      object: { kind: 'Service', metadata: { namespace: 'shop', name }, spec: { ...spec, loadBalancerSourceRanges: ranges, healthCheckNodePort: 32000 }, status: { loadBalancer: { ingress: ingress.map((ip) => ({ ip })) } } },
    })),
    fc.record({ of: fc.constantFrom('web', 'api', 'db'), endpoints: fc.array(endpoint, { maxLength: 4 }), port: fc.integer({ min: 1, max: 65535 }) }).map(({ of, endpoints, port: number }) => ({
      op: 'update',
      object: {
        kind: 'EndpointSlice',
        metadata: { namespace: 'shop', name: `${of}-1`, labels: { 'kubernetes.io/service-name': of } },
        addressType: 'IPv4',
        ports: ['', 'http', 'dns'].flatMap((name) => ['TCP', 'UDP', 'SCTP'].map((protocol) => ({ name, protocol, port: number }))),
        endpoints: endpoints.map(({ address: ip, node, ...conditions }) => ({ addresses: [ip], nodeName: node, conditions })),
      },
    })),
    fc.constantFrom('web', 'api', 'db').map((name) => ({ op: 'delete', object: { kind: 'Service', metadata: { namespace: 'shop', name } } })),
  ) as fc.Arbitrary<ClusterChange[number]>;
  const config = fc.record({
    masqueradeAll: fc.boolean(),
    clusterCIDR: fc.constantFrom('', '10.244.0.0/16'),
    nfacct: fc.boolean(),
    localhostNodePorts: fc.boolean(),
    conntrackTCPLiberal: fc.boolean(),
  });

  it('in random clusters that change, under random settings', () => {
    fc.assert(
      fc.property(config, fc.array(fc.array(change, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 8 }), (settings, steps) => {
        compare({ node: 'node-1', ...settings }, steps);
      }),
      { seed: 50_000, numRuns: 150 },
    );
  });

  it('in a large cluster, whose arena is written anew as it changes', () => {
    const slice = (index: number, pods: readonly number[]): ClusterObject => ({
      kind: 'EndpointSlice',
      metadata: { namespace: 'shop', name: `s${index}-1`, labels: { 'kubernetes.io/service-name': `s${index}` } },
      addressType: 'IPv4',
      ports: [{ name: '', port: 8080, protocol: 'TCP' }],
      endpoints: pods.map((pod) => ({ addresses: [`10.244.${index & 255}.${pod}`], nodeName: 'node-1' })),
    });
    const services = Array.from({ length: 600 }, (_, index): ClusterObject => ({ kind: 'Service', metadata: { namespace: 'shop', name: `s${index}` }, spec: { clusterIP: `10.96.${index >> 8}.${index & 255}`, ports: [{ port: 80 }] } }));
    const all = services.flatMap((object, index) => [object, slice(index, [1, 2])]);
    const steps = Array.from({ length: 6 }, (_, step): ClusterChange => [{ op: 'update', object: slice(step, [3, 4 + step]) }]);
    compare({ node: 'node-1' }, [all.map((object) => ({ op: 'add', object })), ...steps]);
  });
});

it('refuses an address that is none, with the line that the text has it on, and leaves the tables as they were', () => {
  const odd: ClusterChange = [
    { op: 'add', object: { kind: 'Service', metadata: { namespace: 'shop', name: 'web' }, spec: { clusterIP: '10.96.0.1', ports: [{ port: 80 }] } } },
    { op: 'add', object: { kind: 'EndpointSlice', metadata: { namespace: 'shop', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } }, addressType: 'IPv4', ports: [{ name: '', port: 8080 }], endpoints: [{ addresses: ['10.244.0.999'] }] } },
  ];
  const tables = started();
  const payload = new Proxier({}, 1).sync(odd)!;
  const before = contentsOf(tables.get('nat')!);
  const line = 1 + payload.text.split('\n').findIndex((text) => text.includes('-s 10.244.0.999'));
  let thrown: unknown;
  try {
    putPayload(tables, payload);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(RestoreError);
  expect((thrown as RestoreError).line).toBe(line);
  expect(contentsOf(tables.get('nat')!)).toEqual(before);
});
