import { describe, expect, test } from 'vitest';
import type { Target } from '../../src/simulation/api.ts';
import type { Scene, SceneChange } from '../../src/simulation/scene.ts';
import { changesOf } from '../../src/simulation/scene-steps.ts';
import { changedScene, rewrittenScene, rolloutScene } from '../../src/ui/update/change-scene.ts';
import { serviceRows } from '../../src/ui/update/service-rows.ts';

const SCENE: Scene = { version: 1, mode: 'race', cluster: { kind: 'preset', preset: 'shop' }, seed: 1, target: { servicePort: 'shop/cart:grpc', position: 3 }, connection: 'new', packet: 0, profile: 'legacy', added: [2] };
const add: SceneChange = { kind: 'add', endpoints: 2, writes: 'changed' };

describe('scenes with a change more', () => {
  test('a change is the last one, and the mode is Update', () => {
    const scene = changedScene(SCENE, { kind: 'scale', service: 'shop/cart', endpoints: 4 }, 'changed');
    expect(scene.mode).toBe('update');
    expect(changesOf(scene)).toEqual([add, { kind: 'scale', service: 'shop/cart', endpoints: 4, writes: 'changed' }]);
    expect(scene.target).toEqual(SCENE.target);
  });
  test('plain additions stay where older pages find them', () => {
    expect(changedScene(SCENE, { kind: 'add', endpoints: 3 }, 'changed')).toMatchObject({ added: [2, 3] });
    const after = changedScene(changedScene(SCENE, { kind: 'delete', service: 'shop/ads' }, 'changed'), { kind: 'add', endpoints: 3 }, 'changed');
    expect(after.added).toEqual([2]);
    expect(changesOf(after).at(-1)).toEqual({ kind: 'add', endpoints: 3, writes: 'changed' });
  });
  test('a target that goes with its Service is let go, another one is not', () => {
    expect(changedScene(SCENE, { kind: 'delete', service: 'shop/cart' }, 'changed').target).toEqual({ servicePort: null, position: null });
    expect(changedScene(SCENE, { kind: 'delete', service: 'shop/car' }, 'changed').target).toEqual(SCENE.target);
  });
  test('the last change is written in the other way, and back', () => {
    const everything = rewrittenScene(SCENE, 'everything');
    expect(changesOf(everything)).toEqual([{ ...add, writes: 'everything' }]);
    expect(rewrittenScene(everything, 'changed')).toEqual(SCENE);
    const none = { ...SCENE, added: [] };
    expect(rewrittenScene(none, 'everything')).toEqual(none);
  });
  test('a roll-out goes to another of its updates; nothing else does', () => {
    const scene = changedScene(SCENE, { kind: 'rollout', service: 'shop/cart', updates: 1 }, 'changed');
    expect(changesOf(rolloutScene(scene, 4)).at(-1)).toEqual({ kind: 'rollout', service: 'shop/cart', updates: 4, writes: 'changed' });
    expect(rolloutScene(SCENE, 4)).toEqual(SCENE);
  });
});

test('Services of targets, each once, with the endpoints of its fullest port', () => {
  const target = (servicePort: string, endpoints: number): Target => ({ servicePort, address: '10.96.0.10', port: 53, protocol: 'UDP', endpoints, position: 0 });
  expect(serviceRows([target('kube-system/kube-dns:dns', 1), target('shop/cart:grpc', 2), target('kube-system/kube-dns:dns-tcp', 2)])).toEqual([
    { service: 'kube-system/kube-dns', address: '10.96.0.10', endpoints: 2 },
    { service: 'shop/cart', address: '10.96.0.10', endpoints: 2 },
  ]);
});
