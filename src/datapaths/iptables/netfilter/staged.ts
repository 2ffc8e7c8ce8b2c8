export type Policy = 'ACCEPT' | 'DROP';

/** A change of a table that is not in force yet. */
export interface Staged {
  /** Chain by staged rule. */
  readonly chains: number[];
  /** Chains whose rules from before stay away. */
  readonly flushed: Set<number>;
  readonly deleted: Set<number>;
  readonly created: number[];
  readonly policies: Map<number, Policy>;
  /** Chains that a line edited elsewhere than at the end: their rules in order, staged ones as ~index. */
  readonly edited: Map<number, number[]>;
  /** Rules of a chain that come one after the other may stay where they are added. */
  readonly roomy: boolean;
  readonly firstRule: number;
  readonly firstMatch: number;
}

/** An empty one: its rules and matches come behind those that the arena has. */
export function stagedFrom(firstRule: number, firstMatch: number, roomy: boolean): Staged {
  return { roomy, chains: [], flushed: new Set(), deleted: new Set(), created: [], policies: new Map(), edited: new Map(), firstRule, firstMatch };
}
