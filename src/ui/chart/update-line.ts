import type { UpdateReport } from '../../datapaths/report.ts';
import type { Counter, Work } from '../../datapaths/work.ts';

/** An update that was carried out and counted, in a cluster of that many Services. */
export interface CountedUpdate {
  readonly services: number;
  readonly report: UpdateReport;
}

/**
 * The same update's report in a cluster of another size: every count grows by a fixed amount a Service, taken from two
 * clusters in which it was counted.
 */
export function reportFor(services: number, small: CountedUpdate, large: CountedUpdate): UpdateReport {
  const share = (services - small.services) / (large.services - small.services);
  const between = (a: Work, b: Work): Work => {
    const sum: Partial<Record<Counter, number>> = {};
    for (const counter of new Set([...Object.keys(a), ...Object.keys(b)]) as Set<Counter>) sum[counter] = (a[counter] ?? 0) + ((b[counter] ?? 0) - (a[counter] ?? 0)) * share;
    return sum;
  };
  const stages = small.report.stages.map((stage, index) => ({ ...stage, work: between(stage.work, large.report.stages[index]?.work ?? stage.work) }));
  return { ...small.report, stages, work: between(small.report.work, large.report.work), rules: null, writes: [] };
}
