import type { PacketReport, UpdateReport, UpdateStage } from '../datapaths/report.ts';
import { isShared, type Stage } from '../datapaths/stage.ts';
import type { Counter, Work } from '../datapaths/work.ts';
import type { Figure, Nanoseconds, Profile } from './profile.ts';

/** One term of a sum: `count` units at a figure's price; a fixed cost has counter null and count 1. */
export interface Term {
  readonly counter: Counter | null;
  readonly count: number;
  readonly figure: Figure;
}

export interface Timed<S> {
  readonly stage: S;
  readonly start: Nanoseconds;
  readonly duration: Nanoseconds;
  /** What the duration is made of, dearest first. */
  readonly terms: readonly Term[];
}

export interface Timeline<S> {
  readonly stages: readonly Timed<S>[];
  readonly total: Nanoseconds;
  /** Of the total, what both lanes share. 0 for updates. */
  readonly shared: Nanoseconds;
}

/**
 * Counted work × the profile's prices, stage after stage. No other number decides how anything on the page moves.
 * Work that the profile has no price for costs nothing: it is part of some other figure there.
 */
export function timePacket(report: PacketReport, profile: Profile): Timeline<Stage> {
  const line = lay(report.stages, (stage) => price(stage.work, profile.units, profile.fixed[stage.kind]));
  const shared = line.stages.reduce((sum, timed) => (isShared(timed.stage) ? sum + timed.duration : sum), 0);
  return { ...line, shared: shared as Nanoseconds };
}

/** The same for an update: how long agent and kernel take to bring a change into effect. */
export function timeUpdate(report: UpdateReport, profile: Profile): Timeline<UpdateStage> {
  const { units, fixed } = profile.update;
  return { ...lay(report.stages, (stage) => price(stage.work, units, fixed[stage.kind])), shared: 0 as Nanoseconds };
}

function price(work: Work, units: Profile['units'], fixed: Figure | undefined): Term[] {
  const terms: Term[] = fixed ? [{ counter: null, count: 1, figure: fixed }] : [];
  for (const [counter, count] of Object.entries(work) as [Counter, number][]) {
    const figure = units[counter];
    if (figure && count > 0) terms.push({ counter, count, figure });
  }
  return terms.sort((a, b) => b.count * b.figure.ns - a.count * a.figure.ns);
}

function lay<S>(stages: readonly S[], termsOf: (stage: S) => Term[]): { stages: Timed<S>[]; total: Nanoseconds } {
  let now = 0;
  const timed = stages.map((stage) => {
    const terms = termsOf(stage);
    const duration = terms.reduce((sum, { count, figure }) => sum + count * figure.ns, 0);
    const start = now;
    now += duration;
    return { stage, start: start as Nanoseconds, duration: duration as Nanoseconds, terms };
  });
  return { stages: timed, total: now as Nanoseconds };
}
