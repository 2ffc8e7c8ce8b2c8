/** `1 µs = 0.25 s`: which simulated unit, and how many real seconds it takes. */
export interface PaceWords {
  readonly unit: 'µs' | 'ms' | 's';
  readonly seconds: string;
}

/** A pace in the unit that the run's end is read in, so that both figures are of a readable size. */
export function paceWords(secondsAMicro: number, endNs: number, locale?: string): PaceWords {
  const [unit, micros] = endNs >= 0.05e9 ? (['s', 1e6] as const) : endNs >= 1e6 ? (['ms', 1e3] as const) : (['µs', 1] as const);
  return { unit, seconds: new Intl.NumberFormat(locale, { maximumSignificantDigits: 2 }).format(secondsAMicro * micros) };
}
