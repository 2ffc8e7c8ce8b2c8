import type { Profile } from '../src/cost/profile.ts';
import type { Work } from '../src/datapaths/work.ts';
import { makeFigure } from './figure.ts';
import { fitPrices, median } from './least-squares.ts';
import type { WaySplit } from './packet-timing.ts';
import type { PricedThing, ProgramPrices } from './program-timing.ts';

/** p50s of one kind of packet, a value a round, with the work that the engines count for it. */
export interface Timed {
  readonly work: Work;
  readonly rounds: readonly number[];
}

export interface Pair {
  /** Services in the table. */
  readonly table: number;
  readonly new: Timed;
  readonly established: Timed;
}

/** What one backend's chain lane is fitted to. */
export interface ChainSeries {
  readonly none: Pair;
  readonly split: WaySplit;
  readonly conntrack: Pair;
  readonly standing: Pair;
  /** First and later packets to Services, every position and size. */
  readonly services: readonly Pair[];
}

export interface ProgramSeries {
  readonly none: Pair;
  /** Every position and size. */
  readonly program: readonly Pair[];
  readonly prices: ProgramPrices;
}

type Prices = Pick<Profile, 'units' | 'fixed'>;
type Kind = 'new' | 'established';
type At = (timed: Timed) => number;

const count = (work: Work, counter: keyof Work): number => work[counter] ?? 0;
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Solves for the medians and again for each round: the range of a price is that of its rounds. */
function overRounds<T extends string>(rounds: number, solve: (at: At, round: number | null) => Readonly<Record<T, number>>): (price: T, source: string) => ReturnType<typeof makeFigure> {
  const middle = solve(({ rounds: all }) => median(all), null);
  const each = Array.from({ length: rounds }, (_, round) => solve(({ rounds: all }) => all[round] ?? NaN, round));
  return (price, source) => makeFigure(middle[price], each.map((one) => one[price]), source);
}

const SOLVED = ['tablesEntered', 'chainsEntered', 'natSetUps', 'natRewrites', 'conntrackLookups', 'conntrackInserts'] as const;
const SOLVED_BY: Readonly<Record<(typeof SOLVED)[number], string>> = {
  tablesEntered: 'a run of a table at its hook, mostly from later packets past the standing rules',
  chainsEntered: 'a jump or the begin of a built-in chain, mostly from first packets to the Service at the chain’s head',
  natSetUps: 'a mapping, mostly from first packets past the standing rules',
  natRewrites: 'a header rewritten, mostly from later packets to a Service',
  conntrackLookups: 'mostly from later packets with connection tracking alone',
  conntrackInserts: 'an entry made, filled and confirmed, mostly from first packets with connection tracking alone',
};
const SOLVED_SOURCE = 'Six set-ups, each compared with the bare way, give six prices (connection tracking alone; with kube-proxy’s standing rules; with a Service at the chain’s head; first and later packets of each)';

/** A slope alone: each point against the first rule's of its own table, weighed by its relative error. */
function slope(services: readonly Pair[], at: At): number {
  let [over, under] = [0, 0];
  for (const pair of services) {
    const rules = (other: Pair) => count(other.new.work, 'rulesEvaluated');
    const head = services.filter((other) => other.table === pair.table).sort((a, b) => rules(a) - rules(b))[0];
    if (!head || rules(pair) - rules(head) < 100) continue;
    const weighed = (rules(pair) - rules(head)) / at(pair.new);
    over += (weighed * (at(pair.new) - at(head.new))) / at(pair.new);
    under += weighed * weighed;
  }
  return over / under;
}

/**
 * The chain lane's prices, each from the difference of two set-ups that it alone explains, so that they sum up to what
 * was measured. What a first packet pays in a fresh socket is in `none` too, and so falls out of every difference.
 */
export function fitChain(series: ChainSeries): Prices {
  const { none, split, conntrack, standing, services } = series;
  const figure = overRounds(none.new.rounds.length, (at, round) => {
    const pick = (values: readonly number[]) => (round === null ? median(values) : (values[round] ?? NaN));
    const [inNs, middleNs, outNs] = [pick(split.in), pick(split.middle), pick(split.out)];
    const bare = mean([at(none.new), at(none.established)]);
    const share = bare / (inNs + middleNs + outNs);
    const rulesEvaluated = slope(services, at);
    // Each set-up's excess over the bare way. As many unknown prices as equations: what each set-up adds to the one before.
    const excess = (pairs: readonly Pair[], kind: Kind) => {
      const works = pairs.map((pair) => pair[kind].work);
      return { counts: SOLVED.map((counter) => mean(works.map((work) => count(work, counter)))), sum: mean(pairs.map((pair) => at(pair[kind]) - at(none[kind]) - count(pair[kind].work, 'rulesEvaluated') * rulesEvaluated)) };
    };
    const heads = services.filter((pair) => count(pair.new.work, 'rulesEvaluated') - count(standing.new.work, 'rulesEvaluated') < 20);
    const solved = fitPrices([excess([conntrack], 'established'), excess([conntrack], 'new'), excess([standing], 'established'), excess([standing], 'new'), excess(services, 'established'), excess(heads, 'new')], SOLVED.length);
    const prices = Object.fromEntries(SOLVED.map((counter, i) => [counter, solved[i] ?? 0])) as Record<(typeof SOLVED)[number], number>;
    return { in: inNs * share, middle: middleNs * share, out: outNs * share, rulesEvaluated, ...prices };
  });
  const way = 'Share of the bare way (no rules, no connection tracking; mean of a first and a later packet), by clocks of two tc programs';
  return {
    units: {
      rulesEvaluated: figure('rulesEvaluated', 'First packets to Services at different positions: what each further rule of KUBE-SERVICES adds'),
      ...Object.fromEntries(SOLVED.map((counter) => [counter, figure(counter, `${SOLVED_SOURCE}: ${SOLVED_BY[counter]}`)])),
    },
    fixed: {
      'way-in': figure('in', `${way}: from sendto in the client pod to the node’s end of its veth`),
      'way-out': figure('out', `${way}: from the server pod’s end of its veth into the socket’s queue, and back to the sender`),
      route: figure('middle', `${way}: from the node’s end of one veth pair through routing and forwarding to the pod’s end of the other`),
    },
  };
}

/** Helper calls and map accesses, by the program of `prices.bpf.c` that has their price. */
const PRICE_OF: readonly (readonly [keyof Work & string, PricedThing])[] = [
  ['instructions', 'instructions'],
  ['mapLookups', 'map_lookup'],
  ['helper:ktime_get_ns', 'ktime'],
  ['helper:get_prandom_u32', 'prandom'],
  ['helper:skb_store_bytes', 'store_bytes'],
  ['helper:l3_csum_replace', 'l3_csum'],
  ['helper:l4_csum_replace', 'l4_csum'],
];

/** The map lane's prices: the program's parts by test runs, map updates and the redirect from the whole way. */
export function fitProgram(series: ProgramSeries, way: Prices['fixed']): Prices {
  const { none, program, prices } = series;
  const figure = overRounds(none.new.rounds.length, (at, round) => {
    const pick = (thing: PricedThing) => (round === null ? median(prices[thing]) : (prices[thing][round % prices[thing].length] ?? NaN));
    const shared = (way['way-in']?.ns ?? 0) + (way['way-out']?.ns ?? 0);
    const parts = (work: Work) => PRICE_OF.reduce((sum, [counter, thing]) => sum + count(work, counter) * pick(thing), 0);
    // As far as it stands from the bare way, so that the fresh socket's part falls out here too.
    const bare = mean([at(none.new), at(none.established)]);
    const over = (pair: Pair, kind: Kind) => bare + at(pair[kind]) - at(none[kind]);
    const redirect = Math.max(0, mean(program.map((pair) => over(pair, 'established') - shared - parts(pair.established.work))));
    const mapUpdates = Math.max(0, mean(program.map((pair) => (over(pair, 'new') - shared - redirect - parts(pair.new.work)) / count(pair.new.work, 'mapUpdates'))));
    return { redirect, mapUpdates };
  });
  const byTest = (thing: PricedThing, what: string) => makeFigure(median(prices[thing]), prices[thing], `BPF_PROG_TEST_RUN: ${what}, many in one program, less a program of nothing`);
  return {
    units: {
      instructions: byTest('instructions', 'simple instructions'),
      mapLookups: byTest('map_lookup', 'look-ups of one key in cilium_lb4_services_v2 as full as at 5,000 Services'),
      'helper:ktime_get_ns': byTest('ktime', 'calls of the helper'),
      'helper:get_prandom_u32': byTest('prandom', 'calls of the helper'),
      'helper:skb_store_bytes': byTest('store_bytes', 'calls of the helper'),
      'helper:l3_csum_replace': byTest('l3_csum', 'calls of the helper'),
      'helper:l4_csum_replace': byTest('l4_csum', 'calls of the helper'),
      mapUpdates: figure('mapUpdates', 'A first packet through the program, less the shared way, its redirect and its other parts, for each map update: a connection’s entry in the LRU hash'),
    },
    fixed: {
      redirect: figure('redirect', 'A later packet through the program, less the shared way and the program’s parts: tc, the program’s start, bpf_redirect_peer into the pod, and what else could not be told apart'),
    },
  };
}
