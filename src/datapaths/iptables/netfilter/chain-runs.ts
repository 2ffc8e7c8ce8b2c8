/**
 * Where the touched chains of a commit will lie, each as one run of rules: first how long each is, then (`place`) where it
 * begins, then (`next`) its places one after the other. By chain number in flat arrays: a large cluster has 150,000 chains.
 */
export class ChainRuns {
  /** The touched chains, in the order in which they were. */
  readonly chains: number[] = [];
  /** Rules in all of them. */
  rules = 0;
  /** Whether these are all chains that have rules. */
  whole = false;
  readonly #start: Int32Array;
  readonly #length: Int32Array;
  readonly #filled: Int32Array;
  readonly #touched: Uint8Array;

  /** @param chains numbers of chains are below this */
  constructor(chains: number) {
    this.#start = new Int32Array(chains);
    this.#length = new Int32Array(chains);
    this.#filled = new Int32Array(chains);
    this.#touched = new Uint8Array(chains);
  }

  has(chain: number): boolean {
    return this.#touched[chain] === 1;
  }

  touch(chain: number): void {
    if (this.has(chain)) return;
    this.#touched[chain] = 1;
    this.chains.push(chain);
  }

  /** Makes a chain's run longer. */
  add(chain: number, rules: number): void {
    this.touch(chain);
    this.#length[chain]! += rules;
    this.rules += rules;
  }

  /** Places the runs one after the other from `first` on, and returns where they end. */
  place(first: number): number {
    let at = first;
    for (const chain of this.chains) {
      this.#start[chain] = at;
      at += this.#length[chain] ?? 0;
    }
    return at;
  }

  /** The next place in a chain's run. */
  next(chain: number): number {
    const filled = this.#filled[chain] ?? 0;
    this.#filled[chain] = filled + 1;
    return (this.#start[chain] ?? 0) + filled;
  }

  of(chain: number): { readonly start: number; readonly length: number } {
    return { start: this.#start[chain] ?? 0, length: this.#length[chain] ?? 0 };
  }
}
