import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { compareBlobs } from './blob.ts';
import { clustersOf, fitProfiles, measure, objectHash, type Raw } from './calibrate.ts';
import { check } from './check.ts';
import { CountedLab } from './counted.ts';
import { compareProxies, recordProxy, timeRendering } from './kube-proxy/compare.ts';
import type { LabCheck } from './lab-check.ts';
import { machine } from './machine.ts';
import { median } from '../src/cli/bench/median.ts';
import { readRaw } from './raw.ts';
import { residualText, withTable } from './residuals.ts';
import { playScenes } from './netfilter/play-scenes.ts';
import { LabError } from './shell.ts';
import { ROOT, Workshop } from './workshop.ts';

const USAGE = `npm run lab -- calibrate [--quick] [--out DIR] [--from RAW.json]

Times this machine's kernel and writes the cost profiles: src/cost/profiles/legacy.json and nft.json, and what was timed:
lab/measured.json. Needs Linux and root; takes about five minutes.

npm run lab -- check [--cases N] [--packets N] [--seed N]

Holds the engines against this machine's kernel: random rules and packets in iptables-legacy and iptables-nft, and
kube-proxy's own rules (what came out, every counter); the sizes of tables in legacy ip_tables; what
iptables-nft-restore says over netlink, under strace; the BPF objects packet by packet over random clusters (verdicts,
bytes out, maps), in test runs and on real tc, XDP and cgroup hooks. Needs Linux and root; says what it could not check.

npm run lab -- scenes [--nft] [--only TEXT] [--record]

Plays the scenes made by hand (lab/netfilter/scenes) in this machine's netfilter and in the engine; about two minutes, for
the time that passes in them. --record writes down what the kernel did, for the tests.

npm run lab -- blob

Compares how large tables are in this machine's legacy ip_tables and in the engine.

npm run lab -- kube-proxy [--cases N] [--from-seed N] [--record]

Builds kube-proxy's own code and holds the engine's payloads against it over random clusters and changes, then times
both writing everything anew. Needs Go, and some minutes the first time. --record writes a hash of each payload into the tests.

  --cases   check: random rule sets for each backend, 100 unless told; kube-proxy: random clusters, 300 unless told
  --packets random packets through the project's own BPF objects: 10,000 unless told
  --seed    of everything random: 1 unless told
  --quick   a short run into a folder of its own (.cache/lab unless --out says so): shows that the tool works
  --out     where to write the profiles
  --from    fit the profiles again to what was timed before, without timing anything
`;

/** Exit status: 0 done, 1 could not be measured, 2 not understood. */
async function main(argv: readonly string[]): Promise<number> {
  const say = (line: string) => process.stderr.write(`${line}\n`);
  let options;
  try {
    options = parseArgs({ args: [...argv], allowPositionals: true, options: { quick: { type: 'boolean', default: false }, packets: { type: 'string' }, cases: { type: 'string' }, seed: { type: 'string' }, out: { type: 'string' }, from: { type: 'string' }, 'from-seed': { type: 'string', default: '1' }, record: { type: 'boolean', default: false }, nft: { type: 'boolean', default: false }, only: { type: 'string', default: '' } } });
  } catch (error) {
    say(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return 2;
  }
  const { values, positionals } = options;
  const [command] = positionals;
  if (positionals.length === 1 && command === 'blob') return blob(say);
  if (positionals.length === 1 && command === 'check') {
    const counts = [values.packets, values.cases, values.seed].map((text) => (text === undefined ? undefined : Number(text)));
    if (counts.some((count) => count !== undefined && !(Number.isInteger(count) && count > 0))) {
      say(`--packets, --cases and --seed are whole numbers above 0.

${USAGE}`);
      return 2;
    }
    const [packets, cases, seed] = counts;
    return report(await check({ packets, cases, seed, say }), say);
  }
  if (positionals.length === 1 && command === 'scenes') return report([await playScenes({ backend: values.nft ? 'nft' : 'legacy', only: values.only, record: values.record, say })], say);
  if (positionals.length === 1 && command === 'kube-proxy') {
    if (values.record) say(`Written: ${recordProxy()}.`);
    const [cases, from] = [Number(values.cases ?? 300), Number(values['from-seed'])];
    if (!(Number.isInteger(cases) && cases > 0 && Number.isInteger(from) && from > 0)) {
      say(`--cases and --from-seed are whole numbers above 0.\n\n${USAGE}`);
      return 2;
    }
    const { syncs, differences } = compareProxies(cases, from, say);
    for (const difference of differences) say(difference);
    say(`${cases} random clusters, ${syncs} syncs: ${differences.length === 0 ? 'each payload is as kube-proxy writes it' : `${differences.length} clusters differ`}.`);
    for (const size of ['5000', '20000'] as const) {
      const { services, engineMs, kubeProxyMs } = timeRendering(size);
      say(`Everything written anew for ${services} Services: ${median(engineMs).toFixed(1)} ms, kube-proxy ${median(kubeProxyMs).toFixed(1)} ms: ratio ${(median(engineMs) / median(kubeProxyMs)).toFixed(2)}.`);
    }
    return differences.length === 0 ? 0 : 1;
  }
  if (positionals.length !== 1 || command !== 'calibrate') {
    say(USAGE);
    return 2;
  }
  const folder = values.out ?? join(ROOT, ...(values.quick ? ['.cache', 'lab'] : ['src', 'cost', 'profiles']));
  const rawFile = values.out || values.quick ? join(folder, 'measured.json') : join(ROOT, 'lab', 'measured.json');
  mkdirSync(folder, { recursive: true });
  let raw: Raw;
  if (values.from) {
    raw = readRaw(readFileSync(values.from, 'utf8'));
  } else {
    const found = machine();
    for (const sentence of found.missing) say(sentence);
    if (!found.packets || !found.legacy || !found.nft || !found.bpf) {
      say('No profile was written: it holds both lanes and both backends, timed in one run.');
      return 1;
    }
    raw = inWorkshop((workshop) => measure(workshop, found, { quick: values.quick, say }));
    writeFileSync(rawFile, `${JSON.stringify(raw)}\n`);
  }
  say('Counting the same packets and updates in the engines, and fitting prices.');
  const lab = new CountedLab(clustersOf(raw.plan.packets));
  const profiles = fitProfiles(raw, lab);
  for (const profile of profiles) writeFileSync(join(folder, `${profile.id}.json`), `${JSON.stringify(profile, null, 2)}\n`);
  const table = residualText(profiles, lab, raw.object === objectHash());
  say(`Written to ${folder}.\n\n${table}`);
  if (!values.out && !values.quick) {
    const page = join(ROOT, 'docs', 'time.md');
    writeFileSync(page, withTable(readFileSync(page, 'utf8'), table));
  }
  return 0;
}

/** A line a check, of those that are many only where it failed or could not be made; 1 where one failed. */
function report(checks: readonly LabCheck[], say: (line: string) => void): number {
  const counted = (passed: boolean | null) => checks.filter((one) => one.passed === passed).length;
  for (const { name, passed, detail, quiet } of checks) if (passed !== true || !quiet) say(`${passed === null ? 'not checked' : passed ? 'agrees' : 'differs'}: ${name}: ${detail}`);
  say(`Lab: ${counted(true)} agree with the kernel, ${counted(false)} differ, ${counted(null)} could not be checked.`);
  return counted(false) === 0 ? 0 : 1;
}

function blob(say: (line: string) => void): number {
  const found = machine();
  for (const sentence of found.missing) say(sentence);
  if (!found.packets || !found.legacy) return 1;
  let differ = 0;
  for (const { services, table, kernel, engine } of inWorkshop(compareBlobs)) {
    const same = kernel.entries === engine.entries && kernel.bytes === engine.bytes;
    if (!same) differ += 1;
    say(`${services} Services, ${table}: the kernel has ${kernel.entries} entries of ${kernel.bytes} bytes, the engine ${same ? 'the same' : `${engine.entries} of ${engine.bytes}`}.`);
  }
  return differ === 0 ? 0 : 1;
}

/** Whatever happens, what was made on the machine is taken away again. */
function inWorkshop<T>(work: (workshop: Workshop) => T): T {
  const workshop = new Workshop();
  const stop = () => process.exit(130);
  process.on('exit', () => workshop.close());
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    return work(workshop);
  } finally {
    workshop.close();
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
