import { durationParts } from '../inspector/duration.ts';

const UNITS: Readonly<Record<string, number>> = { ns: 1, µs: 1e3, ms: 1e6, s: 1e9 };

/** A time in the unit that another one is read in, to one decimal. */
export function durationIn(ns: number, other: number, locale?: string): string {
  const unit = UNITS[durationParts(other, locale).unit] ?? 1;
  return new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(ns / unit);
}
