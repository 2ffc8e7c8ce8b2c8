import { expect, it } from 'vitest';
import type { ClusterObject } from '../../src/kubernetes/change.ts';
import { addedService, preset } from '../../src/kubernetes/presets.ts';

/** Every object and array within a value that another object of the cluster has too. */
function shared(objects: readonly ClusterObject[]): Set<object> {
  const owners = new Map<object, number>();
  const twice = new Set<object>();
  const visit = (value: unknown, owner: number): void => {
    if (typeof value !== 'object' || value === null) return;
    const known = owners.get(value);
    if (known !== undefined && known !== owner) twice.add(value);
    owners.set(value, owner);
    for (const part of Object.values(value)) visit(part, owner);
  };
  objects.forEach(visit);
  return twice;
}

it.each([
  ['50 Services', preset('50', 7)],
  ['two that are added', [0, 1].flatMap((index) => addedService(index, 2, () => false).objects)],
])('%s: what they share cannot be changed through one of them', (_, objects) => {
  const parts = [...shared(objects)];
  // Ports of Services and slices, families, conditions.
  expect(parts.length).toBeGreaterThanOrEqual(4);
  expect(parts.filter((part) => !Object.isFrozen(part))).toEqual([]);
  const [first, second] = objects.filter((object) => object.kind === 'Service');
  expect(() => first?.spec?.ipFamilies?.push('IPv6')).toThrow(TypeError);
  expect(second?.spec?.ipFamilies).toEqual(['IPv4']);
});
