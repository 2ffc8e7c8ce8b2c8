/** A time as a person reads it: figure and unit apart, so that the unit can be set smaller. */
export interface DurationParts {
  readonly value: string;
  readonly unit: string;
}

// The SI's own symbols are the same in every language; from a minute up the language's words are used.
const SI = [
  { from: 1e9, symbol: 's' },
  { from: 1e6, symbol: 'ms' },
  { from: 1e3, symbol: 'µs' },
  { from: 1, symbol: 'ns' },
] as const;
const MINUTE = 60e9;
const HOUR = 3600e9;

function siUnit(ns: number): (typeof SI)[number] {
  const size = Math.abs(ns);
  // 999.6 µs would round to “1,000 µs”: the next unit says it better.
  return SI.find(({ from }) => size >= from * 0.9995) ?? SI[3];
}

function wordsOf(ns: number, locale?: string): Intl.NumberFormat {
  return new Intl.NumberFormat(locale, { style: 'unit', unit: Math.abs(ns) >= HOUR ? 'hour' : 'minute', unitDisplay: 'short', maximumSignificantDigits: 3 });
}

/** Nanoseconds as figure and unit: three significant digits. */
export function durationParts(ns: number, locale?: string): DurationParts {
  if (Math.abs(ns) >= MINUTE) {
    const parts = wordsOf(ns, locale).formatToParts(Math.abs(ns) >= HOUR ? ns / HOUR : ns / MINUTE);
    const is = (kind: string) => parts.filter(({ type }) => (type === 'unit') === (kind === 'unit') && type !== 'literal').map((part) => part.value).join('');
    return { value: is('value'), unit: is('unit') };
  }
  const { from, symbol } = siUnit(ns);
  return { value: new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 }).format(ns / from), unit: symbol };
}

/** The same in one string: `41.3 µs`, `250 ms`, `11 min`. */
export function duration(ns: number, locale?: string): string {
  // From a minute up a language says by itself whether a blank stands before its word.
  if (Math.abs(ns) >= MINUTE) return wordsOf(ns, locale).format(Math.abs(ns) >= HOUR ? ns / HOUR : ns / MINUTE);
  const { value, unit } = durationParts(ns, locale);
  return `${value} ${unit}`;
}

/** A running time in the unit and with the decimals of the whole that it runs towards, so that its width holds still. */
export function durationWithin(ns: number, total: number, locale?: string): DurationParts {
  if (Math.abs(total) >= MINUTE) return durationParts(ns, locale);
  const { from, symbol } = siUnit(total);
  const whole = Math.abs(total / from);
  const digits = whole >= 100 ? 0 : whole >= 10 ? 1 : 2;
  return { value: new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(ns / from), unit: symbol };
}
