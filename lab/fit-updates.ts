import type { Figure, Profile } from '../src/cost/profile.ts';
import type { UpdateReport } from '../src/datapaths/report.ts';
import type { Counter } from '../src/datapaths/work.ts';
import { makeFigure } from './figure.ts';
import { fitPrices, median } from './least-squares.ts';
import type { EntriesTiming, RestoreTiming } from './update-timing.ts';

export interface CountedRestore {
  readonly timing: RestoreTiming;
  readonly report: UpdateReport;
}

type UpdatePrices = Profile['update'];

/** kube-proxy's own code, timed on this project's behalf (facts: the payloads' table); ms a steady sync, by Services. */
const RENDERED = [
  { services: 50, full: 0.33, partial: 0.34, lines: 573, partialLines: 73 },
  { services: 500, full: 4.35, partial: 3.1, lines: 5523, partialLines: 523 },
  { services: 5000, full: 68.9, partial: 44.1, lines: 55_023, partialLines: 5023 },
  { services: 20_000, full: 296, partial: 246, lines: 220_023, partialLines: 20_023 },
] as const;
const RENDER_SOURCE = 'Fitted to what kube-proxy 1.37.2’s own code took to build its text, steady, median, for 50 to 20,000 Services of 1 port and 2 endpoints (Linux 6.18, 2-CPU virtual machine, 2026-11-23): it was not timed in this run';

interface Term {
  readonly count: (report: UpdateReport) => number;
}

const unit = (counter: Counter): Term => ({ count: (report) => report.work[counter] ?? 0 });
const FIXED: Term = { count: () => 1 };

/** Prices of one part of the time: with every run's median, and again leaving out one timing at a time, for the range. */
function fitPart(rows: readonly { readonly report: UpdateReport; readonly ns: number }[], terms: readonly Term[], source: string): Figure[] {
  const solve = (some: typeof rows) => fitPrices(some.map(({ report, ns }) => ({ counts: terms.map((term) => term.count(report)), sum: ns })), terms.length);
  const all = solve(rows);
  const without = rows.map((_, left) => solve(rows.filter((_row, index) => index !== left)));
  return all.map((ns, i) => makeFigure(ns, without.map((one) => one[i] ?? NaN), source));
}

const HOW = 'fitted to full and partial payloads of every size (least relative error, no price below 0); range: fits that leave one of them out';

/** kube-proxy's own work: published. */
function renderPrices(): UpdatePrices['units'] {
  const equations = RENDERED.flatMap(({ services, full, partial, lines, partialLines }) => [
    { counts: [services, lines], sum: full * 1e6 },
    { counts: [services, partialLines], sum: partial * 1e6 },
  ]);
  const [walked = 0, line = 0] = fitPrices(equations, 2);
  const without = equations.map((_, left) => fitPrices(equations.filter((_row, index) => index !== left), 2));
  const errors = equations.map(({ counts, sum }) => Math.round(100 * (((counts[0] ?? 0) * walked + (counts[1] ?? 0) * line) / sum - 1)));
  const source = `${RENDER_SOURCE}. The fit is between ${Math.min(...errors)} % and +${Math.max(...errors)} % of those times`.replace(/ -/g, ' −');
  const figure = (ns: number, i: number): Figure => ({ ...makeFigure(ns, without.map((one) => one[i] ?? NaN), source), mark: 'published' });
  return { servicePortsWalked: figure(walked, 0), chainsHandedOver: figure(line, 1), rulesHandedOver: figure(line, 1) };
}

export function fitLegacy(restores: readonly CountedRestore[]): UpdatePrices {
  const stageCount = (kind: string, counter: Counter) => (report: UpdateReport) => report.stages.find((stage) => stage.kind === kind)?.work[counter] ?? 0;
  const fetched = restores.map(({ timing, report }) => ({ report, ns: median(timing.fetch) }));
  const [bytesCopied, fetch] = fitPart(fetched, [{ count: stageCount('fetch', 'bytesCopied') }, FIXED], `Within the kernel, fetching the tables (IPT_SO_GET_INFO, IPT_SO_GET_ENTRIES); ${HOW}`);
  // Copying in costs as much as copying out; what is left of the replacement is checking.
  const checked = restores.map(({ timing, report }) => ({ report, ns: median(timing.replace) - stageCount('replace', 'bytesCopied')(report) * (bytesCopied?.ns ?? 0) }));
  const [rulesReplaced, replace] = fitPart(checked, [unit('rulesReplaced'), FIXED], `Within the kernel, replacing the tables (IPT_SO_SET_REPLACE, IPT_SO_SET_ADD_COUNTERS), less the copying; ${HOW}`);
  const user = restores.map(({ timing, report }) => ({ report, ns: median(timing.whole.map((whole, i) => whole - (timing.fetch[i] ?? 0) - (timing.replace[i] ?? 0))) }));
  const [bytesHandedOver, rulesRebuilt, start] = fitPart(user, [unit('bytesHandedOver'), unit('rulesRebuilt'), FIXED], `iptables-legacy-restore from fork to exit, less the kernel’s part; ${HOW}`);
  return {
    units: { ...renderPrices(), ...defined({ bytesHandedOver, rulesRebuilt, rulesReplaced, bytesCopied }) },
    fixed: defined({ parse: start, fetch, replace }),
  };
}

export function fitNft(restores: readonly CountedRestore[]): UpdatePrices {
  const user = restores.map(({ timing, report }) => ({ report, ns: median(timing.whole.map((whole, i) => whole - (timing.netlink[i] ?? 0))) }));
  const [bytesHandedOver, chainsPassed, gracePeriods, start] = fitPart(user, [unit('bytesHandedOver'), unit('chainsPassed'), unit('gracePeriods'), FIXED], `iptables-nft-restore from fork to exit, less its netlink calls; ${HOW}`);
  const kernel = restores.map(({ timing, report }) => ({ report, ns: median(timing.netlink) }));
  const [rulesReplaced, chainsAsked, commit] = fitPart(kernel, [unit('rulesReplaced'), unit('chainsAsked'), FIXED], `iptables-nft-restore’s netlink calls; ${HOW}`);
  return {
    units: { ...renderPrices(), ...defined({ bytesHandedOver, chainsPassed, gracePeriods, rulesReplaced, chainsAsked }) },
    fixed: defined({ parse: start, commit }),
  };
}

/** The map lane's prices: one for an entry that is written, one for an entry that is taken away. */
export function fitEntries(timings: readonly EntriesTiming[]): UpdatePrices {
  const price = (some: readonly EntriesTiming[], source: string) =>
    makeFigure(fitPrices(some.map(({ entries, whole }) => ({ counts: [entries], sum: median(whole) })), 1)[0] ?? 0, some.map(({ whole, entries }) => median(whole) / entries), source);
  return {
    units: {
      entriesWritten: price(timings.filter(({ kind }) => kind !== 'removal'), 'bpf(BPF_MAP_UPDATE_ELEM) from user space, one entry a call: first loads and single Services at every size (least relative error); what an agent computes before is not in it'),
      entriesDeleted: price(timings.filter(({ kind }) => kind === 'removal'), 'bpf(BPF_MAP_DELETE_ELEM) from user space, one entry a call: single Services taken away at every size (least relative error)'),
    },
    fixed: {},
  };
}

function defined<K extends string>(figures: Readonly<Record<K, Figure | undefined>>): Partial<Record<K, Figure>> {
  return Object.fromEntries(Object.entries(figures).filter(([, figure]) => figure !== undefined)) as Partial<Record<K, Figure>>;
}
