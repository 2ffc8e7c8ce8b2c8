import { CONNECTION_STATUS, type AddressMask, type ConntrackFields, type Match, type Negatable, type Range } from '../rule.ts';
import { reader, type MatchReader } from './match-reader.ts';
import { RuleError } from './rule-error.ts';
import type { RuleWords } from './rule-words.ts';
import { maskOf } from '../../../../packet/address.ts';
import { readAddress, readInteger, readMark, readPorts, readProtocol, readRange, readStates } from './values.ts';

/** -m conntrack, state, mark, connmark, connlimit: what asks connection tracking or the packet's mark. */

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NOTHING: ConntrackFields = {
  states: null, protocol: null, originalSource: null, originalDestination: null, replySource: null, replyDestination: null,
  originalSourcePort: null, originalDestinationPort: null, replySourcePort: null, replyDestinationPort: null, status: null, expires: null, direction: null,
};

function readStatus(text: string): number | undefined {
  let status = 0;
  for (const name of text.split(',')) {
    const bit = (CONNECTION_STATUS as Readonly<Record<string, number>>)[name.toUpperCase()];
    if (bit === undefined) return undefined;
    status |= bit;
  }
  return status;
}

export function conntrack(): MatchReader {
  const fields: Mutable<ConntrackFields> = { ...NOTHING };
  const address = (name: 'originalSource' | 'originalDestination' | 'replySource' | 'replyDestination') => (words: RuleWords, option: string) => {
    fields[name] = words.value<AddressMask>(option, readAddress);
  };
  const port = (name: 'originalSourcePort' | 'originalDestinationPort' | 'replySourcePort' | 'replyDestinationPort') => (words: RuleWords, option: string) => {
    fields[name] = words.value<Range>(option, readPorts);
  };
  return reader(
    {
      '--ctstate': (words, option) => {
        fields.states = words.value(option, readStates);
      },
      '--ctproto': (words, option) => {
        fields.protocol = words.value(option, readProtocol);
      },
      '--ctorigsrc': address('originalSource'),
      '--ctorigdst': address('originalDestination'),
      '--ctreplsrc': address('replySource'),
      '--ctrepldst': address('replyDestination'),
      '--ctorigsrcport': port('originalSourcePort'),
      '--ctorigdstport': port('originalDestinationPort'),
      '--ctreplsrcport': port('replySourcePort'),
      '--ctrepldstport': port('replyDestinationPort'),
      '--ctstatus': (words, option) => {
        fields.status = words.value(option, readStatus);
      },
      '--ctexpire': (words, option) => {
        fields.expires = words.value(option, readRange(0xffffffff));
      },
      '--ctdir': (words, option) => {
        fields.direction = words.plain(option, (text) => (text.toUpperCase() === 'ORIGINAL' ? 0 : text.toUpperCase() === 'REPLY' ? 1 : undefined));
      },
    },
    () => {
      const others = Object.entries(fields).some(([name, value]) => name !== 'states' && value !== null);
      if (others) return { match: { kind: 'conntrack-fields', fields } };
      if (!fields.states) throw new RuleError('needs_any', { what: 'conntrack', option: '--ctstate' });
      return { match: { kind: 'conntrack', states: fields.states.value, negated: fields.states.negated } };
    },
  );
}

export function state(): MatchReader {
  let states: Negatable<number> | null = null;
  return reader(
    {
      '--state': (words, option) => {
        states = words.value(option, readStates);
      },
    },
    () => {
      if (!states) throw new RuleError('needs', { what: 'state', option: '--state' });
      return { match: { kind: 'conntrack', states: states.value, negated: states.negated } };
    },
  );
}

function markReader(kind: 'mark' | 'connmark'): MatchReader {
  let mark: Negatable<readonly [number, number]> | null = null;
  return reader(
    {
      '--mark': (words, option) => {
        if (mark) throw words.error('once', { option: '--mark' });
        mark = words.value(option, readMark);
      },
    },
    () => {
      if (!mark) throw new RuleError('needs', { what: kind, option: '--mark' });
      return { match: { kind, mark: mark.value[0], mask: mark.value[1], negated: mark.negated } };
    },
  );
}

export const mark = (): MatchReader => markReader('mark');
export const connmark = (): MatchReader => markReader('connmark');

export function connlimit(): MatchReader {
  let limit: { readonly count: number; readonly above: boolean } | null = null;
  let mask = 0xffffffff;
  let side: (Match & { kind: 'connlimit' })['side'] = 'source';
  const count = (upTo: boolean) => (words: RuleWords, option: string) => {
    const { value, negated } = words.value(option, readInteger);
    limit = { count: value, above: upTo === negated };
  };
  return reader(
    {
      '--connlimit-above': count(false),
      '--connlimit-upto': count(true),
      '--connlimit-mask': (words, option) => {
        mask = maskOf(words.plain(option, (text) => (/^\d+$/.test(text) ? Math.min(32, Number(text)) : undefined)));
      },
      '--connlimit-saddr': (words) => {
        words.mustNotNegate('--connlimit-saddr');
        side = 'source';
      },
      '--connlimit-daddr': (words) => {
        words.mustNotNegate('--connlimit-daddr');
        side = 'destination';
      },
    },
    () => {
      if (!limit) throw new RuleError('needs_one_of', { what: 'connlimit', options: '--connlimit-upto, --connlimit-above' });
      return { match: { kind: 'connlimit', limit: limit.count, above: limit.above, mask, side }, note: { module: 'connlimit', effect: 'approximate' } };
    },
  );
}
