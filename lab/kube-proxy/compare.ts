import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Proxier, DEFAULT_CONFIG } from '../../src/datapaths/iptables/kube-proxy/index.ts';
import type { ClusterObject } from '../../src/kubernetes/change.ts';
import { preset as makePreset } from '../../src/kubernetes/presets.ts';
import { canonical } from '../../tests/conformance/canonical.ts';
import { drawCase, RECORDED, type ProxyCase } from '../../tests/conformance/kube-proxy/draw-case.ts';
import { FIRST_WIDE, WIDE_RECORDED, widenCase } from '../../tests/conformance/kube-proxy/widen-case.ts';
import { shell } from '../shell.ts';
import { ROOT } from '../workshop.ts';
import { buildOracle, KUBERNETES } from './build-oracle.ts';

const CHUNK = 50;
const ROUNDS = 3;
const TIMED = 7;
const FILE = join(ROOT, 'tests', 'conformance', 'kube-proxy', 'recorded.json');

export interface ComparedProxies {
  readonly cases: number;
  readonly syncs: number;
  /** A sentence for each case that differs, with the lines that only one of them has. */
  readonly differences: readonly string[];
}

/** Payloads of one case, in canonical form; null where no sync was queued. */
export function payloadsOf({ config, items, steps }: ProxyCase): (string | null)[] {
  const proxier = new Proxier({ ...DEFAULT_CONFIG, ...config }, 1);
  const first = proxier.sync(items.map((object) => ({ op: 'add', object: object as unknown as ClusterObject })));
  const rest = steps.map((step) => proxier.sync(step.map(({ op, object }) => ({ op, object: object as unknown as ClusterObject }))));
  return [first, ...rest].map((payload) => (payload ? canonical(payload.text) : null));
}

/** Holds the engine's payloads against kube-proxy's own over random clusters. */
export function compareProxies(cases: number, from: number, say: (line: string) => void): ComparedProxies {
  const command = buildOracle(join(ROOT, '.cache', 'lab', 'kube-proxy'));
  const differences: string[] = [];
  let syncs = 0;
  for (let seed = from; seed < from + cases; seed += CHUNK) {
    const chunk = Array.from({ length: Math.min(CHUNK, from + cases - seed) }, (_, index) => caseOf(seed + index));
    for (const [index, truth] of ask(command, chunk).entries()) {
      const drawn = chunk[index];
      if (!drawn) continue;
      const ours = payloadsOf(drawn);
      syncs += truth.length;
      const at = truth.findIndex((payload, step) => payload !== ours[step]);
      if (at >= 0) differences.push(`${drawn.name}, step ${at}: ${differenceOf(ours[at] ?? null, truth[at] ?? null)}`);
    }
    say(`${Math.min(seed + CHUNK - from, cases)} of ${cases} clusters, ${differences.length} differ.`);
  }
  return { cases, syncs, differences };
}

/** Seeds of recorded cases give those; of others, every second one is widened. */
function caseOf(seed: number): ProxyCase {
  return seed <= RECORDED || seed % 2 === 1 ? drawCase(seed) : widenCase(seed);
}

/** A whole payload as text, written again and again: ms of each time. */
export interface RenderTimes {
  readonly services: number;
  readonly engineMs: readonly number[];
  readonly kubeProxyMs: readonly number[];
}

/** Times both over the same preset, one after the other, three rounds each. */
export function timeRendering(preset: '5000' | '20000'): RenderTimes {
  const command = buildOracle(join(ROOT, '.cache', 'lab', 'kube-proxy'));
  const objects = makePreset(preset, 1);
  const proxier = new Proxier(DEFAULT_CONFIG, 1);
  proxier.sync(objects.map((object) => ({ op: 'add', object })));
  const engineMs: number[] = [];
  const kubeProxyMs: number[] = [];
  const drawn = { name: preset, config: DEFAULT_CONFIG, items: objects, steps: [], timed: TIMED };
  for (let round = 0; round < ROUNDS; round++) {
    kubeProxyMs.push(...(JSON.parse(shell(command, [], { input: `${JSON.stringify(drawn)}\n`, timeoutMs: 300_000 })) as { readonly renderMs: readonly number[] }).renderMs);
    for (let time = 0; time < TIMED; time++) {
      proxier.forceFullSync();
      const start = performance.now();
      const text = proxier.sync([])?.text;
      if (text !== undefined) engineMs.push(performance.now() - start);
    }
  }
  return { services: Number(preset), engineMs, kubeProxyMs };
}

/** Writes what kube-proxy wrote for the first seeds into the tests: a hash a payload. */
export function recordProxy(): string {
  const command = buildOracle(join(ROOT, '.cache', 'lab', 'kube-proxy'));
  const record = (count: number, caseAt: (index: number) => ProxyCase) =>
    `[\n${ask(command, Array.from({ length: count }, (_, index) => caseAt(index))).map((payloads) => JSON.stringify(payloads.map((payload) => (payload === null ? null : hashOf(payload))))).join(',\n')}\n]`;
  mkdirSync(join(FILE, '..'), { recursive: true });
  writeFileSync(FILE, `{"kubernetes":"${KUBERNETES}","cases":${record(RECORDED, (index) => drawCase(index + 1))},"wide":${record(WIDE_RECORDED, (index) => widenCase(FIRST_WIDE + index))}}\n`);
  return FILE;
}

export function hashOf(canonicalText: string): string {
  return createHash('sha256').update(canonicalText).digest('hex').slice(0, 16);
}

function ask(command: string, cases: readonly ProxyCase[]): (string | null)[][] {
  const answer = shell(command, [], { input: `${cases.map((one) => JSON.stringify(one)).join('\n')}\n`, timeoutMs: 300_000 });
  const lines = answer.trim().split('\n').map((line) => JSON.parse(line) as { readonly payloads: readonly (string | null)[] });
  return lines.map(({ payloads }) => payloads.map((payload) => (payload === null ? null : canonical(payload))));
}

function differenceOf(ours: string | null, truth: string | null): string {
  if (ours === null) return 'kube-proxy queued a sync, the engine none.';
  if (truth === null) return 'kube-proxy queued no sync, the engine one.';
  const only = (a: string, b: string) => a.split('\n').filter((line) => !b.split('\n').includes(line)).slice(0, 3).join(' ⏎ ');
  return `only the engine wrote “${only(ours, truth)}”, only kube-proxy “${only(truth, ours)}”.`;
}
