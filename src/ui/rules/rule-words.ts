import type { RuleRow } from '../../datapaths/view.ts';

/** What `-j` names that is no chain: netfilter's targets are written in capitals, and so are many chains; what leads on is told by the chain's list. */
export interface RuleWords {
  /** The rule as it was written, but for its comment, which stands apart. */
  readonly before: string;
  /** The chain that the rule leads to; null: it ends in a target of netfilter's. */
  readonly chain: string | null;
  readonly after: string;
}

const TARGETS = new Set(['ACCEPT', 'DROP', 'RETURN', 'QUEUE', 'REJECT', 'MARK', 'CONNMARK', 'DNAT', 'SNAT', 'MASQUERADE', 'REDIRECT', 'NETMAP', 'LOG', 'NFLOG', 'ULOG', 'TRACE', 'CHECKSUM', 'TCPMSS', 'NOTRACK', 'CT', 'TTL', 'TOS', 'DSCP', 'SET', 'NFQUEUE', 'AUDIT', 'CLASSIFY', 'CLUSTERIP', 'CONNSECMARK', 'SECMARK', 'ECN', 'HMARK', 'IDLETIMER', 'LED', 'RATEEST', 'SYNPROXY', 'TCPOPTSTRIP', 'TEE', 'TPROXY', 'DNPT', 'SNPT', 'MIRROR', 'SAME', 'tcp-reset']);

const COMMENT = /(?:^| )-m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+)/;

/** A rule's text around the chain that it leads to, its comment left out. */
export function ruleWords({ text: whole, target: option }: Pick<RuleRow, 'text' | 'target'>): RuleWords {
  const target = option?.split(' ', 1)[0] ?? null;
  const text = whole.replace(COMMENT, '').trim();
  if (target === null || TARGETS.has(target)) return { before: text, chain: null, after: '' };
  const at = Math.max(text.lastIndexOf(`-j ${target}`), text.lastIndexOf(`-g ${target}`));
  if (at < 0) return { before: text, chain: null, after: '' };
  return { before: text.slice(0, at + 3), chain: target, after: text.slice(at + 3 + target.length) };
}
