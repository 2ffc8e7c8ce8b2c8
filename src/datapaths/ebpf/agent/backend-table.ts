import { PROTOCOL_NUMBER } from '../../../packet/protocol.ts';
import { backendKey, type BackendAddress } from './frontends.ts';
import { backendId, backendValue, MAP } from './layout.ts';
import type { Write } from './write.ts';

interface Backend extends BackendAddress {
  readonly id: number;
  uses: number;
}

/** Backends by number: one entry an address, however many frontends use it. */
export class BackendTable {
  readonly #write: Write;
  readonly #byAddress = new Map<number, Backend>();
  /** Numbers are given in turn, and never twice. */
  readonly #byId: (Backend | undefined)[] = [undefined];

  constructor(write: Write) {
    this.#write = write;
  }

  /** One more use of an address; its entry is written with the first. */
  use({ address, port, protocol }: BackendAddress): number {
    const key = numberOf(address, port, protocol);
    const known = this.#byAddress.get(key);
    if (known) {
      known.uses += 1;
      return known.id;
    }
    const backend = { id: this.#byId.length, address, port, protocol, uses: 1 };
    this.#byAddress.set(key, backend);
    this.#byId.push(backend);
    this.#write(MAP.backends, backendId(backend.id), backendValue(backend));
    return backend.id;
  }

  /** One use less; its entry goes with the last. */
  release(id: number): void {
    const backend = this.#byId[id];
    if (!backend) return;
    backend.uses -= 1;
    if (backend.uses > 0) return;
    this.#byId[id] = undefined;
    this.#byAddress.delete(numberOf(backend.address, backend.port, backend.protocol));
    this.#write(MAP.backends, backendId(id), null);
  }

  /** `address:port/protocol`; '' for a number that is not in use. */
  keyOf(id: number): string {
    const backend = this.#byId[id];
    return backend ? backendKey(backend) : '';
  }
}

/** Address, port and protocol as one number: 32, 16 and 8 bits would be too many, but there are three protocols only. */
function numberOf(address: number, port: number, protocol: number): number {
  const which = protocol === PROTOCOL_NUMBER.TCP ? 0 : protocol === PROTOCOL_NUMBER.UDP ? 1 : 2;
  return (address * 65536 + port) * 4 + which;
}
