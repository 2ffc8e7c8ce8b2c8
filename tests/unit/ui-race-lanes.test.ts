import { beforeAll, describe, expect, test } from 'vitest';
import { findProfile } from '../../src/cost/profiles.ts';
import type { Lane, Opened, Race } from '../../src/simulation/api.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';
import type { PresetId, Scene } from '../../src/simulation/scene.ts';
import { Simulation } from '../../src/simulation/simulation.ts';
import { parseIpv4, type Ipv4 } from '../../src/packet/address.ts';
import type { Verdict } from '../../src/datapaths/report.ts';
import { bypassOf } from '../../src/ui/race/bypassed.ts';
import { connectionScope, shortMap, withoutTarget } from '../../src/ui/race/access-words.ts';
import { accessStart, heldAccess } from '../../src/ui/race/held-access.ts';
import { laneParts } from '../../src/ui/race/lane-parts.ts';
import { lastStep, stepStart, stepTime } from '../../src/ui/race/lane-steps.ts';
import { lensStep } from '../../src/ui/race/lens-step.ts';
import { countsAt } from '../../src/ui/race/race-counts.ts';
import { ending, raceModel, type RaceModel } from '../../src/ui/race/race-model.ts';
import { ratioSpan } from '../../src/ui/race/ratio-span.ts';
import { packetPlace, stationState } from '../../src/ui/race/stations.ts';

const simulation = new Simulation({ assets: readAssets(), profiles: { find: findProfile } });
const scene = (change: Partial<Scene> = {}, preset: PresetId = '50'): Scene => ({ version: 1, mode: 'race', cluster: { kind: 'preset', preset }, seed: 3, target: { servicePort: null, position: null }, connection: 'new', packet: 0, profile: 'legacy', added: [], ...change });
const run = (wanted: Scene): { race: Race; opened: Opened; model: RaceModel } => {
  const opened = simulation.open(wanted);
  const race = simulation.race(wanted);
  return { race, opened, model: raceModel(race, opened) };
};

describe('a first packet to the last of 50 Services', () => {
  let race: Race;
  let model: RaceModel;
  let lanes: Race['lanes'][keyof Race['lanes']][];
  beforeAll(() => {
    ({ race, model } = run(scene()));
    lanes = Object.values(race.lanes);
  });

  test('its bar is shared way, own work, shared way, without a gap', () => {
    for (const { timeline } of lanes) {
      const { wayIn, own, wayOut } = laneParts(timeline);
      expect([wayIn.start, own.end, wayOut.end]).toEqual([0, wayOut.start, timeline.total]);
      expect(own.start).toBe(wayIn.end);
      expect(wayIn.end - wayIn.start + wayOut.end - wayOut.start).toBeCloseTo(timeline.shared, 6);
      expect(wayIn.stages.length + own.stages.length + wayOut.stages.length).toBe(timeline.stages.length);
    }
  });

  test('the walk is KUBE-SERVICES of nat, up to the rule that matched', () => {
    expect(model.chain.scan).toMatchObject({ table: 'nat', chain: 'KUBE-SERVICES', evaluated: 50 });
    expect(model.chain.match).toBe(49);
    expect(model.chain.rules).toBe(50);
  });

  test('at the end everything is counted that the engines counted, at the start nothing', () => {
    expect(countsAt(model, 0)).toMatchObject({ rules: 0, instructions: 0, accesses: 0, conntrackLookups: 0 });
    const { iptables, ebpf } = race.lanes;
    expect(countsAt(model, model.end)).toMatchObject({
      rules: iptables.report.work.rulesEvaluated,
      conntrackLookups: iptables.report.work.conntrackLookups,
      instructions: ebpf.report.work.instructions,
      accesses: (ebpf.report.work.mapLookups ?? 0) + (ebpf.report.work.mapUpdates ?? 0),
    });
  });

  test('every step of both traces is reached at its own time', () => {
    for (const lane of lanes) {
      for (const timed of lane.timeline.stages) {
        for (let step = timed.stage.firstStep; step < timed.stage.endStep; step++) {
          if (timed.duration > 0) expect(lastStep(lane, stepStart(timed, step))).toBe(step);
        }
      }
    }
  });

  test('stepping goes through every moment once, and back through the same ones', () => {
    for (const size of ['step', 'stage'] as const) {
      const forwards = [0];
      for (let t = 0; t < model.end; forwards.push(t)) {
        const next = stepTime(lanes, t, size, 1);
        expect(next).toBeGreaterThan(t);
        t = next;
      }
      expect(forwards.at(-1)).toBe(model.end);
      const back = [model.end];
      for (let t = model.end; t > 0; back.push(t)) {
        const next = stepTime(lanes, t, size, -1);
        expect(next).toBeLessThan(t);
        t = next;
      }
      expect(back.length).toBe(forwards.length);
      back.reverse().forEach((t, index) => expect(Math.abs(t - forwards[index]!)).toBeLessThan(1e-3));
    }
    expect(stepTime(lanes, model.end, 'step', 1)).toBe(model.end);
    expect(stepTime(lanes, 0, 'step', -1)).toBe(0);
  });

  test('single steps pass every rule of the walk, one by one', () => {
    const { scan } = model.chain;
    const seen = new Set<number>();
    for (let t = scan!.start; t < scan!.end; t = stepTime(lanes, t, 'step', 1)) seen.add(countsAt(model, t).chainStep! - scan!.firstStep);
    expect([...seen]).toEqual(Array.from({ length: 50 }, (_, index) => index));
  });

  test('its path goes through the hooks and kube-proxy’s own chains, the map lane’s through the program', () => {
    const names = (stations: RaceModel['map']['stations']) => stations.map(({ name, role, dnat }) => `${name?.replace(/-\w{16}$/, '-…') ?? role}${dnat ? ' DNAT' : ''}`);
    expect(names(model.chain.stations)).toEqual(['client', 'veth', 'PREROUTING', 'KUBE-SERVICES', 'KUBE-SVC-…', 'KUBE-SEP-… DNAT', 'route', 'FORWARD', 'POSTROUTING', 'server']);
    expect(names(model.map.stations).slice(0, 4)).toEqual(['client', 'veth', 'cil_from_container', 'accesses']);
    expect(names(model.map.stations)).toContain('redirect_peer');
    expect(model.chain.stations.every(({ bypassed }) => !bypassed)).toBe(true);
  });

  test('the redirect to the pod goes past netfilter’s hooks and connection tracking, and nothing else is called bypassed', () => {
    expect(bypassOf(race.lanes.iptables, race.lanes.ebpf)).toEqual({ kind: 'bypassed', names: ['PREROUTING', 'conntrack', 'FORWARD', 'POSTROUTING'] });
    expect(ratioSpan(race.lanes.iptables, race.lanes.ebpf)).toBe('same');
  });

  test('the packet stands at one place of its path at a time, and never goes back', () => {
    for (const stations of [model.chain.stations, model.map.stations]) {
      let before = -1;
      for (let part = 0; part <= 500; part++) {
        const place = packetPlace(stations, (part / 500) * model.end);
        expect(place).toBeGreaterThanOrEqual(before);
        before = place;
      }
      expect(packetPlace(stations, 0)).toBe(0);
      expect(packetPlace(stations, model.end)).toBe(stations.length - 1);
      expect(stations.every((station) => stationState(station, model.end) === 'passed')).toBe(true);
    }
  });

  test('lens A stands at the rule being compared, at the match once that is over', () => {
    const { scan } = model.chain;
    const match = scan!.firstStep + scan!.evaluated - 1;
    expect(lensStep(model, null, 0)).toBeNull();
    const within = (scan!.start + scan!.end) / 2;
    expect(lensStep(model, countsAt(model, within).chainStep, within)).toBe(countsAt(model, within).chainStep);
    expect(lensStep(model, countsAt(model, model.end).chainStep, model.end)).toBe(match);
  });

  test('lens B holds at the first look-up', () => {
    const held = heldAccess(model.map.accesses, false);
    expect(model.map.accesses[held]).toMatchObject({ map: 'cilium_lb4_services_v2', operation: 'lookup' });
    expect(accessStart(model.map.lane, model.map.accesses[held]!)).toBeGreaterThan(model.map.parts.own.start);
  });

  test('keys are said shortly, without losing what differs', () => {
    const packet = race.packet;
    const [service, connection] = [model.map.accesses[0]!, model.map.accesses.find(({ map }) => map === 'cilium_ct4_global')!];
    expect(withoutTarget(service, packet)).toBe('slot 0');
    expect(connectionScope(service, packet)).toBeNull();
    expect(connectionScope(connection, packet)).toMatch(/ SERVICE$/);
    expect([shortMap(service.map), shortMap(connection.map), shortMap('cilium_lb4_backends_v3'), shortMap('cilium_lxc')]).toEqual(['services', 'ct4', 'backends', 'lxc']);
  });
});

test('the target in mid-chain: the rules behind it are drawn, but never read', () => {
  const { model } = run(scene({ target: { servicePort: null, position: 20 } }));
  expect(model.chain).toMatchObject({ match: 20, rules: 50, scan: { evaluated: 21 } });
});

describe('a known connection', () => {
  let model: RaceModel;
  beforeAll(() => { ({ model } = run(scene({ connection: 'established' }))); });

  test('it bypasses the chains that its first packet walked', () => {
    expect(model.established).toBe(true);
    expect(model.chain.stations.filter(({ bypassed }) => bypassed).map(({ name }) => name?.replace(/-\w{16}$/, '-…'))).toEqual(['KUBE-SERVICES', 'KUBE-SVC-…', 'KUBE-SEP-…']);
    expect(packetPlace(model.chain.stations.filter(({ bypassed }) => !bypassed), model.end)).toBe(model.chain.stations.length - 4);
  });
  test('its clock has the first packet’s scale, and that one’s walk', () => {
    expect(model.chain.scaleEnd).toBe(model.race.first!.iptables.timeline.total);
    expect(model.chain.scaleEnd).toBeGreaterThan(model.end);
    expect(model.chain.scan?.evaluated).toBe(50);
  });
  test('lens B holds where the connection was found', () => {
    expect(model.map.accesses[heldAccess(model.map.accesses, true)]).toMatchObject({ map: 'cilium_ct4_global', found: true });
  });
  test('lens A never shows a rule of the first packet’s walk', () => {
    for (const t of [0, model.end / 2, model.end]) expect(lensStep(model, countsAt(model, t).chainStep, t) ?? -1).toBeLessThan(model.chain.lane.report.work.rulesEvaluated ?? 0);
  });
});

describe('endpoints that are no pod here', () => {
  const service = { kind: 'Service', apiVersion: 'v1', metadata: { name: 'db', namespace: 'demo' }, spec: { clusterIP: '10.96.9.9', ports: [{ name: 'tcp', port: 80, protocol: 'TCP' }] } };
  const slice = (name: string, addresses: readonly string[], nodeName?: string) => ({ kind: 'EndpointSlice', apiVersion: 'discovery.k8s.io/v1', metadata: { name: `${name}-1`, namespace: 'demo', labels: { 'kubernetes.io/service-name': name } }, addressType: 'IPv4', ports: [{ name: 'tcp', port: 8080, protocol: 'TCP' }], endpoints: addresses.map((address) => ({ addresses: [address], ...(nodeName === undefined ? {} : { nodeName }), conditions: { ready: true } })) });
  const node = { kind: 'Node', apiVersion: 'v1', metadata: { name: 'here' }, status: { addresses: [{ type: 'InternalIP', address: '192.168.0.77' }] } };
  // The node with most endpoints is the one that is simulated.
  const objects = (address: string, nodeName?: string) => [service, node, slice('db', [address], nodeName), slice('other', ['10.244.0.21', '10.244.0.22'], 'here')];
  const race = (address: string, nodeName?: string) => run(scene({ cluster: { kind: 'text', text: objects(address, nodeName).map((object) => JSON.stringify(object)).join('\n---\n') } }));

  test('a packet that leaves the node ends at the uplink in both lanes, bypasses no hook, and gives no ratio', () => {
    const { model } = race('203.0.113.7', 'elsewhere');
    expect(model.race.lanes.ebpf.report.verdict.kind).toBe('forwarded');
    for (const { lane, stations } of [model.chain, model.map]) {
      expect(ending(lane)).toBe('left');
      expect(stations.at(-1)).toMatchObject({ role: 'uplink', name: 'eth0', start: lane.timeline.total });
      expect(packetPlace(stations, lane.timeline.total * 0.999)).toBeLessThan(stations.length - 1);
      expect(packetPlace(stations, lane.timeline.total)).toBe(stations.length - 1);
    }
    expect(bypassOf(model.chain.lane, model.map.lane)).toEqual({ kind: 'stack' });
    expect(ratioSpan(model.chain.lane, model.map.lane)).toBe('left');
  });

  test('a process of the node itself is no server pod', () => {
    const { model } = race('192.168.0.77');
    for (const { lane, stations } of [model.chain, model.map]) {
      expect(ending(lane)).toBe('arrived');
      expect(stations.at(-1)?.role).toBe('node');
    }
    expect(bypassOf(model.chain.lane, model.map.lane)).toEqual({ kind: 'stack' });
    expect(ratioSpan(model.chain.lane, model.map.lane)).toBe('node');
  });
});

test.each<[Verdict['kind'] | 'node', Verdict['kind'] | 'node', ReturnType<typeof ratioSpan>]>([
  ['delivered', 'delivered', 'same'],
  ['delivered', 'forwarded', 'one-left'],
  ['forwarded', 'delivered', 'one-left'],
  ['forwarded', 'forwarded', 'left'],
  ['node', 'delivered', 'node'],
  ['delivered', 'dropped', 'ended'],
  ['rejected', 'forwarded', 'ended'],
])('%s beside %s: %s', (chain, map, span) => {
  const { model } = run(scene());
  const of = (lane: Lane, kind: Verdict['kind'] | 'node') => {
    const place = { address: parseIpv4('10.244.0.9') as Ipv4, port: 80, device: 'lxc1' };
    const verdict: Verdict = kind === 'node' ? { kind: 'delivered', ...place, device: 'lo' } : kind === 'rejected' ? { kind, by: 'filter:FORWARD:0', answer: lane.report.packetIn } : kind === 'dropped' ? { kind, by: 'kernel' } : { kind, ...place };
    return { ...lane, report: { ...lane.report, verdict } };
  };
  expect(ratioSpan(of(model.chain.lane, chain), of(model.map.lane, map))).toBe(span);
});

test('a Service without endpoints: both paths end before the pod, and there is no way out', () => {
  const text = JSON.stringify({ kind: 'Service', apiVersion: 'v1', metadata: { name: 'empty', namespace: 'demo' }, spec: { clusterIP: '10.96.9.9', ports: [{ name: 'http', port: 80, protocol: 'TCP' }] } });
  const { model } = run(scene({ cluster: { kind: 'text', text } }));
  expect(ending(model.chain.lane)).not.toBe('arrived');
  expect(ending(model.map.lane)).not.toBe('arrived');
  for (const { parts, stations } of [model.chain, model.map]) {
    expect(parts.wayOut.stages).toEqual([]);
    expect(stations.at(-1)).toMatchObject({ role: 'server', start: Infinity });
    expect(packetPlace(stations, model.end)).toBeLessThan(stations.length - 1);
  }
  expect(model.chain.match).toBeNull();
  expect(bypassOf(model.chain.lane, model.map.lane)).toEqual({ kind: 'none' });
});
