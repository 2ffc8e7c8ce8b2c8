import { m } from '../../i18n/paraglide/messages.js';
import type { RatioSpan } from './ratio-span.ts';

/** Why no ratio is shown. */
export function noRatioWords(span: Exclude<RatioSpan, 'same'>): string {
  switch (span) {
    case 'ended': return m.race_no_ratio();
    case 'one-left': return m.race_no_ratio_one_left();
    case 'left': return m.race_no_ratio_left();
    case 'policy': return m.race_no_ratio_policy();
    case 'hop': return m.race_no_ratio_hop();
    case 'hop-policies': return m.race_no_ratio_hop_policies();
    case 'stack': return m.race_no_ratio_stack();
    case 'node': return m.race_no_ratio_node();
  }
}
