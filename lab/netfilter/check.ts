import { appendFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import process from 'node:process';
import type { LabCheck } from '../lab-check.ts';
import { Dice } from '../dice.ts';
import { hasCommand, LabError } from '../shell.ts';
import { ROOT } from '../workshop.ts';
import type { Backend, RecordedCase, Topology } from './case.ts';
import { differences } from './compare.ts';
import { endsOf } from './ends.ts';
import { kubeProxyCase } from './kube-proxy-case.ts';
import { buildRouter, routerLacks } from './kernel-router.ts';
import { play, playAgain, type PlayPlan } from './play.ts';
import { RandomPacket } from './random-packet.ts';
import { randomRules, randomSets } from './random-rules.ts';

export interface NetfilterCheckOptions {
  /** Random cases for each backend. */
  readonly cases: number;
  readonly seed?: number;
  readonly say: (line: string) => void;
}

/** Cases that differ, in the format of `found.jsonl`. */
const DIFFERS = join(ROOT, '.cache', 'lab', 'netfilter', 'differs.jsonl');
const PACKAGES = 'apt-get install iptables nftables ipset iproute2 gcc';
const WORDS = { legacy: 'iptables-legacy', nft: 'iptables-nft' } as const;

/**
 * Random rules and packets in this machine's netfilter and in the engine: what came out, and every counter. Each case has a
 * network namespace of its own, which ends with it.
 */
export async function checkNetfilter({ cases, seed = 1, say }: NetfilterCheckOptions): Promise<LabCheck[]> {
  const name = 'netfilter on random rules and packets';
  const helper = prepare();
  if ('missing' in helper) return [{ name, passed: null, detail: helper.missing }];
  rmSync(DIFFERS, { force: true });
  const topologies = readTopologies();
  const checks: LabCheck[] = [];
  for (const backend of ['legacy', 'nft'] as const) {
    const missing = [`iptables-${backend}-restore`, `iptables-${backend}-save`].filter((command) => !hasCommand(command));
    if (missing.length > 0) {
      checks.push({ name: `${name}, ${WORDS[backend]}`, passed: null, detail: `${missing.join(' and ')} is not installed (${PACKAGES}).` });
      continue;
    }
    say(`${cases} random rule sets with ${WORDS[backend]}`);
    const plans = Array.from({ length: cases }, (_, index) => () => randomCase(topologies, backend, seed + index));
    checks.push(await checkCases(helper.path, `${name}, ${WORDS[backend]}`, plans));
    const clusters = Math.ceil(cases / 5);
    say(`kube-proxy's rules of ${clusters} random clusters with ${WORDS[backend]}`);
    checks.push(await checkCases(helper.path, `kube-proxy's own rules, ${WORDS[backend]}`, Array.from({ length: clusters }, (_, index) => () => kubeProxyCase(backend, seed + index))));
  }
  return checks;
}

/** The compiled router, or a sentence on what is missing. */
export function prepare(): { readonly path: string } | { readonly missing: string } {
  if (process.platform !== 'linux') return { missing: `This is ${process.platform}, not Linux: there is no netfilter here to compare with.` };
  if (process.getuid?.() !== 0) return { missing: 'Network namespaces and iptables need root: run it with sudo.' };
  const absent = ['cc', 'ip', 'nft', 'ipset', 'nsenter'].filter((command) => !hasCommand(command));
  if (absent.length > 0) return { missing: `${absent.join(', ')} ${absent.length === 1 ? 'is' : 'are'} not installed (${PACKAGES}).` };
  const folder = join(ROOT, '.cache', 'lab', 'netfilter');
  mkdirSync(folder, { recursive: true });
  try {
    const path = buildRouter(folder);
    const missing = routerLacks(path);
    return missing === null ? { path } : { missing };
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return { missing: error.message };
  }
}

/** Plays each case, and one that differs again: only what always differs, differs. */
export async function checkCases(helper: string, name: string, plans: readonly (() => PlayPlan)[]): Promise<LabCheck> {
  const differ: string[] = [];
  let refused = '';
  let [packets, played, refusals] = [0, 0, 0];
  for (const plan of plans) {
    try {
      let record = await play(helper, plan());
      let found = compared(record);
      for (let again = 0; found.length > 0 && again < 2; again++) {
        record = await playAgain(helper, { ...plan(), settleMicroseconds: 5000 }, record);
        found = compared(record);
      }
      played += 1;
      packets += record['packets.json'].length;
      if (found.length === 0) continue;
      appendFileSync(DIFFERS, `${JSON.stringify(record)}\n`);
      differ.push(`${record.name}: ${found[0] ?? ''}${found.length > 1 ? ` (and ${found.length - 1} more)` : ''}`);
    } catch (error) {
      if (!(error instanceof LabError)) throw error;
      refusals += 1;
      refused = withRule(error.message, plan().rules);
    }
  }
  if (differ.length > 0) return { name, passed: false, detail: `${differ.length} of ${played} cases differ, kept in ${relative(ROOT, DIFFERS)}. ${differ.slice(0, 3).join('\n  ')}` };
  if (refusals > 0) return { name, passed: null, detail: `${played} cases agree; ${refusals} could not be played: ${refused}` };
  return { name, passed: true, detail: `${played} cases of ${packets} packets: what came out and every counter agree.` };
}

/** iptables-restore says which line it does not take: the line itself tells more. */
function withRule(message: string, rules: readonly string[]): string {
  const number = /line:? (\d+)/.exec(message)?.[1];
  return number === undefined ? message : `${message} (${rules[0]?.split('\n')[Number(number) - 1] ?? ''})`;
}

function compared(record: RecordedCase): string[] {
  try {
    return differences(record);
  } catch (error) {
    return [`the engine refuses the rules: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** Those of the recordings. */
function readTopologies(): Topology[] {
  const lines = readFileSync(join(ROOT, 'tests', 'conformance', 'netfilter', 'cases.jsonl'), 'utf8').trim().split('\n');
  const all = new Map<string, Topology>();
  for (const line of lines) {
    const { 'topology.json': topology } = JSON.parse(line) as { readonly 'topology.json': Topology };
    all.set(JSON.stringify([topology.interfaces, topology.routes]), topology);
  }
  return [...all.values()];
}

/** A case from its seed: the same rules every time; the packets follow what the kernel does. */
function randomCase(topologies: readonly Topology[], backend: Backend, seed: number): PlayPlan {
  const dice = new Dice(seed);
  const topology = dice.pick(topologies);
  const ends = endsOf(topology);
  const rules = randomRules(dice, ends);
  const sets = /--match-set|SET --/.test(rules) ? randomSets(dice, ends) : undefined;
  const random = new RandomPacket(dice, ends);
  return { name: `random-${seed}-${backend}`, topology, backend, rules: [rules], sets, count: dice.between(10, 24), next: (history) => random.next(history) };
}
