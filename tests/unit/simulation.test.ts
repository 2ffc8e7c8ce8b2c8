import { describe, expect, it } from 'vitest';
import type { DatapathId } from '../../src/datapaths/registry-id.ts';
import { formatIpv4 } from '../../src/packet/address.ts';
import type { Progress } from '../../src/simulation/api.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';
import type { Scene } from '../../src/simulation/scene.ts';
import { SimulationError } from '../../src/simulation/simulation-error.ts';
import { Simulation } from '../../src/simulation/simulation.ts';
import { TEST_PROFILES } from './simulation-profile.ts';

const LANES: readonly DatapathId[] = ['iptables', 'ebpf'];
const assets = readAssets();
const start = () => new Simulation({ assets, profiles: TEST_PROFILES });

function scene(change: Partial<Scene> = {}): Scene {
  return { version: 1, mode: 'race', cluster: { kind: 'preset', preset: '50' }, seed: 7, target: { servicePort: null, position: null }, connection: 'new', packet: 0, profile: 'legacy', added: [], ...change };
}
const at = (servicePort: string | null, position: number | null = null): Scene['target'] => ({ servicePort, position });
const shop: Scene['cluster'] = { kind: 'preset', preset: 'shop' };

const SCENES: readonly (readonly [name: string, scene: Scene])[] = [
  ['the last Service', scene()],
  ['another packet', scene({ packet: 5 })],
  ['another seed', scene({ seed: 8 })],
  ['the target moved to the head', scene({ target: at(null, 0) })],
  ['the target moved to the middle', scene({ target: at(null, 25) })],
  ['an established connection', scene({ connection: 'established' })],
  ['nft', scene({ profile: 'nft' })],
  ['added Services', scene({ added: [1, 4] })],
  ['an added Service as the target, moved', scene({ added: [3], target: at('shop/added-1:http', 10) })],
  ['the shop', scene({ cluster: shop })],
  ['UDP', scene({ cluster: shop, target: at('kube-system/kube-dns:dns'), connection: 'established' })],
  ['SCTP', scene({ cluster: shop, target: at('shop/signalling:diameter'), connection: 'established' })],
  ['no endpoints', scene({ cluster: shop, target: at('shop/ads:grpc'), connection: 'established' })],
];

describe('a scene’s results depend on the scene alone', () => {
  it.each(SCENES)('%s: twice, and in fresh engines', (_, wanted) => {
    const one = start();
    const first = one.race(wanted);
    expect(one.race(wanted)).toEqual(first);
    expect(start().race(wanted)).toEqual(first);
  });

  it('whatever was asked before', () => {
    const used = start();
    for (const [name, wanted] of [...SCENES, ...SCENES.toReversed()]) {
      if (wanted.added.length > 0) expect(used.update(wanted), name).toEqual(start().update(wanted));
      expect(used.race(wanted), name).toEqual(start().race(wanted));
    }
  });

  it('an update after others equals the same update from the start', () => {
    const used = start();
    used.race(scene({ target: at(null, 3) }));
    used.update(scene({ added: [2], target: at(null, 3) }));
    used.race(scene({ added: [2], target: at(null, 40) }));
    const wanted = scene({ added: [2, 5], target: at(null, 12) });
    const updated = used.update(wanted);
    expect(updated).toEqual(start().update(wanted));
    expect(used.update(wanted)).toEqual(updated);
    expect(used.race(wanted)).toEqual(start().race(wanted));
  });

  it('opening reports the same lanes as racing uses', () => {
    const one = start();
    const opened = one.open(scene({ target: at(null, 9), added: [2] }));
    one.race(scene({ target: at(null, 33), added: [2] }));
    expect(one.open(scene({ target: at(null, 9), added: [2] }))).toEqual(opened);
    expect(opened.target.position).toBe(9);
  });
});

describe('race', () => {
  it.each([0, 1, 17, 49])('the target stands at position %i, and every rule before it is evaluated', (position) => {
    const { lanes } = start().race(scene({ target: at(null, position) }));
    const services = lanes.iptables.report.stages.filter(({ name, part }) => name === 'KUBE-SERVICES' && part === 'nat');
    expect(services.reduce((sum, { work }) => sum + (work.rulesEvaluated ?? 0), 0)).toBe(position + 1);
  });

  it('left open, the target is the last Service that leads to pods, where there is one', () => {
    const opened = start().open(scene({ cluster: shop, seed: 1 }));
    // The API server's Service, whose endpoint is the node itself, stands last there.
    expect(opened.target.servicePort).not.toBe('default/kubernetes:https');
    expect(opened.target.position).toBe(opened.positions - 2);
    const { lanes } = start().race(scene({ cluster: shop, seed: 1 }));
    for (const { report } of Object.values(lanes)) expect(report.verdict).toMatchObject({ kind: 'delivered', device: expect.not.stringMatching(/^lo$/) as string });
    const alone = { kind: 'text', text: JSON.stringify({ kind: 'List', apiVersion: 'v1', items: [
      { kind: 'Service', apiVersion: 'v1', metadata: { name: 'kubernetes', namespace: 'default' }, spec: { clusterIP: '10.96.0.1', ports: [{ name: 'https', port: 443, protocol: 'TCP' }] } },
      { kind: 'EndpointSlice', apiVersion: 'discovery.k8s.io/v1', metadata: { name: 'kubernetes', namespace: 'default', labels: { 'kubernetes.io/service-name': 'kubernetes' } }, addressType: 'IPv4', ports: [{ name: 'https', port: 6443, protocol: 'TCP' }], endpoints: [{ addresses: ['192.168.0.11'], conditions: { ready: true } }] },
    ] }) } as const;
    expect(start().open(scene({ cluster: alone })).target.servicePort).toBe('default/kubernetes:https');
  });

  it('a pod on its host’s network is the node itself: no link of its own, and no pod to begin with', () => {
    const service = (name: string, clusterIP: string) => ({ kind: 'Service', apiVersion: 'v1', metadata: { name, namespace: 'monitoring' }, spec: { clusterIP, ports: [{ name: 'http', port: 9100, protocol: 'TCP' }] } });
    const slice = (name: string, address: string) => ({ kind: 'EndpointSlice', apiVersion: 'discovery.k8s.io/v1', metadata: { name, namespace: 'monitoring', labels: { 'kubernetes.io/service-name': name } }, addressType: 'IPv4', ports: [{ name: 'http', port: 9100, protocol: 'TCP' }], endpoints: [{ addresses: [address], conditions: { ready: true }, nodeName: 'worker', targetRef: { kind: 'Pod', namespace: 'monitoring', name: `${name}-1` } }] });
    const text = JSON.stringify({ kind: 'List', apiVersion: 'v1', items: [
      { kind: 'Node', apiVersion: 'v1', metadata: { name: 'worker' }, spec: { podCIDR: '10.244.3.0/24' }, status: { addresses: [{ type: 'InternalIP', address: '172.18.0.4' }] } },
      service('web', '10.96.0.20'), slice('web', '10.244.3.7'), service('node-exporter', '10.96.0.21'), slice('node-exporter', '172.18.0.4'),
    ] });
    const simulation = start();
    const cluster = { kind: 'text', text } as const;
    expect(simulation.open(scene({ cluster }))).toMatchObject({ target: { servicePort: 'monitoring/web:http' }, client: { address: '10.244.3.8' } });
    const { iptables } = simulation.race(scene({ cluster, target: at('monitoring/node-exporter:http') })).lanes;
    expect(iptables.report.verdict).toMatchObject({ kind: 'delivered', device: 'lo' });
    expect(iptables.report.stages.map(({ hook }) => hook)).toContain('INPUT');
    expect(iptables.report.stages.map(({ hook }) => hook)).not.toContain('FORWARD');
  });

  it('packets of a seed come from different ports and reach more than one endpoint', () => {
    const simulation = start();
    const races = Array.from({ length: 20 }, (_, packet) => simulation.race(scene({ packet })));
    const ports = new Set(races.map(({ packet }) => (packet.protocol === 'TCP' ? packet.sourcePort : 0)));
    expect(ports.size).toBe(20);
    for (const lane of LANES) {
      const endpoints = new Set(races.map(({ lanes }) => JSON.stringify(lanes[lane].report.verdict)));
      expect(endpoints.size, lane).toBe(2);
    }
  });

  it.each([
    ['TCP', 'shop/cart:grpc'],
    ['UDP', 'kube-system/kube-dns:dns'],
    ['SCTP', 'shop/signalling:diameter'],
  ])('an established %s connection goes where its first packet went, past nat', (protocol, servicePort) => {
    const { packet, lanes, first } = start().race(scene({ cluster: shop, target: at(servicePort), connection: 'established' }));
    expect(packet.protocol).toBe(protocol);
    for (const lane of LANES) {
      expect(first?.[lane].report.connection, lane).toBe('new');
      expect(first?.[lane].report.trace, lane).toBeNull();
      expect(lanes[lane].report.connection, lane).toBe('established');
      expect(lanes[lane].report.verdict, lane).toEqual(first?.[lane].report.verdict);
      expect(lanes[lane].report.trace, lane).not.toBeNull();
    }
    expect(lanes.iptables.report.stages.filter(({ part }) => part === 'nat')).toEqual([]);
    expect(first?.iptables.report.stages.some(({ part }) => part === 'nat')).toBe(true);
  });

  it('a connection that is refused has only its first packet', () => {
    const { lanes, first } = start().race(scene({ cluster: shop, target: at('shop/ads:grpc'), connection: 'established' }));
    expect(first).toBeNull();
    expect(lanes.iptables.report.verdict.kind).toBe('rejected');
    expect(lanes.ebpf.report.verdict).toEqual({ kind: 'dropped', by: 'DROP_NO_SERVICE (-158)' });
  });

  it('a profile changes times, never the work', () => {
    const simulation = start();
    const legacy = simulation.race(scene());
    const nft = simulation.race(scene({ profile: 'nft' }));
    for (const lane of LANES) expect(nft.lanes[lane].report).toEqual(legacy.lanes[lane].report);
  });

  it('times are the work at the profile’s prices', () => {
    const { lanes } = start().race(scene());
    for (const lane of LANES) {
      const { report, timeline } = lanes[lane];
      const { rulesEvaluated = 0, chainsEntered = 0, instructions = 0, mapLookups = 0, conntrackInserts = 0, routeLookups = 0 } = report.work;
      expect(timeline.total, lane).toBe(3 * rulesEvaluated + 17 * chainsEntered + instructions + 29 * mapLookups + 101 * conntrackInserts + 3000 + 50 * routeLookups);
      expect(timeline.shared, lane).toBe(3000);
      expect(timeline.stages.map(({ stage }) => stage), lane).toEqual(report.stages);
    }
  });
});

/** Service `b` has three rules in KUBE-SERVICES: its cluster IP, an external IP and a load balancer's. */
const EXTERNAL = ['a', 'b', 'c', 'd']
  .flatMap((name, index) => [
    `kind: Service
apiVersion: v1
metadata: { namespace: web, name: ${name} }
spec: { type: ${name === 'b' ? 'LoadBalancer, externalIPs: [198.51.100.7]' : 'ClusterIP'}, clusterIP: 10.96.9.${index + 1}, clusterIPs: [10.96.9.${index + 1}], ports: [{ port: 80, targetPort: 8080, protocol: TCP }] }
${name === 'b' ? 'status: { loadBalancer: { ingress: [{ ip: 198.51.100.8 }] } }' : ''}`,
    `kind: EndpointSlice
apiVersion: discovery.k8s.io/v1
metadata: { namespace: web, name: ${name}-x, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ port: 8080, protocol: TCP }]
endpoints: [{ addresses: [10.9.0.${index + 1}], nodeName: n, conditions: { ready: true } }]`,
  ])
  .join('\n---\n');

describe('a person’s text', () => {
  const text: Scene['cluster'] = { kind: 'text', text: EXTERNAL };

  it('is read and opened', () => {
    const reading = start().read(text);
    expect(reading.faults).toEqual([]);
    expect(reading.services.map(({ name, endpoints }) => [name, endpoints])).toEqual([['web/a', 1], ['web/b', 1], ['web/c', 1], ['web/d', 1]]);
    expect(start().open(scene({ cluster: text }))).toMatchObject({ services: 4, endpoints: 4, positions: 6 });
  });

  it('with Services of several rules: any target at any position, and the same again', () => {
    const used = start();
    for (const name of ['a', 'b', 'c', 'd']) {
      for (let position = 0; position < 6; position++) {
        const wanted = scene({ cluster: text, target: at(`web/${name}:80`, position) });
        const race = used.race(wanted);
        expect(race, `${name} at ${position}`).toEqual(start().race(wanted));
        for (const lane of LANES) expect(race.lanes[lane].report.verdict.kind).toBe('delivered');
      }
    }
  });
});

describe('update', () => {
  it.each([1, 2, 5])('adds a Service of %i endpoints to both lanes', (endpoints) => {
    const { change, lanes } = start().update(scene({ added: [endpoints] }));
    expect(change).toEqual({ kind: 'add', service: 'shop/added-1', address: '10.111.1.0', before: 0, endpoints, writes: 'changed', rollout: null });
    expect(lanes.iptables.report.kind).toBe('partial');
    expect(lanes.iptables.report.rules?.rulesAdded).toHaveLength(3 * endpoints + 2);
    expect(lanes.ebpf.report.writes).toHaveLength(2 * endpoints + 2);
    expect(lanes.ebpf.timeline.total).toBe(900 * (2 * endpoints + 2));
  });

  it('packets reach the Service that was added', () => {
    const wanted = scene({ added: [2], target: at('shop/added-1:http') });
    const simulation = start();
    simulation.update(wanted);
    const { lanes } = simulation.race(wanted);
    for (const lane of LANES) {
      const { verdict } = lanes[lane].report;
      expect(verdict.kind, lane).toBe('delivered');
      if (verdict.kind === 'delivered') expect(['10.247.1.0', '10.247.1.1'], lane).toContain(formatIpv4(verdict.address));
    }
  });

  it('legacy replaces whole tables, nft commits what was handed over', () => {
    const simulation = start();
    const kinds = (profile: string) => simulation.update(scene({ added: [2], profile })).lanes.iptables.report.stages.map(({ kind }) => kind);
    expect(kinds('legacy')).toEqual(['render', 'parse', 'fetch', 'rebuild', 'check', 'replace']);
    expect(kinds('nft')).toEqual(['render', 'parse', 'fetch', 'commit']);
  });
});

describe('open', () => {
  it('says what the cluster became', () => {
    const opened = start().open(scene({ cluster: { kind: 'preset', preset: '500' }, added: [3] }));
    expect(opened).toMatchObject({ services: 501, endpoints: 1003, positions: 501, client: { name: 'default/client', address: '10.244.0.10' }, ignored: {}, faults: [] });
    expect(opened.updates.iptables.kind).toBe('full');
    expect(opened.updates.ebpf.kind).toBe('entries');
    // A count entry, and for each endpoint a slot and a backend; and a reverse entry.
    expect(opened.entries).toBe(500 * (2 + 2 * 2) + (2 + 2 * 3));
  });

  it('tells of its progress, and a listener that throws stops it without harm', () => {
    const simulation = start();
    const seen: Progress[] = [];
    simulation.open(scene(), (progress) => seen.push(progress));
    expect(new Set(seen.map(({ task }) => task))).toEqual(new Set(['cluster', 'iptables', 'ebpf']));
    for (const { done } of seen) expect(done >= 0 && done <= 1).toBe(true);
    const other = scene({ cluster: shop });
    expect(() => simulation.open(other, ({ task }) => { if (task === 'ebpf') throw new Error('stop'); })).toThrow('stop');
    expect(simulation.race(other)).toEqual(start().race(other));
  });

  it('builds nothing that stands already', () => {
    const simulation = start();
    simulation.open(scene());
    const seen: Progress[] = [];
    simulation.open(scene({ target: at(null, 4) }), (progress) => seen.push(progress));
    expect(seen).toEqual([]);
  });
});

describe('what is read becomes what is opened', () => {
  it.each([['shop', shop], ['500', { kind: 'preset', preset: '500' }], ['a text', { kind: 'text', text: EXTERNAL }]] as const)('%s: rules and entries, to the last one', (_, cluster) => {
    const { becomes } = start().read(cluster);
    const { rules, entries } = start().open(scene({ cluster, seed: 3 }));
    expect(becomes).toEqual({ rules, entries });
  });
});

describe('targets', () => {
  it('are found by name and address, in the chain’s order, at most 50', () => {
    const simulation = start();
    simulation.open(scene({ cluster: { kind: 'preset', preset: '500' } }));
    const all = simulation.targets('');
    expect(all.map(({ position }) => position)).toEqual(Array.from({ length: 50 }, (_, index) => index));
    const [some] = all.slice(20);
    expect(simulation.targets(some?.servicePort.toUpperCase() ?? '')).toEqual([some]);
    expect(simulation.targets(some?.address ?? '')).toContainEqual(some);
    expect(simulation.targets('no such thing')).toEqual([]);
  });

  it('without endpoints come last and have no position', () => {
    const simulation = start();
    simulation.open(scene({ cluster: shop }));
    const last = simulation.targets('').at(-1);
    expect(last).toMatchObject({ servicePort: 'shop/ads:grpc', endpoints: 0, position: null });
    expect(simulation.targets('payment')).toMatchObject([{ servicePort: 'shop/payment:50051' }]);
  });
});

describe('what cannot be done', () => {
  const cases: readonly (readonly [key: string, run: (simulation: Simulation) => unknown])[] = [
    ['simulation_target', (simulation) => simulation.race(scene({ target: at('shop/none:http') }))],
    ['simulation_profile', (simulation) => simulation.open(scene({ profile: 'none' }))],
    ['simulation_nothing_added', (simulation) => simulation.update(scene())],
    ['simulation_no_services', (simulation) => simulation.open(scene({ cluster: { kind: 'text', text: 'apiVersion: v1\nkind: List\nitems: []\n' } }))],
    ['simulation_sender', (simulation) => simulation.raceBetween(scene(), 'default/nobody', { to: 0x0a600001 as never, port: 80, protocol: 'TCP' })],
  ];
  it.each(cases)('%s', (key, run) => {
    const simulation = start();
    let thrown: unknown;
    try {
      run(simulation);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(SimulationError);
    expect((thrown as SimulationError).key).toBe(key);
    // The next scene is answered as if nothing had been.
    expect(simulation.race(scene())).toEqual(start().race(scene()));
  });
});

describe('inspect', () => {
  it('looks at the lanes of the last scene, and at nothing before one', () => {
    const simulation = start();
    const view = { kind: 'rules', table: 'nat', chain: 'KUBE-SERVICES', from: 0, count: 5 } as const;
    expect(simulation.inspect('iptables', view)).toEqual({ kind: 'nothing' });
    simulation.open(scene());
    expect(simulation.inspect('iptables', view)).toMatchObject({ kind: 'rules', total: 51 });
    expect(simulation.inspect('ebpf', { kind: 'maps' }).kind).toBe('maps');
  });
});
