import type { CountedUpdate } from '../../simulation/api.ts';
import type { UpdateReport } from '../../datapaths/report.ts';
import type { Counter, Work } from '../../datapaths/work.ts';

/** Grows with the square of the number of Services, every other count in proportion (`chainListWork` says why). */
const SQUARE: ReadonlySet<Counter> = new Set<Counter>(['chainsPassed']);

/**
 * The same update's report in a cluster of another size, from clusters in which it was counted, the smallest first: each
 * count grows by a fixed amount a Service between two of them, and beyond the last as between the last two; one that
 * grows with the square lies on the parabola through the last three.
 */
export function reportFor(services: number, counted: readonly CountedUpdate[]): UpdateReport | null {
  const [first] = counted;
  if (!first) return null;
  const above = counted.findIndex((one) => one.services >= services);
  const high = Math.max(1, above < 0 ? counted.length - 1 : above);
  const near = counted.slice(high - 1, high + 1);
  const last = counted.slice(-3);
  const at = (works: (report: UpdateReport) => Work): Work => {
    const sum: Partial<Record<Counter, number>> = {};
    for (const counter of new Set(counted.flatMap(({ report }) => Object.keys(works(report)))) as Set<Counter>) {
      sum[counter] = through((SQUARE.has(counter) ? last : near).map(({ services: x, report }) => [x, works(report)[counter] ?? 0] as const), services);
    }
    return sum;
  };
  const stages = first.report.stages.map((stage, index) => ({ ...stage, work: at((report) => report.stages[index]?.work ?? {}) }));
  return { ...first.report, stages, work: at(({ work }) => work), rules: null, writes: [] };
}

/** The value at `x` of the polynomial through some points (Lagrange). */
function through(points: readonly (readonly [x: number, y: number])[], x: number): number {
  return points.reduce((sum, [own, y]) => sum + points.reduce((product, [other]) => (other === own ? product : (product * (x - other)) / (own - other)), y), 0);
}
