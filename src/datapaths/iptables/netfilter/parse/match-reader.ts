import type { Match, RuleNote } from '../rule.ts';
import type { RuleWords } from './rule-words.ts';

/** What the rule says of itself, for matches that need it. */
export interface RuleFacts {
  /** Protocol number, negated ones not. */
  readonly protocol: number | null;
}

/** Reads the options of one `-m`. */
export interface MatchReader {
  /** Reads an option; false: it has none of this name. */
  option(option: string, words: RuleWords): boolean;
  /** The match once the rule was read. Throws `RuleError` where an option is missing. */
  finish(facts: RuleFacts): ReadMatch;
}

export interface ReadMatch {
  readonly match: Match;
  /** What a simulation cannot honour of it. */
  readonly note?: RuleNote;
}

/** A match whose options are read into a few variables: `options` by name, `finish` for the result. */
export function reader(options: Readonly<Record<string, (words: RuleWords, option: string) => void>>, finish: MatchReader['finish']): MatchReader {
  return {
    option(option, words) {
      const read = Object.hasOwn(options, option) ? options[option] : undefined;
      read?.(words, option);
      return read !== undefined;
    },
    finish,
  };
}
