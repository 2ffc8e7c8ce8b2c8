import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DatapathId } from '../../src/datapaths/registry-id.ts';
import type { UpdateReport } from '../../src/datapaths/report.ts';
import { keyOf, type ClusterObject } from '../../src/kubernetes/change.ts';
import { formatIpv4, parseIpv4, type Ipv4 } from '../../src/packet/address.ts';
import { ClusterSource } from '../../src/simulation/cluster.ts';
import { draw, firstPacket } from '../../src/simulation/exchange.ts';
import { Lanes } from '../../src/simulation/lanes.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';
import type { SceneStep } from '../../src/simulation/scene-steps.ts';
import { stepsOf, withChange, withoutChanges } from '../../src/simulation/scene-steps.ts';
import type { Scene, SceneChange } from '../../src/simulation/scene.ts';
import { SimulationError } from '../../src/simulation/simulation-error.ts';
import { Simulation } from '../../src/simulation/simulation.ts';
import { TEST_PROFILES } from './simulation-profile.ts';

const LANES: readonly DatapathId[] = ['iptables', 'ebpf'];
const assets = readAssets();
const start = () => new Simulation({ assets, profiles: TEST_PROFILES });
const scene = (changes: readonly SceneChange[], change: Partial<Scene> = {}): Scene => ({
  version: 1, mode: 'update', cluster: { kind: 'preset', preset: 'shop' }, seed: 7, target: { servicePort: null, position: null }, connection: 'new', packet: 0, profile: 'legacy', added: [], changes, ...change,
});
// One port, three endpoints.
const FRONTEND = 'shop/frontend';
const changed = { writes: 'changed' } as const;
const everything = { writes: 'everything' } as const;
const kinds = ({ writes }: UpdateReport) => writes.map(({ map, operation, existed }) => `${existed ? 're' : ''}${operation} ${map.replace('cilium_lb4_', '')}`);

describe('what each side does when a Service’s endpoints change', () => {
  const cases: readonly (readonly [name: string, change: SceneChange, kind: string, added: number, removed: number, writes: readonly string[]])[] = [
    ['one more endpoint', { kind: 'scale', service: FRONTEND, endpoints: 4, ...changed }, 'partial', 1, 0, ['update backends_v3', 'update services_v2', 'reupdate services_v2']],
    ['one fewer', { kind: 'scale', service: FRONTEND, endpoints: 2, ...changed }, 'partial', 0, 1, ['reupdate services_v2', 'redelete services_v2', 'redelete backends_v3']],
    ['as many as before', { kind: 'scale', service: FRONTEND, endpoints: 3, ...changed }, 'none', 0, 0, []],
    ['the Service deleted', { kind: 'delete', service: FRONTEND, ...changed }, 'partial', 0, 4, [...Array<string>(4).fill('redelete services_v2'), 'redelete reverse_nat', ...Array<string>(3).fill('redelete backends_v3')]],
  ];
  it.each(cases)('%s', (_, change, kind, added, removed, writes) => {
    const { lanes } = start().update(scene([change]));
    expect(lanes.iptables.report.kind).toBe(kind);
    expect(lanes.iptables.report.rules?.chainsAdded.length ?? 0).toBe(added);
    expect(lanes.iptables.report.rules?.chainsRemoved.length ?? 0).toBe(removed);
    expect(kinds(lanes.ebpf.report)).toEqual(writes);
    expect(lanes.ebpf.report.kind).toBe(writes.length === 0 ? 'none' : 'entries');
  });

  it('every write names the bucket that its key stands in', () => {
    const simulation = start();
    const { lanes } = simulation.update(scene([{ kind: 'scale', service: FRONTEND, endpoints: 6, ...changed }]));
    expect(lanes.ebpf.report.writes.length).toBeGreaterThan(0);
    for (const { map, key, bucket } of lanes.ebpf.report.writes) {
      const snapshot = simulation.inspect('ebpf', { kind: 'map', name: map, from: 0, count: 1000 });
      const row = snapshot.kind === 'map' ? snapshot.rows.find((one) => one.key.join() === key.join()) : undefined;
      expect(row?.bucket).toBe(bucket);
    }
  });

  it('scaled from nothing and back: rules come and go, and so does the REJECT', () => {
    const simulation = start();
    const ads = 'shop/ads';
    const up = simulation.update(scene([{ kind: 'scale', service: ads, endpoints: 2, ...changed }]));
    expect(up.change).toMatchObject({ kind: 'scale', service: ads, before: 0, endpoints: 2 });
    expect(up.lanes.iptables.report.rules?.rulesAdded).toHaveLength(8);
    expect(up.lanes.iptables.report.rules?.rulesAfter).toBe((up.lanes.iptables.report.rules?.rulesBefore ?? 0) + 8 - 1);
    const down = simulation.update(scene([{ kind: 'scale', service: ads, endpoints: 2, ...changed }, { kind: 'scale', service: ads, endpoints: 0, ...changed }]));
    expect(down.lanes.iptables.report.rules?.rulesAfter).toBe(up.lanes.iptables.report.rules?.rulesBefore);
    expect(kinds(down.lanes.ebpf.report)).toEqual(['reupdate services_v2', 'redelete services_v2', 'redelete services_v2', 'redelete backends_v3', 'redelete backends_v3']);
  });

  it('a roll-out: for each pod a new one, the old one ending, and gone', () => {
    const simulation = start();
    const at = (updates: number) => simulation.update(scene([{ kind: 'rollout', service: FRONTEND, updates, ...changed }]));
    const updates = Array.from({ length: 9 }, (_, index) => at(index + 1));
    expect(updates.map(({ change }) => change.endpoints)).toEqual([4, 3, 3, 4, 3, 3, 4, 3, 3]);
    expect(updates.map(({ change }) => change.rollout?.phase)).toEqual(Array.from({ length: 3 }, () => ['ready', 'ending', 'gone']).flat());
    expect(updates.map(({ change }) => change.rollout?.updates)).toEqual(Array<number>(9).fill(9));
    // kube-proxy writes at each of them, as any change of a slice queues a sync.
    expect(updates.map(({ lanes }) => lanes.iptables.report.kind)).toEqual(Array<string>(9).fill('partial'));
    const ready = ['update backends_v3', 'update services_v2', 'reupdate services_v2'];
    // The last slot's backend takes the place of the one that ends; a connection that is there still finds the old one.
    const ending = ['reupdate services_v2', 'reupdate services_v2', 'redelete services_v2'];
    expect(updates.map(({ lanes }) => kinds(lanes.ebpf.report))).toEqual(Array.from({ length: 3 }, () => [ready, ending, ['redelete backends_v3']]).flat());
    for (const { change, lanes } of updates) {
      const rules = lanes.iptables.report.rules;
      const difference = (rules?.rulesAfter ?? 0) - (rules?.rulesBefore ?? 0);
      expect(difference).toBe({ ready: 3, ending: -3, gone: 0 }[change.rollout?.phase ?? 'gone']);
      if (change.rollout?.phase === 'gone') expect(rules).toMatchObject({ rulesAdded: [], chainsAdded: [], chainsRemoved: [] });
    }
    expect(() => at(10)).toThrow(SimulationError);
  });

  it('everything is written anew as after a lost canary, with the same rules in the end', () => {
    for (const change of [{ kind: 'add', endpoints: 2 }, { kind: 'scale', service: FRONTEND, endpoints: 5 }, { kind: 'scale', service: FRONTEND, endpoints: 3 }, { kind: 'delete', service: FRONTEND }] as const) {
      const [some, all] = [start(), start()];
      const partial = some.update(scene([{ ...change, ...changed }])).lanes;
      const full = all.update(scene([{ ...change, ...everything }])).lanes;
      expect(full.iptables.report.kind).toBe('full');
      expect(full.ebpf).toEqual(partial.ebpf);
      const handed = full.iptables.report.work.rulesHandedOver ?? 0;
      // All that kube-proxy writes: every rule but its standing jumps and the canaries.
      expect(handed).toBeGreaterThan(partial.iptables.report.work.rulesHandedOver ?? 0);
      const view = { kind: 'chains' } as const;
      expect(all.inspect('iptables', view)).toEqual(some.inspect('iptables', view));
      expect(full.iptables.report.rules?.rulesAfter ?? 0).toBe(handed + (all.open(scene([{ ...change, ...everything }])).rules - handed));
    }
  });

  it('new pods take free addresses of the pods’ range, never one that was used', () => {
    const seen = new Set<string>();
    const steps: SceneStep[] = [];
    const source = new ClusterSource().load({ kind: 'preset', preset: 'shop' }, 7);
    for (const object of source.objects) if (object.kind === 'EndpointSlice') for (const { addresses } of object.endpoints) seen.add(addresses[0] ?? '');
    for (let round = 0; round < 4; round++) for (const endpoints of [60, 0]) steps.push({ kind: 'scale', service: FRONTEND, endpoints, ...changed });
    const lanes = new Lanes({ cluster: source, seed: 7, backend: 'nft', datapaths: ['ebpf'], assets });
    for (const step of steps) {
      const { reports } = lanes.step(step, null);
      for (const { map, operation, valueText } of reports.ebpf?.writes ?? []) {
        if (!map.includes('backends') || operation === 'delete') continue;
        const [address = ''] = valueText.split(':');
        if (seen.has(address)) expect(steps.indexOf(step), `${address} again`).toBe(0);
        expect(address).toMatch(/^10\.24[4-7]\.\d+\.\d+$/);
        expect(address).not.toMatch(/\.(0|255)$/);
        seen.add(address);
      }
    }
  });
});

describe('what cannot be changed', () => {
  it.each<[string, SceneChange[], string]>([
    ['a Service that is not there', [{ kind: 'scale', service: 'shop/none', endpoints: 2, ...changed }], 'simulation_service'],
    ['a Service that was deleted', [{ kind: 'delete', service: FRONTEND, ...changed }, { kind: 'rollout', service: FRONTEND, updates: 1, ...changed }], 'simulation_service'],
    ['more updates than a roll-out has', [{ kind: 'rollout', service: FRONTEND, updates: 10, ...changed }], 'simulation_rollout'],
    ['a roll-out of nothing', [{ kind: 'rollout', service: 'shop/ads', updates: 1, ...changed }], 'simulation_rollout'],
  ])('%s', (_, changes, key) => {
    const simulation = start();
    let thrown: unknown;
    try {
      simulation.update(scene(changes));
    } catch (error) {
      thrown = error;
    }
    expect((thrown as SimulationError).key).toBe(key);
    // The next scene is answered as if nothing had been.
    const next = scene([{ kind: 'add', endpoints: 1, ...changed }]);
    expect(simulation.update(next)).toEqual(start().update(next));
  });
});

// --- any sequence -------------------------------------------------------------------------------------------------------

type Wish = { readonly kind: 'add' | 'scale' | 'rollout' | 'delete'; readonly pick: number; readonly number: number; readonly writes: SceneChange['writes'] };
const wishes = fc.array(
  fc.record({ kind: fc.constantFrom<Wish['kind']>('add', 'scale', 'scale', 'scale', 'rollout', 'rollout', 'delete'), pick: fc.nat(1000), number: fc.nat(7), writes: fc.constantFrom<SceneChange['writes']>('changed', 'changed', 'everything') }),
  { minLength: 1, maxLength: 8 },
);

/** The wishes as changes that can be made: Services are picked from those that are there. */
function changesFor(all: readonly Wish[], objects: readonly ClusterObject[]): SceneChange[] {
  const ready = new Map<string, number>();
  for (const object of objects) if (object.kind === 'Service' && object.spec?.clusterIP && object.spec.clusterIP !== 'None') ready.set(keyOf(object), 0);
  for (const object of objects) {
    if (object.kind !== 'EndpointSlice') continue;
    const name = `${object.metadata?.namespace}/${object.metadata?.labels?.['kubernetes.io/service-name']}`;
    if (ready.has(name)) ready.set(name, (ready.get(name) ?? 0) + object.endpoints.length);
  }
  let added = 0;
  return all.flatMap(({ kind, pick, number, writes }): SceneChange[] => {
    const names = [...ready.keys()];
    const service = names[pick % names.length];
    if (kind === 'add') {
      added += 1;
      ready.set(`shop/added-${added}`, number);
      return [{ kind, endpoints: number, writes }];
    }
    if (service === undefined) return [];
    const count = ready.get(service) ?? 0;
    switch (kind) {
      case 'scale':
        ready.set(service, number);
        return [{ kind, service, endpoints: number, writes }];
      case 'rollout': {
        const updates = Math.min(number + 1, 3 * count);
        if (updates > 0) ready.set(service, count + (updates % 3 === 1 ? 1 : 0));
        return updates === 0 ? [] : [{ kind, service, updates, writes }];
      }
      case 'delete':
        ready.delete(service);
        return [{ kind, service, writes }];
    }
  });
}

/** All rules of nat and filter, in no order: a Service’s place in KUBE-SERVICES is drawn. */
function ruleTexts(lanes: Lanes): string[] {
  const snapshot = lanes.iptables?.inspect({ kind: 'chains' });
  const texts: string[] = [];
  for (const { table, chain } of snapshot?.kind === 'chains' ? snapshot.chains : []) {
    const rules = lanes.iptables?.inspect({ kind: 'rules', table, chain, from: 0, count: 1000 });
    texts.push(`${table} ${chain}`);
    if (rules?.kind === 'rules') texts.push(...rules.rows.map(({ text }) => `${table} ${chain} ${text}`));
  }
  return texts.sort();
}

/** Each frontend with the addresses its slots lead to, read from the maps alone: ids and slots are drawn by history. */
function mapTexts(lanes: Lanes): string[] {
  const rows = (name: string) => {
    const snapshot = lanes.ebpf?.inspect({ kind: 'map', name, from: 0, count: 1000 });
    return snapshot?.kind === 'map' ? snapshot.rows : [];
  };
  const backend = new Map(rows('cilium_lb4_backends_v3').map(({ keyText, valueText }) => [keyText, valueText] as const));
  const texts = [...backend.values()].map((address) => `backend ${address}`);
  for (const { keyText, valueText } of rows('cilium_lb4_services_v2')) {
    const [frontend = '', slot = ''] = keyText.split(' slot ');
    const named = slot === '0' ? valueText.replace(/,.*/, '') : backend.get(valueText);
    texts.push(`${frontend} ${slot === '0' ? 'count' : ''} ${named ?? `no backend ${valueText}`}`);
  }
  for (const { valueText } of rows('cilium_lb4_reverse_nat')) texts.push(`reverse ${valueText}`);
  return texts.sort();
}

/** Where packets to a frontend may end: its ready endpoints; without any, those that serve until they end. */
function endsOf(objects: Iterable<ClusterObject>, service: string, portName: string): Set<string> {
  const [ready, ending] = [new Set<string>(), new Set<string>()];
  for (const object of objects) {
    if (object.kind !== 'EndpointSlice' || `${object.metadata?.namespace}/${object.metadata?.labels?.['kubernetes.io/service-name']}` !== service) continue;
    const port = object.ports?.find(({ name }) => (name ?? '') === portName)?.port;
    for (const { addresses, conditions } of object.endpoints) (conditions?.ready === false ? ending : ready).add(`${addresses[0]}:${port}`);
  }
  return ready.size > 0 ? ready : ending;
}

describe('any sequence of changes', () => {
  it.each([['legacy', 11], ['nft', 12]] as const)('leaves both lanes as a fresh start over the same objects would, delivering alike (%s)', (backend, seed) => {
    const cluster = new ClusterSource().load({ kind: 'preset', preset: 'shop' }, seed);
    fc.assert(fc.property(wishes, fc.nat(1000), (all, packets) => {
      const changes = changesFor(all, cluster.objects);
      const lanes = new Lanes({ cluster, seed, backend, datapaths: LANES, assets });
      const objects = new Map<string, ClusterObject>(cluster.objects.map((object) => [`${object.kind} ${keyOf(object)}`, object]));
      for (const step of stepsOf(scene(changes))) {
        lanes.step(step, null, (change) => {
          for (const { op, object } of change) {
            const key = `${object.kind} ${keyOf(object)}`;
            // The API server would refuse anything else.
            expect(objects.has(key), `${op} ${key}`).toBe(op !== 'add');
            if (op === 'delete') objects.delete(key);
            else objects.set(key, object);
          }
        });
      }
      const fresh = new Lanes({ cluster: { ...cluster, objects: [...objects.values()] }, seed, backend, datapaths: LANES, assets });
      try {
        expect(lanes.iptables?.rules).toBe(fresh.iptables?.rules);
        expect(lanes.ebpf?.entries).toBe(fresh.ebpf?.entries);
        expect(lanes.endpoints).toBe(fresh.endpoints);
        expect(ruleTexts(lanes)).toEqual(ruleTexts(fresh));
        expect(mapTexts(lanes)).toEqual(mapTexts(fresh));
        for (const target of lanes.targets.all) {
          const [service = '', port = ''] = target.servicePort.split(':');
          const ends = endsOf(objects.values(), service, /^\d+$/.test(port) ? '' : port);
          const drawn = draw(seed, packets);
          const packet = firstPacket({ from: parseIpv4(cluster.node.client.address) as Ipv4, to: parseIpv4(target.address) as Ipv4, port: target.port, protocol: target.protocol }, drawn);
          for (const lane of lanes.all()) {
            lane.reset(drawn.seed);
            const { verdict } = lane.send(packet, 'none');
            const end = verdict.kind === 'delivered' || verdict.kind === 'forwarded' ? `${formatIpv4(verdict.address)}:${verdict.port}` : null;
            if (ends.size === 0) expect(end, `${lane.id} ${target.servicePort}`).toBeNull();
            else expect([...ends], `${lane.id} ${target.servicePort}`).toContain(end);
          }
        }
      } finally {
        lanes.free();
        fresh.free();
      }
    }), { seed, numRuns: 25 });
  });

  it('gives the same update and the same race, whatever was asked before', () => {
    const cluster = new ClusterSource().load({ kind: 'preset', preset: 'shop' }, 7);
    const used = start();
    fc.assert(fc.property(wishes, fc.option(fc.nat(20)), (all, position) => {
      let wanted = withoutChanges(scene([], { target: { servicePort: null, position } }));
      for (const change of changesFor(all, cluster.objects)) {
        wanted = withChange(wanted, change);
        used.open(wanted);
        expect(used.update(wanted)).toEqual(start().update(wanted));
      }
      expect(used.race(wanted)).toEqual(start().race(wanted));
    }), { seed: 13, numRuns: 8 });
  });
});
