import { expect, it } from 'vitest';
import { IptablesDatapath } from '../../src/datapaths/iptables/iptables-datapath.ts';
import type { UpdateReport } from '../../src/datapaths/report.ts';
import { addedService, preset } from '../../src/kubernetes/presets.ts';

/**
 * What strace saw of `iptables-legacy-restore --noflush --counters` (1.8.9, Linux 6.18, x86-64), for filter and nat
 * together, with the same payloads in an empty namespace: the lengths of all getsockopt and setsockopt calls but the
 * questions for the extensions' revisions, and the old counters that IPT_SO_SET_REPLACE gives back (16 bytes an entry).
 */
const SEEN = {
  full: { fetch: 84 + 8632 + 84 + 3128, replace: 10808 + 568 + 246880 + 11608 + 43 * 16 },
  partial: { fetch: 84 + 10752 + 84 + 246824, replace: 10808 + 568 + 251712 + 11832 + 756 * 16 },
};

it('counts the bytes and calls of a legacy commit as strace does', () => {
  const lane = new IptablesDatapath({ seed: 1, backend: 'legacy', node: { name: 'node-1', address: '192.168.0.11', clusterCIDR: '10.244.0.0/16', pods: [] } });
  const counted = ({ stages }: UpdateReport) => {
    const of = (kind: string) => stages.find((stage) => stage.kind === kind)?.work ?? {};
    return { fetch: of('fetch').bytesCopied, replace: of('replace').bytesCopied, calls: [of('fetch').systemCalls, of('replace').systemCalls] };
  };
  const calls = [4, 4];
  expect(counted(lane.sync(preset('50', 1).map((object) => ({ op: 'add', object }))))).toEqual({ ...SEEN.full, calls });
  expect(counted(lane.sync(addedService(7, 2, () => false).objects.map((object) => ({ op: 'add', object }))))).toEqual({ ...SEEN.partial, calls });
});
