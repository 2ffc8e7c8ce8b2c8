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
  /** Where a chain's run is already, counted from 1; 0: nowhere in one piece. */
  readonly #stands: Int32Array;

  /** @param chains numbers of chains are below this */
  constructor(chains: number) {
    this.#start = new Int32Array(chains);
    this.#length = new Int32Array(chains);
    this.#filled = new Int32Array(chains);
    this.#touched = new Uint8Array(chains);
    this.#stands = new Int32Array(chains);
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

  /** Makes a chain's run longer by the rule at that place, which may stay there where all of the run does. */
  addAt(chain: number, place: number): void {
    this.touch(chain);
    const length = this.#length[chain] ?? 0;
    if (length === 0) this.#stands[chain] = place + 1;
    else if (this.#stands[chain]! + length !== place + 1) this.#stands[chain] = 0;
    this.add(chain, 1);
  }

  /** Whether a chain's run is where its rules were added. */
  stands(chain: number): boolean {
    return this.#stands[chain] !== 0;
  }

  /** Places the runs one after the other from `first` on, but for those that stand, and returns where they end. */
  place(first: number): number {
    let at = first;
    for (const chain of this.chains) {
      if (this.stands(chain)) {
        this.#start[chain] = this.#stands[chain]! - 1;
        continue;
      }
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
