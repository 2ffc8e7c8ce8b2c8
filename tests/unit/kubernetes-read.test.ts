import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { Agent } from '../../src/datapaths/ebpf/agent/agent.ts';
import { Proxier } from '../../src/datapaths/iptables/kube-proxy/index.ts';
import type { ClusterObject } from '../../src/kubernetes/change.ts';
import { nodeOf } from '../../src/kubernetes/node.ts';
import { preset } from '../../src/kubernetes/presets.ts';
import { readCluster, summarize, type ClusterReading } from '../../src/kubernetes/read.ts';
import en from '../../messages/en.json' with { type: 'json' };
import ko from '../../messages/ko.json' with { type: 'json' };

const shop = preset('shop', 1);
const plain = (objects: readonly ClusterObject[]) => JSON.parse(JSON.stringify(objects)) as object[];
const print = (value: unknown) => stringify(value, { indentSeq: false, sortMapEntries: true, lineWidth: 0, aliasDuplicateObjects: false });
const list = (items: readonly object[], kind = 'List') => ({ apiVersion: 'v1', items, kind, metadata: { resourceVersion: '' } });

/** The faults as a person would point at them, each with a sentence in both languages for all of its values. */
function faultsOf({ faults }: ClusterReading): string[] {
  return faults.map(({ line, column, severity, message, values, object }) => {
    for (const messages of [en, ko] as Readonly<Record<string, string>>[]) {
      const holes = [...(messages[message] ?? '{none}').matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(Object.keys(values), message).toEqual(expect.arrayContaining(holes));
    }
    return `${line}:${column} ${severity} ${message}${object === null ? '' : ` ${object}`}`;
  });
}

/** Both lanes' agents take whatever was read. */
function expectUsable(objects: readonly ClusterObject[]): void {
  const change = objects.map((object) => ({ op: 'add' as const, object }));
  const { name, clusterCIDR } = nodeOf(objects);
  expect(new Proxier({ node: name, clusterCIDR }, 1).sync(change)?.kind).toBe('full');
  new Agent(() => undefined).apply(change);
}

describe('what kubectl prints', () => {
  const items = plain(shop);
  const json = JSON.stringify(list(items), null, 4);
  test.each<[string, string]>([
    ['a List in YAML', print(list(items))],
    ['a List with CRLF', print(list(items)).replaceAll('\n', '\r\n')],
    ['a List behind a byte order mark', `\uFEFF${print(list(items))}`],
    ['a List behind the command that printed it', `me@laptop:~$ kubectl get svc,endpointslices -A -o yaml\n${print(list(items))}`],
    ['a List with its kind before its items', `apiVersion: v1\nkind: List\nitems:\n${print(items)}`],
    ['a List with its items indented', stringify(list(items), { aliasDuplicateObjects: false })],
    ['items alone', print(items)],
    ['documents', items.map(print).join('---\n')],
    ['documents with comments and ends', `# shop\n---\n${items.map(print).join('...\n# next\n--- # here\n')}---\n`],
    ['a List in JSON', json],
    ['a List in JSON, in one line', JSON.stringify(list(items))],
    ['a List in JSON, its kind first', JSON.stringify({ kind: 'List', apiVersion: 'v1', metadata: { labels: { items: '[' } }, items })],
    ['a List in JSON with CRLF', json.replaceAll('\n', '\r\n')],
    ['an array, as jq prints .items', JSON.stringify(items, null, 2)],
    ['JSON lines', items.map((item) => JSON.stringify(item)).join('\n')],
    ['JSON values after one another', items.map((item) => JSON.stringify(item, null, 2)).join('')],
    ['JSON documents', items.map((item) => JSON.stringify(item, null, 2)).join('\n---\n')],
    ['two Lists', `${print(list(items.slice(0, 5)))}---\n${JSON.stringify(list(items.slice(5)))}`],
    ['lists in a list', JSON.stringify(list([list(items)]))],
    ['JSON with a comma too much, as YAML allows', json.replace(/\}\s*$/, ',}')],
    ['YAML in flow style', stringify(list(items), { collectionStyle: 'flow', aliasDuplicateObjects: false })],
    ['a List with anchors', stringify(list(items.map((item) => ({ ...item, metadata: { ...(item as { metadata: object }).metadata } }))), { anchorPrefix: 'port' })],
  ])('%s', (_, text) => {
    const reading = readCluster(text);
    expect(faultsOf(reading)).toEqual([]);
    expect(reading.objects).toEqual(items);
    expectUsable(reading.objects);
  });

  test('typed lists, whose items need not say their kind', () => {
    const bare = (kind: string) => items.filter((item) => (item as ClusterObject).kind === kind).map((item) => Object.fromEntries(Object.entries(item).filter(([key]) => key !== 'kind' && key !== 'apiVersion')));
    const text = [list(bare('Service'), 'ServiceList'), list(bare('EndpointSlice'), 'EndpointSliceList')];
    for (const reading of [readCluster(text.map(print).join('---\n')), readCluster(text.map((each) => JSON.stringify(each)).join('\n'))]) {
      expect(faultsOf(reading)).toEqual([]);
      expect(reading.objects.map(({ kind, metadata }) => `${kind} ${metadata?.name ?? ''}`).sort()).toEqual(shop.map(({ kind, metadata }) => `${kind} ${metadata?.name ?? ''}`).sort());
      expectUsable(reading.objects);
    }
  });

  test('nulls are absent fields', () => {
    const reading = readCluster(`
kind: Service
apiVersion: v1
metadata: {name: a, namespace: null, labels: null, annotations: null}
spec: {clusterIP: 10.96.0.1, clusterIPs: null, externalIPs: null, ports: [{name: null, port: 80, protocol: null, nodePort: null}], type: null, sessionAffinityConfig: null}
status: {loadBalancer: {ingress: null}}
---
kind: EndpointSlice
metadata: {name: a-1, labels: {kubernetes.io/service-name: a}}
addressType: IPv4
endpoints: null
ports: null
---
kind: EndpointSlice
metadata: {name: a-2, labels: {kubernetes.io/service-name: a}}
addressType: IPv4
endpoints:
- {addresses: [10.244.0.1], conditions: null, nodeName: null, targetRef: null, hints: null}
- {addresses: [10.244.0.2], conditions: {ready: null, serving: null, terminating: null}}
ports: [{name: null, port: 8080, protocol: null, appProtocol: null}]
---
kind: EndpointSlice
metadata: {name: a-3, labels: {kubernetes.io/service-name: a}}
addressType: IPv4
endpoints: []
ports: [{port: null}]
`);
    expect(faultsOf(reading)).toEqual([]);
    expect(reading.objects.map((object) => (object.kind === 'EndpointSlice' ? object.endpoints : null))).toEqual([
      null,
      [],
      [{ addresses: ['10.244.0.1'] }, { addresses: ['10.244.0.2'], conditions: {} }],
      [],
    ]);
    expectUsable(reading.objects);
    let backends = 0;
    new Agent((map) => (backends += Number(map === 'cilium_lb4_backends_v3'))).apply(reading.objects.map((object) => ({ op: 'add', object })));
    expect(backends).toBe(2);
  });

  test('what the Open sheet shows', () => {
    const reading = readCluster(print(list(items)));
    const { services, endpoints } = summarize(reading);
    const lines = print(list(items)).split('\n');
    expect(reading.lines).toBe(lines.length - 1);
    expect(services.map(({ name }) => name)).toEqual(shop.flatMap((object) => (object.kind === 'Service' ? [`${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`] : [])));
    expect(services.find(({ name }) => name === 'shop/frontend')).toMatchObject({ address: '10.102.14.7', endpoints: 3 });
    expect(services.find(({ name }) => name === 'shop/postgres')).toMatchObject({ address: 'None', endpoints: 2 });
    expect(services.find(({ name }) => name === 'shop/mail')).toMatchObject({ address: 'smtp.example.com', endpoints: 0 });
    for (const { line } of services) expect(lines[line - 1]).toMatch(/^- apiVersion: v1/);
    expect(endpoints).toBe(shop.reduce((sum, object) => sum + (object.kind === 'EndpointSlice' ? object.endpoints.length : 0), 0));
  });
});

test('other kinds are counted, whatever is in them', () => {
  const reading = readCluster(`
kind: Deployment
apiVersion: apps/v1
spec: {template: {kind: Service}}
---
apiVersion: apps/v1
kind: Deployment
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: hello}
---
{"kind": "ConfigMap", "apiVersion": "v1", "data": {"items": "["}}
---
kind: Service
metadata: {name: cart}
spec: {type: ExternalName, externalName: cart.example.com}
---
kind: __proto__
---
kind: constructor
`);
  expect(reading.ignored).toEqual({ Deployment: 2, 'Service (serving.knative.dev)': 1, ConfigMap: 1, ['__proto__']: 1, constructor: 1 });
  expect(reading.objects.map(({ metadata }) => metadata?.name)).toEqual(['cart']);
});

const good = 'kind: Service\nmetadata: {name: good}\nspec: {clusterIP: 10.96.0.9, ports: [{port: 80}]}\n';
const slice = 'kind: EndpointSlice\nmetadata: {name: good-1, labels: {kubernetes.io/service-name: good}}\naddressType: IPv4\nendpoints: [{addresses: [10.244.0.9]}]\nports: [{port: 80}]\n';
const service = (spec: string, name = 'bad') => `kind: Service\nmetadata:\n  name: ${name}\nspec:\n${spec}`;

describe('a fault is said where it is, and the rest is read', () => {
  test.each<[string, string, string[]]>([
    ['a Service without an address', service('  ports:\n  - port: 80\n'), ['4:1 error fault_no_cluster_ip Service default/bad']],
    ['a Service with an empty address', service('  clusterIP: ""\n  ports:\n  - port: 80\n'), ['5:14 error fault_no_cluster_ip Service default/bad']],
    ['a Service without a spec', 'kind: Service\nmetadata: {name: bad}\n', ['1:1 error fault_missing Service default/bad']],
    ['an address that is none', service('  clusterIP: 10.96.0.300\n  ports:\n  - port: 80\n'), ['5:14 error fault_address Service default/bad']],
    ['an address with leading zeros', service('  clusterIP: 10.096.0.3\n  ports:\n  - port: 80\n'), ['5:14 error fault_address Service default/bad']],
    ['a second address that is none', service('  clusterIP: 10.96.0.3\n  clusterIPs:\n  - 10.96.0.3\n  - fd00::x\n  ports:\n  - port: 80\n'), ['8:5 error fault_address Service default/bad']],
    ['an IPv6 address alone', service('  clusterIP: fd00::1\n  ports:\n  - port: 80\n'), ['5:14 note fault_ipv6_service Service default/bad']],
    ['no ports', service('  clusterIP: 10.96.0.3\n'), ['4:1 error fault_no_ports Service default/bad']],
    ['a port without a number', service('  clusterIP: 10.96.0.3\n  ports:\n  - name: http\n'), ['7:5 error fault_missing Service default/bad']],
    ['a port out of range', service('  clusterIP: 10.96.0.3\n  ports:\n  - port: 80\n    name: a\n  - name: b\n    port: 70000\n'), ['10:11 error fault_port_range Service default/bad']],
    ['a port in quotes', service('  clusterIP: 10.96.0.3\n  ports:\n  - port: "80"\n'), ['7:11 error fault_not_integer Service default/bad']],
    ['half a port', service('  clusterIP: 10.96.0.3\n  ports:\n  - port: 80.5\n'), ['7:11 error fault_not_integer Service default/bad']],
    ['ports that are no list', service('  clusterIP: 10.96.0.3\n  ports:\n    port: 80\n'), ['6:3 error fault_not_list Service default/bad']],
    ['a port that is no map', service('  clusterIP: 10.96.0.3\n  ports:\n  - 80\n'), ['7:5 error fault_not_map Service default/bad']],
    ['an unknown protocol', service('  clusterIP: 10.96.0.3\n  ports:\n  - port: 80\n    protocol: QUIC\n'), ['8:15 error fault_protocol Service default/bad']],
    ['a protocol in small letters', service('  clusterIP: 10.96.0.3\n  ports:\n  - port: 80\n    protocol: tcp\n'), ['8:15 error fault_protocol Service default/bad']],
    ['a port twice', service('  clusterIP: 10.96.0.3\n  ports:\n  - {name: a, port: 80}\n  - {name: b, port: 80}\n'), ['8:21 error fault_port_twice Service default/bad']],
    ['a port name twice', service('  clusterIP: 10.96.0.3\n  ports:\n  - {name: a, port: 80}\n  - {name: a, port: 81}\n'), ['8:12 error fault_port_name_twice Service default/bad']],
    ['two ports without names', service('  clusterIP: 10.96.0.3\n  ports:\n  - port: 80\n  - port: 81\n'), ['8:5 error fault_port_name_twice Service default/bad']],
    ['a name that would end a comment', service('  clusterIP: 10.96.0.3\n  ports:\n  - port: 80\n', '"bad\\" -j ACCEPT"'), ['3:9 error fault_name Service default/bad" -j ACCEPT', '3:9 error fault_name Service default/bad" -j ACCEPT']],
    ['an external address that is none', service('  clusterIP: 10.96.0.3\n  externalIPs: [1.2.3]\n  ports:\n  - port: 80\n'), ['6:17 error fault_address Service default/bad']],
    ['a source range that is none', service('  clusterIP: 10.96.0.3\n  loadBalancerSourceRanges: [10.0.0.0/33]\n  ports:\n  - port: 80\n'), ['6:30 error fault_prefix Service default/bad']],
    ['labels that are a list', 'kind: Service\nmetadata:\n  name: bad\n  labels: [a]\nspec: {clusterIP: None}\n', ['4:3 error fault_not_map Service default/bad']],
    ['a flag that is a text', 'kind: EndpointSlice\nmetadata: {name: bad, labels: {kubernetes.io/service-name: good}}\naddressType: IPv4\nendpoints:\n- addresses: [10.244.0.1]\n  conditions:\n    ready: "true"\n', ['7:12 error fault_not_flag EndpointSlice default/bad']],
    ['an endpoint whose address is of another family', 'kind: EndpointSlice\nmetadata: {name: bad, labels: {kubernetes.io/service-name: good}}\naddressType: IPv4\nendpoints:\n- addresses: [fd00::1]\n', ['5:15 error fault_endpoint_address EndpointSlice default/bad']],
    ['a slice of IPv6', 'kind: EndpointSlice\nmetadata: {name: six, labels: {kubernetes.io/service-name: good}}\naddressType: IPv6\nendpoints:\n- addresses: [fd00::1]\n', ['3:14 note fault_other_slice EndpointSlice default/six']],
    ['a slice without its type', 'kind: EndpointSlice\nmetadata: {name: bad, labels: {kubernetes.io/service-name: good}}\n', ['1:1 error fault_missing EndpointSlice default/bad']],
    ['a slice of no Service', 'kind: EndpointSlice\nmetadata:\n  name: lost\naddressType: IPv4\n', ['2:1 note fault_no_label EndpointSlice default/lost']],
    ['a slice of a missing Service', 'kind: EndpointSlice\nmetadata:\n  name: lost\n  labels:\n    kubernetes.io/service-name: gone\naddressType: IPv4\n', ['5:33 note fault_no_service EndpointSlice default/lost']],
    ['a slice of a Service that was left out', `${service('  ports: [{port: 80}]\n')}---\nkind: EndpointSlice\nmetadata: {name: x, labels: {kubernetes.io/service-name: bad}}\naddressType: IPv4\n`, ['4:1 error fault_no_cluster_ip Service default/bad']],
    ['an object twice', `${service('  clusterIP: None\n', 'twin')}---\n${service('  clusterIP: None\n', 'twin')}`, ['9:9 error fault_twice Service default/twin']],
    ['an address twice', service('  clusterIP: 10.96.0.9\n  ports:\n  - port: 80\n'), ['5:14 error fault_address_taken Service default/bad']],
    ['Endpoints', 'apiVersion: v1\nkind: Endpoints\nmetadata: {name: good}\n', ['1:1 note fault_endpoints']],
    ['no kind', 'metadata:\n  name: bad\n', ['1:1 error fault_no_kind']],
    ['no object', 'just a word\n', ['1:1 error fault_not_object']],
    ['a tab', 'kind: Service\nmetadata:\n\tname: bad\n', ['3:1 error fault_tab']],
    ['a key twice', 'kind: Service\nmetadata:\n  name: bad\nspec: {}\nspec: {}\n', ['5:1 error fault_key_twice Service default/bad']],
    ['an unclosed quote', 'kind: Service\nmetadata:\n  name: "bad\nspec: {}\n', ['4:9 error fault_yaml Service default/bad']],
    ['a key without its colon', 'kind: Service\nmetadata:\n  name: bad\nspec\n', ['4:1 error fault_yaml Service default/bad']],
    ['aliases that unfold', `kind: Service\na: &a [x, x]\n${'bcdefghijklm'.split('').map((c, i) => `${c}: &${c} [*${'abcdefghijkl'[i] ?? ''}, *${'abcdefghijkl'[i] ?? ''}]\n`).join('')}`, ['1:1 error fault_aliases']],
    ['an alias of nothing', 'kind: Service\nmetadata:\n  name: *nobody\n', ['3:9 error fault_yaml']],
    ['too deep a nesting', `kind: Service\nmetadata: {name: deep}\nspec: ${'['.repeat(60)}${']'.repeat(60)}\n`, ['1:1 error fault_too_deep']],
  ])('%s', (_, text, faults) => {
    const before = readCluster(`${text}---\n${good}---\n${slice}`);
    // Of two Services with one address the first is taken.
    if (!faults.some((fault) => fault.includes('fault_address_taken'))) {
      expect(faultsOf(before)).toEqual(faults);
      expect(before.objects.filter(({ metadata }) => metadata?.name?.startsWith('good'))).toHaveLength(2);
      expectUsable(before.objects);
    }
    const lead = `${good}---\n${slice}---\n`;
    const after = readCluster(lead + text);
    const moved = faults.map((fault) => fault.replace(/^\d+/, (line) => String(Number(line) + lead.split('\n').length - 1)));
    // At the end of the text a fault of YAML's is taken for a copy that was cut off.
    expect(faultsOf(after).map((fault) => fault.replace('fault_cut', 'fault_yaml'))).toEqual(moved);
    expect(after.objects.filter(({ metadata }) => metadata?.name?.startsWith('good'))).toHaveLength(2);
  });

  test('an item of a list that is no YAML', () => {
    const items = ['  metadata:\n    name: a\n  spec: {type: ExternalName}\n', '  metadata:\n    name: b\n  spec: {type: [\n', '  metadata:\n    name: c\n  spec: {type: ExternalName}\n'];
    const text = `apiVersion: v1\nitems:\n${items.map((item) => `- kind: Service\n${item}`).join('')}kind: List\n`;
    const reading = readCluster(text);
    expect(reading.objects.map(({ metadata }) => metadata?.name)).toEqual(['a', 'c']);
    expect(faultsOf(reading).map((fault) => fault.split(' ').slice(1).join(' '))).toContain('error fault_yaml Service default/b');
  });

  test('an item of a JSON list that lacks a bracket', () => {
    const text = JSON.stringify(list(plain(shop)), null, 4);
    const lines = text.split('\n');
    // The third item's metadata is never closed.
    const at = lines.findIndex((line, index) => index > lines.findIndex((other) => other.includes('"kube-dns"')) && line.trim() === '},');
    const reading = readCluster([...lines.slice(0, at), ...lines.slice(at + 1)].join('\n'));
    expect(reading.objects).toHaveLength(shop.length - 1);
    expect(reading.faults.filter(({ severity }) => severity === 'error')).toHaveLength(1);
  });

  test('JSON between which something stands', () => {
    const reading = readCluster(`{"kind":"Service","metadata":{"name":"a"},"spec":{"clusterIP":"None"}} and\n{"kind":"Service","metadata":{"name":"b"},"spec":{"clusterIP":"None"}}`);
    expect(faultsOf(reading)).toEqual(['1:1 note fault_no_slices', '1:72 error fault_json_between']);
    expect(reading.objects).toHaveLength(2);
  });
});

describe('what is no cluster', () => {
  const utf16 = `\uFFFD\uFFFD${[...'apiVersion: v1'].map((letter) => `${letter}\0`).join('')}`;
  test.each<[string, string, string]>([
    ['nothing', '', '1:1 error fault_empty'],
    ['blanks', ' \n\n  \n', '1:1 error fault_empty'],
    ['nothing found', 'No resources found in shop namespace.\n', '1:1 error fault_no_resources'],
    ['a table', 'NAME         TYPE        CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE\nkubernetes   ClusterIP   10.96.0.1    <none>        443/TCP   1d\n', '1:1 error fault_table'],
    ['a table behind its command', '$ kubectl get svc -A\nNAMESPACE   NAME         TYPE\ndefault   kubernetes   ClusterIP\n', '2:1 error fault_table'],
    ['an error', 'The connection to the server localhost:8080 was refused - did you specify the right host or port?\n', '1:1 error fault_kubectl_error'],
    ['a web page', '\n<!DOCTYPE html>\n<html><head></head></html>\n', '1:1 error fault_html'],
    ['a picture', '\uFFFDPNG\r\n\x1a\n\0\0\0\rIHDR\0\0', '1:1 error fault_binary'],
    ['UTF-16', utf16, '1:1 error fault_utf16'],
    ['a comment', '# later\n', '1:1 note fault_no_services'],
    ['Pods alone', 'kind: Pod\nmetadata: {name: a}\n', '1:1 note fault_no_services'],
    ['Services alone', good, '1:1 note fault_no_slices'],
  ])('%s', (_, text, fault) => {
    expect(faultsOf(readCluster(text))).toEqual([fault]);
  });
});

describe('a text that was cut off', () => {
  const yaml = print(list(plain(shop)));
  const json = JSON.stringify(list(plain(shop)), null, 2);

  test.each([['YAML', yaml], ['JSON', json]])('%s, anywhere: what was whole is read, and a person hears of it', (_, text) => {
    const all = readCluster(text).objects;
    fc.assert(fc.property(fc.integer({ min: 60, max: text.length - 40 }), (length) => {
      const { objects, faults } = readCluster(text.slice(0, length));
      expect(objects).toEqual(all.slice(0, objects.length));
      // Behind the last object only the list's own end is missing.
      expect(faults.some(({ severity }) => severity === 'error') || objects.length === all.length).toBe(true);
      expectUsable(objects);
    }), { seed: 8, numRuns: 300 });
  });
});

test('a large paste is read without recursion over its size', () => {
  const items = plain(preset('20000', 1));
  const json = JSON.stringify(list(items), null, 4);
  expect(json.length).toBeGreaterThan(20_000_000);
  expect(readCluster(json).objects).toHaveLength(items.length);
  for (const text of ['['.repeat(3_000_000), '{"a":'.repeat(1_000_000), '- '.repeat(900_000), '['.repeat(1_000_000), `"${'\\'.repeat(3_000_000)}`, 'a: '.repeat(50_000), '---\n'.repeat(300_000), 'word '.repeat(1_000_000)]) {
    expect(readCluster(text).objects).toEqual([]);
  }
});

test('whatever a person types, reading throws nothing and both agents take what was read', () => {
  const texts = [print(list(plain(shop))), plain(shop).map(print).join('---\n'), JSON.stringify(list(plain(shop)), null, 1), plain(shop).map((item) => JSON.stringify(item)).join('\n')];
  const edit = fc.record({
    at: fc.nat(),
    remove: fc.nat(30),
    insert: fc.constantFrom('', '', '\n', '\t', '  ', '-', ':', '"', "'", '{', '}', '[', ']', ',', '&a ', '*a', '|', 'null', '---\n', 'kind: Service\n', '#', '\0', '10.96.0.10', '99999', 'é', 'items:\n', '"items":['),
  });
  fc.assert(fc.property(fc.constantFrom(...texts), fc.array(edit, { minLength: 1, maxLength: 6 }), (text, edits) => {
    let changed = text;
    for (const { at, remove, insert } of edits) {
      const place = at % changed.length;
      changed = changed.slice(0, place) + insert + changed.slice(place + remove);
    }
    const reading = readCluster(changed);
    faultsOf(reading);
    for (const { line, column } of reading.faults) expect(line >= 1 && line <= Math.max(1, reading.lines) && column >= 1).toBe(true);
    expectUsable(reading.objects);
    summarize(reading);
  }), { seed: 9, numRuns: 400 });
});

test('progress goes up to the end', () => {
  const seen: number[] = [];
  readCluster(print(list(plain(preset('500', 1)))), (done) => seen.push(done));
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
  expect(seen.length).toBeGreaterThan(2);
});
