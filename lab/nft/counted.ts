import { standingRules, type SyncPayload } from '../../src/datapaths/iptables/kube-proxy/index.ts';
import type { TableName } from '../../src/datapaths/iptables/netfilter/hook.ts';
import { Netfilter } from '../../src/datapaths/iptables/netfilter/netfilter.ts';
import { Topology } from '../../src/datapaths/iptables/netfilter/topology.ts';
import { readPayload } from '../../src/datapaths/iptables/nft-payload.ts';
import { nftCommit, nftFetch, type NftTraffic } from '../../src/datapaths/iptables/nft-traffic.ts';
import { payloadsOf, type Sequence } from './sequences.ts';

export interface Counted {
  readonly name: string;
  readonly payload: SyncPayload;
  readonly traffic: NftTraffic;
}

/** What the engine counts for each payload of a sequence, its rules taken as they come. */
export function* countTraffic(sequence: Sequence): Iterable<Counted> {
  const netfilter = new Netfilter({ topology: new Topology(), random32: () => 0 });
  netfilter.restore(standingRules());
  for (const { name, payload } of payloadsOf(sequence)) {
    const tables = readPayload(payload, (table, chain) => netfilter.tables.get(table as TableName)?.chainId(chain) !== undefined);
    const fetched = nftFetch(tables, netfilter.tables);
    netfilter.restore(payload.text, { noflush: true });
    const { batches, batchBytes } = nftCommit(tables, netfilter.tables);
    yield { name, payload, traffic: { ...fetched, batches, batchBytes } };
  }
}
