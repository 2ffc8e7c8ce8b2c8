import { backendKey, type BackendAddress } from './frontends.ts';
import { backendId, backendValue, MAP } from './layout.ts';
import type { Write } from './write.ts';

interface Backend {
  readonly id: number;
  readonly address: BackendAddress;
  uses: number;
}

/** Backends by number: one entry an address, however many frontends use it. */
export class BackendTable {
  readonly #write: Write;
  readonly #byKey = new Map<string, Backend>();
  readonly #byId = new Map<number, Backend>();
  #next = 1;

  constructor(write: Write) {
    this.#write = write;
  }

  /** One more use of an address; its entry is written with the first. */
  use(address: BackendAddress): number {
    const key = backendKey(address);
    const known = this.#byKey.get(key);
    if (known) {
      known.uses += 1;
      return known.id;
    }
    const backend = { id: this.#next++, address, uses: 1 };
    this.#byKey.set(key, backend);
    this.#byId.set(backend.id, backend);
    this.#write(MAP.backends, backendId(backend.id), backendValue(address));
    return backend.id;
  }

  /** One use less; its entry goes with the last. */
  release(id: number): void {
    const backend = this.#byId.get(id);
    if (!backend) return;
    backend.uses -= 1;
    if (backend.uses > 0) return;
    this.#byId.delete(id);
    this.#byKey.delete(backendKey(backend.address));
    this.#write(MAP.backends, backendId(id), null);
  }

  /** `address:port/protocol`; '' for a number that is not in use. */
  keyOf(id: number): string {
    const backend = this.#byId.get(id);
    return backend ? backendKey(backend.address) : '';
  }
}
