import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { findProfile } from '../../src/cost/profiles.ts';
import type { PacketReport } from '../../src/datapaths/report.ts';
import { formatIpv4 } from '../../src/packet/address.ts';
import type { Opened } from '../../src/simulation/api.ts';
import { decodeScene, encodeScene } from '../../src/simulation/link.ts';
import { packBytes } from '../../src/simulation/link-text.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';
import type { Scene, SceneAttachment, SceneObject } from '../../src/simulation/scene.ts';
import { withAttached } from '../../src/simulation/scene-program.ts';
import { Simulation } from '../../src/simulation/simulation.ts';

const simulation = new Simulation({ assets: readAssets(), profiles: { find: findProfile } });
const SCENE: Scene = { version: 1, mode: 'race', cluster: { kind: 'preset', preset: 'shop' }, seed: 1, target: { servicePort: null, position: null }, connection: 'new', packet: 0, profile: 'legacy', added: [] };

const text = (program: string): SceneObject => ({ kind: 'text', text: program });
/** A program that only returns. */
const returns = (value: number, section = 'tc') => text(`.program ${section} mine\nr0 = ${value}\nexit\n`);
const sample = (name: string): SceneObject => ({ kind: 'sample', name });
function at(hook: SceneAttachment['hook'], object: SceneObject, change: Partial<SceneAttachment> = {}): SceneAttachment {
  return { hook, place: 'instead', object, program: null, constants: {}, ...change };
}
function race(attached: readonly SceneAttachment[], change: Partial<Scene> = {}): { readonly opened: Opened; readonly report: PacketReport; readonly total: number } {
  const scene = { ...SCENE, ...change, ...(attached.length > 0 ? { attached } : {}) };
  const opened = simulation.open(scene);
  const { report, timeline } = simulation.race(scene).lanes.ebpf;
  return { opened, report, total: timeline.total };
}
const endpointOf = ({ verdict }: PacketReport) => ('address' in verdict ? `${formatIpv4(verdict.address)}:${verdict.port}` : verdict.kind === 'dropped' ? verdict.by : '');
const programsOf = ({ stages }: PacketReport) => [...new Set(stages.filter(({ kind }) => kind === 'program').map(({ name }) => name))];

const plain = race([]);

describe('a program that returns', () => {
  const BOTH = ['mine', 'cil_from_container'];
  test.each<[string, SceneAttachment, string, string, string | null, readonly string[]]>([
    // hook, what it is, verdict, doing, action, programs that ran
    ['TC_ACT_UNSPEC before the lane’s own hands on to it', at('from-container', returns(-1), { place: 'before' }), 'delivered', 'next', 'TC_ACT_UNSPEC', BOTH],
    ['TC_ACT_PIPE is nothing to cls_bpf: the next is asked', at('from-container', returns(3), { place: 'before' }), 'delivered', 'next', 'TC_ACT_PIPE', BOTH],
    ['what no kernel knows: the next is asked', at('from-container', returns(99), { place: 'before' }), 'delivered', 'next', null, BOTH],
    ['TC_ACT_OK ends the hook: the stack routes the Service’s address away', at('from-container', returns(0), { place: 'before' }), 'forwarded', 'passes', 'TC_ACT_OK', ['mine']],
    ['TC_ACT_UNSPEC in its place: nobody else is there', at('from-container', returns(-1)), 'forwarded', 'next', 'TC_ACT_UNSPEC', ['mine']],
    ['TC_ACT_SHOT', at('from-container', returns(2), { place: 'before' }), 'dropped', 'drops', 'TC_ACT_SHOT', ['mine']],
    ['TC_ACT_STOLEN', at('from-container', returns(4), { place: 'before' }), 'dropped', 'takes', 'TC_ACT_STOLEN', ['mine']],
    ['TC_ACT_REDIRECT without a redirect', at('from-container', returns(7), { place: 'before' }), 'dropped', 'redirects', 'TC_ACT_REDIRECT', ['mine']],
    ['XDP_PASS', at('xdp', returns(2, 'xdp')), 'delivered', 'passes', 'XDP_PASS', BOTH],
    ['XDP_DROP', at('xdp', returns(1, 'xdp')), 'dropped', 'drops', 'XDP_DROP', ['mine']],
    ['XDP_ABORTED', at('xdp', returns(0, 'xdp')), 'dropped', 'drops', 'XDP_ABORTED', ['mine']],
    ['XDP_TX: back to the pod, whose address it is not for', at('xdp', returns(3, 'xdp')), 'dropped', 'sends-back', 'XDP_TX', ['mine']],
    ['what XDP does not know is dropped', at('xdp', returns(77, 'xdp')), 'dropped', 'drops', null, ['mine']],
    ['1 at connect()', at('connect4', returns(1, 'cgroup/connect4')), 'delivered', 'allows', null, BOTH],
    ['0 at connect()', at('connect4', returns(0, 'cgroup/connect4')), 'dropped', 'refuses', null, ['mine']],
  ])('%s', (_, attachment, verdict, does, action, programs) => {
    const { report, opened } = race([attachment]);
    expect(opened.attached).toMatchObject([{ hook: attachment.hook, program: 'mine', fault: null }]);
    expect(report.verdict.kind).toBe(verdict);
    expect(report.attached).toMatchObject([{ hook: attachment.hook, program: 'mine', does, action, instructions: 2, fault: null }]);
    expect(programsOf(report)).toEqual(programs);
    if (verdict === 'delivered') {
      expect(report.work.instructions).toBe((plain.report.work.instructions ?? 0) + 2);
      expect(endpointOf(report)).toBe(endpointOf(plain.report));
    }
    if (verdict === 'dropped') expect(report.packetOut).toBeNull();
  });

  it('at connect(), an error: no packet was ever sent', () => {
    const { report, total } = race([at('connect4', returns(0, 'cgroup/connect4'))]);
    expect(report.stages.map(({ kind }) => kind)).toEqual(['program']);
    expect(total).toBeLessThan(1);
    expect(report.trace).toMatchObject({ instruction: Int32Array.of(0, 1) });
  });
});

describe('the project’s own objects, attached', () => {
  it.each(['new', 'established'] as const)('a copy of cil_from_container in its place does what it does itself: %s', (connection) => {
    for (let packet = 0; packet < 8; packet++) {
      const own = race([at('from-container', sample('from_container'))], { packet, connection }).report;
      const lane = race([], { packet, connection }).report;
      expect({ ...own, stages: [], trace: null, attached: null, work: { ...own.work, elementsCompared: 0 } }).toEqual({ ...lane, stages: [], trace: null, attached: null, work: { ...lane.work, elementsCompared: 0 } });
      expect(own.trace?.kind === 'program' ? own.trace.accesses.map(({ map, keyText, valueText, bucket }) => [map, keyText, valueText, bucket]) : null).toEqual(lane.trace?.kind === 'program' ? lane.trace.accesses.map(({ map, keyText, valueText, bucket }) => [map, keyText, valueText, bucket]) : null);
    }
  });

  it('with a constant rewritten: another program runs through it', () => {
    const quiet = race([at('from-container', sample('node'), { program: 'cil_from_container', constants: { enable_events: '00', enable_policy: '00' } })]);
    const told = race([at('from-container', sample('node'), { program: 'cil_from_container', constants: { enable_events: '01', enable_policy: '00' } })]);
    expect(quiet.report.work['helper:perf_event_output']).toBeUndefined();
    expect(told.report.work['helper:perf_event_output']).toBe(1);
  });

  it('cil_to_container is passed by where redirect_peer goes, and come to where redirect does', () => {
    const past = race([at('to-container', sample('to_container'))]);
    expect(past.report.attached).toEqual([]);
    expect(endpointOf(past.report)).toBe(endpointOf(plain.report));
    const through = race([at('from-container', sample('node'), { program: 'cil_from_container' }), at('to-container', sample('node'), { program: 'cil_to_container' })]);
    expect(through.report.attached).toMatchObject([
      { hook: 'from-container', redirect: { by: 'redirect' } },
      { hook: 'to-container', action: 'TC_ACT_OK', does: 'passes' },
    ]);
    expect(through.report.verdict.kind).toBe('delivered');
  });

  it('cil_sock4_connect: the connection’s packets are a backend’s from the start', () => {
    const { report } = race([at('connect4', sample('connect4'))]);
    expect(report.attached).toMatchObject([{ hook: 'connect4', program: 'cil_sock4_connect', does: 'allows' }]);
    expect(report.verdict.kind).toBe('delivered');
    // No Service is found any more, and none has to be.
    expect(report.work['helper:l4_csum_replace']).toBeUndefined();
    const later = race([at('connect4', sample('connect4'))], { connection: 'established' });
    expect(later.report.attached).toEqual([]);
    expect(endpointOf(later.report)).toBe(endpointOf(report));
  });

  it('cil_xdp_entry knows no way into the cluster for a ClusterIP', () => {
    expect(endpointOf(race([at('xdp', sample('xdp_node'))]).report)).toBe('cil_xdp_entry: DROP_IS_CLUSTER_IP (-174)');
  });
});

/** Deletes slot 0 of the Service that the packet is for. */
const FORGETS = `.program tc forgets
.license GPL
.map cilium_lb4_services_v2 hash key 12 value 12 max 65536 flags 1
r6 = *(u32 *)(r1 + 76)
r7 = *(u32 *)(r1 + 80)
r2 = r6
r2 += 54
if r2 > r7 goto out
r3 = 0
*(u64 *)(r10 - 16) = r3
*(u32 *)(r10 - 8) = r3
r3 = *(u32 *)(r6 + 30)
*(u32 *)(r10 - 16) = r3
r3 = *(u16 *)(r6 + 36)
*(u16 *)(r10 - 12) = r3
r3 = *(u8 *)(r6 + 23)
*(u8 *)(r10 - 8) = r3
r2 = r10
r2 += -16
r1 = map[cilium_lb4_services_v2]
call map_delete_elem
out:
r0 = -1
exit
`;

describe('maps with a pinned one’s name', () => {
  it('of its shape are it: what is deleted there, the lane’s own program does not find', () => {
    const first = race([at('from-container', text(FORGETS), { place: 'before' })]);
    expect(first.opened.attached).toMatchObject([{ shared: ['cilium_lb4_services_v2'], apart: [], fault: null }]);
    expect(first.report.verdict).toMatchObject({ kind: 'forwarded', device: 'eth0' });
    // Each packet is sent over the maps as the agent wrote them.
    expect(race([at('from-container', text(FORGETS), { place: 'before' })]).report).toEqual(first.report);
    expect(race([]).report).toEqual(plain.report);
  });

  it('with what the agent writes later', () => {
    const attached = [at('from-container', sample('from_container'))];
    const own = race(attached, { added: [2], target: { servicePort: null, position: null } });
    expect(endpointOf(own.report)).toBe(endpointOf(race([], { added: [2] }).report));
    const target = simulation.targets('added')[0]?.servicePort ?? null;
    expect(target).not.toBeNull();
    const to = { servicePort: target, position: null };
    const added = race(attached, { added: [2], target: to });
    expect(added.report.verdict.kind).toBe('delivered');
    expect(endpointOf(added.report)).toBe(endpointOf(race([], { added: [2], target: to }).report));
  });

  test.each([
    ['type', '.map cilium_lxc array key 4 value 8 max 4'],
    ['key', '.map cilium_lb4_services_v2 hash key 8 value 12 max 65536 flags 1'],
    ['value', '.map cilium_lb4_services_v2 hash key 12 value 8 max 65536 flags 1'],
    ['flags', '.map cilium_lb4_services_v2 hash key 12 value 12 max 65536'],
  ])('of another %s are its own', (why, map) => {
    const name = map.split(' ')[1] ?? '';
    const { opened, report } = race([at('from-container', text(`.program tc mine\n.license GPL\n${map}\n*(u64 *)(r10 - 16) = 0\n*(u64 *)(r10 - 8) = 0\nr2 = r10\nr2 += -16\nr1 = map[${name}]\ncall map_lookup_elem\nr0 = -1\nexit\n`), { place: 'before' })]);
    expect(opened.attached).toMatchObject([{ shared: [], apart: [{ map: name, why }], fault: null }]);
    expect(report.verdict.kind).toBe('delivered');
    // Laid out as nobody knows how: said byte by byte.
    expect(report.trace?.kind === 'program' ? report.trace.accesses[0]?.keyText : '').toMatch(/^(00 ?)+$/);
  });

  it('one that has no such name is a run’s own: it begins as the object has it with every packet', () => {
    const counts = `.program tc counts\n.license GPL\n.map mine array key 4 value 8 max 1\n*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nr1 = map[mine]\ncall map_lookup_elem\nif r0 == 0 goto out\nr1 = *(u64 *)(r0 + 0)\nr1 += 1\n*(u64 *)(r0 + 0) = r1\nif r1 == 1 goto out\nr0 = 2\nexit\nout:\nr0 = -1\nexit\n`;
    const attached = [at('from-container', text(counts), { place: 'before' as const })];
    for (let packet = 0; packet < 3; packet++) expect(race(attached, { packet }).report.verdict.kind).toBe('delivered');
    // An established connection’s later packet is not the first.
    expect(race(attached, { connection: 'established' }).report.verdict).toEqual({ kind: 'dropped', by: 'counts: TC_ACT_SHOT' });
  });
});

describe('what does not stand at its hook', () => {
  const file = (bytes: Uint8Array): SceneObject => ({ kind: 'file', name: 'mine.o', ...packBytes(bytes) });
  const object = new Uint8Array(readFileSync(new URL('../../bpf-samples/from_container.bpf.o', import.meta.url)));
  test.each<[string, SceneAttachment, object]>([
    ['what the checker refuses', at('from-container', text('.program tc mine\nr2 = *(u32 *)(r1 + 76)\nr0 = *(u8 *)(r2 + 0)\nexit\n')), { kind: 'refused', instruction: 1 }],
    ['a program of another type', at('xdp', sample('from_container'), { program: 'cil_from_container' }), { kind: 'type' }],
    ['one for another place in the cgroup', at('connect4', sample('connect4'), { program: 'cil_sock4_sendmsg' }), { kind: 'type' }],
    ['an object with nothing for the hook', at('connect4', sample('from_container')), { kind: 'none' }],
    ['a program that is not in it', at('xdp', sample('xdp_node'), { program: 'other' }), { kind: 'none' }],
    ['half an object', at('from-container', file(object.subarray(0, 2000))), { kind: 'load' }],
    ['a constant that is not there', at('from-container', sample('from_container'), { constants: { no_such: '00' } }), { kind: 'load' }],
  ])('%s', (_, attachment, fault) => {
    const { opened, report } = race([attachment]);
    expect(opened.attached).toMatchObject([{ hook: attachment.hook, fault }]);
    expect(opened.attached?.[0]?.fault?.message).not.toBe('');
    // The lane is as it is without.
    expect({ ...report, attached: null }).toEqual({ ...plain.report, attached: null });
  });

  it('what runs on and on is stopped, and the packet ends there', () => {
    const spins = '.program tc spins\nr0 = 0\nr1 = 100000\nagain:\nr0 += 1\nr1 -= 1\nif r1 != 0 goto again\nr0 = -1\nexit\n';
    const { report } = race([at('from-container', text(spins), { place: 'before' })]);
    expect(report.verdict).toEqual({ kind: 'dropped', by: 'spins: fault' });
    expect(report.attached).toMatchObject([{ does: 'fault', returned: null }]);
    expect(report.attached?.[0]?.fault?.message).toMatch(/instructions/);
    expect(race([]).report).toEqual(plain.report);
  });

  it('a header that does not add up: the pod’s kernel does not take it', () => {
    const ttl = '.program tc mine\n.license GPL\n*(u8 *)(r10 - 1) = 9\nr2 = 22\nr3 = r10\nr3 += -1\nr4 = 1\nr5 = 0\ncall skb_store_bytes\nr0 = 0\nexit\n';
    expect(endpointOf(race([at('from-container', text(ttl))]).report)).toBe('kernel: IPv4 header checksum');
  });
});

describe('in a link', () => {
  const scenes: readonly SceneAttachment[][] = [
    [at('xdp', returns(2, 'xdp'))],
    [at('connect4', sample('connect4'), { program: 'cil_sock4_connect' }), at('from-container', sample('node'), { place: 'before', constants: { enable_events: '01', enable_policy: '00' } })],
    [at('to-container', { kind: 'file', name: 'mine: ä;&#=.o', ...packBytes(Uint8Array.of(1, 2, 3)) })],
  ];
  it.each(scenes.map((attached) => [attached] as const))('comes back as it was', (attached) => {
    for (const mode of ['race', 'programs'] as const) {
      const scene: Scene = { ...SCENE, mode, attached };
      expect(decodeScene(encodeScene(scene))).toEqual({ scene });
    }
  });

  it('with any object’s bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 3000 }), fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }), (bytes, name) => {
        const scene: Scene = { ...SCENE, attached: [at('xdp', { kind: 'file', name, ...packBytes(bytes) })] };
        expect(decodeScene(encodeScene(scene))).toEqual({ scene });
      }),
      { seed: 5, numRuns: 100 },
    );
  });

  test.each(['xdp', 'xdp:instead', 'xdp:instead:sample', 'xdp:behind:sample:node', 'tc:instead:sample:node', 'xdp:instead:sample:NODE', 'xdp:instead:sample:node;xdp:before:sample:node', 'xdp:instead:sample:node:::p:c.0', 'xdp:instead:sample:node:::p:c', 'xdp:instead:sample:node:::p:c.00,c.01', 'xdp:instead:text::abcd:00000000', 'xdp:instead:file::abcd:00000000', 'xdp:instead:sample:node:::p::x', '%'])('cannot be read: %s', (field) => {
    const decoded = decodeScene(encodeScene(SCENE).replace('&end', `&attached=${field}&end`));
    expect(decoded).toMatchObject({ error: { message: 'link_field' } });
  });

  it('one a hook, in the hooks’ order, whoever came first', () => {
    const both = withAttached(withAttached(SCENE, 'from-container', at('from-container', returns(0))), 'xdp', at('xdp', returns(2, 'xdp')));
    expect(both.attached?.map(({ hook }) => hook)).toEqual(['xdp', 'from-container']);
    expect(withAttached(withAttached(both, 'xdp', null), 'from-container', null)).toEqual(SCENE);
  });
});
