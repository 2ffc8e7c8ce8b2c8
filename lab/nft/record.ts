import { writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { NftTraffic } from '../../src/datapaths/iptables/nft-traffic.ts';
import { Workshop } from '../workshop.ts';
import { payloadsOf, recordedSequences, type Sequence } from './sequences.ts';
import { iptablesVersion, recordTraffic, setUp } from './strace.ts';

/** What strace saw of a sequence. */
export interface Recording {
  readonly sequence: string;
  readonly kernel: string;
  readonly iptables: string;
  readonly syncs: readonly { readonly name: string; readonly kind: 'full' | 'partial'; readonly payloadBytes: number; readonly traffic: NftTraffic }[];
}

/** Plays a sequence in a network namespace of its own. */
export function recordSequence(workshop: Workshop, sequence: Sequence): Recording {
  const netns = workshop.namespace(`nft-${sequence.name}`);
  try {
    setUp(workshop, netns, { accounts: sequence.config.nfacct });
    const syncs = [...payloadsOf(sequence)].map(({ name, payload }) => ({ name, kind: payload.kind, payloadBytes: payload.bytes, traffic: recordTraffic(workshop, netns, payload.text) }));
    return { sequence: sequence.name, kernel: `Linux ${release().split('.').slice(0, 2).join('.')}`, iptables: iptablesVersion(), syncs };
  } finally {
    workshop.removeNamespace(netns);
  }
}

/** `npx tsx lab/nft/record.ts`: records every sequence anew into tests/conformance/nft. Needs Linux, root, strace and nfacct. */
function main(): void {
  const workshop = new Workshop();
  try {
    for (const sequence of recordedSequences()) {
      process.stderr.write(`${sequence.name}\n`);
      const { syncs, ...head } = recordSequence(workshop, sequence);
      const text = JSON.stringify({ ...head, syncs: [] }, null, 1).replace('[]', `[\n  ${syncs.map((sync) => JSON.stringify(sync)).join(',\n  ')}\n ]`);
      writeFileSync(join(import.meta.dirname, '..', '..', 'tests', 'conformance', 'nft', `${sequence.name}.json`), `${text}\n`);
    }
  } finally {
    workshop.close();
  }
}

if (process.argv[1] === import.meta.filename) main();
