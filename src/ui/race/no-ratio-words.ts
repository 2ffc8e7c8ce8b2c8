import { m } from '../../i18n/paraglide/messages.js';
import type { ratioSpan } from './ratio-span.ts';

/** Why no ratio is shown. */
export function noRatioWords(span: Exclude<ReturnType<typeof ratioSpan>, 'same'>): string {
  switch (span) {
    case 'ended': return m.race_no_ratio();
    case 'one-left': return m.race_no_ratio_one_left();
    case 'left': return m.race_no_ratio_left();
    case 'stack': return m.race_no_ratio_stack();
    case 'node': return m.race_no_ratio_node();
  }
}
