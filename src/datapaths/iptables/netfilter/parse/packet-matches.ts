import type { Match, Negatable, Range } from '../rule.ts';
import { reader, type MatchReader, type ReadMatch } from './match-reader.ts';
import { RuleError } from './rule-error.ts';
import type { RuleWords } from './rule-words.ts';
import { readAddressRange, readDscp, readDscpClass, readInteger, readRange, readRate, readTos } from './values.ts';

/** -m comment, length, ttl, tos, dscp, iprange, pkttype, limit, quota, rpfilter, time. */

export class CommentReader implements MatchReader {
  #text: string | null = null;

  option(option: string, words: RuleWords): boolean {
    if (option !== '--comment') return false;
    words.mustNotNegate(option);
    this.#text = words.take('ends_value', '--comment');
    return true;
  }

  finish(): ReadMatch {
    if (this.#text === null) throw new RuleError('needs', { what: 'comment', option: '--comment' });
    return COMMENT;
  }
}

/** A comment says nothing to a packet, and stands in the rule's text: one match serves them all. */
const COMMENT: ReadMatch = { match: { kind: 'comment' } };

export function length(): MatchReader {
  let range: Negatable<Range> | null = null;
  return reader(
    {
      '--length': (words, option) => {
        range = words.value(option, readRange(65535));
      },
    },
    () => {
      if (!range) throw new RuleError('needs', { what: 'length', option: '--length' });
      return { match: { kind: 'length', range: range.value, negated: range.negated } };
    },
  );
}

export function ttl(): MatchReader {
  let match: (Match & { kind: 'ttl' }) | null = null;
  const byte = (text: string) => (/^\d+$/.test(text) && Number(text) < 256 ? Number(text) : undefined);
  const compare = (how: 'lt' | 'gt') => (words: RuleWords, option: string) => {
    match = { kind: 'ttl', compare: how, value: words.plain(option, byte), negated: false };
  };
  const equal = (words: RuleWords, option: string) => {
    const { value, negated } = words.value(option, byte);
    match = { kind: 'ttl', compare: 'eq', value, negated };
  };
  return reader({ '--ttl-eq': equal, '--ttl': equal, '--ttl-lt': compare('lt'), '--ttl-gt': compare('gt') }, () => {
    if (!match) throw new RuleError('needs_one_of', { what: 'ttl', options: '--ttl-eq, --ttl-lt, --ttl-gt' });
    return { match };
  });
}

export function tos(): MatchReader {
  let value: Negatable<readonly [number, number]> | null = null;
  return reader(
    {
      '--tos': (words, option) => {
        value = words.value(option, readTos);
      },
    },
    () => {
      if (!value) throw new RuleError('needs', { what: 'tos', option: '--tos' });
      return { match: { kind: 'tos', value: value.value[0], mask: value.value[1], negated: value.negated } };
    },
  );
}

export function dscp(): MatchReader {
  let value: Negatable<number> | null = null;
  return reader(
    {
      '--dscp': (words, option) => {
        value = words.value(option, readDscp);
      },
      '--dscp-class': (words, option) => {
        value = words.value(option, readDscpClass);
      },
    },
    () => {
      if (!value) throw new RuleError('needs_one_of', { what: 'dscp', options: '--dscp, --dscp-class' });
      return { match: { kind: 'tos', value: value.value << 2, mask: 0xfc, negated: value.negated } };
    },
  );
}

export function iprange(): MatchReader {
  let source: Negatable<Range> | null = null;
  let destination: Negatable<Range> | null = null;
  return reader(
    {
      '--src-range': (words, option) => {
        source = words.value<Range>(option, readAddressRange);
      },
      '--dst-range': (words, option) => {
        destination = words.value<Range>(option, readAddressRange);
      },
    },
    () => {
      if (!source && !destination) throw new RuleError('needs_one_of', { what: 'iprange', options: '--src-range, --dst-range' });
      return { match: { kind: 'iprange', source, destination } };
    },
  );
}

export function pkttype(): MatchReader {
  let type: Negatable<'unicast' | 'broadcast' | 'multicast' | 'otherhost'> | null = null;
  return reader(
    {
      '--pkt-type': (words, option) => {
        type = words.value(option, (text) => {
          const name = text.toLowerCase();
          if (name === 'host') return 'unicast';
          return name === 'unicast' || name === 'broadcast' || name === 'multicast' || name === 'otherhost' ? name : undefined;
        });
      },
    },
    () => {
      if (!type) throw new RuleError('needs', { what: 'pkttype', option: '--pkt-type' });
      return { match: { kind: 'pkttype', type: type.value, negated: type.negated } };
    },
  );
}

export function limit(): MatchReader {
  let interval = 1_200_000;
  let burst = 5;
  return reader(
    {
      '--limit': (words, option) => {
        interval = words.plain(option, readRate);
      },
      '--limit-burst': (words, option) => {
        burst = words.plain(option, readInteger);
      },
    },
    () => ({ match: { kind: 'limit', interval, burst } }),
  );
}

export function tcpmss(): MatchReader {
  let range: Negatable<Range> | null = null;
  return reader(
    {
      '--mss': (words, option) => {
        range = words.value(option, readRange(65535));
      },
    },
    ({ protocol }) => {
      if (protocol !== 6) throw new RuleError('needs', { what: '-m tcpmss', option: '-p tcp' });
      if (!range) throw new RuleError('needs', { what: 'tcpmss', option: '--mss' });
      return { match: { kind: 'tcpmss', range: range.value, negated: range.negated }, note: { module: 'tcpmss', effect: range.negated ? 'always-no-options' : 'never-no-options' } };
    },
  );
}

export function quota(): MatchReader {
  let bytes: Negatable<number> | null = null;
  return reader(
    {
      '--quota': (words, option) => {
        bytes = words.value(option, readInteger);
      },
    },
    () => {
      if (!bytes) throw new RuleError('needs', { what: 'quota', option: '--quota' });
      return { match: { kind: 'quota', bytes: bytes.value, negated: bytes.negated } };
    },
  );
}

export function rpfilter(): MatchReader {
  let loose = false;
  let acceptLocal = false;
  let negated = false;
  return reader(
    {
      '--loose': () => {
        loose = true;
      },
      // Routes by mark are not modelled: the mark changes nothing.
      '--validmark': () => undefined,
      '--accept-local': () => {
        acceptLocal = true;
      },
      '--invert': () => {
        negated = true;
      },
    },
    () => ({ match: { kind: 'rpfilter', loose, acceptLocal, negated } }),
  );
}

const WEEKDAYS = ['Mo', 'Tu', 'We', 'Th', 'Fr', 'Sa', 'Su'];

function readTime(text: string): number | undefined {
  const match = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text);
  const [hour, minute, second] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3] ?? 0)];
  return match && hour < 24 && minute < 60 && second < 60 ? hour * 3600 + minute * 60 + second : undefined;
}

function readDate(text: string): number | undefined {
  const match = /^\d{4}(-\d{2}(-\d{2}(T\d{2}(:\d{2}(:\d{2})?)?)?)?)?$/.test(text);
  const full = text.length === 4 ? `${text}-01-01T00:00:00` : `${text}${'0000-01-01T00:00:00'.slice(text.length)}`;
  const time = Date.parse(`${full}Z`);
  return match && !Number.isNaN(time) ? time / 1000 : undefined;
}

function readDays(names: (text: string) => number | undefined): (text: string) => number | undefined {
  return (text) => {
    let days = 0;
    for (const name of text.split(',')) {
      const day = names(name);
      if (day === undefined) return undefined;
      days |= 1 << day;
    }
    return days;
  };
}

const dayOfWeek = (name: string) => {
  if (/^[1-7]$/.test(name)) return Number(name);
  const index = WEEKDAYS.findIndex((day) => name.toLowerCase().startsWith(day.toLowerCase()));
  return index < 0 ? undefined : index + 1;
};
const dayOfMonth = (name: string) => (/^\d{1,2}$/.test(name) && Number(name) >= 1 && Number(name) <= 31 ? Number(name) : undefined);

export function time(): MatchReader {
  let start = 0;
  let stop = 86_399;
  let weekdays = 0;
  let monthDays = 0;
  let from = 0;
  let to = Infinity;
  let contiguous = false;
  const all = (count: number) => (2 ** (count + 1) - 2) | 0;
  return reader(
    {
      '--timestart': (words, option) => {
        start = words.plain(option, readTime);
      },
      '--timestop': (words, option) => {
        stop = words.plain(option, readTime);
      },
      '--weekdays': (words, option) => {
        const { value, negated } = words.value(option, readDays(dayOfWeek));
        weekdays = negated ? all(7) & ~value : value;
      },
      '--monthdays': (words, option) => {
        const { value, negated } = words.value(option, readDays(dayOfMonth));
        monthDays = negated ? all(31) & ~value : value;
      },
      '--datestart': (words, option) => {
        from = words.plain(option, readDate);
      },
      '--datestop': (words, option) => {
        to = words.plain(option, readDate);
      },
      '--utc': () => undefined,
      '--kerneltz': () => undefined,
      // Its old name.
      '--localtz': () => undefined,
      '--contiguous': () => {
        contiguous = true;
      },
    },
    () => {
      if (contiguous && start < stop) throw new RuleError('time_contiguous');
      return { match: { kind: 'time', daily: [start, stop], contiguous, weekdays, monthDays, dates: [from, to] }, note: { module: 'time', effect: 'clock' } };
    },
  );
}

