import { standingRules } from '../src/datapaths/iptables/kube-proxy/index.ts';
import { blobSize } from '../src/datapaths/iptables/netfilter/blob-size.ts';
import { Netfilter } from '../src/datapaths/iptables/netfilter/netfilter.ts';
import { Topology } from '../src/datapaths/iptables/netfilter/topology.ts';
import { labCluster, newProxier } from './lab-cluster.ts';
import { readWords } from './packet-timing.ts';
import { shell } from './shell.ts';
import type { Workshop } from './workshop.ts';

export interface BlobComparison {
  readonly services: number;
  readonly table: 'filter' | 'nat';
  /** IPT_SO_GET_INFO's answer, and the engine's. */
  readonly kernel: { readonly entries: number; readonly bytes: number };
  readonly engine: { readonly entries: number; readonly bytes: number };
}

/** kube-proxy's rules of several sizes in this machine's legacy ip_tables and in the engine: how large each table's blob is. */
export function compareBlobs(workshop: Workshop): BlobComparison[] {
  return (['1', '50', '5000'] as const).flatMap((size) => {
    const cluster = labCluster(size, []);
    const payload = newProxier(cluster.seed).sync(cluster.change)?.text ?? '';
    const netns = workshop.namespace(`blob-${size}`);
    const netfilter = new Netfilter({ topology: new Topology(), random32: () => 0 });
    for (const text of [standingRules(), payload]) {
      workshop.inside(netns, 'iptables-legacy-restore', ['-w', '--noflush'], text);
      netfilter.restore(text, { noflush: true });
    }
    return (['filter', 'nat'] as const).map((table): BlobComparison => {
      const { entries = 0, bytes = 0 } = readWords(shell(workshop.probe, ['blob', netns, table]));
      const own = netfilter.tables.get(table);
      return { services: cluster.services, table, kernel: { entries, bytes }, engine: own ? blobSize(own) : { entries: 0, bytes: 0 } };
    });
  });
}
