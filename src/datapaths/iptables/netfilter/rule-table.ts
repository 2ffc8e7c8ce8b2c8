import { BUILT_IN, type TableName } from './hook.ts';
import { checkChains } from './chain-check.ts';
import { grown } from './grown.ts';
import { ChainRuns } from './chain-runs.ts';
import { needsConntrack } from './needs-conntrack.ts';
import { RuleError } from './parse/rule-error.ts';
import { RuleArena } from './rule-arena.ts';
import { checkChainName, checkInterfaces, checkNatHooks, checkTargetTable } from './rule-place.ts';
import type { RuleTexts } from './rule-texts.ts';
import { stagedFrom, type Policy, type Staged } from './staged.ts';
import type { Match, Rule, Target } from './rule.ts';

export type { Policy } from './staged.ts';

/** A commit takes the untouched rules along where there is at most one of them to so many others. */
const MOST_OTHERS = 3;

/** How far a chain's name is looked for behind the last one: a Service of two endpoints has three chains. */
const CHAINS_AHEAD = 3;

/**
 * A table: its chains, each a run of rules in the arena. A commit appends the chains that it touches and leaves their old
 * runs behind, or, where it touches nearly all, begins a new arena; once more than half is left behind, the arena is
 * written anew.
 */
export class RuleTable {
  readonly name: TableName;
  #arena = new RuleArena();
  #live = 0;
  #names: (string | null)[] = [];
  readonly #ids = new Map<string, number>();
  readonly #free: number[] = [];
  #found = 0;
  start = new Int32Array(16);
  length = new Int32Array(16);
  /** By built-in chain. */
  readonly policies = new Map<number, Policy>();
  readonly policyPackets = new Map<number, number>();
  readonly policyBytes = new Map<number, number>();
  #staged: Staged | null = null;

  constructor(name: TableName) {
    this.name = name;
    for (const hook of BUILT_IN[name]) {
      const id = this.#addChain(hook);
      this.policies.set(id, 'ACCEPT');
      this.policyPackets.set(id, 0);
      this.policyBytes.set(id, 0);
    }
  }

  get arena(): RuleArena {
    return this.#arena;
  }

  get packets(): Float64Array {
    return this.#arena.packets;
  }

  get bytes(): Float64Array {
    return this.#arena.bytes;
  }

  get objects(): readonly (Match | Target)[] {
    return this.#arena.objects;
  }

  /** Rules that stand in the table. */
  get ruleCount(): number {
    return this.#live;
  }

  chainId(name: string): number | undefined {
    return this.#ids.get(name);
  }

  chainName(id: number): string {
    return this.#names[id] ?? '';
  }

  /** Built-in chains first, then the others in the order in which they came. */
  *chains(): Iterable<{ readonly id: number; readonly name: string }> {
    for (const [name, id] of this.#ids) yield { id, name };
  }

  /** The rule's text without `-A CHAIN`. */
  ruleText(rule: number): string {
    return this.#arena.ruleText(rule);
  }

  // ——— changing: begin, any of the others, then commit or abandon ———

  /**
   * `expected`: how many rules are about to come, for the room that they take. `roomy`: so much that rules of a chain which
   * come one after the other can stay where they are added.
   */
  begin(expected = 0, roomy = false): void {
    this.#arena.reserve(this.#arena.count + expected);
    this.#staged = stagedFrom(this.#arena.count, this.#arena.matchCount, roomy);
  }

  /** Whether a chain stands, as far as the change goes by now. */
  has(name: string): boolean {
    const id = this.#ids.get(name);
    return id !== undefined && !this.#stage().deleted.has(id);
  }

  /** Whether a change was begun, and neither committed nor abandoned. */
  get changing(): boolean {
    return this.#staged !== null;
  }

  #stage(): Staged {
    if (!this.#staged) throw new Error('RuleTable: begin() comes first');
    return this.#staged;
  }

  /** `:CHAIN POLICY`: a new chain, or one that is there already, emptied if it is a person's own. */
  declare(name: string, policy: Policy | null): void {
    const staged = this.#stage();
    const id = this.#ids.get(name);
    if (id === undefined) {
      if (policy) throw new RuleError('no_policy', { chain: name, table: this.name });
      checkChainName(name);
      staged.created.push(this.#addChain(name));
      return;
    }
    staged.deleted.delete(id);
    if (this.policies.has(id)) {
      if (policy) staged.policies.set(id, policy);
    } else {
      if (policy) throw new RuleError('no_policy', { chain: name, table: this.name });
      this.flush(id);
    }
  }

  flush(id: number): void {
    const staged = this.#stage();
    staged.flushed.add(id);
    staged.edited.delete(id);
    for (let index = 0; index < staged.chains.length; index++) if (staged.chains[index] === id) staged.chains[index] = -1;
  }

  /** Without `--noflush`: every chain is emptied, and those that the text does not declare go. */
  flushAll(): void {
    const staged = this.#stage();
    for (const { id } of this.chains()) {
      staged.flushed.add(id);
      if (!this.policies.has(id)) staged.deleted.add(id);
    }
  }

  deleteChain(name: string): void {
    const id = this.#need(name);
    if (this.policies.has(id)) throw new RuleError('built_in_stays', { chain: name });
    this.#stage().deleted.add(id);
  }

  /** Adds a rule; `text`, `first` and `second` say where its text is (`RuleTexts`). `at`: from 0, absent: at the end. */
  add(chain: string, rule: Rule, text: number, first: number, second: number, counters: readonly [number, number] | null, at?: number): void {
    const staged = this.#stage();
    const id = this.#need(chain);
    checkInterfaces(chain, rule);
    const index = this.#arena.push(rule, this.#targetArgument(rule.target));
    this.#added(staged, id, index, at);
    this.#arena.place(index, text, first, second);
    if (!counters) return;
    this.#arena.packets[index] = counters[0];
    this.#arena.bytes[index] = counters[1];
  }

  /** Adds the rule that was begun in the arena, at the end of the chain with that number. */
  addBegun(id: number, text: number, first: number, second: number): void {
    const staged = this.#stage();
    const index = this.#arena.end();
    this.#added(staged, id, index);
    this.#arena.place(index, text, first, second);
  }

  /** The number of a chain that rules are added to. Throws `RuleError` where there is none. */
  chainFor(name: string): number {
    return this.#need(name);
  }

  /** The number of a chain that a rule jumps to. Throws `RuleError` where none can. */
  jumpTo(chain: string): number {
    return this.#targetArgument({ kind: 'jump', chain });
  }

  #added(staged: Staged, id: number, index: number, at?: number): void {
    staged.chains.push(id);
    if (at === undefined && staged.edited.size === 0) return;
    const edited = at === undefined ? staged.edited.get(id) : this.#edit(id);
    // The new rule is not in the list that #edit made before it was staged.
    if (edited) {
      const own = edited.indexOf(~index);
      if (own >= 0) edited.splice(own, 1);
      if (at !== undefined && at > edited.length) throw new RuleError('no_rule', { chain: this.chainName(id), number: at + 1, count: edited.length });
      edited.splice(at ?? edited.length, 0, ~index);
    }
  }

  /** Takes a rule out of a chain: the `number`th, from 1. */
  remove(chain: string, number: number): void {
    const list = this.#edit(this.#need(chain));
    if (number < 1 || number > list.length) throw new RuleError('no_rule', { chain, number, count: list.length });
    list.splice(number - 1, 1);
  }

  /** The rules of a chain as they stand by now, for `ruleText`. */
  rulesNow(chain: string): readonly number[] {
    return this.#edit(this.#need(chain)).map((rule) => (rule < 0 ? ~rule : rule));
  }

  /** Sets the counters of a chain's rules and of its policy to 0, or those of one rule (from 1). Counters are no part of what a failed commit leaves as it was. */
  zero(chain: string, number: number | null = null): void {
    const id = this.#need(chain);
    this.rulesNow(chain).forEach((rule, index) => {
      if (number === null || number === index + 1) this.#arena.packets[rule] = this.#arena.bytes[rule] = 0;
    });
    if (number !== null || !this.policies.has(id)) return;
    this.policyPackets.set(id, 0);
    this.policyBytes.set(id, 0);
  }

  /** Sets all counters that stand to 0. */
  zeroAll(): void {
    this.packets.fill(0);
    this.bytes.fill(0);
    for (const id of this.policies.keys()) {
      this.policyPackets.set(id, 0);
      this.policyBytes.set(id, 0);
    }
  }

  #edit(id: number): number[] {
    const staged = this.#stage();
    const found = staged.edited.get(id);
    if (found) return found;
    const list: number[] = [];
    if (!staged.flushed.has(id)) for (let i = 0; i < (this.length[id] ?? 0); i++) list.push((this.start[id] ?? 0) + i);
    staged.chains.forEach((chain, index) => {
      if (chain === id) list.push(~(staged.firstRule + index));
    });
    staged.edited.set(id, list);
    return list;
  }

  addText(texts: RuleTexts): number {
    return this.#arena.addText(texts);
  }

  /** Checks the chains as Linux does (no jump into nothing, no loop) and puts the change in force. Throws `RuleError`, and then nothing has changed. */
  commit(): void {
    const staged = this.#stage();
    const runs = this.#runsAfter(staged);
    const arena = this.#layOut(staged, runs);
    try {
      this.#check(staged, runs, arena);
    } catch (error) {
      this.abandon();
      throw error;
    }
    this.#arena = arena;
    let live = this.#live;
    for (const id of runs.chains) {
      const { start, length } = runs.of(id);
      live += length - (this.length[id] ?? 0);
      this.start[id] = start;
      this.length[id] = length;
    }
    for (const id of staged.deleted) {
      live -= this.length[id] ?? 0;
      this.#ids.delete(this.chainName(id));
      this.#names[id] = null;
      this.length[id] = 0;
      this.#free.push(id);
    }
    for (const [id, policy] of staged.policies) this.policies.set(id, policy);
    this.#live = live;
    this.#staged = null;
    // Rules that are gone leave their places behind, and their targets and matches too.
    if (arena.count > 2 * live + 1024 || arena.objects.length > 4 * live + 1024) this.#compact();
  }

  abandon(): void {
    const staged = this.#stage();
    for (const id of staged.created) {
      this.#ids.delete(this.chainName(id));
      this.#names[id] = null;
      this.#free.push(id);
    }
    this.#arena.dropFrom(staged.firstRule, staged.firstMatch);
    this.#staged = null;
  }

  /** Rules from before that stay at the beginning of a chain. */
  #kept(staged: Staged, id: number): number {
    return staged.flushed.has(id) || staged.edited.has(id) ? 0 : (this.length[id] ?? 0);
  }

  /** How long every touched chain will be; where nearly all rules are new, the others come with them. */
  #runsAfter(staged: Staged): ChainRuns {
    const runs = new ChainRuns(this.#names.length);
    for (const id of staged.flushed) runs.touch(id);
    for (const [id, rules] of staged.edited) runs.add(id, rules.length);
    // Few rules stood before: they leave no more behind than they take.
    const inPlace = staged.roomy && staged.firstRule * MOST_OTHERS <= staged.chains.length;
    for (let index = 0; index < staged.chains.length; index++) {
      const id = staged.chains[index] ?? -1;
      if (id < 0 || staged.edited.has(id)) continue;
      if (!runs.has(id)) runs.add(id, this.#kept(staged, id));
      if (inPlace) runs.addAt(id, staged.firstRule + index);
      else runs.add(id, 1);
    }
    if (inPlace) return runs;
    let others = 0;
    for (const id of this.#ids.values()) if (!runs.has(id)) others += this.length[id] ?? 0;
    if (others * MOST_OTHERS > runs.rules) return runs;
    for (const id of this.#ids.values()) if (!runs.has(id) && (this.length[id] ?? 0) > 0) runs.add(id, this.length[id] ?? 0);
    runs.whole = true;
    return runs;
  }

  /**
   * Lays the rules of every touched chain together: behind those that stand, or, where all are touched, in an arena of
   * just their size. What stands is left as it is.
   */
  #layOut(staged: Staged, runs: ChainRuns): RuleArena {
    const from = this.#arena;
    const arena = runs.whole ? from.withRoom(runs.rules) : from;
    const end = runs.place(runs.whole ? 0 : from.count);
    arena.reserve(end);
    for (const id of runs.chains) {
      if (runs.stands(id)) continue;
      const edited = staged.edited.get(id);
      if (edited) for (const rule of edited) arena.copy(from, rule < 0 ? ~rule : rule, runs.next(id));
      else for (let i = 0; i < this.#kept(staged, id); i++) arena.copy(from, (this.start[id] ?? 0) + i, runs.next(id));
    }
    for (let index = 0; index < staged.chains.length; index++) {
      const id = staged.chains[index] ?? -1;
      if (id >= 0 && !staged.edited.has(id) && !runs.stands(id)) arena.copy(from, staged.firstRule + index, runs.next(id));
    }
    arena.count = end;
    return arena;
  }

  #check(staged: Staged, runs: ChainRuns, arena: RuleArena): void {
    const runOf = (id: number) => (runs.has(id) ? runs.of(id) : { start: this.start[id] ?? 0, length: this.length[id] ?? 0 });
    for (const id of staged.deleted) {
      if (runOf(id).length > 0) throw new RuleError('chain_not_empty', { chain: this.chainName(id) });
    }
    const roots = [...this.policies.keys()];
    const reached = checkChains({
      arena,
      roots,
      chains: [...this.#ids.values()],
      runOf,
      nameOf: (id) => this.chainName(id),
      isGone: (id) => staged.deleted.has(id),
    });
    if (this.name !== 'nat') return;
    /** By which roots lead to a chain, as `checkChains` says it. */
    const hooks: (readonly string[])[] = [];
    const leadTo = (id: number) => {
      const leads = reached[id] ?? 0;
      return (hooks[leads] ??= roots.filter((_, bit) => (leads & (1 << bit)) !== 0).map((root) => this.chainName(root)));
    };
    checkNatHooks({ arena, chains: this.chains(), runOf, leadTo });
  }

  #compact(): void {
    const { start, length } = this;
    const ids = [...this.#ids.values()];
    const runs = ids.map((id) => ({
      start: start[id] ?? 0,
      length: length[id] ?? 0,
      moved: (to: number) => {
        start[id] = to;
      },
    }));
    this.#arena = this.#arena.compacted(runs, this.#live);
  }

  /** Whether a rule in force needs conntrack. */
  needsConntrack(): boolean {
    for (const id of this.#ids.values()) {
      const from = this.start[id] ?? 0;
      for (let rule = from; rule < from + (this.length[id] ?? 0); rule++) if (needsConntrack(this.#arena, rule)) return true;
    }
    return false;
  }

  /**
   * A chain's number. Rules name the chains in the order in which they were declared, again and again: of 150,000 names the
   * right one is nearly always next to the last that was found, and need not be looked up all over the memory.
   */
  #find(name: string): number | undefined {
    const names = this.#names;
    const last = this.#found;
    if (names[last] === name) return last;
    for (let id = last + 1; id <= last + CHAINS_AHEAD; id++) if (names[id] === name) return (this.#found = id);
    return this.#ids.get(name);
  }

  #need(name: string): number {
    const id = this.#find(name);
    if (id === undefined || this.#staged?.deleted.has(id)) throw new RuleError('no_chain', { chain: name, table: this.name });
    return id;
  }

  #addChain(name: string): number {
    const id = this.#free.pop() ?? this.#names.length;
    if (id >= this.start.length) {
      this.start = grown(this.start, id + 1);
      this.length = grown(this.length, id + 1);
    }
    this.#names[id] = name;
    this.#ids.set(name, id);
    this.start[id] = 0;
    this.length[id] = 0;
    return id;
  }

  /** The chain that a target goes to; 0 for the others. Throws where the target does not belong to this table. */
  #targetArgument(target: Target): number {
    if (target.kind !== 'jump' && target.kind !== 'goto') {
      checkTargetTable(this.name, target);
      return 0;
    }
    const id = this.#find(target.chain);
    if (id === undefined || this.#staged?.deleted.has(id)) throw new RuleError('no_target', { chain: target.chain });
    if (this.policies.has(id)) throw new RuleError('jump_built_in', { chain: target.chain });
    return id;
  }
}
