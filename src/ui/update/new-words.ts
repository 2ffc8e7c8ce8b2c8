import type { RulesChange } from '../../datapaths/report.ts';
import { m } from '../../i18n/paraglide/messages.js';
import type { NewRules } from './chain-layout.ts';
import { shortChain } from './rule-text.ts';

/** What is said of new rules at their place in the field. */
export function newWords(place: NewRules, { chainsAdded }: RulesChange): string {
  const added = new Set(chainsAdded);
  if (place.chains.length > 1 && place.chains.every((chain) => added.has(chain))) return m.update_new_chains({ count: place.count, chains: place.chains.length });
  const chain = place.chains.map(shortChain).join(', ');
  return place.count === 1 ? m.update_new_rule({ chain }) : m.update_new_rules({ count: place.count, chain });
}
