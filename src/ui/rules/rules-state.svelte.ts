import { answerOf } from './answer-packet.ts';
import type { Packet } from '../../packet/packet.ts';
import type { Reading, SimulationApi } from '../../simulation/api.ts';
import type { ChainGraph, ChainsWanted, MadePacket, RulesApi, RuleTables, Walk } from '../../simulation/rules/api.ts';
import { madeText } from '../../simulation/made-packet.ts';
import type { Scene } from '../../simulation/scene.ts';
import { sameLanes } from '../shell/default-scene.ts';
import type { TasksDone } from '../shell/page-state.svelte.ts';
import { errorSentence } from '../shell/sentence.ts';
import { ChainRows } from './chain-rows.svelte.ts';
import { formOf, readForm, sameForm, type FormFault, type PacketForm } from './packet-form.ts';
import { pathOf, stopAt } from './walk-path.ts';

/** Chains kept. */
const KEPT = 16;

/** What of the engines the mode asks. */
export type RulesEngines = Pick<SimulationApi, 'read' | 'rules'>;

/** The mode's state: the tables of the left lane, what of them is looked at, a packet and its walk. */
export class RulesState {
  tables = $state.raw<RuleTables | null>(null);
  /** What was read of a node's own rules; null: these are kube-proxy's. */
  reading = $state.raw<Reading | null>(null);
  table = $state('');
  graph = $state.raw<ChainGraph | null>(null);
  rows = $state.raw<ChainRows | null>(null);
  /** What chains are listed: a family's, or those that a text finds; null: a chain is shown. */
  listed = $state.raw<ChainsWanted | null>(null);
  form = $state.raw<PacketForm | null>(null);
  /** The last packet that a person made, while the form shows an answer; null: it shows that packet. */
  own = $state.raw<{ readonly form: PacketForm; readonly last: Packet | null } | null>(null);
  keep = $state(false);
  /** The last packet that a person made and sent: a link's part. null: none yet. */
  made = $state.raw<MadePacket | null>(null);
  walk = $state.raw<Walk | null>(null);
  /** Index in the walk's rules of the one being evaluated; null: the walk has ended. */
  step = $state<number | null>(null);
  busy = $state(false);
  /** How far the engines are with the rules; null: they have not begun, or are done. */
  progress = $state.raw<TasksDone | null>(null);
  failure = $state('');
  /** The last scene whose rules were here. */
  stood: Scene | null = null;

  /** The form as it was sent. */
  #sent = $state.raw<PacketForm | null>(null);

  readonly path = $derived(this.walk ? pathOf(this.walk) : []);
  readonly at = $derived(this.step === null ? -1 : stopAt(this.path, this.step));
  /** Stops of the path that are passed or stood at. */
  readonly reached = $derived(this.step === null ? this.path.length : this.at + 1);
  readonly faults: readonly FormFault[] = $derived.by(() => {
    const read = this.form ? readForm(this.form, this.#last) : null;
    return read && 'faults' in read ? read.faults : [];
  });
  readonly answer = $derived(this.walk ? answerOf(this.walk) : null);
  /** The form is another than the one that the walk's packet was sent from. */
  readonly stale = $derived(this.walk !== null && this.form !== null && this.#sent !== null && !sameForm(this.form, this.#sent));

  readonly #engines: RulesEngines;
  #scene: Scene | null = null;
  #last: Packet | null = null;
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #graphs = new Map<string, ChainGraph>();
  /** Chains that were looked at, so that stepping back shows them at once. */
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  readonly #looked = new Map<string, ChainRows>();

  constructor(engines: RulesEngines) {
    this.#engines = engines;
  }

  /** Shows a scene's rules, unless they are the ones shown. */
  async open(scene: Scene): Promise<void> {
    if (this.#scene && sameRules(this.#scene, scene)) {
      if (scene.made && !sameMade(scene.made, this.made)) await this.#resend(scene.made);
      return;
    }
    this.#scene = scene;
    this.tables = null;
    this.reading = null;
    this.graph = null;
    this.rows = null;
    this.listed = null;
    this.form = null;
    this.own = null;
    this.made = null;
    this.walk = null;
    this.step = null;
    this.#graphs.clear();
    this.#looked.clear();
    this.failure = '';
    this.busy = true;
    this.progress = null;
    try {
      const tables = await this.#engines.rules.tables(scene, ({ task, done }) => {
        if (this.#scene === scene && this.busy) this.progress = { ...this.progress, [task]: done };
      });
      const reading = scene.cluster.kind === 'rules' ? await this.#engines.read(scene.cluster) : null;
      if (this.#scene !== scene) return;
      this.stood = scene;
      this.tables = { ...tables, tables: inOrder(tables.tables) };
      this.reading = reading;
      this.form = formOf(tables.example);
      this.keep = tables.example.keep;
      this.#last = tables.example.packet;
      const first = ['nat', 'filter'].map((name) => tables.tables.find(({ table, rules }) => table === name && rules > 0)).find((found) => found) ?? tables.tables.find(({ rules }) => rules > 0) ?? tables.tables[0];
      if (first) await this.show(first.table);
    } catch (error) {
      if (this.#scene !== scene) return;
      this.#scene = null;
      this.failure = errorSentence(error);
    }
    if (this.#scene === scene || this.#scene === null) {
      this.busy = false;
      this.progress = null;
    }
    if (this.#scene === scene && scene.made) await this.#resend(scene.made);
  }

  /** Shows a table, and of it a chain; without one, the chain that most begins in. */
  async show(table: string, chain: string | null = null): Promise<void> {
    const scene = this.#scene;
    if (!scene) return;
    this.table = table;
    if (chain !== null) this.look(chain);
    const graph = this.#graphs.get(table) ?? (await this.#engines.rules.graph(scene, table));
    if (this.#scene !== scene) return;
    this.#graphs.set(table, graph);
    if (this.table !== table) return;
    this.graph = graph;
    if (chain === null && this.rows?.table !== table) {
      const first = graph.nodes.find(({ name }) => name === 'KUBE-SERVICES') ?? graph.nodes.find(({ policy, rules }) => policy !== null && rules > 0) ?? graph.nodes[0];
      if (first) this.look(first.name);
    }
  }

  /** Opens a chain of the table as text. */
  look(chain: string): void {
    const scene = this.#scene;
    if (!scene) return;
    this.listed = null;
    const key = `${this.table} ${chain}`;
    const rows = this.#looked.get(key) ?? new ChainRows(this.#engines.rules, scene, this.table, chain);
    // The last one looked at stands last.
    this.#looked.delete(key);
    this.#looked.set(key, rows);
    for (const old of this.#looked.keys()) {
      if (this.#looked.size <= KEPT) break;
      this.#looked.delete(old);
    }
    this.rows = rows;
  }

  /** A node of the graph: a chain, or a family, whose chains are listed. */
  choose(node: ChainGraph['nodes'][number]): void {
    if (node.chains > 1) this.listed = { text: '', family: node.name };
    else this.look(node.name);
  }

  async chains(wanted: ChainsWanted, from: number, count: number): ReturnType<RulesApi['chains']> {
    return this.#scene ? this.#engines.rules.chains(this.#scene, this.table, wanted, from, count) : { total: 0, chains: [] };
  }

  /** Sends the form's packet, if nothing in it is wrong. */
  async send(): Promise<void> {
    const { form } = this;
    const read = form ? readForm(form, this.#last) : null;
    if (!form || !read || !('packet' in read)) return;
    this.own = null;
    const made = { packet: read.packet, input: form.input, output: form.output, keep: this.keep };
    if (await this.#walked(made, form)) this.made = made;
  }

  /** Sends a link's packet. What packets before it had left, where it was to keep that, is not in the link. */
  async #resend(made: MadePacket): Promise<void> {
    const form = formOf(made);
    this.form = form;
    this.own = null;
    this.keep = made.keep;
    this.#last = made.packet;
    if (await this.#walked(made, form)) this.made = made;
  }

  /** Sends what the last packet's receiver answers; the form then shows that. */
  async reply(): Promise<void> {
    const { answer } = this;
    if (!answer || this.busy || !this.form) return;
    this.own ??= { form: this.form, last: this.#last };
    const form = formOf(answer);
    this.form = form;
    this.#last = answer.packet;
    await this.#walked(answer, form);
  }

  /** Puts the last packet that a person made back into the form, after answers. */
  back(): void {
    if (!this.own) return;
    this.form = this.own.form;
    this.#last = this.own.last;
    this.own = null;
  }

  /** To a walked rule: table and chain follow it; null: to the walk's end. */
  to(step: number | null): void {
    const { walk } = this;
    if (!walk) return;
    this.step = step === null || walk.rules.length === 0 ? null : Math.min(walk.rules.length - 1, Math.max(0, step));
    const rule = this.step === null ? undefined : walk.rules[this.step];
    if (rule) void this.show(rule.table, rule.chain).catch(() => undefined);
  }

  /** One rule, or one stop of the path, on or back. */
  go(size: 'rule' | 'stop', direction: 1 | -1): void {
    const count = this.walk?.rules.length ?? 0;
    if (count === 0) return;
    const here = this.step ?? (direction > 0 ? -1 : count);
    if (size === 'rule') {
      this.to(here + direction >= count ? null : here + direction);
      return;
    }
    const starts = this.path.filter(({ first, end }) => end > first).map(({ first }) => first);
    const next = direction > 0 ? starts.find((start) => start > here) : starts.findLast((start) => start < here);
    this.to(next ?? (direction > 0 ? null : 0));
  }

  async #walked(made: MadePacket, form: PacketForm): Promise<boolean> {
    const scene = this.#scene;
    if (!scene || this.busy) return false;
    this.busy = true;
    this.failure = '';
    try {
      const walk = await this.#engines.rules.send(scene, made);
      if (this.#scene !== scene) return false;
      this.walk = walk;
      this.#sent = form;
      this.step = null;
      this.#last = made.packet;
      for (const rows of this.#looked.values()) rows.age();
      return true;
    } catch (error) {
      if (this.#scene === scene) this.failure = errorSentence(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}

function sameMade(a: MadePacket, b: MadePacket | null): boolean {
  return b !== null && madeText(a) === madeText(b);
}

/** Tables in the order in which a packet meets them. */
function inOrder(tables: RuleTables['tables']): RuleTables['tables'] {
  const order = ['raw', 'mangle', 'nat', 'filter', 'security'];
  return tables.toSorted((a, b) => order.indexOf(a.table) - order.indexOf(b.table));
}

/** Whether two scenes have the same rules in the left lane. */
function sameRules(a: Scene, b: Scene): boolean {
  return sameLanes(a, b) && a.target.servicePort === b.target.servicePort && a.target.position === b.target.position && a.added.join() === b.added.join() && JSON.stringify(a.changes ?? []) === JSON.stringify(b.changes ?? []);
}
