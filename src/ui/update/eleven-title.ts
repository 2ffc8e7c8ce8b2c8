import { LATENCY_TO_ADD_RULES } from '../../cost/latency-to-add-rules.ts';
import { m } from '../../i18n/paraglide/messages.js';
import { getLocale } from '../../i18n/paraglide/runtime.js';
import { duration } from '../inspector/duration.ts';

/** The heading over the published figure, with the figure as its table has it. */
export function elevenTitle(): string {
  return m.update_eleven_title({ time: duration(LATENCY_TO_ADD_RULES.rows[1].ns, getLocale()) });
}
