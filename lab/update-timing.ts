import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { standingRules } from '../src/datapaths/iptables/kube-proxy/index.ts';
import { Agent } from '../src/datapaths/ebpf/agent/agent.ts';
import { addedService } from '../src/kubernetes/presets.ts';
import { newProxier, type LabCluster } from './lab-cluster.ts';
import type { Machine } from './machine.ts';
import { readWords, type Backend } from './packet-timing.ts';
import { LabError, shell } from './shell.ts';
import type { Workshop } from './workshop.ts';
import { entryLine, World } from './world.ts';

/** iptables-restore from fork to exit, one value a run, ns. */
export interface RestoreTiming {
  readonly backend: Backend;
  readonly kind: 'full' | 'partial';
  readonly services: number;
  readonly whole: readonly number[];
  /** Of that, within the kernel: fetching tables and replacing them (legacy), or netlink (nft). */
  readonly fetch: readonly number[];
  readonly replace: readonly number[];
  readonly netlink: readonly number[];
}

/** Map elements written one by one, ns: the first load, one Service more, and that Service taken away. */
export interface EntriesTiming {
  readonly kind: 'full' | 'partial' | 'removal';
  readonly services: number;
  readonly entries: number;
  readonly whole: readonly number[];
}

export interface UpdateTimings {
  readonly restores: readonly RestoreTiming[];
  readonly entries: readonly EntriesTiming[];
}

export interface UpdatePlan {
  /** Full payloads into fresh namespaces, and Services added after each. */
  readonly fulls: number;
  readonly partials: number;
  /** From this size on there are `largeFulls` full payloads, and above it none for iptables-nft. */
  readonly large: number;
  readonly largeFulls: number;
}

/** What the `index`th *Add a Service* of the page changes. */
export function addition(index: number, op: 'add' | 'delete' = 'add') {
  return addedService(index, 2, () => false).objects.map((object) => ({ op, object }));
}

export function timeUpdates(workshop: Workshop, machine: Machine, clusters: readonly LabCluster[], plan: UpdatePlan, say: (line: string) => void): UpdateTimings {
  const restores: RestoreTiming[] = [];
  const entries: EntriesTiming[] = [];
  for (const cluster of clusters) {
    const fulls = cluster.services >= plan.large ? plan.largeFulls : plan.fulls;
    for (const backend of ['legacy', 'nft'] as const) {
      if (!machine[backend] || (backend === 'nft' && cluster.services > plan.large)) continue;
      say(`Timing iptables-${backend}-restore at ${cluster.services} Services.`);
      restores.push(...timeRestores(workshop, backend, cluster, fulls, plan.partials));
    }
    if (machine.bpf) entries.push(...timeEntries(workshop, cluster, fulls, plan.partials));
  }
  return { restores, entries };
}

function timeRestores(workshop: Workshop, backend: Backend, cluster: LabCluster, fulls: number, partials: number): RestoreTiming[] {
  const input = join(workshop.folder, 'payload');
  const clock = join(workshop.folder, 'restore-clock');
  const make = (kind: 'full' | 'partial') => ({ backend, kind, services: cluster.services, whole: [] as number[], fetch: [] as number[], replace: [] as number[], netlink: [] as number[] });
  const [full, partial] = [make('full'), make('partial')];
  const run = (netns: string, text: string, into: typeof full) => {
    writeFileSync(input, text);
    rmSync(clock, { force: true });
    const output = shell(workshop.probe, ['exec', netns, input, `iptables-${backend}-restore`, '-w', '--noflush', '--counters'], { timeoutMs: 60_000, environment: { LD_PRELOAD: workshop.restoreClock, CVM_CLOCK: clock } });
    if (!existsSync(clock)) throw new LabError(`iptables-${backend}-restore made no call that could be heard.`);
    const kernel = readWords(readFileSync(clock, 'utf8'));
    into.whole.push(readWords(output).wall ?? 0);
    into.fetch.push(kernel.fetch ?? 0);
    into.replace.push(kernel.replace ?? 0);
    into.netlink.push(kernel.netlink ?? 0);
  };
  for (let i = 0; i < fulls; i++) {
    const proxier = newProxier(cluster.seed);
    const netns = workshop.namespace(`up-${backend}-${cluster.services}-${i}`);
    workshop.inside(netns, `iptables-${backend}-restore`, ['-w', '--noflush'], standingRules());
    run(netns, proxier.sync(cluster.change)?.text ?? '', full);
    if (i === fulls - 1) for (let index = 0; index < partials; index++) run(netns, proxier.sync(addition(index))?.text ?? '', partial);
    workshop.removeNamespace(netns);
  }
  return [full, partial];
}

function timeEntries(workshop: Workshop, cluster: LabCluster, fulls: number, partials: number): EntriesTiming[] {
  const kinds = ['full', 'partial', 'removal'] as const;
  const whole = { full: [] as number[], partial: [] as number[], removal: [] as number[] };
  const count = { full: 0, partial: 0, removal: 0 };
  for (let i = 0; i < fulls; i++) {
    const world = new World(workshop, `up-bpf-${cluster.services}-${i}`, []);
    const maps = world.attachProgram();
    let lines: string[] = [];
    const agent = new Agent((map, key, value) => lines.push(entryLine(map, key, value)));
    const write = (kind: EntriesTiming['kind']) => {
      const output = readWords(shell(workshop.probe, ['maps', maps], { input: `${lines.join('\n')}\n` }));
      whole[kind].push(output.total ?? 0);
      count[kind] = output.entries ?? 0;
      lines = [];
    };
    agent.apply(cluster.change);
    write('full');
    if (i < fulls - 1) continue;
    for (let index = 0; index < partials; index++) {
      agent.apply(addition(index));
      write('partial');
    }
    for (let index = 0; index < partials; index++) {
      agent.apply(addition(index, 'delete'));
      write('removal');
    }
  }
  return kinds.map((kind) => ({ kind, services: cluster.services, entries: count[kind], whole: whole[kind] }));
}
