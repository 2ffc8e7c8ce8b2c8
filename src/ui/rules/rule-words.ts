import type { RuleRow } from '../../datapaths/view.ts';

/** What `-j` names that is no chain: netfilter's targets are written in capitals, and so are many chains; what leads on is told by the chain's list. */
export interface RuleWords {
  readonly before: string;
  /** The chain that the rule leads to; null: it ends in a target of netfilter's. */
  readonly chain: string | null;
  readonly after: string;
}

const TARGETS = new Set(['ACCEPT', 'DROP', 'RETURN', 'QUEUE', 'REJECT', 'MARK', 'CONNMARK', 'DNAT', 'SNAT', 'MASQUERADE', 'REDIRECT', 'NETMAP', 'LOG', 'NFLOG', 'ULOG', 'TRACE', 'CHECKSUM', 'TCPMSS', 'NOTRACK', 'CT', 'TTL', 'TOS', 'DSCP', 'SET', 'NFQUEUE', 'AUDIT', 'CLASSIFY', 'CLUSTERIP', 'CONNSECMARK', 'SECMARK', 'ECN', 'HMARK', 'IDLETIMER', 'LED', 'RATEEST', 'SYNPROXY', 'TCPOPTSTRIP', 'TEE', 'TPROXY', 'DNPT', 'SNPT', 'MIRROR', 'SAME', 'tcp-reset']);

/** A rule's text around the chain that it leads to. Comments are left where they stand: a person reads them. */
export function ruleWords({ text, target }: Pick<RuleRow, 'text' | 'target'>): RuleWords {
  if (target === null || TARGETS.has(target)) return { before: text, chain: null, after: '' };
  // The last one: a comment may hold the same words.
  const at = Math.max(text.lastIndexOf(`-j ${target}`), text.lastIndexOf(`-g ${target}`));
  if (at < 0) return { before: text, chain: null, after: '' };
  return { before: text.slice(0, at + 3), chain: target, after: text.slice(at + 3 + target.length) };
}
