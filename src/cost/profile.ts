import type { UpdateStage } from '../datapaths/report.ts';
import type { StageKind } from '../datapaths/stage.ts';
import type { Counter } from '../datapaths/work.ts';
import type { DatapathId } from '../datapaths/registry-id.ts';

/** Nanoseconds, so that µs never meets ns. */
export type Nanoseconds = number & { readonly __brand: 'Nanoseconds' };

/** Where a figure comes from. What the engines count needs no figure: it is exact. */
export type Mark = 'measured' | 'published';

/** One price, with the range seen over the runs and its source in a sentence. */
export interface Figure {
  readonly ns: number;
  readonly low: number;
  readonly high: number;
  readonly mark: Mark;
  readonly source: string;
}

/** A whole time that was measured or published: what the model's line is held against. */
export interface Point {
  readonly datapath: DatapathId | 'none';
  readonly connection: 'new' | 'established';
  /** Services in the table, and the rule that matched, from 0; −1: a published source does not say. */
  readonly services: number;
  readonly position: number;
  readonly ns: number;
  readonly low: number;
  readonly high: number;
  readonly mark: Mark;
  readonly source: string;
}

/** A whole update that was measured or published. */
export interface UpdatePoint {
  readonly datapath: DatapathId;
  /**
   * `full`: everything anew, as at the start (kube-proxy's full sync, the first load of the maps); `partial`: one change;
   * `unstated`: the published source does not say which.
   */
  readonly kind: 'full' | 'partial' | 'unstated';
  readonly services: number;
  readonly ns: number;
  readonly low: number;
  readonly high: number;
  readonly mark: Mark;
  readonly source: string;
}

/** What one kernel on one machine charges for the work that the engines count. */
export interface Profile {
  readonly version: 1;
  readonly id: string;
  /** Which iptables the chain lane runs on: they differ in what a rule and a commit cost. */
  readonly backend: 'legacy' | 'nft';
  readonly kernel: string;
  readonly processor: string;
  /** ISO 8601 day. */
  readonly date: string;
  /** What was timed, from where to where, how often. */
  readonly setup: string;
  /** How to measure it again. */
  readonly command: string;
  /** ns a unit of work, in whichever stage it is done. */
  readonly units: Partial<Readonly<Record<Counter, Figure>>>;
  /** ns a stage of that kind costs whatever its work. */
  readonly fixed: Partial<Readonly<Record<StageKind, Figure>>>;
  readonly update: {
    readonly units: Partial<Readonly<Record<Counter, Figure>>>;
    readonly fixed: Partial<Readonly<Record<UpdateStage['kind'], Figure>>>;
  };
  readonly points: readonly Point[];
  readonly updatePoints: readonly UpdatePoint[];
}
