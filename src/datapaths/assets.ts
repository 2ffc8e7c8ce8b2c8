/** Built files that datapaths need; pages fetch them, a terminal reads them from disk. */
export interface DatapathAssets {
  /** `wasm/pkg/*_bg.wasm`. */
  readonly wasm: Uint8Array<ArrayBuffer>;
  /** `bpf-samples/*.bpf.o` by base name: `from_container`. */
  readonly objects: Readonly<Record<string, Uint8Array>>;
}
