/** Chains that all Services share: the order of their rules is a Go map's, but for the jump to KUBE-NODEPORTS. */
const SHARED = new Set(['KUBE-SERVICES', 'KUBE-NODEPORTS', 'KUBE-EXTERNAL-SERVICES', 'KUBE-PROXY-FIREWALL']);
const byBytes = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** A payload in the form in which two may be compared: tests/conformance/golden/README.md says how. */
export function canonical(payload: string): string {
  const out: string[] = [];
  for (const table of payload.split(/^(?=\*)/m)) {
    const lines = table.split('\n').filter((line) => line !== '');
    const of = (start: string) => lines.filter((line) => line.startsWith(start));
    const chains = new Map<string, string[]>();
    for (const line of of('-A ')) {
      const chain = line.split(' ', 2)[1]!;
      chains.set(chain, [...(chains.get(chain) ?? []), line]);
    }
    out.push(lines[0]!, ...of(':').sort(byBytes));
    for (const name of [...chains.keys()].sort(byBytes)) {
      const rules = chains.get(name)!;
      if (SHARED.has(name)) {
        const last = (line: string) => Number(line.endsWith('-j KUBE-NODEPORTS'));
        rules.sort((a, b) => last(a) - last(b) || byBytes(a, b));
      }
      out.push(...rules);
    }
    out.push(...of('-X ').sort(byBytes), 'COMMIT');
  }
  return out.join('\n');
}
