/** A range of ports as the fewest prefixes that make it up, in order: what a trie over the port's bits can hold. `to` is in it. */
export function portPrefixes(from: number, to: number): { readonly port: number; readonly bits: number }[] {
  const prefixes: { port: number; bits: number }[] = [];
  let port = from;
  while (port <= to) {
    // The largest block that begins here and does not end beyond.
    let size = port === 0 ? 0x10000 : port & -port;
    while (port + size - 1 > to) size /= 2;
    prefixes.push({ port, bits: 16 - Math.log2(size) });
    port += size;
  }
  return prefixes;
}
