import { maskOf } from '../../../packet/address.ts';
import { PROTOCOL_NUMBER } from '../../../packet/protocol.ts';
import { BUILT_IN, type TableName } from './hook.ts';
import { parseRule, RuleError } from './parse-rule.ts';
import type { Match, Rule, Target } from './rule.ts';

/*
 * Layout. A table is one arena of rules; a chain is a contiguous run in it, so that a scan reads forward through memory.
 * A rule is STRIDE 32-bit integers in `rules`:
 *
 *   0 FLAGS  negations (FLAG) and, by goto, the way of its jump    6 OUT      index into `interfaces`, 0: any
 *   1 SRC    source address                                        7 PROTO    protocol number, 0: any
 *   2 SMASK  and mask                                              8 MATCH    first of its matches in `matches`
 *   3 DST    destination address                                   9 MATCHES  how many
 *   4 DMASK  and mask                                             10 TARGET   TARGET
 *   5 IN     index into `interfaces`, 0: any                      11 ARG      chain (jump, goto) or index into `objects`
 *
 * A match is MATCH_STRIDE integers: kind and negation (bit 8), and three values of its own (see `#match`).
 * Counters and the places of the rules' texts are arrays beside it. A commit appends the chains it touches and leaves
 * their old runs behind; once more than half is left behind, the arena is written anew.
 */
export const STRIDE = 12;
export const MATCH_STRIDE = 4;
export const FLAG = { source: 1, destination: 2, in: 4, out: 8, protocol: 16 } as const;
export const TARGET = { none: 0, accept: 1, drop: 2, return: 3, jump: 4, goto: 5, mark: 6, connmark: 7, nat: 8, reject: 9, notrack: 10 } as const;
export const MATCH = { comment: 0, tcp: 1, ports: 2, icmp: 3, conntrack: 4, mark: 5, connmark: 6, random: 7, nth: 8, addrtype: 9, multiport: 10, recent: 11, set: 12 } as const;
export const NEGATED = 256;

export type Policy = 'ACCEPT' | 'DROP';

interface Staged {
  /** Chain by staged rule. */
  readonly chains: number[];
  /** Chains whose rules from before stay away. */
  readonly flushed: Set<number>;
  readonly deleted: Set<number>;
  readonly created: Set<number>;
  readonly policies: Map<number, Policy>;
  /** Chains that a line edited elsewhere than at the end: their rules in order, staged ones as ~index. */
  readonly edited: Map<number, number[]>;
  readonly firstRule: number;
  readonly firstMatch: number;
}

export class RuleTable {
  readonly name: TableName;
  rules = new Int32Array(64 * STRIDE);
  matches = new Int32Array(64 * MATCH_STRIDE);
  packets = new Float64Array(64);
  bytes = new Float64Array(64);
  /** Text, start and end by rule. */
  #places = new Int32Array(64 * 3);
  #count = 0;
  #matchCount = 0;
  #live = 0;
  objects: (Match | Target)[] = [];
  /** Interface names and, with `+`, their beginnings; 0 stands for any. */
  interfaces: string[] = [''];
  /** Evaluations of each nth match. */
  nth: number[] = [];
  #texts: (string | null)[] = [];

  #names: (string | null)[] = [];
  readonly #ids = new Map<string, number>();
  readonly #free: number[] = [];
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
    const text = this.#texts[this.#places[rule * 3] ?? 0] ?? '';
    return text.slice(this.#places[rule * 3 + 1], this.#places[rule * 3 + 2]);
  }

  // ——— changing: begin, any of the others, then commit or abandon ———

  begin(): void {
    this.#staged = {
      chains: [],
      flushed: new Set(),
      deleted: new Set(),
      created: new Set(),
      policies: new Map(),
      edited: new Map(),
      firstRule: this.#count,
      firstMatch: this.#matchCount,
    };
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
      if (policy) throw new RuleError(`${name} is no built-in chain of the table ${this.name}: it has no policy.`);
      staged.created.add(this.#addChain(name));
      return;
    }
    staged.deleted.delete(id);
    if (this.policies.has(id)) {
      if (policy) staged.policies.set(id, policy);
    } else {
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
    if (this.policies.has(id)) throw new RuleError(`${name} is a built-in chain and stays.`);
    this.#stage().deleted.add(id);
  }

  /** Adds a rule. `words`: its options from `wordsFrom` on; `text[start..end]`: the same as it was written. `at`: from 0, absent: at the end. */
  add(chain: string, words: readonly string[], wordsFrom: number, text: number, start: number, end: number, counters: readonly [number, number] | null, at?: number): void {
    const staged = this.#stage();
    const id = this.#need(chain);
    const rule = parseRule(words, wordsFrom);
    const index = this.#compile(rule);
    this.#place(index, text, start, end);
    this.packets[index] = counters?.[0] ?? 0;
    this.bytes[index] = counters?.[1] ?? 0;
    staged.chains.push(id);
    const edited = at === undefined ? staged.edited.get(id) : this.#edit(id);
    // The new rule is not in the list that #edit made before it was staged.
    if (edited) {
      const own = edited.indexOf(~index);
      if (own >= 0) edited.splice(own, 1);
      edited.splice(at ?? edited.length, 0, ~index);
    }
  }

  #place(rule: number, text: number, start: number, end: number): void {
    const at = rule * 3;
    this.#places[at] = text;
    this.#places[at + 1] = start;
    this.#places[at + 2] = end;
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

  addText(text: string): number {
    this.#texts.push(text);
    return this.#texts.length - 1;
  }

  /** Checks the chains as Linux does (no jump into nothing, no loop) and puts the change in force. Throws `RuleError`, and then nothing has changed. */
  commit(): void {
    const staged = this.#stage();
    const touched = this.#layOut(staged);
    try {
      this.#check(staged, touched);
    } catch (error) {
      this.abandon();
      throw error;
    }
    let live = this.#live;
    for (const [id, run] of touched) {
      live += run.length - (this.length[id] ?? 0);
      this.start[id] = run.start;
      this.length[id] = run.length;
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
    if (this.#count > 2 * live + 1024) this.#compact();
  }

  abandon(): void {
    const staged = this.#stage();
    for (const id of staged.created) {
      this.#ids.delete(this.chainName(id));
      this.#names[id] = null;
      this.#free.push(id);
    }
    this.#count = staged.firstRule;
    this.#matchCount = staged.firstMatch;
    this.#staged = null;
  }

  /** Copies the rules of every touched chain to the arena's end, each chain's together. */
  #layOut(staged: Staged): Map<number, { start: number; length: number }> {
    const runs = new Map<number, { start: number; length: number; at: number }>();
    const touch = (id: number) => {
      let run = runs.get(id);
      if (!run) {
        const kept = staged.flushed.has(id) || staged.edited.has(id) ? 0 : (this.length[id] ?? 0);
        run = { start: 0, length: staged.edited.get(id)?.length ?? kept, at: 0 };
        runs.set(id, run);
      }
      return run;
    };
    for (const id of staged.flushed) touch(id);
    for (const id of staged.edited.keys()) touch(id);
    for (const id of staged.chains) if (id >= 0 && !staged.edited.has(id)) touch(id).length += 1;
    let next = this.#count;
    for (const run of runs.values()) {
      run.start = run.at = next;
      next += run.length;
    }
    this.#reserve(next);
    for (const [id, run] of runs) {
      const edited = staged.edited.get(id);
      if (edited) for (const rule of edited) this.#copy(rule < 0 ? ~rule : rule, run.at++);
      else if (!staged.flushed.has(id)) for (let i = 0; i < (this.length[id] ?? 0); i++) this.#copy((this.start[id] ?? 0) + i, run.at++);
    }
    staged.chains.forEach((id, index) => {
      if (id < 0 || staged.edited.has(id)) return;
      const run = runs.get(id);
      if (run) this.#copy(staged.firstRule + index, run.at++);
    });
    this.#count = next;
    return runs;
  }

  #copy(from: number, to: number): void {
    const { rules } = this;
    for (let i = 0, a = from * STRIDE, b = to * STRIDE; i < STRIDE; i++) rules[b + i] = rules[a + i]!;
    const places = this.#places;
    for (let i = 0, a = from * 3, b = to * 3; i < 3; i++) places[b + i] = places[a + i]!;
    this.packets[to] = this.packets[from] ?? 0;
    this.bytes[to] = this.bytes[from] ?? 0;
  }

  /** mark_source_chains: walks all jumps; a chain that comes back to itself is a loop. */
  #check(staged: Staged, touched: ReadonlyMap<number, { readonly start: number; readonly length: number }>): void {
    const runOf = (id: number) => touched.get(id) ?? { start: this.start[id] ?? 0, length: this.length[id] ?? 0 };
    for (const id of staged.deleted) {
      if (runOf(id).length > 0) throw new RuleError(`The chain ${this.chainName(id)} cannot be deleted: it holds rules.`);
    }
    // 1: being walked, 2: done.
    const state = new Uint8Array(this.#names.length);
    for (const { id: root } of this.chains()) {
      if (state[root] !== 0 || staged.deleted.has(root)) continue;
      const stack = [{ id: root, at: 0 }];
      state[root] = 1;
      for (let top = stack.at(-1); top; top = stack.at(-1)) {
        const run = runOf(top.id);
        if (top.at >= run.length) {
          state[top.id] = 2;
          stack.pop();
          continue;
        }
        const rule = (run.start + top.at) * STRIDE;
        top.at += 1;
        const kind = this.rules[rule + 10];
        if (kind !== TARGET.jump && kind !== TARGET.goto) continue;
        const next = this.rules[rule + 11] ?? 0;
        if (staged.deleted.has(next)) throw new RuleError(`The chain ${this.chainName(next)} cannot be deleted: ${this.chainName(top.id)} jumps to it.`);
        if (state[next] === 1) {
          const names = [...stack.slice(stack.findIndex(({ id }) => id === next)).map(({ id }) => this.chainName(id)), this.chainName(next)];
          throw new RuleError(`The chains jump in a circle: ${names.join(' → ')}.`);
        }
        if (state[next] === 0) {
          state[next] = 1;
          stack.push({ id: next, at: 0 });
        }
      }
    }
  }

  #compact(): void {
    const old = { rules: this.rules, matches: this.matches, packets: this.packets, bytes: this.bytes, places: this.#places, objects: this.objects, nth: this.nth, texts: this.#texts };
    this.rules = new Int32Array(this.#live * STRIDE);
    this.matches = new Int32Array(64 * MATCH_STRIDE);
    this.packets = new Float64Array(this.#live);
    this.bytes = new Float64Array(this.#live);
    this.#places = new Int32Array(this.#live * 3);
    this.objects = [];
    this.nth = [];
    this.#count = 0;
    this.#matchCount = 0;
    // A long text that hardly any rule still stands in is cut down to those rules.
    const used = new Float64Array(old.texts.length);
    this.#forEachRule((rule) => {
      const text = old.places[rule * 3] ?? 0;
      used[text] = (used[text] ?? 0) + (old.places[rule * 3 + 2] ?? 0) - (old.places[rule * 3 + 1] ?? 0);
    });
    const kept: string[] = [];
    let keptLength = 0;
    this.#texts = old.texts.map((text, index) => (text !== null && (used[index] ?? 0) * 4 > text.length ? text : null));
    const home = this.#texts.length;
    for (const { id } of this.chains()) {
      const from = this.start[id] ?? 0;
      const length = this.length[id] ?? 0;
      this.start[id] = this.#count;
      for (let rule = from; rule < from + length; rule++) {
        const to = this.#count++;
        for (let i = 0; i < STRIDE; i++) this.rules[to * STRIDE + i] = old.rules[rule * STRIDE + i]!;
        this.packets[to] = old.packets[rule] ?? 0;
        this.bytes[to] = old.bytes[rule] ?? 0;
        this.#moveMatches(to, old.matches, old.objects, old.nth);
        const kind = this.rules[to * STRIDE + 10] ?? 0;
        if (kind >= TARGET.mark && kind <= TARGET.reject) this.rules[to * STRIDE + 11] = this.#object(old.objects[this.rules[to * STRIDE + 11] ?? 0]);
        const text = old.places[rule * 3] ?? 0;
        const start = old.places[rule * 3 + 1] ?? 0;
        const end = old.places[rule * 3 + 2] ?? 0;
        if (this.#texts[text] !== null) {
          this.#place(to, text, start, end);
        } else {
          kept.push(old.texts[text]?.slice(start, end) ?? '');
          this.#place(to, home, keptLength, keptLength + end - start);
          keptLength += end - start;
        }
      }
    }
    this.#texts.push(kept.join(''));
  }

  #moveMatches(rule: number, matches: Int32Array, objects: readonly (Match | Target)[], nth: readonly number[]): void {
    const first = this.rules[rule * STRIDE + 8] ?? 0;
    const count = this.rules[rule * STRIDE + 9] ?? 0;
    this.rules[rule * STRIDE + 8] = this.#matchCount;
    for (let i = 0; i < count; i++) {
      const from = (first + i) * MATCH_STRIDE;
      const kind = (matches[from] ?? 0) & 255;
      let a = matches[from + 1] ?? 0;
      let c = matches[from + 3] ?? 0;
      if (kind >= MATCH.addrtype) a = this.#object(objects[a]);
      if (kind === MATCH.nth) {
        this.nth.push(nth[c] ?? 0);
        c = this.nth.length - 1;
      }
      this.#pushMatch(matches[from] ?? 0, a, matches[from + 2] ?? 0, c);
    }
  }

  #forEachRule(visit: (rule: number) => void): void {
    for (const { id } of this.chains()) {
      const from = this.start[id] ?? 0;
      for (let rule = from; rule < from + (this.length[id] ?? 0); rule++) visit(rule);
    }
  }

  /** Whether a rule in force needs conntrack: NAT, connection state or marks. */
  needsConntrack(): boolean {
    let needs = false;
    this.#forEachRule((rule) => {
      if (needs) return;
      const kind = this.rules[rule * STRIDE + 10] ?? 0;
      if (kind === TARGET.nat || kind === TARGET.connmark || kind === TARGET.notrack) needs = true;
      const first = this.rules[rule * STRIDE + 8] ?? 0;
      for (let i = 0; i < (this.rules[rule * STRIDE + 9] ?? 0) && !needs; i++) {
        const match = (this.matches[(first + i) * MATCH_STRIDE] ?? 0) & 255;
        if (match === MATCH.conntrack || match === MATCH.connmark) needs = true;
      }
    });
    return needs;
  }

  #need(name: string): number {
    const id = this.#ids.get(name);
    if (id === undefined || this.#staged?.deleted.has(id)) throw new RuleError(`There is no chain ${name} in the table ${this.name}.`);
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

  #reserve(rules: number): void {
    if (rules * STRIDE <= this.rules.length && rules <= this.packets.length) return;
    this.rules = grown(this.rules, rules * STRIDE);
    this.#places = grown(this.#places, rules * 3);
    this.packets = grownFloats(this.packets, rules);
    this.bytes = grownFloats(this.bytes, rules);
  }

  #compile(rule: Rule): number {
    const index = this.#count;
    this.#reserve(index + 1);
    const at = index * STRIDE;
    const firstMatch = this.#matchCount;
    for (const match of rule.matches) this.#match(match, rule);
    const arena = this.rules;
    arena[at] =
      (rule.source?.negated ? FLAG.source : 0) |
      (rule.destination?.negated ? FLAG.destination : 0) |
      (rule.inInterface?.negated ? FLAG.in : 0) |
      (rule.outInterface?.negated ? FLAG.out : 0) |
      (rule.protocol?.negated ? FLAG.protocol : 0);
    arena[at + 1] = rule.source?.value.address ?? 0;
    arena[at + 2] = rule.source ? maskOf(rule.source.value.length) : 0;
    arena[at + 3] = rule.destination?.value.address ?? 0;
    arena[at + 4] = rule.destination ? maskOf(rule.destination.value.length) : 0;
    arena[at + 5] = this.#interface(rule.inInterface?.value);
    arena[at + 6] = this.#interface(rule.outInterface?.value);
    arena[at + 7] = rule.protocol?.value ?? 0;
    arena[at + 8] = firstMatch;
    arena[at + 9] = rule.matches.length;
    arena[at + 10] = TARGET[rule.target.kind];
    arena[at + 11] = this.#targetArgument(rule.target);
    this.#count = index + 1;
    return index;
  }

  #targetArgument(target: Target): number {
    switch (target.kind) {
      case 'jump':
      case 'goto': {
        const id = this.#ids.get(target.chain);
        if (id === undefined || this.#staged?.deleted.has(id)) throw new RuleError(`There is no chain or target ${target.chain} to jump to.`);
        if (this.policies.has(id)) throw new RuleError(`A rule cannot jump to the built-in chain ${target.chain}.`);
        return id;
      }
      case 'nat':
        if (this.name !== 'nat') throw new RuleError(`The target ${target.name} belongs to the table nat, not to ${this.name}.`);
        return this.#object(target);
      case 'reject':
        if (this.name !== 'filter') throw new RuleError(`The target REJECT belongs to the table filter, not to ${this.name}.`);
        return this.#object(target);
      case 'notrack':
        if (this.name !== 'raw') throw new RuleError(`--notrack belongs to the table raw, not to ${this.name}.`);
        return 0;
      case 'mark':
      case 'connmark':
        return this.#object(target);
      default:
        return 0;
    }
  }

  #interface(name: string | undefined): number {
    if (name === undefined || name === '+') return 0;
    const found = this.interfaces.indexOf(name);
    if (found >= 0) return found;
    this.interfaces.push(name);
    return this.interfaces.length - 1;
  }

  #object(object: Match | Target | undefined): number {
    if (!object) throw new Error('RuleTable: a rule refers to nothing');
    this.objects.push(object);
    return this.objects.length - 1;
  }

  #pushMatch(kind: number, a: number, b: number, c: number): void {
    const at = this.#matchCount * MATCH_STRIDE;
    if (at + MATCH_STRIDE > this.matches.length) this.matches = grown(this.matches, at + MATCH_STRIDE);
    this.matches[at] = kind;
    this.matches[at + 1] = a;
    this.matches[at + 2] = b;
    this.matches[at + 3] = c;
    this.#matchCount += 1;
  }

  #match(match: Match, rule: Rule): void {
    const negated = 'negated' in match && match.negated ? NEGATED : 0;
    const ports = (range: { readonly value: readonly [number, number] } | null) => (range ? range.value[0] | (range.value[1] << 16) : 0xffff << 16);
    switch (match.kind) {
      case 'comment':
        this.#pushMatch(MATCH.comment, 0, 0, 0);
        return;
      case 'tcp':
      case 'udp':
      case 'sctp': {
        needProtocol(rule, match.kind.toUpperCase() as 'TCP' | 'UDP' | 'SCTP');
        let c = (match.source?.negated ? 1 : 0) | (match.destination?.negated ? 2 : 0);
        if (match.kind === 'tcp' && match.flags) c |= (match.flags.negated ? 4 : 0) | (match.flags.value[0] << 8) | (match.flags.value[1] << 16);
        this.#pushMatch(match.kind === 'tcp' ? MATCH.tcp : MATCH.ports, ports(match.source), ports(match.destination), c);
        return;
      }
      case 'icmp':
        needProtocol(rule, 'ICMP');
        this.#pushMatch(MATCH.icmp | negated, match.type, match.code[0], match.code[1]);
        return;
      case 'conntrack':
        this.#pushMatch(MATCH.conntrack | negated, match.states, 0, 0);
        return;
      case 'mark':
      case 'connmark':
        this.#pushMatch(MATCH[match.kind] | negated, match.mark, match.mask, 0);
        return;
      case 'random':
        // 2³¹ itself stands for "always": as an unsigned compare of 31 bits.
        this.#pushMatch(MATCH.random | negated, match.probability | 0, 0, 0);
        return;
      case 'nth':
        this.nth.push(0);
        this.#pushMatch(MATCH.nth | negated, match.every, match.packet, this.nth.length - 1);
        return;
      case 'multiport':
        if (rule.protocol?.negated !== false) throw new RuleError('multiport needs -p tcp, udp or sctp.');
        this.#pushMatch(MATCH.multiport | negated, this.#object(match), 0, 0);
        return;
      case 'addrtype':
      case 'recent':
      case 'set':
        this.#pushMatch(MATCH[match.kind] | negated, this.#object(match), 0, 0);
    }
  }
}

function needProtocol(rule: Rule, protocol: 'TCP' | 'UDP' | 'SCTP' | 'ICMP'): void {
  if (rule.protocol?.value !== PROTOCOL_NUMBER[protocol] || rule.protocol.negated) {
    throw new RuleError(`-m ${protocol.toLowerCase()} needs -p ${protocol.toLowerCase()}.`);
  }
}

function grown(array: Int32Array, atLeast: number): Int32Array<ArrayBuffer> {
  const next = new Int32Array(Math.max(atLeast, array.length * 2));
  next.set(array);
  return next;
}

function grownFloats(array: Float64Array, atLeast: number): Float64Array<ArrayBuffer> {
  const next = new Float64Array(Math.max(atLeast, array.length * 2));
  next.set(array);
  return next;
}
