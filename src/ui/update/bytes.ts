import type { DurationParts } from '../inspector/duration.ts';

const UNITS = ['B', 'kB', 'MB', 'GB'] as const;

/** Bytes as figure and unit (powers of 1,000); with `total`, in the unit and decimals of that whole. */
export function byteParts(bytes: number, locale?: string, total = bytes): DurationParts {
  let power = 0;
  while (power < UNITS.length - 1 && total / 1000 ** power >= 999.5) power += 1;
  const whole = total / 1000 ** power;
  const digits = power === 0 || whole >= 100 ? 0 : 1;
  const format = new Intl.NumberFormat(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return { value: format.format(bytes / 1000 ** power), unit: UNITS[power] ?? 'B' };
}
