import type { Collection } from '../vm.ts';
import { MAP } from './layout.ts';
import { referredPolicyMap } from './policy-map-name.ts';

const FIRST = new Uint8Array(4);
const POLICY_PREFIX = `${MAP.policy}_`;

/**
 * Takes an agent's writes into a collection's maps, inner maps among them: a Maglev table is filled before it takes its
 * place, and so are a pod's policies. Maps that none of the collection's programs asks are not there, and are left out.
 */
export class MapSink {
  readonly #collection: Collection;
  readonly #maps: ReadonlySet<string>;
  /** Inner maps in the collection, by the name that writes give them. */
  readonly #inner = new Map<string, string>();
  /** Entries of inner maps that nothing refers to yet. */
  readonly #waiting = new Map<string, Map<string, readonly [Uint8Array, Uint8Array]>>();

  constructor(collection: Collection) {
    this.#collection = collection;
    this.#maps = new Set(collection.spec.maps.map(({ name }) => name));
  }

  /** Whether the key was there before; null where the map is not. Throws `BpfError`. */
  write(map: string, key: Uint8Array, value: Uint8Array | null): boolean | null {
    if (map.startsWith(POLICY_PREFIX)) return this.#maps.has(MAP.policyOfEndpoint) ? this.#policy(map, key, value) : null;
    if (!this.#maps.has(map)) return null;
    if (map === MAP.maglev) return this.#table(key, value);
    if (map === MAP.policyOfEndpoint) return this.#attach(key, value);
    return value === null ? this.#collection.delete(map, key) : this.#collection.update(map, key, value);
  }

  #table(key: Uint8Array, value: Uint8Array | null): boolean {
    const name = `${MAP.maglev} ${key.join('.')}`;
    const known = this.#inner.get(name);
    if (value === null) {
      this.#inner.delete(name);
      return this.#collection.delete(MAP.maglev, key);
    }
    const inner = known ?? this.#collection.createInner(MAP.maglev, key);
    this.#inner.set(name, inner);
    this.#collection.update(inner, FIRST, value);
    return known !== undefined;
  }

  #policy(map: string, key: Uint8Array, value: Uint8Array | null): boolean {
    const inner = this.#inner.get(map);
    if (inner !== undefined) return value === null ? this.#collection.delete(inner, key) : this.#collection.update(inner, key, value);
    const waiting = this.#waiting.get(map) ?? new Map<string, readonly [Uint8Array, Uint8Array]>();
    this.#waiting.set(map, waiting);
    const existed = waiting.has(key.join(' '));
    if (value === null) waiting.delete(key.join(' '));
    else waiting.set(key.join(' '), [key, value]);
    return existed;
  }

  #attach(key: Uint8Array, value: Uint8Array | null): boolean {
    if (value === null) {
      const attached = this.#collection.lookup(MAP.policyOfEndpoint, key);
      for (const [name, inner] of this.#inner) if (attached && inner === innerName(attached)) this.#inner.delete(name);
      return this.#collection.delete(MAP.policyOfEndpoint, key);
    }
    const existed = this.#collection.lookup(MAP.policyOfEndpoint, key) !== null;
    const name = referredPolicyMap(value);
    const inner = this.#collection.createInner(MAP.policyOfEndpoint, key);
    this.#inner.set(name, inner);
    for (const [waitingKey, waitingValue] of this.#waiting.get(name)?.values() ?? []) this.#collection.update(inner, waitingKey, waitingValue);
    this.#waiting.delete(name);
    return existed;
  }
}

/** The VM numbers its maps; an outer map's element is that number, counted from 1. */
function innerName(element: Uint8Array): string {
  return `${MAP.policyOfEndpoint}/${new DataView(element.buffer, element.byteOffset).getUint32(0, true) - 1}`;
}
