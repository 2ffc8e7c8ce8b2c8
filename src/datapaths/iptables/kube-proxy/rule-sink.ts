/**
 * Takes rules option by option, in the order in which kube-proxy writes them. One description of a rule serves its text,
 * its length and the compiled table alike. Between `append` and `end` stands one rule.
 */
export interface RuleSink {
  /** `-A CHAIN`: a rule begins. */
  append(chain: string): void;
  /** `-m comment --comment "SUBJECT REST"`. */
  comment(subject: string, rest?: string): void;
  /** `-m comment --comment NAME`, without quotes. */
  commentName(name: string): void;
  /** `-m PROTOCOL -p PROTOCOL`. */
  protocol(protocol: RuleProtocol): void;
  /** `-s PREFIX`; negated `! -s PREFIX`. */
  source(prefix: string, negated?: boolean): void;
  /** `-d PREFIX`. */
  destination(prefix: string): void;
  /** `--dport PORT`, after `protocol`. */
  destinationPort(port: number): void;
  /** `-m addrtype --src-type LOCAL` or `--dst-type`. */
  local(side: 'src' | 'dst'): void;
  /** `-m recent --name LIST --set`. */
  remember(list: string): void;
  /** `-m recent --name LIST --rcheck --seconds N --reap`. */
  remembered(list: string, seconds: number): void;
  /** `-m statistic --mode random --probability P`: one in `left`. */
  oneIn(left: number): void;
  /** `-m nfacct --nfacct-name NAME`. */
  account(name: string): void;
  /** `-j TARGET`: a chain, ACCEPT, DROP or REJECT. */
  jump(target: string): void;
  /** `-j DNAT --to-destination ADDRESS:PORT`. */
  translate(address: string, port: number): void;
  /** The rule ends. */
  end(): void;
  /** A whole rule as text: for the few that stand in every payload. */
  line(text: string): void;
}

export type RuleProtocol = 'tcp' | 'udp' | 'sctp';

/** Takes a whole payload, line by line. */
export interface PayloadSink extends RuleSink {
  /** `*TABLE`. */
  table(name: 'filter' | 'nat'): void;
  /** `:CHAIN - [0:0]`. */
  declare(chain: string): void;
  /** `-X CHAIN`. */
  deleteChain(chain: string): void;
  /** `COMMIT`. */
  commit(): void;
  /** The rules that follow belong to this part: `SyncPayload.ruleText` finds them by it, and by their order in it. */
  part(part: number): void;
}

/** A rule's probability as kube-proxy prints it. */
export function probabilityOf(left: number): string {
  return (1 / left).toFixed(10);
}
