import { maskOf } from '../../../../packet/address.ts';
import type { HashField } from '../rule.ts';
import { reader, type MatchReader } from './match-reader.ts';
import { RuleError } from './rule-error.ts';
import type { RuleWords } from './rule-words.ts';
import { anyText, readInteger, readRate } from './values.ts';

const HASH_FIELDS = new Set<string>(['srcip', 'srcport', 'dstip', 'dstport']);

/** `512kb/s`: bytes a second. */
function readByteRate(text: string): number | undefined {
  const bytes = readBytes(text.replace(/\/s(ec|econd)?$/i, ''));
  return bytes === 0 ? undefined : bytes;
}

/** `1mb`, `64kb`, `1500b`. */
function readBytes(text: string): number | undefined {
  const match = /^(\d+)([km])?b$/i.exec(text);
  if (!match) return undefined;
  return Number(match[1]) * ({ k: 1024, m: 1024 * 1024 }[(match[2] ?? '').toLowerCase()] ?? 1);
}

interface Rate {
  /** Milliseconds from one packet to the next, or bytes a second. */
  readonly value: number;
  readonly inBytes: boolean;
  readonly above: boolean;
}

/** An idle entry of a byte rate is kept so long, with a burst and without (XT_HASHLIMIT_BYTE_EXPIRE). */
const BYTE_EXPIRE_BURST_MS = 60_000;
const BYTE_EXPIRE_MS = 15_000;

/** -m hashlimit. */
export function hashlimit(): MatchReader {
  let rate: Rate | null = null;
  let burst: { readonly value: number; readonly inBytes: boolean } | null = null;
  let name: string | null = null;
  let by: readonly HashField[] = [];
  let sourceMask = 0xffffffff;
  let destinationMask = 0xffffffff;
  let expire = 0;
  // An idle entry is kept for as long as the rate's unit, if no rule says otherwise.
  let unit = 1000;
  const setRate = (upTo: boolean) => (words: RuleWords, option: string) => {
    const { value, negated } = words.value(option, (text) => {
      const bytes = readByteRate(text);
      unit = 1000 * ({ m: 60, h: 3600, d: 86_400 }[/\/([mhd])/i.exec(text)?.[1]?.toLowerCase() ?? ''] ?? 1);
      const interval = bytes === undefined ? readRate(text) : undefined;
      return bytes !== undefined ? { value: bytes, inBytes: true } : interval === undefined ? undefined : { value: interval, inBytes: false };
    });
    rate = { ...value, above: upTo === negated };
  };
  const prefix = (text: string) => (/^\d+$/.test(text) && Number(text) <= 32 ? maskOf(Number(text)) : undefined);
  const ignored = (words: RuleWords, option: string) => {
    words.plain(option, readInteger);
  };
  return reader(
    {
      '--hashlimit-upto': setRate(true),
      '--hashlimit': setRate(true),
      '--hashlimit-above': setRate(false),
      '--hashlimit-burst': (words, option) => {
        burst = words.plain(option, (text) => {
          const packets = readInteger(text);
          const bytes = readBytes(text);
          return packets !== undefined ? { value: packets, inBytes: false } : bytes === undefined ? undefined : { value: bytes, inBytes: true };
        });
      },
      '--hashlimit-name': (words, option) => {
        name = words.plain(option, anyText);
      },
      '--hashlimit-mode': (words, option) => {
        by = words.plain(option, (text) => {
          const fields = text.split(',');
          return fields.every((field): field is HashField => HASH_FIELDS.has(field)) ? fields : undefined;
        });
      },
      '--hashlimit-srcmask': (words, option) => {
        sourceMask = words.plain(option, prefix);
      },
      '--hashlimit-dstmask': (words, option) => {
        destinationMask = words.plain(option, prefix);
      },
      '--hashlimit-htable-size': ignored,
      '--hashlimit-htable-max': ignored,
      '--hashlimit-htable-expire': (words, option) => {
        expire = words.plain(option, readInteger);
      },
      '--hashlimit-htable-gcinterval': ignored,
    },
    () => {
      if (!rate) throw new RuleError('needs_one_of', { what: 'hashlimit', options: '--hashlimit-upto, --hashlimit-above' });
      if (name === null) throw new RuleError('needs', { what: 'hashlimit', option: '--hashlimit-name' });
      if (burst && burst.inBytes !== rate.inBytes) throw new RuleError('hashlimit_units');
      const { above, inBytes } = rate;
      const kept = expire > 0 ? expire : inBytes ? (burst ? BYTE_EXPIRE_BURST_MS : BYTE_EXPIRE_MS) : unit;
      const one = { kind: 'hashlimit', name, above, by, sourceMask, destinationMask, expire: kept } as const;
      if (!inBytes) return { match: { ...one, interval: rate.value, burst: burst?.value ?? 5, bytes: null } };
      if (burst && burst.value < rate.value) throw new RuleError('hashlimit_burst');
      return { match: { ...one, interval: 0, burst: burst ? Math.ceil(burst.value / rate.value) : 0, bytes: rate.value } };
    },
  );
}
