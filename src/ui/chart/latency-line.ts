import { timePacket } from '../../cost/model.ts';
import type { Point, Profile } from '../../cost/profile.ts';
import type { PacketReport } from '../../datapaths/report.ts';

/** Sizes that a line is computed at: even on a logarithmic axis. */
export function sizes(from: number, to: number, count: number): readonly number[] {
  const all = Array.from({ length: count }, (_, index) => Math.round(from * (to / from) ** (index / (count - 1))));
  return [...new Set(all)];
}

/**
 * The same packet's report, had its rule stood at another position of nat KUBE-SERVICES (both from 0): every rule before
 * it is passed over at the destination compare, so only the number of rules evaluated there differs.
 */
export function reportAt(report: PacketReport, from: number, to: number): PacketReport {
  const at = report.stages.findIndex(({ kind, name, part }) => kind === 'chain' && name === 'KUBE-SERVICES' && part === 'nat');
  if (at < 0 || from === to) return report;
  const stages = report.stages.map((stage, index) => (index === at ? { ...stage, work: { ...stage.work, rulesEvaluated: (stage.work.rulesEvaluated ?? 0) + to - from } } : stage));
  return { ...report, stages, work: { ...report.work, rulesEvaluated: (report.work.rulesEvaluated ?? 0) + to - from } };
}

/** Where a whole time stands on the axis: measured ones at the rule that matched, which is what the time depends on. */
export function placeOf(point: Point): number {
  return point.mark === 'measured' && point.datapath === 'iptables' && point.connection === 'new' ? point.position + 1 : point.services;
}

export interface Residual {
  readonly point: Point;
  /** What the model says for the same work, ns. */
  readonly model: number;
}

/**
 * The model held against what was measured. `position`: where the report's packet matched in nat KUBE-SERVICES; null: it
 * has no rule there, or never came there.
 */
export function residuals(profile: Profile, connection: Point['connection'], chain: PacketReport, map: PacketReport, position: number | null): readonly Residual[] {
  return profile.points
    .filter((point) => point.mark === 'measured' && point.connection === connection && point.datapath !== 'none')
    .map((point) => {
      const report = point.datapath === 'ebpf' ? map : position === null ? chain : reportAt(chain, position, point.position);
      return { point, model: timePacket(report, profile).total };
    })
    .sort((a, b) => Number(a.point.datapath === 'ebpf') - Number(b.point.datapath === 'ebpf') || a.point.position - b.point.position || a.point.services - b.point.services);
}
