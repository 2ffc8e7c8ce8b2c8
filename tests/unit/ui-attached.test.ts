import { describe, expect, it, test } from 'vitest';
import { findProfile } from '../../src/cost/profiles.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';
import type { Scene, SceneAttachment, SceneObject } from '../../src/simulation/scene.ts';
import { Simulation } from '../../src/simulation/simulation.ts';
import { attachmentOf, hooksFor } from '../../src/ui/programs/attach-program.ts';
import { apartWords, doesWords, faultWords, returnedWords } from '../../src/ui/race/attached-words.ts';
import { programsThatRan } from '../../src/ui/race/programs-that-ran.ts';
import { raceModel } from '../../src/ui/race/race-model.ts';
import { ratioSpan } from '../../src/ui/race/ratio-span.ts';
import { stationWords } from '../../src/ui/race/station-words.ts';

const simulation = new Simulation({ assets: readAssets(), profiles: { find: findProfile } });
const SCENE: Scene = { version: 1, mode: 'race', cluster: { kind: 'preset', preset: 'shop' }, seed: 1, target: { servicePort: null, position: null }, connection: 'new', packet: 0, profile: 'legacy', added: [] };
const text = (program: string): SceneObject => ({ kind: 'text', text: program });
const sample = (name: string): SceneObject => ({ kind: 'sample', name });
const at = (hook: SceneAttachment['hook'], object: SceneObject, place: SceneAttachment['place'] = 'instead', program: string | null = null): SceneAttachment => ({ hook, place, object, program, constants: {} });
function model(...attached: SceneAttachment[]) {
  const scene = { ...SCENE, ...(attached.length > 0 ? { attached } : {}) };
  const opened = simulation.open(scene);
  return raceModel(simulation.race(scene), opened);
}
const labels = (...attached: SceneAttachment[]) => model(...attached).map.stations.map(stationWords);

describe('lane B with a person’s own programs', () => {
  test.each<[string, readonly SceneAttachment[], readonly string[]]>([
    ['none', [], ['client pod', 'veth', 'cil_from_container', '8 map accesses', 'DNAT', 'redirect_peer', 'server pod']],
    ['one before the lane’s own', [at('from-container', text('.program tc mine\nr0 = -1\nexit\n'), 'before')], ['client pod', 'veth', 'mine: TC_ACT_UNSPEC', 'cil_from_container', '8 map accesses', 'DNAT', 'redirect_peer', 'server pod']],
    ['a run with map accesses is one place', [at('from-container', sample('from_container'))], ['client pod', 'veth', 'cil_from_container: TC_ACT_REDIRECT', 'redirect_peer', 'server pod']],
    ['connect() comes before the veth', [at('connect4', sample('connect4')), at('xdp', text('.program xdp mine\nr0 = 2\nexit\n'))], ['client pod', 'cil_sock4_connect: r0 = 1', 'veth', 'mine: XDP_PASS', 'cil_from_container', '5 map accesses', 'DNAT', 'redirect_peer', 'server pod']],
    ['the packet ends at it', [at('xdp', text('.program xdp mine\nr0 = 9\nexit\n'))], ['client pod', 'veth', 'mine: r0 = 9', 'server pod']],
  ])('%s', (_, attached, path) => {
    expect(labels(...attached)).toEqual(path);
  });

  it('each step belongs to the program that ran it', () => {
    const { map } = model(at('from-container', text('.program tc mine\nr0 = -1\nexit\n'), 'before'));
    const ran = programsThatRan(map.lane.report.stages);
    expect(ran.map(({ name, own, from }) => [name, own, from])).toEqual([['mine', 'from-container', 0], ['cil_from_container', '', 2]]);
    expect(ran.at(-1)?.to).toBe(map.lane.report.trace?.kind === 'program' ? map.lane.report.trace.instruction.length : 0);
    for (const { name, own } of ran) expect(simulation.inspect('ebpf', { kind: 'program', name, own })).toMatchObject({ kind: 'program' });
    const listed = simulation.inspect('ebpf', { kind: 'program', name: 'mine', own: 'from-container' });
    expect(listed.kind === 'program' ? listed.rows.map((row) => row.text) : []).toEqual(['r0 = -1', 'exit']);
  });

  test('past the stack’s hooks, which the lane does not walk, there is no ratio', () => {
    // Sent to a pod’s own address, which the stack routes.
    const scene: Scene = { ...SCENE, attached: [at('from-container', text('.program tc mine\nr0 = 0\nexit\n'))] };
    const address = { to: 0x0af4010c as never, port: 8080, protocol: 'TCP' as const };
    const { lanes } = simulation.raceBetween(scene, 'default/client', address);
    expect(lanes.ebpf.report.verdict.kind).toBe('delivered');
    expect(ratioSpan(lanes.iptables, lanes.ebpf)).toBe('stack');
    const plain = simulation.raceBetween(SCENE, 'default/client', address).lanes;
    expect(ratioSpan(plain.iptables, plain.ebpf)).toBe('same');
  });
});

describe('what the mark says', () => {
  const said = (...attached: SceneAttachment[]) => {
    const { map, opened } = model(...attached);
    const [one] = opened.attached ?? [];
    const run = map.lane.report.attached?.[0];
    if (!one) throw new Error('nothing attached');
    return { fault: faultWords(one), returned: run ? returnedWords(run) : '', does: run ? doesWords(run, one, 'cil_from_container') : [], apart: one.apart.map(apartWords) };
  };
  test.each<[string, SceneAttachment, string, RegExp]>([
    ['a verdict', at('from-container', text('.program tc mine\nr0 = 2\nexit\n'), 'before'), 'TC_ACT_SHOT (2)', /^drops the packet$/],
    ['one that ends the hook', at('from-container', text('.program tc mine\nr0 = 0\nexit\n'), 'before'), 'TC_ACT_OK (0)', /return TC_ACT_UNSPEC/],
    ['one that tc does not know', at('from-container', text('.program tc mine\nr0 = 99\nexit\n')), 'r0 = 99', /knows no such verdict, and reads it as TC_ACT_UNSPEC/],
    ['one that XDP does not know', at('xdp', text('.program xdp mine\nr0 = 99\nexit\n')), 'r0 = 99', /knows no such verdict: it drops/],
    ['one that connect() does not take', at('connect4', text('.program cgroup/connect4 mine\nr0 = 3\nexit\n')), 'r0 = 3', /only 0 and 1/],
    ['a redirect', at('from-container', sample('from_container')), 'TC_ACT_REDIRECT (7), bpf_redirect_peer → ifindex 27', /another interface/],
    ['a fault', at('from-container', text('.program tc mine\nr1 = 100000\nagain:\nr1 -= 1\nr2 = r1\nif r1 != 0 goto again\nr0 = 0\nexit\n')), '', /^The machine stopped it: .*instructions/],
  ])('%s', (_, attachment, returned, does) => {
    const words = said(attachment);
    expect(words.returned).toBe(returned);
    expect(words.does.join(' | ')).toMatch(does);
    expect(words.fault).toBe('');
  });

  it('why a program does not stand there, and why a map is not the pinned one', () => {
    expect(said(at('from-container', text('.program tc mine\nr2 = *(u32 *)(r1 + 76)\nr0 = *(u8 *)(r2 + 0)\nexit\n'))).fault).toMatch(/^The checker refuses mine at instruction 1: It reads 1 bytes/);
    expect(said(at('xdp', sample('from_container'), 'instead', 'cil_from_container')).fault).toMatch(/cannot stand at xdp: sched_cls/);
    expect(said(at('connect4', sample('xdp_node'))).fault).toMatch(/cil_xdp_entry \(xdp\)/);
    expect(said(at('from-container', text('.program tc mine\n.license GPL\n.map cilium_lxc array key 4 value 8 max 4\n*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nr1 = map[cilium_lxc]\ncall map_lookup_elem\nr0 = -1\nexit\n'))).apart).toEqual(['cilium_lxc is the program’s own, not the pinned map: it is of another type.']);
  });
});

describe('what can be attached', () => {
  test.each([
    [{ type: 'sched_cls', section: 'tc' }, ['from-container', 'to-container']],
    [{ type: 'xdp', section: 'xdp.frags' }, ['xdp']],
    [{ type: 'xdp', section: 'xdp/devmap' }, []],
    [{ type: 'cgroup_sock_addr', section: 'cgroup/connect4' }, ['connect4']],
    [{ type: 'cgroup_sock_addr', section: 'cgroup/sendmsg4' }, []],
    [{ type: 'kprobe', section: 'kprobe/x' }, []],
  ])('%o', (spec, hooks) => {
    expect(hooksFor(spec)).toEqual(hooks);
  });
  it('carries what is needed to load it again', () => {
    const from = { text: 'exit', name: 'mine', rewritten: { enable_events: Uint8Array.of(1) } };
    expect(attachmentOf({ ...from, origin: { kind: 'sample', name: 'node' } }, 'from-container', 'before')).toEqual({ hook: 'from-container', place: 'before', object: { kind: 'sample', name: 'node' }, program: 'mine', constants: { enable_events: '01' } });
    // Nothing of the lane’s stands there that it could come before.
    expect(attachmentOf({ ...from, origin: { kind: 'text' } }, 'xdp', 'before')).toMatchObject({ place: 'instead', object: { kind: 'text', text: 'exit' }, program: null });
    expect(attachmentOf({ ...from, origin: { kind: 'file', name: 'a.o', bytes: Uint8Array.of(1) } }, 'xdp', 'before').object).toMatchObject({ kind: 'file', name: 'a.o' });
  });
});
