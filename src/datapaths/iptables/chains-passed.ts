/**
 * iptables-nft-restore keeps the user chains of a table in a list sorted by name, and puts each chain that a payload
 * declares into it by walking the list from its head (nft_cache_add_chain, iptables/nft-cache.c; asked of 1.8.9): how many
 * names it passes, over all tables. kube-proxy's names are hashes, so the sum grows with the square of their number.
 */
export function chainsPassed(payload: string): number {
  let passed = 0;
  let names: string[] = [];
  for (let at = 0; at < payload.length; ) {
    const end = payload.indexOf('\n', at);
    const next = end < 0 ? payload.length : end + 1;
    const first = payload[at];
    if (first === ':') {
      names.push(payload.slice(at + 1, payload.indexOf(' ', at)));
    } else if (first === 'C') {
      passed += smallerBefore(names);
      names = [];
    }
    at = next;
  }
  return passed;
}

/** Sum over all names of how many smaller ones came before it (a Fenwick tree over the sorted order). */
function smallerBefore(names: readonly string[]): number {
  const rank = new Map([...names].sort().map((name, index) => [name, index + 1]));
  const tree = new Uint32Array(names.length + 1);
  let sum = 0;
  for (const name of names) {
    const own = rank.get(name) ?? 0;
    for (let i = own - 1; i > 0; i -= i & -i) sum += tree[i]!;
    for (let i = own; i <= names.length; i += i & -i) tree[i]! += 1;
  }
  return sum;
}
