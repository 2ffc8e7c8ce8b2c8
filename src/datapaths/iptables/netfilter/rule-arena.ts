import { FIRST_OBJECT_TARGET, FLAG, hasObject, MATCH, MATCH_STRIDE, STRIDE, TARGET } from './rule-layout.ts';
import { grown } from './grown.ts';
import { compileMatch } from './compile-match.ts';
import type { Match, Rule, Target } from './rule.ts';
import { WrittenText, type RuleTexts } from './rule-texts.ts';

/** The flat arrays that a table's rules lie in (`rule-layout.ts`), with their counters, texts and objects beside them. */
export class RuleArena {
  rules = new Int32Array(64 * STRIDE);
  matches = new Int32Array(64 * MATCH_STRIDE);
  packets = new Float64Array(64);
  bytes = new Float64Array(64);
  /** What an index in a rule or match stands for: targets, and matches that are more than three numbers. */
  objects: (Match | Target)[] = [];
  /** Interface names and, with `+`, their beginnings; 0 stands for any. */
  readonly interfaces: string[];
  /** Evaluations of each nth match. */
  nth: number[] = [];
  /** By rule: an index into `texts`, and where in there its own text is. */
  places = new Int32Array(64 * 3);
  /** null: no rule stands there any more. */
  texts: (RuleTexts | null)[] = [];
  /** How many rules were ever placed in each text. */
  placed: number[] = [];
  count = 0;
  matchCount = 0;

  constructor(interfaces: string[] = ['']) {
    this.interfaces = interfaces;
  }

  addText(text: RuleTexts): number {
    this.placed.push(0);
    return this.texts.push(text) - 1;
  }

  ruleText(rule: number): string {
    const text = this.texts[this.places[rule * 3] ?? 0];
    return text?.ruleText(this.places[rule * 3 + 1] ?? 0, this.places[rule * 3 + 2] ?? 0) ?? '';
  }

  /** Says where a rule's text is: which text, and the two numbers that `RuleTexts` takes. */
  place(rule: number, text: number, first: number, second: number): void {
    const at = rule * 3;
    this.places[at] = text;
    this.places[at + 1] = first;
    this.places[at + 2] = second;
    this.placed[text] = (this.placed[text] ?? 0) + 1;
  }

  /** Writes a rule at the arena's end; `argument` is a chain's number where its target goes to one. Returns its index. */
  push(rule: Rule, argument: number): number {
    const index = this.count;
    this.reserve(index + 1);
    const firstMatch = this.matchCount;
    for (const match of rule.matches) compileMatch(this, match);
    const { rules } = this;
    const at = index * STRIDE;
    rules[at] =
      (rule.source?.negated ? FLAG.source : 0) |
      (rule.destination?.negated ? FLAG.destination : 0) |
      (rule.inInterface?.negated ? FLAG.in : 0) |
      (rule.outInterface?.negated ? FLAG.out : 0) |
      (rule.protocol?.negated ? FLAG.protocol : 0) |
      (rule.fragment ? FLAG.fragment : 0);
    rules[at + 1] = rule.source?.value.address ?? 0;
    rules[at + 2] = rule.source?.value.mask ?? 0;
    rules[at + 3] = rule.destination?.value.address ?? 0;
    rules[at + 4] = rule.destination?.value.mask ?? 0;
    rules[at + 5] = this.#interface(rule.inInterface?.value);
    rules[at + 6] = this.#interface(rule.outInterface?.value);
    rules[at + 7] = rule.protocol?.value ?? 0;
    rules[at + 8] = firstMatch;
    rules[at + 9] = this.matchCount - firstMatch;
    const kind = TARGET[rule.target.kind];
    rules[at + 10] = kind;
    rules[at + 11] = kind >= FIRST_OBJECT_TARGET ? this.object(rule.target) : argument;
    this.count = index + 1;
    return index;
  }

  /**
   * Begins a rule at the arena's end, without conditions and target: its matches are pushed next, its other words set in
   * `rules` from the returned place on (`rule-layout.ts`), and `end` makes it stand. For whoever has hundreds of thousands
   * of them, and would have to make an object of each for `push`.
   */
  begin(): number {
    this.reserve(this.count + 1);
    const at = this.count * STRIDE;
    this.rules.fill(0, at, at + STRIDE);
    this.rules[at + 8] = this.matchCount;
    return at;
  }

  /** Returns the index of the rule that was begun. */
  end(): number {
    const index = this.count;
    this.rules[index * STRIDE + 9] = this.matchCount - (this.rules[index * STRIDE + 8] ?? 0);
    this.count = index + 1;
    return index;
  }

  /** Bytes of the arrays, of the matches' as far as it is written, and of the texts that rules stand in. */
  size(): { readonly bytes: number; readonly text: number } {
    const arrays = [this.rules, this.matches.subarray(0, this.matchCount * MATCH_STRIDE), this.packets, this.bytes, this.places];
    return { bytes: arrays.reduce((sum, array) => sum + array.byteLength, 0), text: this.texts.reduce((sum, text) => sum + (text?.length ?? 0), 0) };
  }

  object(object: Match | Target): number {
    this.objects.push(object);
    return this.objects.length - 1;
  }

  pushMatch(kind: number, a: number, b: number, c: number): void {
    const at = this.matchCount * MATCH_STRIDE;
    if (at + MATCH_STRIDE > this.matches.length) this.matches = grown(this.matches, at + MATCH_STRIDE);
    this.matches[at] = kind;
    this.matches[at + 1] = a;
    this.matches[at + 2] = b;
    this.matches[at + 3] = c;
    this.matchCount += 1;
  }

  /** Copies a rule from this arena or one with the same matches, objects and texts. */
  copy(arena: RuleArena, from: number, to: number): void {
    const { rules, places } = this;
    for (let i = 0, a = from * STRIDE, b = to * STRIDE; i < STRIDE; i++) rules[b + i] = arena.rules[a + i]!;
    for (let i = 0, a = from * 3, b = to * 3; i < 3; i++) places[b + i] = arena.places[a + i]!;
    // Where nothing was counted, nothing is written: the system gives memory for what is.
    if (arena.packets[from] === 0 && arena.bytes[from] === 0) return;
    this.packets[to] = arena.packets[from] ?? 0;
    this.bytes[to] = arena.bytes[from] ?? 0;
  }

  reserve(rules: number): void {
    if (rules * STRIDE <= this.rules.length && rules <= this.packets.length) return;
    this.rules = grown(this.rules, rules * STRIDE);
    this.places = grown(this.places, rules * 3);
    this.packets = grown(this.packets, rules);
    this.bytes = grown(this.bytes, rules);
  }

  /** Another one with the same matches, objects and texts, and room for just so many rules, of which it has none yet. */
  withRoom(rules: number): RuleArena {
    const next = new RuleArena(this.interfaces);
    next.rules = new Int32Array(rules * STRIDE);
    next.places = new Int32Array(rules * 3);
    next.packets = new Float64Array(rules);
    next.bytes = new Float64Array(rules);
    next.matches = this.matches;
    next.matchCount = this.matchCount;
    next.objects = this.objects;
    next.nth = this.nth;
    next.texts = this.texts;
    next.placed = this.placed;
    return next;
  }

  /** Takes the rules and matches from these on away again. Counters of what is to come are always zero. */
  dropFrom(rule: number, match: number): void {
    this.packets.fill(0, rule, this.count);
    this.bytes.fill(0, rule, this.count);
    this.count = rule;
    this.matchCount = match;
  }

  /** A new arena with these runs of rules only, one after the other. `moved` is told each run's new beginning. */
  compacted(runs: Iterable<{ readonly start: number; readonly length: number; readonly moved: (start: number) => void }>, live: number): RuleArena {
    const next = new RuleArena([...this.interfaces]);
    next.reserve(live);
    const kept: number[] = [];
    for (const { start, length, moved } of runs) {
      moved(next.count);
      for (let rule = start; rule < start + length; rule++) {
        const to = next.count++;
        for (let i = 0; i < STRIDE; i++) next.rules[to * STRIDE + i] = this.rules[rule * STRIDE + i]!;
        next.packets[to] = this.packets[rule] ?? 0;
        next.bytes[to] = this.bytes[rule] ?? 0;
        this.#moveMatches(next, to);
        if ((next.rules[to * STRIDE + 10] ?? 0) >= FIRST_OBJECT_TARGET) next.rules[to * STRIDE + 11] = next.object(this.#objectOf(next.rules[to * STRIDE + 11] ?? 0));
        kept.push(rule);
      }
    }
    this.#keepTexts(next, kept);
    return next;
  }

  #objectOf(index: number): Match | Target {
    const object = this.objects[index];
    if (!object) throw new Error('RuleArena: a rule refers to nothing');
    return object;
  }

  /** What hardly any rule still has its text from is let go: those rules' texts are written out. */
  #keepTexts(next: RuleArena, kept: readonly number[]): void {
    const uses = new Int32Array(this.texts.length);
    for (const rule of kept) uses[this.places[rule * 3] ?? 0]! += 1;
    next.texts = this.texts.map((text, index) => ((uses[index] ?? 0) * 4 > (this.placed[index] ?? 0) ? text : null));
    next.placed = [...this.placed];
    const pieces: string[] = [];
    let length = 0;
    const home = next.texts.length;
    kept.forEach((rule, to) => {
      const at = rule * 3;
      const text = this.places[at] ?? 0;
      if (next.texts[text]) {
        next.places.set(this.places.subarray(at, at + 3), to * 3);
        return;
      }
      const piece = this.ruleText(rule);
      pieces.push(piece);
      next.place(to, home, length, length + piece.length);
      length += piece.length;
    });
    next.texts.push(new WrittenText(pieces.join('')));
  }

  #moveMatches(next: RuleArena, rule: number): void {
    const first = next.rules[rule * STRIDE + 8] ?? 0;
    const count = next.rules[rule * STRIDE + 9] ?? 0;
    next.rules[rule * STRIDE + 8] = next.matchCount;
    for (let i = 0; i < count; i++) {
      const from = (first + i) * MATCH_STRIDE;
      const kind = (this.matches[from] ?? 0) & 255;
      let a = this.matches[from + 1] ?? 0;
      let c = this.matches[from + 3] ?? 0;
      if (hasObject(kind)) a = next.object(this.#objectOf(a));
      if (kind === MATCH.nth) {
        next.nth.push(this.nth[c] ?? 0);
        c = next.nth.length - 1;
      }
      next.pushMatch(this.matches[from] ?? 0, a, this.matches[from + 2] ?? 0, c);
    }
  }

  #interface(name: string | undefined): number {
    if (name === undefined || name === '+') return 0;
    const found = this.interfaces.indexOf(name);
    if (found >= 0) return found;
    this.interfaces.push(name);
    return this.interfaces.length - 1;
  }
}
