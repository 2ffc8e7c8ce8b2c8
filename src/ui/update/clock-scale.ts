import { scaleLinear } from 'd3-scale';
import { fitField, type FieldGeometry } from './field-geometry.ts';
import type { Span } from './chain-progress.ts';

/** The update's clock: x is time, and the field of rules stands where the kernel takes them. px from the clock's left end. */
export interface ClockScale {
  readonly field: FieldGeometry;
  readonly fieldLeft: number;
  /** Where the whole update ends. */
  readonly end: number;
  readonly pxPerNs: number;
}

const LEAST_FIELD = 60;

/**
 * Lays the clock over at most `width` px. The scale follows from the field: its columns are whole pixels, so the clock is
 * made exactly as long as they ask.
 */
export function clockScale(rules: number, span: Span, total: number, width: number, height: number): ClockScale {
  const duration = span.end - span.start;
  if (total <= 0 || duration <= 0) {
    const field = fitField(rules, width, height);
    return { field, fieldLeft: 0, end: field.width, pxPerNs: 0 };
  }
  const field = fitField(rules, Math.max(LEAST_FIELD, (width * duration) / total), height);
  const pxPerNs = Math.min(field.width / duration, width / total);
  return { field, fieldLeft: span.start * pxPerNs, end: total * pxPerNs, pxPerNs };
}

/** Ticks of the clock: a finer and a coarser step, the coarser ones with words. In ns. */
export function clockTicks(total: number, width: number): { readonly minor: readonly number[]; readonly major: readonly number[] } {
  if (total <= 0) return { minor: [], major: [] };
  const scale = scaleLinear([0, total], [0, width]);
  return { minor: scale.ticks(Math.max(5, Math.round(width / 40))), major: scale.ticks(Math.max(2, Math.round(width / 180))) };
}
