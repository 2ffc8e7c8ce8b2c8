import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { SyncedPort } from './synced-port.ts';

/** A Service port that keeps its place while it changes. */
export interface PortSlot {
  /** The port's name and protocol. */
  readonly id: string;
  /** null: the port is gone. */
  service: SyncedPort | null;
}

/**
 * The order of Service ports in a payload. In kube-proxy it is a Go map's, drawn anew at each sync; here it is drawn
 * once, by the seed, and kept, so that a rule stands where it stood. A new port is put in at a drawn place.
 */
export class PortOrder {
  readonly #random;
  #slots: PortSlot[] = [];

  constructor(seed: number) {
    this.#random = xoroshiro128plus(seed);
  }

  get slots(): readonly PortSlot[] {
    return this.#slots;
  }

  /** Leaves out the ports that are gone, where there are any, and takes in new ones. */
  update(added: readonly PortSlot[], someGone: boolean): void {
    if (someGone) this.#slots = this.#slots.filter(({ service }) => service !== null);
    // No two are alike: one comparison says which comes first.
    const sorted = added.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    if (sorted.length > this.#slots.length) {
      // Most are new: shuffle all (Fisher–Yates), which costs less than inserting each.
      this.#slots.push(...sorted);
      for (let i = this.#slots.length - 1; i > 0; i--) this.swap(i, uniformInt(this.#random, 0, i));
    } else {
      for (const slot of sorted) this.#slots.splice(uniformInt(this.#random, 0, this.#slots.length), 0, slot);
    }
  }

  swap(i: number, j: number): void {
    [this.#slots[i], this.#slots[j]] = [this.#slots[j]!, this.#slots[i]!];
  }
}
