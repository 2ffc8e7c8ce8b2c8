/** Takes one element's new value, or null for a delete. Called in the order in which the kernel is to see the writes. */
export type Write = (map: string, key: Uint8Array, value: Uint8Array | null) => void;
