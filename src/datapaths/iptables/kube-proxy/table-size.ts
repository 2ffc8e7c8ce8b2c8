import { RuleWords } from './rule-words.ts';

/** Lines of one table in a payload. */
export interface TableCounts {
  readonly chains: number;
  readonly rules: number;
  /** `-X` lines: chains taken away. */
  readonly deletes: number;
}

/** Counts one table's bytes and lines without writing them. */
export class TableSize extends RuleWords {
  bytes = 0;
  readonly counts = { chains: 0, rules: 0, deletes: 0 };

  protected put(words: string): void {
    this.bytes += words.length;
  }

  protected endLine(): void {
    this.bytes += 1;
  }

  override declare(chain: string): void {
    this.counts.chains += 1;
    super.declare(chain);
  }

  override deleteChain(chain: string): void {
    this.counts.deletes += 1;
    super.deleteChain(chain);
  }

  override end(): void {
    this.counts.rules += 1;
    super.end();
  }
}
