import type { Conntrack } from './conntrack.ts';
import type { IpSet } from './ipset.ts';
import type { RateLimits } from './rate-limits.ts';
import type { RecentList } from './recent.ts';
import type { Topology } from './topology.ts';

/** What matches and targets ask beside the packet itself. */
export interface WalkContext {
  readonly topology: Topology;
  readonly sets: ReadonlyMap<string, IpSet>;
  /** Every list that a rule names. */
  readonly recent: ReadonlyMap<string, RecentList>;
  readonly limits: RateLimits;
  readonly conntrack: Conntrack;
  /** Simulated time, ms. */
  readonly now: number;
  /** The same as a date: ms since 1970. */
  readonly clock: number;
  /** 0 to 2³²−1. */
  random32(): number;
}
