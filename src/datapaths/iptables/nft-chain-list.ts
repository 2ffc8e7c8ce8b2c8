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
 *
 * @param exists whether the table has that user chain before the payload
 */
export function chainListWork(payload: string, exists: (table: string, chain: string) => boolean): ChainListWork {
  let [chainsPassed, chainsAsked] = [0, 0];
  let table = '';
  let declared: string[] = [];
  /** Chain of each command, and where it jumps to. */
  let commands: string[] = [];
  for (let at = 0; at < payload.length; ) {
    const newline = payload.indexOf('\n', at);
    const end = newline < 0 ? payload.length : newline;
    switch (payload[at]) {
      case '*':
        table = payload.slice(at + 1, end);
        break;
      case ':': {
        const name = payload.slice(at + 1, payload.indexOf(' ', at));
        declared.push(name);
        commands.push(name);
        break;
      }
      case '-': {
        const space = payload.indexOf(' ', at + 3);
        commands.push(payload.slice(at + 3, space < 0 || space > end ? end : space));
        const jump = payload.lastIndexOf(' -j ', end);
        if (jump > at) {
          const after = payload.indexOf(' ', jump + 4);
          commands.push(payload.slice(jump + 4, after < 0 || after > end ? end : after));
        }
        break;
      }
      case 'C': {
        const work = tableWork(declared, commands, (name) => exists(table, name));
        chainsPassed += work.chainsPassed;
        chainsAsked += work.chainsAsked;
        declared = [];
        commands = [];
        break;
      }
    }
    at = end + 1;
  }
  return { chainsPassed, chainsAsked };
}

function tableWork(declared: readonly string[], commands: readonly string[], exists: (name: string) => boolean): ChainListWork {
  const names = new Set(declared);
  // Targets such as DNAT are not chains.
  for (const name of commands) if (!names.has(name) && exists(name)) names.add(name);
  const sorted = [...names].sort();
  const rank = new Map(sorted.map((name, index) => [name, index]));
  const asked = new SortedList(sorted.length);
  for (const name of commands) {
    const own = rank.get(name);
    if (own !== undefined) asked.insert(own);
  }
  const known = new SortedList(sorted.length);
  sorted.forEach((name, index) => {
    if (exists(name)) known.insert(index);
  });
  for (const name of declared) if (!exists(name)) known.insert(rank.get(name) ?? 0);
  return { chainsPassed: asked.passed + known.passed, chainsAsked: sorted.length };
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
