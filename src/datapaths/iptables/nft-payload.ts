import type { PayloadSink, SyncPayload } from './kube-proxy/index.ts';

/** One table of a payload, as iptables-nft-restore goes through it. */
export interface PayloadTable {
  readonly table: string;
  /** Chains of `:CHAIN` lines, in order. */
  readonly declared: readonly string[];
  /** Chains of `-X` lines. */
  readonly deleted: readonly string[];
  /**
   * Every name that a line gives, in order and as often as it is given: the chain of each `:CHAIN` and `-X` line, of each
   * rule its chain and what it jumps to, be that a chain or a target such as RETURN (but for DNAT, which is no jump).
   */
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
export function readPayload(payload: Pick<SyncPayload, 'write'>, exists: (table: string, chain: string) => boolean): PayloadTable[] {
  const reader = new PayloadReader(exists);
  payload.write(reader);
  return reader.tables;
}

const JUMP = ' -j ';

/** Hears every line of a payload; of a rule, its chain and where it jumps to are all that counts here. */
class PayloadReader implements PayloadSink {
  readonly tables: PayloadTable[] = [];
  readonly #exists: (table: string, chain: string) => boolean;
  #table = '';
  #declared: string[] = [];
  #deleted: string[] = [];
  #commands: string[] = [];

  constructor(exists: (table: string, chain: string) => boolean) {
    this.#exists = exists;
  }

  table(name: string): void {
    this.#table = name;
  }

  declare(chain: string): void {
    this.#declared.push(chain);
    this.#commands.push(chain);
  }

  append(chain: string): void {
    this.#commands.push(chain);
  }

  jump(target: string): void {
    this.#commands.push(target);
  }

  line(text: string): void {
    const chain = text.indexOf(' ', 3);
    this.append(text.slice(3, chain));
    const jump = text.lastIndexOf(JUMP);
    if (jump < 0) return;
    const [target = ''] = text.slice(jump + JUMP.length).split(' ', 1);
    this.jump(target);
  }

  deleteChain(chain: string): void {
    this.#deleted.push(chain);
    this.#commands.push(chain);
  }

  commit(): void {
    const [table, declared, deleted, commands] = [this.#table, this.#declared, this.#deleted, this.#commands];
    this.tables.push({ table, declared, deleted, commands, ...chainsToAsk(declared, commands, (name) => this.#exists(table, name)) });
    [this.#declared, this.#deleted, this.#commands] = [[], [], []];
  }

  part(): void {}
  comment(): void {}
  commentName(): void {}
  protocol(): void {}
  source(): void {}
  destination(): void {}
  destinationPort(): void {}
  local(): void {}
  remember(): void {}
  remembered(): void {}
  oneIn(): void {}
  account(): void {}
  translate(): void {}
  end(): void {}
}

function chainsToAsk(declared: readonly string[], commands: readonly string[], exists: (name: string) => boolean): Pick<PayloadTable, 'asked' | 'existing'> {
  const names = new Set(declared);
  const existing = new Set<string>();
  for (const name of declared) if (exists(name)) existing.add(name);
  for (const name of commands) {
    // Targets such as RETURN are no chains.
    if (names.has(name) || !exists(name)) continue;
    names.add(name);
    existing.add(name);
  }
  return { asked: [...names].sort(), existing };
}
