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
type At = (timed: Timed) => number;

const count = (work: Work, counter: keyof Work): number => work[counter] ?? 0;
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Solves for the medians and again for each round: the range of a price is that of its rounds. */
function overRounds<T extends string>(rounds: number, solve: (at: At, round: number | null) => Readonly<Record<T, number>>): (price: T, source: string) => ReturnType<typeof makeFigure> {
  const middle = solve(({ rounds: all }) => median(all), null);
  const each = Array.from({ length: rounds }, (_, round) => solve(({ rounds: all }) => all[round] ?? NaN, round));
  return (price, source) => makeFigure(middle[price], each.map((one) => one[price]), source);
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
    const over = (pair: Pair, kind: keyof Pair) => at(pair[kind]) - at(none[kind]);
    const added = (pair: Pair, less: Pair, kind: keyof Pair) => (counter: keyof Work) => count(pair[kind].work, counter) - count(less[kind].work, counter);

    const conntrackLookups = Math.max(0, over(conntrack, 'established'));
    const conntrackInserts = Math.max(0, over(conntrack, 'new') - over(conntrack, 'established'));
    // A slope alone: each point against the first rule's of the same table, weighed by its relative error.
    const slopes = services.flatMap((pair) => {
      const head = services.find((other) => other !== pair && at(other.new) <= at(pair.new) && count(other.new.work, 'rulesEvaluated') < count(pair.new.work, 'rulesEvaluated'));
      const rules = head ? count(pair.new.work, 'rulesEvaluated') - count(head.new.work, 'rulesEvaluated') : 0;
      return head && rules >= 100 ? [{ rules: rules / at(pair.new), ns: (at(pair.new) - at(head.new)) / at(pair.new) }] : [];
    });
    const rulesEvaluated = slopes.reduce((sum, { rules, ns }) => sum + rules * ns, 0) / slopes.reduce((sum, { rules }) => sum + rules * rules, 0);
    // Chains entered and the few rules in them, first and later packets alike.
    const chains = fitPrices(
      (['new', 'established'] as const).map((kind) => {
        const more = added(standing, conntrack, kind);
        return { counts: [more('chainsEntered')], sum: over(standing, kind) - over(conntrack, kind) - more('rulesEvaluated') * rulesEvaluated };
      }),
      1,
    );
    const chainsEntered = chains[0] ?? 0;
    const heads = services.filter((pair) => count(pair.new.work, 'rulesEvaluated') - count(standing.new.work, 'rulesEvaluated') < 20);
    const natRewrites = Math.max(0, mean(services.map((pair) => over(pair, 'established') - over(standing, 'established'))));
    const targetsRun = Math.max(
      0,
      mean(
        heads.map((pair) => {
          const more = added(pair, standing, 'new');
          return over(pair, 'new') - over(standing, 'new') - more('rulesEvaluated') * rulesEvaluated - more('chainsEntered') * chainsEntered - natRewrites;
        }),
      ),
    );
    return { in: inNs * share, middle: middleNs * share, out: outNs * share, conntrackLookups, conntrackInserts, rulesEvaluated, chainsEntered, natRewrites, targetsRun };
  });
  const way = 'Share of the bare way (no rules, no connection tracking; mean of a first and a later packet), by clocks of two tc programs';
  return {
    units: {
      rulesEvaluated: figure('rulesEvaluated', 'First packets to Services at different positions: what each further rule of KUBE-SERVICES adds'),
      chainsEntered: figure('chainsEntered', 'kube-proxy’s standing rules without Services, less connection tracking alone, for each chain entered; a chain’s and a hook’s own cost'),
      conntrackLookups: figure('conntrackLookups', 'A later packet with connection tracking alone, less the same with nothing'),
      conntrackInserts: figure('conntrackInserts', 'A first packet with connection tracking alone, less a later one: an entry is made, filled and confirmed'),
      targetsRun: figure('targetsRun', 'A first packet to the Service at the chain’s head, less one past the standing rules, less the chains, rules and rewrite between them: DNAT sets up a mapping'),
      natRewrites: figure('natRewrites', 'A later packet to a Service, less one past the standing rules: the mapping is found and the header rewritten'),
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
    const over = (pair: Pair, kind: keyof Pair) => bare + at(pair[kind]) - at(none[kind]);
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
