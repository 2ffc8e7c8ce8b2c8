import type { PayloadTable } from './nft-payload.ts';

/** What iptables-nft-restore does about chains beside handing them over. */
export interface ChainListWork {
  /** Names compared as each finds its place in one of the two sorted lists that it keeps. */
  readonly chainsPassed: number;
  /** Chains that the kernel is asked for, one request each. */
  readonly chainsAsked: number;
}

/**
 * iptables-nft-restore 1.8.9 keeps, for each table, two lists of chains sorted by name, and walks each from its head:
 * - the chains to ask the kernel for: every command puts its chain, and the chain that it jumps to, in their places
 *   (cache_chain_list_insert, iptables/nft-cache.c); a name that is there already ends the walk;
 * - the chains known: those that the kernel had, in the order asked for, then those that the payload declares
 *   (nft_cache_add_chain).
 * kube-proxy's names are hashes, so both sums grow with the square of the number of chains. Built-in chains, a handful,
 * are left out.
 */
export function chainListWork(tables: readonly PayloadTable[]): ChainListWork {
  let [chainsPassed, chainsAsked] = [0, 0];
  for (const table of tables) {
    chainsPassed += namesPassed(table);
    chainsAsked += table.asked.length;
  }
  return { chainsPassed, chainsAsked };
}

function namesPassed({ declared, commands, asked, existing }: PayloadTable): number {
  const rank = new Map(asked.map((name, index) => [name, index]));
  const toAsk = new SortedList(asked.length);
  for (const name of commands) {
    const own = rank.get(name);
    if (own !== undefined) toAsk.insert(own);
  }
  const known = new SortedList(asked.length);
  asked.forEach((name, index) => {
    if (existing.has(name)) known.insert(index);
  });
  for (const name of declared) if (!existing.has(name)) known.insert(rank.get(name) ?? 0);
  return toAsk.passed + known.passed;
}

/** Counts what walking a sorted list without repeats costs, without walking it: a Fenwick tree over the ranks. */
class SortedList {
  /** Names compared so far. */
  passed = 0;
  readonly #tree: Uint32Array;
  readonly #present: Uint8Array;
  #length = 0;

  constructor(ranks: number) {
    this.#tree = new Uint32Array(ranks + 1);
    this.#present = new Uint8Array(ranks);
  }

  insert(rank: number): void {
    let smaller = 0;
    for (let i = rank; i > 0; i -= i & -i) smaller += this.#tree[i]!;
    // The last comparison is with the name itself or the first greater one, where there is one.
    this.passed += smaller + (smaller < this.#length ? 1 : 0);
    if (this.#present[rank] === 1) return;
    this.#present[rank] = 1;
    this.#length += 1;
    for (let i = rank + 1; i < this.#tree.length; i += i & -i) this.#tree[i]! += 1;
  }
}
