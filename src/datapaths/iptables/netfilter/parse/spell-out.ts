import { MATCH_OPTIONS, RULE_OPTIONS, TARGET_OPTIONS } from './option-names.ts';

/** A rule's words as `iptables-save` would write them. */
export interface SpelledOut {
  readonly words: readonly string[];
  /** Where each of them stood in the words given. */
  readonly origins: readonly number[];
}

interface Word {
  readonly text: string;
  readonly origin: number;
}

type Owner = 'rule' | 'match' | 'target';

/** Short options of a rule, with how many words they take. */
const SHORT: Readonly<Record<string, number>> = { '-s': 1, '-d': 1, '-i': 1, '-o': 1, '-p': 1, '-m': 1, '-j': 1, '-g': 1, '-f': 0, '-c': 2, '-4': 0, '-6': 0, '-v': 0 };
const PROTOCOLS: Readonly<Record<string, string>> = { '1': 'icmp', '6': 'tcp', '17': 'udp', '33': 'dccp', '50': 'esp', '51': 'ah', '132': 'sctp', icmp: 'icmp', tcp: 'tcp', udp: 'udp', dccp: 'dccp', esp: 'esp', ah: 'ah', sctp: 'sctp', udplite: 'udplite', ipcomp: 'ipcomp' };

/**
 * Spells out what `getopt_long` lets a person leave to it: abbreviated options (`--to` for `--to-destination`), values
 * behind a `=`, and a target's options anywhere behind the target. null: nothing was left, or nobody knows an option.
 */
export function spellOut(words: readonly string[], from: number): SpelledOut | null {
  const rule = new Speller(words, from);
  const spelled = rule.spell();
  return spelled && spelled.words.some((word, index) => word !== words[index]) ? spelled : null;
}

class Speller {
  readonly #given: readonly string[];
  #at: number;
  readonly #words: Word[] = [];
  /** Behind which word the target's options go; −1: no target yet. */
  #target = -1;
  readonly #ofTarget: Word[] = [];
  #negation: Word[] = [];
  #protocol = '';
  /** Newest first, as getopt looks for them. */
  readonly #known: { readonly owner: Owner; readonly module: string; readonly options: ReadonlyMap<string, number> }[] = [{ owner: 'rule', module: '', options: RULE_OPTIONS }];

  constructor(words: readonly string[], from: number) {
    this.#given = words;
    this.#at = from;
    for (let index = 0; index < from; index++) this.#words.push({ text: words[index] ?? '', origin: index });
  }

  spell(): SpelledOut | null {
    while (this.#at < this.#given.length) if (!this.#next()) return null;
    const all = [...this.#words];
    all.push(...this.#negation);
    if (this.#target >= 0) all.splice(this.#target + 1, 0, ...this.#ofTarget);
    return { words: all.map(({ text }) => text), origins: all.map(({ origin }) => origin) };
  }

  #next(): boolean {
    const origin = this.#at;
    const text = this.#given[origin] ?? '';
    this.#at += 1;
    if (text === '!') {
      this.#negation.push({ text, origin });
      return true;
    }
    if (Object.hasOwn(SHORT, text)) return this.#take('rule', { text, origin }, SHORT[text] ?? 0, undefined);
    if (!text.startsWith('--')) return false;
    const equals = text.indexOf('=');
    const name = equals < 0 ? text.slice(2) : text.slice(2, equals);
    const value = equals < 0 ? undefined : text.slice(equals + 1);
    const found = this.#resolve(name) ?? (this.#loadProtocol() ? this.#resolve(name) : null);
    if (!found || (value !== undefined && found.takes === 0)) return false;
    return this.#take(found.owner, { text: `--${found.name}`, origin }, found.takes, value);
  }

  /** The option that a name stands for: the same, or the only one that begins so. */
  #resolve(name: string): { readonly owner: Owner; readonly name: string; readonly takes: number } | null {
    for (const { owner, options } of this.#known) {
      const takes = options.get(name);
      if (takes !== undefined) return { owner, name, takes };
    }
    let only: { readonly owner: Owner; readonly name: string; readonly takes: number } | null = null;
    for (const { owner, options } of this.#known) {
      for (const [option, takes] of options) {
        if (!option.startsWith(name)) continue;
        if (only && only.name !== option) return null;
        only ??= { owner, name: option, takes };
      }
    }
    return only;
  }

  #loadProtocol(): boolean {
    const module = this.#protocol;
    const options = Object.hasOwn(MATCH_OPTIONS, module) ? MATCH_OPTIONS[module] : undefined;
    if (!options || this.#known.some((other) => other.module === module)) return false;
    this.#known.unshift({ owner: 'match', module, options });
    return true;
  }

  #take(owner: Owner, option: Word, takes: number, value: string | undefined): boolean {
    const values: Word[] = value === undefined ? [] : [{ text: value, origin: option.origin }];
    // Old texts negate behind the option.
    let count = takes;
    if (values.length === 0 && takes > 0 && this.#given[this.#at] === '!') count += 1;
    while (values.length < count) {
      const text = this.#given[this.#at];
      if (text === undefined) return false;
      values.push({ text, origin: this.#at });
      this.#at += 1;
    }
    const negated = this.#negation.length > 0;
    (owner === 'target' ? this.#ofTarget : this.#words).push(...this.#negation, option, ...values);
    this.#negation = [];
    if (owner === 'rule') this.#note(option.text, values.at(-1)?.text ?? '', negated || values.length > takes);
    return true;
  }

  /** What an option of the rule makes known. */
  #note(option: string, value: string, negated: boolean): void {
    if (option === '-p' || option === '--protocol') {
      this.#protocol = negated ? '' : (PROTOCOLS[value.toLowerCase()] ?? '');
    } else if (option === '-m' || option === '--match') {
      const options = Object.hasOwn(MATCH_OPTIONS, value) ? MATCH_OPTIONS[value] : undefined;
      if (options) this.#known.unshift({ owner: 'match', module: value, options });
    } else if (option === '-j' || option === '--jump') {
      this.#target = this.#words.length - 1;
      const options = Object.hasOwn(TARGET_OPTIONS, value) ? TARGET_OPTIONS[value] : undefined;
      if (options) this.#known.unshift({ owner: 'target', module: value, options });
    }
  }
}
