/** Where the clock stands, and what stands there in each lane: made by the shell from the race's timelines. */
export interface Cursor {
  /** Simulated time since the packet left its pod, in ns. */
  readonly tNs: number;
  /** Index into the chain lane's trace; null: before its first step, or the lane left no trace. */
  readonly chainStep: number | null;
  /** Index into the program lane's trace; null as above. */
  readonly programStep: number | null;
}
