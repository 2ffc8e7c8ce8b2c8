import { parseIpv4 } from '../../../../packet/address.ts';
import { randomShare, type Match, type Negatable } from '../rule.ts';
import type { SetSide } from '../ipset.ts';
import { reader, type MatchReader, type ReadMatch } from './match-reader.ts';
import { RuleError } from './rule-error.ts';
import type { RuleWords } from './rule-words.ts';
import { anyText, readInteger } from './values.ts';

/** -m recent, set, statistic, addrtype: what remembers, counts or looks addresses up. */

export function readSides(text: string): readonly SetSide[] | undefined {
  const sides = text.split(',');
  return sides.length <= 6 && sides.every((side): side is SetSide => side === 'src' || side === 'dst') ? sides : undefined;
}

export function set(): MatchReader {
  let asked: { readonly name: string; readonly sides: readonly SetSide[]; readonly negated: boolean } | null = null;
  let wantsNomatch = false;
  let counters = false;
  const matchSet = (words: RuleWords, option: string) => {
    const { value: name, negated } = words.value(option, anyText);
    const sides = readSides(words.take('ends_sides'));
    if (!sides) throw words.error('set_sides', { option });
    asked = { name, sides, negated };
  };
  const counter = (words: RuleWords, option: string) => {
    words.value(option, readInteger);
    counters = true;
  };
  return reader(
    {
      '--match-set': matchSet,
      // As it was called once.
      '--set': matchSet,
      '--return-nomatch': (words, option) => {
        words.mustNotNegate(option);
        wantsNomatch = true;
      },
      // A set's counters are not kept: whether they rise is nobody's concern here.
      '--update-counters': (words) => {
        words.flag();
      },
      '--update-subcounters': (words) => {
        words.flag();
      },
      '--packets-eq': counter,
      '--packets-lt': counter,
      '--packets-gt': counter,
      '--bytes-eq': counter,
      '--bytes-lt': counter,
      '--bytes-gt': counter,
    },
    () => {
      if (!asked) throw new RuleError('needs', { what: 'set', option: '--match-set' });
      const match: Match = { kind: 'set', set: asked.name, sides: asked.sides, negated: asked.negated, wantsNomatch };
      return counters ? { match, note: { module: 'set', effect: 'no-set-counters' } } : { match };
    },
  );
}

const ADDRESS_TYPES = new Set(['UNSPEC', 'UNICAST', 'LOCAL', 'BROADCAST', 'ANYCAST', 'MULTICAST', 'BLACKHOLE', 'UNREACHABLE', 'PROHIBIT', 'THROW', 'NAT', 'XRESOLVE']);

function readTypes(text: string): readonly string[] | undefined {
  const types = text.toUpperCase().split(',');
  return types.every((type) => ADDRESS_TYPES.has(type)) ? types : undefined;
}

export function addrtype(): MatchReader {
  let source: Negatable<readonly string[]> | null = null;
  let destination: Negatable<readonly string[]> | null = null;
  let limit: 'in' | 'out' | null = null;
  return reader(
    {
      '--src-type': (words, option) => {
        source = words.value(option, readTypes);
      },
      '--dst-type': (words, option) => {
        destination = words.value(option, readTypes);
      },
      '--limit-iface-in': (words, option) => {
        words.mustNotNegate(option);
        limit = 'in';
      },
      '--limit-iface-out': (words, option) => {
        words.mustNotNegate(option);
        limit = 'out';
      },
    },
    () => {
      if (!source && !destination) throw new RuleError('needs_one_of', { what: 'addrtype', options: '--src-type, --dst-type' });
      return { match: { kind: 'addrtype', source, destination, limit } };
    },
  );
}

export class StatisticReader implements MatchReader {
  #mode: 'random' | 'nth' | null = null;
  #probability: Negatable<number> | null = null;
  #every: Negatable<number> | null = null;
  #packet = 0;

  option(option: string, words: RuleWords): boolean {
    switch (option) {
      case '--mode':
        this.#mode = words.plain(option, readMode);
        return true;
      case '--probability':
        this.#probability = words.value(option, readProbability);
        return true;
      case '--every':
        this.#every = words.value(option, readInteger);
        return true;
      case '--packet':
        this.#packet = words.plain(option, readInteger);
        return true;
      default:
        return false;
    }
  }

  finish(): ReadMatch {
    if (this.#mode === 'random') {
      if (!this.#probability) throw new RuleError('needs', { what: 'statistic --mode random', option: '--probability' });
      return { match: { kind: 'random', probability: randomShare(this.#probability.value), negated: this.#probability.negated } };
    }
    if (this.#mode !== 'nth') throw new RuleError('needs_one_of', { what: 'statistic', options: '--mode random, --mode nth' });
    if (!this.#every || this.#every.value < 1) throw new RuleError('nth_every');
    if (this.#packet >= this.#every.value) throw new RuleError('nth_packet');
    return { match: { kind: 'nth', every: this.#every.value, packet: this.#packet, negated: this.#every.negated } };
  }
}

function readMode(text: string): 'random' | 'nth' | undefined {
  return text === 'random' || text === 'nth' ? text : undefined;
}

function readProbability(text: string): number | undefined {
  const value = Number(text);
  return value >= 0 && value <= 1 && text.trim() !== '' ? value : undefined;
}

export function recent(): MatchReader {
  let action: { readonly name: (Match & { kind: 'recent' })['action']; readonly negated: boolean } | null = null;
  let list = 'DEFAULT';
  let side: (Match & { kind: 'recent' })['side'] = 'source';
  let seconds = 0;
  let hits = 0;
  let reap = false;
  let ttl = false;
  let mask = 0xffffffff;
  const act = (name: (Match & { kind: 'recent' })['action']) => (words: RuleWords) => {
    if (action) throw words.error('takes_one_of', { what: 'recent', options: '--set, --rcheck, --update, --remove' });
    action = { name, negated: words.flag() };
  };
  return reader(
    {
      '--set': act('set'),
      '--rcheck': act('rcheck'),
      '--update': act('update'),
      '--remove': act('remove'),
      '--name': (words, option) => {
        list = words.plain(option, anyText);
      },
      '--rsource': (words, option) => {
        words.mustNotNegate(option);
      },
      '--rdest': (words, option) => {
        words.mustNotNegate(option);
        side = 'destination';
      },
      '--seconds': (words, option) => {
        seconds = words.plain(option, readInteger);
      },
      '--hitcount': (words, option) => {
        hits = words.plain(option, readInteger);
      },
      '--reap': (words, option) => {
        words.mustNotNegate(option);
        reap = true;
      },
      '--rttl': (words, option) => {
        words.mustNotNegate(option);
        ttl = true;
      },
      '--mask': (words, option) => {
        mask = words.plain(option, parseIpv4);
      },
    },
    () => {
      if (!action) throw new RuleError('needs_one_of', { what: 'recent', options: '--set, --rcheck, --update, --remove' });
      if (reap && seconds === 0) throw new RuleError('needs', { what: 'recent --reap', option: '--seconds' });
      return { match: { kind: 'recent', list, action: action.name, side, seconds, hits, reap, ttl, mask, negated: action.negated } };
    },
  );
}
