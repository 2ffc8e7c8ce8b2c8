/** What kube-proxy hands to `iptables-restore -w --noflush --counters` in one sync. */
export interface SyncPayload {
  readonly kind: 'full' | 'partial';
  readonly text: string;
  readonly filter: TableCounts;
  readonly nat: TableCounts;
  /** Bytes of the text. */
  readonly bytes: number;
  /** Service ports whose own chains were written. */
  readonly portsWritten: number;
  /** Service ports that kube-proxy went through: all of them, at a partial sync too. */
  readonly portsWalked: number;
}

/** Lines of one table in a payload. */
export interface TableCounts {
  readonly chains: number;
  readonly rules: number;
  /** `-X` lines: chains taken away. */
  readonly deletes: number;
}
