/** The simulated machine's uptime at the start, so that no lifetime begins at 0. */
export const START_NS = 1_000_000_000_000n;
