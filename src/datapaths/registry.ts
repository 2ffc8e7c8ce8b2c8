import type { DatapathAssets } from './assets.ts';
import type { DatapathOptions } from './datapath.ts';
import type { DatapathId } from './registry-id.ts';
import { EbpfDatapath } from './ebpf/ebpf-datapath.ts';
import { IptablesDatapath } from './iptables/iptables-datapath.ts';
import type { Dump } from './iptables/index.ts';

export interface LaneOptions extends DatapathOptions {
  /** Which iptables the chain lane runs on; the other lanes have no use for it. */
  readonly backend: 'legacy' | 'nft';
  /** A person's own rules, for the lane that rules make: in place of those that its agent would write. */
  readonly rules?: Dump;
}

/** The implementations: a new datapath is a folder, a line here and its name in `registry-id.ts`. */
const IMPLEMENTATIONS = {
  iptables: ({ rules, ...options }: LaneOptions) => new IptablesDatapath({ ...options, ...(rules ? { dump: rules } : {}) }),
  ebpf: (options: LaneOptions, assets: DatapathAssets) => new EbpfDatapath(options, assets),
};

/** What `createDatapath` makes under each name. */
export type Implementation<Id extends DatapathId> = ReturnType<(typeof IMPLEMENTATIONS)[Id]>;

export const DATAPATH_IDS = Object.keys(IMPLEMENTATIONS) as DatapathId[];

export function createDatapath<Id extends DatapathId>(id: Id, options: LaneOptions, assets: DatapathAssets): Implementation<Id> {
  return IMPLEMENTATIONS[id](options, assets) as Implementation<Id>;
}
