import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeScene, encodeScene } from '../../src/simulation/link.ts';
import type { Ipv4 } from '../../src/packet/address.ts';
import type { Packet } from '../../src/packet/packet.ts';
import type { MadePacket } from '../../src/simulation/made-packet.ts';
import { packText } from '../../src/simulation/link-text.ts';
import { PRESETS, type Scene, type SceneChange, type SceneProgram } from '../../src/simulation/scene.ts';
import { changesOf, withChanges, withoutChanges } from '../../src/simulation/scene-steps.ts';
import en from '../../messages/en.json' with { type: 'json' };
import ko from '../../messages/ko.json' with { type: 'json' };

const SCENE: Scene = {
  version: 1,
  mode: 'race',
  cluster: { kind: 'preset', preset: '500' },
  seed: 7,
  target: { servicePort: 'shop/cart:http', position: 250 },
  connection: 'established',
  packet: 3,
  profile: 'lab-6.18',
  added: [2, 3],
  changes: [
    { kind: 'scale', service: 'shop/cart', endpoints: 5, writes: 'changed' },
    { kind: 'rollout', service: 'shop/cart', updates: 4, writes: 'everything' },
    { kind: 'add', endpoints: 1, writes: 'changed' },
    { kind: 'delete', service: 'shop/added-1', writes: 'changed' },
  ],
};
const LINK = 'v1&cluster=500&mode=race&seed=7&target=shop/cart:http&position=250&connection=established&packet=3&profile=lab-6.18&added=2,3&changes=scale:shop/cart:5,rollout:shop/cart:4:everything,add:1,delete:shop/added-1&end';

const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);
const named = fc.tuple(label, label).map(([namespace, name]) => `${namespace}/${name}`);
const change: fc.Arbitrary<SceneChange> = fc.tuple(fc.constantFrom('add' as const, 'scale' as const, 'rollout' as const, 'delete' as const), named, fc.integer({ min: 1, max: 60 }), fc.constantFrom('changed' as const, 'everything' as const)).map(([kind, service, number, writes]) =>
  kind === 'add' ? { kind, endpoints: number, writes } : kind === 'scale' ? { kind, service, endpoints: number - 1, writes } : kind === 'rollout' ? { kind, service, updates: number, writes } : { kind, service, writes },
);
const scenes: fc.Arbitrary<Scene> = fc.record({
  version: fc.constant(1 as const),
  mode: fc.constantFrom('race' as const, 'update' as const, 'rules' as const),
  cluster: fc.oneof(
    fc.constantFrom(...PRESETS).map((preset) => ({ kind: 'preset' as const, preset })),
    fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 400 }).map((text) => ({ kind: 'text' as const, text })),
    fc.string({ unit: fc.constantFrom('a', ' ', '\n', '- name: ', '10.96.0.1', '한'), maxLength: 2000 }).map((text) => ({ kind: 'text' as const, text })),
    fc.string({ unit: fc.constantFrom('*nat\n', '-A KUBE-SERVICES ', '-j DROP\r\n', '"\\"', ' '), maxLength: 2000 }).map((text) => ({ kind: 'rules' as const, text })),
  ),
  seed: fc.maxSafeNat(),
  target: fc.record({
    servicePort: fc.option(fc.tuple(label, label, label).map(([namespace, name, port]) => `${namespace}/${name}:${port}`)),
    position: fc.option(fc.nat(60_000)),
  }),
  connection: fc.constantFrom('new' as const, 'established' as const),
  packet: fc.maxSafeNat(),
  profile: fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,30}$/),
  added: fc.array(fc.nat(100), { maxLength: 20 }),
  changes: fc.array(change, { maxLength: 6 }),
}).map((scene) => withChanges(scene, changesOf(scene)));

/** Every error that a link may end with has a sentence in both languages, with the values that it names. */
function expectSentence(link: string): string {
  const decoded = decodeScene(link);
  if ('scene' in decoded) return 'scene';
  const { message, values } = decoded.error;
  for (const messages of [en, ko] as Readonly<Record<string, string>>[]) {
    const holes = [...(messages[message] ?? '{none}').matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    expect(Object.keys(values)).toEqual(expect.arrayContaining(holes));
  }
  return message;
}

test('a link can be read by a person, and is the same each time', () => {
  expect(encodeScene(SCENE)).toBe(LINK);
  expect(decodeScene(LINK)).toEqual({ scene: SCENE });
  expect(decodeScene(`#${LINK}`)).toEqual({ scene: SCENE });
  const plain: Scene = withoutChanges({ ...SCENE, cluster: { kind: 'preset', preset: 'shop' }, target: { servicePort: null, position: null } });
  expect(encodeScene(plain)).toBe('v1&cluster=shop&mode=race&seed=7&connection=established&packet=3&profile=lab-6.18&end');
  expect(decodeScene(encodeScene(plain))).toEqual({ scene: plain });
});

test('a link from before there were changes, and one written by hand, give the scene that the page would', () => {
  const old = decodeScene(LINK.replace(/&changes=[^&]*/, ''));
  expect(old).toEqual({ scene: withChanges(SCENE, changesOf(SCENE).slice(0, 2)) });
  const byHand = decodeScene(LINK.replace(/&added=[^&]*/, '').replace('changes=', 'changes=add:2,add:3,'));
  expect(byHand).toEqual({ scene: SCENE });
});

test('every scene comes back as it was, from a link of letters that a URL may hold', () => {
  fc.assert(fc.property(scenes, (scene) => {
    const link = encodeScene(scene);
    expect(link).toMatch(/^[\w\-.~&=/:,]+$/);
    expect(decodeScene(link)).toEqual({ scene });
  }), { seed: 3, numRuns: 400 });
});

test('a link that is cut off anywhere is said to be', () => {
  fc.assert(fc.property(scenes, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (scene, share) => {
    const link = encodeScene(scene);
    const length = Math.max(1, Math.floor(share * link.length));
    expect(expectSentence(link.slice(0, length))).toBe('link_truncated');
  }), { seed: 4, numRuns: 400 });
});

test('a changed link never throws, and a changed cluster never passes for another', () => {
  const change = fc.record({ at: fc.nat(), remove: fc.nat(6), insert: fc.string({ unit: fc.constantFrom(...'&=#v12end,:/%\u0000é-_aZ'), maxLength: 6 }) });
  fc.assert(fc.property(scenes, fc.array(change, { minLength: 1, maxLength: 4 }), (scene, changes) => {
    let link = encodeScene(scene);
    for (const { at, remove, insert } of changes) {
      const place = at % (link.length + 1);
      link = link.slice(0, place) + insert + link.slice(place + remove);
    }
    expectSentence(link);
    const decoded = decodeScene(link);
    if ('scene' in decoded) {
      const { cluster } = decoded.scene;
      if (cluster.kind !== 'preset' && scene.cluster.kind !== 'preset') expect(cluster).toEqual(scene.cluster);
      expect(decodeScene(encodeScene(decoded.scene))).toEqual(decoded);
    }
  }), { seed: 5, numRuns: 1500 });
});

test('any text at all never throws', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.boolean(), (text, isVersioned) => {
    expectSentence(isVersioned ? `v1&${text}&end` : text);
  }), { seed: 6, numRuns: 1000 });
});

describe('what is wrong is said', () => {
  const with_ = (from: string, to: string) => LINK.replace(from, to);
  test.each<[string, string, string, object]>([
    ['nothing', '', 'link_corrupted', {}],
    ['something else', 'section-2', 'link_corrupted', {}],
    ['a version before the first', with_('v1', 'v0'), 'link_corrupted', {}],
    ['a later version', 'v2&camera=3d&end', 'link_later_version', { found: 2, known: 1 }],
    ['a later version, cut off', 'v2&cam', 'link_later_version', { found: 2, known: 1 }],
    ['no end', with_('&end', ''), 'link_truncated', {}],
    ['a full stop of the mail around it', `${LINK}.`, 'link_truncated', {}],
    ['a field of another version', with_('&end', '&speed=2&end'), 'link_unknown_field', { field: 'speed' }],
    ['a field of Object’s', with_('&end', '&__proto__=2&end'), 'link_unknown_field', { field: '__proto__' }],
    ['a field twice', with_('&end', '&seed=8&end'), 'link_field', { field: 'seed', found: '8' }],
    ['a part without a value', with_('seed=7', 'seed'), 'link_corrupted', {}],
    ['no seed', with_('&seed=7', ''), 'link_missing_field', { field: 'seed' }],
    ['a seed that is no number', with_('seed=7', 'seed=seven'), 'link_field', { field: 'seed', found: 'seven' }],
    ['a seed below 0', with_('seed=7', 'seed=-7'), 'link_field', { field: 'seed', found: '-7' }],
    ['a seed that is too large', with_('seed=7', 'seed=9007199254740992'), 'link_field', { field: 'seed', found: '9007199254740992' }],
    ['an unknown mode', with_('race', 'fly'), 'link_field', { field: 'mode', found: 'fly' }],
    ['an unknown preset', with_('=500', '=501'), 'link_field', { field: 'cluster', found: '501' }],
    ['a target that is no Service port', with_('shop/cart:http', 'shop'), 'link_field', { field: 'target', found: 'shop' }],
    ['a target with markup', with_('shop/cart:http', '<img/src>'), 'link_field', { field: 'target', found: '<img/src>' }],
    ['a position beyond every chain', with_('250', '10000001'), 'link_field', { field: 'position', found: '10000001' }],
    ['an unknown connection', with_('established', 'old'), 'link_field', { field: 'connection', found: 'old' }],
    ['a packet in parts', with_('packet=3', 'packet=0.5'), 'link_field', { field: 'packet', found: '0.5' }],
    ['no profile', with_('lab-6.18', ''), 'link_field', { field: 'profile', found: '' }],
    ['too many endpoints', with_('2,3', '2,101'), 'link_field', { field: 'added', found: '101' }],
    ['too many added Services', with_('2,3', Array(501).fill(2).join(',')), 'link_field', { field: 'added', found: `${Array(20).fill('2,').join('')}…` }],
    ['a change of no kind', with_('delete:', 'move:'), 'link_field', { field: 'changes', found: 'move:shop/added-1' }],
    ['a change of no Service', with_('delete:shop/added-1', 'delete:added-1'), 'link_field', { field: 'changes', found: 'delete:added-1' }],
    ['a change with too much', with_('delete:shop/added-1', 'delete:shop/added-1:2'), 'link_field', { field: 'changes', found: 'delete:shop/added-1:2' }],
    ['a change with too little', with_('scale:shop/cart:5', 'scale:shop/cart'), 'link_field', { field: 'changes', found: '' }],
    ['a change to too many endpoints', with_('scale:shop/cart:5', 'scale:shop/cart:101'), 'link_field', { field: 'changes', found: '101' }],
    ['a roll-out not begun', with_('rollout:shop/cart:4', 'rollout:shop/cart:0'), 'link_field', { field: 'changes', found: 'rollout:shop/cart:0:everything' }],
    ['more updates than anybody plays', with_('rollout:shop/cart:4', 'rollout:shop/cart:1000'), 'link_field', { field: 'changes', found: 'scale:shop/cart:5,rollout:shop/cart:1000…' }],
    ['a text that is no base64', with_('cluster=500', 'cluster=text&text=!!!&sum=00000000'), 'link_corrupted', {}],
    ['a text without its checksum', with_('cluster=500', `cluster=text&text=${packText('kind: Service').packed}`), 'link_missing_field', { field: 'sum' }],
    ['a text with the checksum of another', with_('cluster=500', `cluster=text&text=${packText('kind: Service').packed}&sum=${packText('kind: Pod').sum}`), 'link_corrupted', {}],
    ['a text beside a preset', with_('&end', `&text=${packText('').packed}&end`), 'link_field', { field: 'text', found: packText('').packed }],
    ['a small link that unfolds to more than a file may have', with_('cluster=500', `cluster=text&text=${packText('a'.repeat(21_000_000)).packed}&sum=0`), 'link_too_large', { limit: 20 }],
  ])('%s', (_, link, message, values) => {
    expect(decodeScene(link)).toEqual({ error: { message, values } });
    expectSentence(link);
  });
});

describe('what the mode Rules has sent', () => {
  const plain: Scene = { ...withoutChanges(SCENE), mode: 'rules', cluster: { kind: 'preset', preset: 'shop' }, added: [], target: { servicePort: null, position: null } };
  const head = 'v1&cluster=shop&mode=rules&seed=7&connection=established&packet=3&profile=lab-6.18';
  const [u8, u16, u32] = [fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 65_535 }), fc.integer({ min: 0, max: 0xffffffff })];
  const ip = { source: u32.map((value) => value as Ipv4), destination: u32.map((value) => value as Ipv4), ttl: u8, length: u16 };
  const ported = { ...ip, sourcePort: u16, destinationPort: u16 };
  const packet: fc.Arbitrary<Packet> = fc.oneof(
    fc.record({ protocol: fc.constant('TCP' as const), ...ported, flags: u8, sequence: u32, acknowledgement: u32 }),
    fc.record({ protocol: fc.constant('UDP' as const), ...ported }),
    fc.record({ protocol: fc.constant('SCTP' as const), ...ported, chunk: u8, verificationTag: u32, initiateTag: u32 }),
    fc.record({ protocol: fc.constant('ICMP' as const), ...ip, type: u8, code: u8, identifier: u16, sequence: u16, inner: fc.constant(null) }),
  );
  const device = fc.option(fc.constantFrom('eth0', 'cali1a2b3c4d5e6', 'br-5f1a2b3c4d5e', 'a@b.1+'));
  const sent: MadePacket = { packet: { protocol: 'UDP', source: 0x0af4000a as Ipv4, destination: 0x0a60000a as Ipv4, ttl: 64, length: 60, sourcePort: 35_276, destinationPort: 53 }, input: 'cni0', output: null, keep: true };

  test('is read by a person', () => {
    const scene: Scene = { ...plain, made: sent };
    expect(encodeScene(scene)).toBe(`${head}&made=UDP,10.244.0.10,10.96.0.10,64,60,35276,53,cni0,,keep&end`);
    expect(decodeScene(encodeScene(scene))).toEqual({ scene });
  });

  test('comes back as it was', () => {
    fc.assert(fc.property(fc.record({ packet, input: device, output: device, keep: fc.boolean() }), (made) => {
      expect(decodeScene(encodeScene({ ...plain, made }))).toEqual({ scene: { ...plain, made } });
    }), { seed: 12 });
  });

  test('is left out of other modes’ links, and where an address cannot hold it', () => {
    const race: Scene = { ...plain, mode: 'race' };
    expect(decodeScene(encodeScene({ ...race, made: sent }))).toEqual({ scene: race });
    expect(decodeScene(encodeScene({ ...plain, made: { ...sent, input: '한&b' } }))).toEqual({ scene: plain });
  });

  const good = 'UDP,10.244.0.10,10.96.0.10,64,60,35276,53,cni0,,';
  test.each([good.replace('UDP', 'GRE'), good.replace('10.96.0.10', '10.96.0.300'), good.replace('10.96.0.10', '::1'), good.replace('64', '256'), good.replace('53', '053'), good.replace('53', '70000'), good.replace(',cni0', ''), `${good}kept`, `${good},`, good.replace('cni0', 'a/b'), 'UDP'])('%s is refused with a sentence', (made) => {
    expect(expectSentence(`${head}&made=${made}&end`)).toBe('link_field');
  });

  test('belongs to the mode Rules alone', () => {
    expect(decodeScene(`${head}&made=${good}&end`)).toHaveProperty('scene');
    expect(expectSentence(`${head.replace('rules', 'race')}&made=${good}&end`)).toBe('link_field');
  });
});

describe('what the mode Programs runs', () => {
  const plain: Scene = { ...withoutChanges(SCENE), mode: 'programs', cluster: { kind: 'preset', preset: 'shop' }, added: [], target: { servicePort: null, position: null } };
  const head = 'v1&cluster=shop&mode=programs&seed=7&connection=established&packet=3&profile=lab-6.18';
  const bytes = fc.uint8Array({ maxLength: 90 }).map((some) => Array.from(some, (byte) => byte.toString(16).padStart(2, '0')).join(''));
  const programs: fc.Arbitrary<SceneProgram> = fc.tuple(
    fc.oneof(fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/).filter((name) => name !== 'text').map((name) => ({ kind: 'sample' as const, name })), fc.string({ unit: fc.constantFrom('r0', ' = ', '1', '\n', 'exit', ';', '&', '=', '한') }).map((text) => ({ kind: 'text' as const, text }))),
    fc.record({ program: fc.option(fc.stringMatching(/^[A-Za-z_][\w.]{0,20}$/)), bytes: fc.option(bytes) }),
  ).map(([what, chosen]) => ({ ...what, ...chosen }));

  test('is read by a person, where it is one of the project’s own', () => {
    const scene: Scene = { ...plain, programs: { kind: 'sample', name: 'connect4', program: 'cil_sock4_sendmsg', bytes: '0a00' } };
    expect(encodeScene(scene)).toBe(`${head}&object=connect4&program=cil_sock4_sendmsg&bytes=0a00&end`);
    expect(decodeScene(encodeScene(scene))).toEqual({ scene });
  });

  test('comes back as it was, object or text', () => {
    fc.assert(fc.property(programs, (chosen) => {
      const scene: Scene = { ...plain, programs: chosen };
      expect(decodeScene(encodeScene(scene))).toEqual({ scene });
    }), { seed: 11 });
  });

  test('is left out of the other modes’ links', () => {
    const race: Scene = { ...plain, mode: 'race' };
    expect(decodeScene(encodeScene({ ...race, programs: { kind: 'text', text: 'exit', program: null, bytes: null } }))).toEqual({ scene: race });
  });

  test.each([
    ['object=From', 'link_field'],
    ['object=../x', 'link_field'],
    ['object=text', 'link_missing_field'],
    ['object=text&asm=AAAA&asmsum=00000000', 'link_corrupted'],
    ['object=connect4&asm=AAAA&asmsum=00000000', 'link_field'],
    ['program=cil_xdp_entry', 'link_field'],
    ['object=connect4&program=1x', 'link_field'],
    ['object=connect4&bytes=0', 'link_field'],
    ['object=connect4&bytes=0G', 'link_field'],
    ['object=connect4&object=connect4', 'link_field'],
  ])('%s is refused with a sentence', (fields, message) => {
    expect(expectSentence(`${head}&${fields}&end`)).toBe(message);
  });

  test('belongs to the mode Programs alone', () => {
    expect(expectSentence(`${head.replace('programs', 'race')}&object=connect4&end`)).toBe('link_field');
  });
});
