import type { RuleRow } from '../../datapaths/view.ts';
import type { SimulationApi } from '../../simulation/api.ts';

/** Rows asked for at once. */
const BLOCK = 256;
/** Blocks kept: about 8,000 rows. */
const KEPT = 32;

/** Rules of the chain lane as they stand now, asked for by the window and kept. */
export class RuleRows {
  readonly #inspect: SimulationApi['inspect'];
  // Not reactive themselves: `#version` tells when they change.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #blocks = new Map<string, readonly RuleRow[] | 'asked'>();
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #totals = new Map<string, number>();
  #version = $state(0);

  constructor(inspect: SimulationApi['inspect']) {
    this.#inspect = inspect;
  }

  /** Of these rules the rows that are here; the others are asked for, and so are those that the walk comes to next. null: none is here. */
  rows(table: string, chain: string, rules: readonly number[]): readonly RuleRow[] | null {
    // Read so that whoever draws is told when rows come.
    void this.#version;
    const found: RuleRow[] = [];
    for (const rule of rules) {
      const block = Math.floor(rule / BLOCK);
      const rows = this.#blocks.get(`${table} ${chain} ${block}`);
      if (rows === undefined) this.#ask(table, chain, block);
      const row = rows === undefined || rows === 'asked' ? undefined : rows[rule - block * BLOCK];
      if (row) found.push(row);
      if ((block + 1) * BLOCK < (this.#totals.get(`${table} ${chain}`) ?? 0) && !this.#blocks.has(`${table} ${chain} ${block + 1}`)) this.#ask(table, chain, block + 1);
    }
    return found.length > 0 ? found : null;
  }

  /** Rules in the chain; null: not known yet. */
  total(table: string, chain: string): number | null {
    void this.#version;
    const total = this.#totals.get(`${table} ${chain}`);
    if (total === undefined && !this.#blocks.has(`${table} ${chain} 0`)) this.#ask(table, chain, 0);
    return total ?? null;
  }

  #ask(table: string, chain: string, block: number): void {
    const key = `${table} ${chain} ${block}`;
    this.#blocks.set(key, 'asked');
    this.#inspect('iptables', { kind: 'rules', table, chain, from: block * BLOCK, count: BLOCK }).then(
      (snapshot) => {
        if (snapshot.kind !== 'rules') return;
        this.#blocks.delete(key);
        this.#blocks.set(key, snapshot.rows);
        this.#totals.set(`${table} ${chain}`, snapshot.total);
        for (const old of this.#blocks.keys()) {
          if (this.#blocks.size <= KEPT) break;
          if (old !== key) this.#blocks.delete(old);
        }
        this.#version += 1;
      },
      // The engines were stopped: asked again with the next race.
      () => { this.#blocks.delete(key); },
    );
  }
}
