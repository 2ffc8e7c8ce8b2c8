import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Proxier, type ProxyConfig, type SyncPayload } from '../datapaths/iptables/kube-proxy/index.ts';
import type { ClusterChange, ClusterObject } from '../kubernetes/change.ts';
import { nodeOf } from '../kubernetes/node.ts';
import { readChanges } from '../kubernetes/read-changes.ts';
import { readCluster } from '../kubernetes/read.ts';
import { CommandError, UsageError, type Command } from './command.ts';
import { readInput, readJson, required } from './input.ts';
import { proxyConfig } from './proxy-config.ts';
import { faultLine, sentence } from './sentence.ts';

/** kube-proxy's payloads for a cluster and for each step of changes after it. */
export const command: Command = {
  usage: ['--cluster F [--changes F] [--config F] [--seed N] [--out DIR]'],
  summary: 'Writes what kube-proxy would hand to iptables-restore: full.restore, then step-NN.restore; without --out as JSON lines.',
  run(args, print) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        cluster: { type: 'string' },
        changes: { type: 'string' },
        config: { type: 'string' },
        // kube-proxy writes Services in a Go map's order: here the seed draws it.
        seed: { type: 'string', default: '1' },
        out: { type: 'string' },
      },
    });
    const cluster = required(values.cluster, 'cluster');
    if (!/^\d{1,15}$/.test(values.seed)) throw new UsageError(`--seed ${values.seed}: it is a whole number from 0 up.`);
    const { objects, errors } = readClusterFile(cluster);
    const steps = values.changes === undefined ? [] : readStepsFile(values.changes, errors);
    const node = nodeOf(objects);
    const config = proxyConfig(values.config === undefined ? {} : readJson(values.config), values.config ?? '', { node: node.name, clusterCIDR: node.clusterCIDR });
    if (objects.length === 0 && errors.length > 0) throw new CommandError(errors.join('\n'));

    const { out } = values;
    if (out !== undefined) inFolder(out, () => mkdirSync(out, { recursive: true }));
    for (const { name, payload } of payloads(objects, steps, config, Number(values.seed))) {
      if (out === undefined) {
        if (payload) print(JSON.stringify({ name, kind: payload.kind, bytes: payload.bytes, text: payload.text }));
        continue;
      }
      const file = join(out, `${name}.restore`);
      inFolder(out, () => {
        // An earlier run's file would pass for this one's.
        if (payload) writeFileSync(file, payload.text);
        else rmSync(file, { force: true });
      });
      if (payload) print(JSON.stringify({ name, kind: payload.kind, bytes: payload.bytes, file }));
    }
    if (errors.length > 0) throw new CommandError(errors.join('\n'));
  },
};

/** `full`, then `step-01` and so on; null where kube-proxy would queue no sync. */
export function* payloads(
  objects: readonly ClusterObject[],
  steps: readonly ClusterChange[],
  config: ProxyConfig,
  seed: number,
): Iterable<{ readonly name: string; readonly payload: SyncPayload | null }> {
  const proxier = new Proxier(config, seed);
  yield { name: 'full', payload: proxier.sync(objects.map((object) => ({ op: 'add', object }))) };
  for (const [index, step] of steps.entries()) yield { name: `step-${String(index + 1).padStart(2, '0')}`, payload: proxier.sync(step) };
}

/** Notes go to standard error at once; errors come back as lines: what they belong to is left out, the rest is there. */
function readClusterFile(file: string): { readonly objects: readonly ClusterObject[]; readonly errors: string[] } {
  const { objects, faults } = readCluster(readInput(file));
  const errors: string[] = [];
  for (const fault of faults) {
    if (fault.severity === 'error') errors.push(faultLine(file, fault));
    else process.stderr.write(`${faultLine(file, fault)}\n`);
  }
  return { objects, errors };
}

function readStepsFile(file: string, errors: string[]): readonly ClusterChange[] {
  const { steps, faults } = readChanges(readJson(file));
  for (const { step, change, object, finding } of faults) {
    const place = step === 0 ? '' : change === 0 ? `step ${step}: ` : `step ${step}, change ${change}: `;
    errors.push(`${file}: ${place}${object === null ? '' : `${object}: `}${sentence(finding.message, finding.values)}`);
  }
  return steps;
}

function inFolder(folder: string, write: () => unknown): void {
  try {
    write();
  } catch (error) {
    throw new CommandError(`${folder}: nothing can be written there: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
