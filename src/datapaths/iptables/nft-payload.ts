/** One table of a payload, as iptables-nft-restore goes through it. */
export interface PayloadTable {
  readonly table: string;
  /** Chains of `:CHAIN` lines, in order. */
  readonly declared: readonly string[];
  /** Chains of `-X` lines. */
  readonly deleted: readonly string[];
  /** Each command's chain, and what it jumps to, be that a chain or a target such as DNAT. */
  readonly commands: readonly string[];
  /** User chains that the kernel is asked for, sorted by name. */
  readonly asked: readonly string[];
  /** Those of them that stood in the table before. */
  readonly existing: ReadonlySet<string>;
}

/**
 * Reads a payload of kube-proxy's for what iptables-nft-restore asks the kernel and tells it.
 *
 * @param exists whether the table has that user chain before the payload
 */
export function readPayload(payload: string, exists: (table: string, chain: string) => boolean): PayloadTable[] {
  const tables: PayloadTable[] = [];
  let table = '';
  let declared: string[] = [];
  let deleted: string[] = [];
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
        const chain = payload.slice(at + 3, space < 0 || space > end ? end : space);
        commands.push(chain);
        if (payload[at + 1] === 'X') deleted.push(chain);
        const jump = payload.lastIndexOf(' -j ', end);
        if (jump > at) {
          const after = payload.indexOf(' ', jump + 4);
          commands.push(payload.slice(jump + 4, after < 0 || after > end ? end : after));
        }
        break;
      }
      case 'C':
        tables.push({ table, declared, deleted, commands, ...chainsToAsk(declared, commands, (name) => exists(table, name)) });
        [declared, deleted, commands] = [[], [], []];
        break;
    }
    at = end + 1;
  }
  return tables;
}

function chainsToAsk(declared: readonly string[], commands: readonly string[], exists: (name: string) => boolean): Pick<PayloadTable, 'asked' | 'existing'> {
  const names = new Set(declared);
  const existing = new Set<string>();
  for (const name of declared) if (exists(name)) existing.add(name);
  for (const name of commands) {
    // Targets such as DNAT are no chains.
    if (names.has(name) || !exists(name)) continue;
    names.add(name);
    existing.add(name);
  }
  return { asked: [...names].sort(), existing };
}
