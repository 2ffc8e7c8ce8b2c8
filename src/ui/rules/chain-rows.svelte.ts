import type { ChainView, RulesApi } from '../../simulation/rules/api.ts';
import type { Scene } from '../../simulation/scene.ts';

/** Rows asked for at once. */
const BLOCK = 200;
/** Blocks kept: about 8,000 rows. */
const KEPT = 40;

interface Block {
  view: ChainView | null;
  /** Which state of the counters it shows, and whether a newer one was asked for. */
  age: number;
  asked: boolean;
}

/** The rules of one chain, asked for by the window and kept. */
export class ChainRows {
  readonly table: string;
  readonly chain: string;
  /** The chain itself; null: not here yet. */
  head = $state.raw<ChainView | null>(null);
  /** Some of its rules that are here lead to Services or endpoints. */
  leads = $state(false);
  /** Letters of the longest rule that is here, its comment left out. */
  longest = $state(0);
  /** There is no chain of that name. */
  gone = $state(false);
  readonly #api: Pick<RulesApi, 'chain'>;
  readonly #scene: Scene;
  // Not reactive themselves: `#version` tells when they change.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #blocks = new Map<number, Block>();
  #version = $state(0);
  #age = 0;

  constructor(api: Pick<RulesApi, 'chain'>, scene: Scene, table: string, chain: string) {
    this.#api = api;
    this.#scene = scene;
    this.table = table;
    this.chain = chain;
    this.#ask(0);
  }

  /** A rule's row, with what its block knows of targets; null: not here yet, and asked for. */
  row(index: number): { readonly row: ChainView['rows'][number]; readonly known: ChainView['known'] } | null {
    void this.#version;
    const at = Math.floor(index / BLOCK);
    const block = this.#blocks.get(at);
    if (!block || block.age < this.#age) this.#ask(at);
    const row = block?.view?.rows[index - (block.view.from)];
    return block?.view && row ? { row, known: block.view.known } : null;
  }

  /** A packet has passed: counters are asked for anew as they are looked at, and shown as they were until then. */
  age(): void {
    this.#age += 1;
    this.#version += 1;
  }

  #ask(at: number): void {
    const block = this.#blocks.get(at) ?? { view: null, age: -1, asked: false };
    if (block.asked) return;
    block.asked = true;
    this.#blocks.set(at, block);
    const age = this.#age;
    this.#api.chain(this.#scene, this.table, this.chain, at * BLOCK, BLOCK).then(
      (view) => {
        block.asked = false;
        if (!view) {
          this.gone = true;
          return;
        }
        block.view = view;
        block.age = age;
        this.head = view;
        this.leads ||= Object.keys(view.known).length > 0;
        this.longest = view.rows.reduce((most, { bare }) => Math.max(most, bare.length), this.longest);
        for (const old of this.#blocks.keys()) {
          if (this.#blocks.size <= KEPT) break;
          if (old !== at) this.#blocks.delete(old);
        }
        this.#version += 1;
      },
      // The engines were stopped: asked again when it is looked at again.
      () => { block.asked = false; },
    );
  }
}
