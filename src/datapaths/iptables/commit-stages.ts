import type { UpdateStage } from '../report.ts';
import type { SyncPayload } from './kube-proxy/index.ts';
import type { ChainListWork } from './nft-chain-list.ts';
import { trafficWork, type NftTraffic } from './nft-traffic.ts';

/** xt_counters: packets and bytes of one entry, carried over at each replacement. */
const COUNTER_BYTES = 16;
// What stands before a table's entries or counters in each call (include/uapi/linux/netfilter_ipv4/ip_tables.h, x86-64).
const GET_INFO_BYTES = 84;
const GET_ENTRIES_BYTES = 40;
const REPLACE_BYTES = 96;
const COUNTERS_INFO_BYTES = 40;

/** What kube-proxy went through and wrote; how many bytes iptables-restore then reads is its own stage's work. */
function textWork(payload: SyncPayload) {
  return { servicePortsWalked: payload.portsWalked, chainsHandedOver: payload.filter.chains + payload.nat.chains, rulesHandedOver: payload.filter.rules + payload.nat.rules };
}

/** One table as legacy iptables holds it: `entries` rules and chain heads in `bytes` bytes. */
export interface Blob {
  readonly entries: number;
  readonly bytes: number;
}

/** iptables-legacy-restore: each table is fetched whole, rebuilt, checked and replaced whole (do_replace, net/ipv4/netfilter/ip_tables.c). */
export function legacyStages(payload: SyncPayload, old: readonly Blob[], now: readonly Blob[]): UpdateStage[] {
  const sum = (blobs: readonly Blob[], of: (blob: Blob) => number) => blobs.reduce((total, blob) => total + of(blob), 0);
  const entries = sum(now, (blob) => blob.entries);
  return [
    { kind: 'render', name: 'kube-proxy', work: textWork(payload) },
    { kind: 'parse', name: 'iptables-restore', work: { bytesHandedOver: payload.bytes } },
    // IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES, for each of filter and nat.
    { kind: 'fetch', name: 'IPT_SO_GET_ENTRIES', work: { bytesCopied: sum(old, (blob) => GET_INFO_BYTES + GET_ENTRIES_BYTES + blob.bytes), systemCalls: 2 * old.length } },
    { kind: 'rebuild', name: 'libiptc', work: { rulesRebuilt: entries } },
    { kind: 'check', name: 'translate_table', work: { rulesReplaced: entries } },
    // IPT_SO_SET_REPLACE takes the blob and gives the old counters back; IPT_SO_SET_ADD_COUNTERS puts them in again.
    {
      kind: 'replace',
      name: 'IPT_SO_SET_REPLACE',
      work: {
        bytesCopied: sum(now, (blob) => REPLACE_BYTES + blob.bytes + COUNTERS_INFO_BYTES + blob.entries * COUNTER_BYTES) + sum(old, (blob) => blob.entries * COUNTER_BYTES),
        systemCalls: 2 * now.length,
      },
    },
  ];
}

/**
 * iptables-nft-restore: for each table it asks for the chains that the payload names, then sends one batch with the
 * chains that it declares. The first payload finds no rules to replace.
 */
export function nftStages(payload: SyncPayload, { chainsPassed, chainsAsked }: ChainListWork, fetched: NftTraffic, committed: NftTraffic, first: boolean): UpdateStage[] {
  return [
    { kind: 'render', name: 'kube-proxy', work: textWork(payload) },
    { kind: 'parse', name: 'iptables-nft-restore', work: { bytesHandedOver: payload.bytes, chainsPassed } },
    { kind: 'fetch', name: 'NFT_MSG_GETCHAIN', work: { chainsAsked, ...trafficWork(fetched) } },
    { kind: 'commit', name: 'nf_tables', work: { rulesReplaced: payload.filter.rules + payload.nat.rules, ...trafficWork(committed), ...(first ? {} : { gracePeriods: 1 }) } },
  ];
}
