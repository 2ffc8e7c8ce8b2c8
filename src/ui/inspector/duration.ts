/** Nanoseconds in the unit a person reads, by the language's own rules: `41.3 μs`, `250 ms`. */
export function duration(ns: number, locale?: string): string {
  const [value, unit] =
    ns < 1e3 ? [ns, 'nanosecond'] : ns < 1e6 ? [ns / 1e3, 'microsecond'] : ns < 1e9 ? [ns / 1e6, 'millisecond'] : [ns / 1e9, 'second'];
  return new Intl.NumberFormat(locale, { style: 'unit', unit, maximumSignificantDigits: 3 }).format(value);
}
