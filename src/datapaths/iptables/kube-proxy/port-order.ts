import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/**
 * The order of Service ports in a payload. In kube-proxy it is a Go map's, drawn anew at each sync; here it is drawn
 * once, by the seed, and kept, so that a rule stands where it stood. A new port is put in at a drawn place.
 */
export class PortOrder {
  readonly #random;
  #names: string[] = [];

  constructor(seed: number) {
    this.#random = xoroshiro128plus(seed);
  }

  get names(): readonly string[] {
    return this.#names;
  }

  /** Brings the order in line with the ports that there are now. */
  update(present: { has(name: string): boolean; keys(): Iterable<string> }): void {
    const known = new Set(this.#names);
    this.#names = this.#names.filter((name) => present.has(name));
    const added = [...present.keys()].filter((name) => !known.has(name)).sort();
    if (added.length > this.#names.length) {
      // Most are new: shuffle all (Fisher–Yates), which costs less than inserting each.
      this.#names.push(...added);
      for (let i = this.#names.length - 1; i > 0; i--) this.swap(i, uniformInt(this.#random, 0, i));
    } else {
      for (const name of added) this.#names.splice(uniformInt(this.#random, 0, this.#names.length), 0, name);
    }
  }

  swap(i: number, j: number): void {
    [this.#names[i], this.#names[j]] = [this.#names[j]!, this.#names[i]!];
  }
}
