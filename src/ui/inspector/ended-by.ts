import { m } from '../../i18n/paraglide/messages.js';

/** `filter:KUBE-FORWARD:0`, a rule as the engine names it: table, chain, and its place from 0. */
const RULE = /^([^:]+):(.+):(\d+)$/;
/** `filter:FORWARD:policy`. */
const POLICY = /^([^:]+):(.+):policy$/;

/** What refused or dropped a packet, for people: rules count from 1, as everywhere on the page. */
export function endedByWords(by: string): string {
  const [, table = '', chain = '', place] = RULE.exec(by) ?? [];
  if (place !== undefined) return m.inspector_by_rule({ table, chain, rule: Number(place) + 1 });
  const policy = POLICY.exec(by);
  return policy ? m.inspector_by_policy({ table: policy[1] ?? '', chain: policy[2] ?? '' }) : by;
}
