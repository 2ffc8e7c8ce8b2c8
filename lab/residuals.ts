import { timePacket, timeUpdate } from '../src/cost/model.ts';
import type { Mark, Profile } from '../src/cost/profile.ts';
import type { UpdateReport } from '../src/datapaths/report.ts';
import { addWork } from '../src/datapaths/work.ts';
import type { CountedLab } from './counted.ts';

/** A measured time and what the model says for the same work, counted by the engines; ns. */
export interface Residual {
  /** Points of one lane and kind go together. */
  readonly group: string;
  readonly services: number;
  readonly position: number | null;
  readonly measured: number;
  readonly model: number;
}

/** The model's relative error: 0.1 is a tenth too much. */
export function errorOf({ measured, model }: Residual): number {
  return model / measured - 1;
}

const measuredOnly = ({ mark }: { readonly mark: Mark }) => mark === 'measured';

/** Every measured point of a profile held against the model. */
export function residualsOf(profile: Profile, lab: CountedLab): Residual[] {
  const { backend } = profile;
  const packets = profile.points.filter(measuredOnly).map(({ datapath, connection, services, position, ns }): Residual => {
    const name = datapath === 'none' ? 'no rules, to the pod' : datapath === 'ebpf' ? 'map' : `chain, ${backend}`;
    return { group: `${name}: ${connection === 'new' ? 'first packet' : 'later packet'}`, services, position, measured: ns, model: packetModel(profile, lab, datapath, services, position, connection) };
  });
  const updates = profile.updatePoints.filter(measuredOnly).map(({ datapath, kind, services, ns }): Residual => {
    const partial = kind === 'partial';
    const report = lab.update(datapath === 'ebpf' ? 'ebpf' : backend, services, partial ? 'partial' : 'full');
    return { group: `${datapath === 'ebpf' ? 'map' : `chain, ${backend}`}: ${partial ? 'one Service more' : 'first load'}`, services, position: null, measured: ns, model: timeUpdate(handedOver(report), profile).total };
  });
  return [...packets, ...updates];
}

function packetModel(profile: Profile, lab: CountedLab, datapath: 'none' | 'iptables' | 'ebpf', services: number, position: number, connection: 'new' | 'established'): number {
  if (datapath === 'none') return (['way-in', 'route', 'way-out'] as const).reduce((sum, kind) => sum + (profile.fixed[kind]?.ns ?? 0), 0);
  return timePacket(lab.packets(datapath === 'ebpf' ? 'ebpf' : profile.backend, services, position)[connection], profile).total;
}

/** kube-proxy's own work is not in what was timed. */
function handedOver(report: UpdateReport): UpdateReport {
  const stages = report.stages.filter(({ kind }) => kind !== 'render');
  return { ...report, stages, work: addWork(...stages.map(({ work }) => work)) };
}

/** By group: how many points, and the model's least and greatest error. */
export function summarize(residuals: readonly Residual[]): Map<string, { points: number; least: number; greatest: number }> {
  const groups = new Map<string, { points: number; least: number; greatest: number }>();
  for (const residual of residuals) {
    const error = errorOf(residual);
    const group = groups.get(residual.group) ?? { points: 0, least: Infinity, greatest: -Infinity };
    groups.set(residual.group, { points: group.points + 1, least: Math.min(group.least, error), greatest: Math.max(group.greatest, error) });
  }
  return groups;
}

const percent = (error: number) => `${error < 0 ? '−' : '+'}${Math.abs(error * 100).toFixed(1)} %`;

/**
 * The table of `docs/time.md`, and whether the program that was timed is the one that is counted now.
 * Groups that both profiles have are the same points: they stand once.
 */
export function residualText(profiles: readonly Profile[], lab: CountedLab, sameProgram: boolean): string {
  const residuals = allResiduals(profiles, lab);
  const program = sameProgram
    ? 'The program that was timed is the one in `bpf-samples/`.'
    : 'The program in `bpf-samples/` has changed since it was timed: the map lane’s residuals are those of the program as it is now against times of the program as it was.';
  return `${residualTable(residuals)}\n\n${program}`;
}

/** Of all profiles; what they have in common once. */
export function allResiduals(profiles: readonly Profile[], lab: CountedLab): Residual[] {
  return profiles.flatMap((profile, index) => residualsOf(profile, lab).filter(({ group }) => index === 0 || group.includes(profile.backend)));
}

function residualTable(residuals: readonly Residual[]): string {
  const rows = [...summarize(residuals)].map(([group, { points, least, greatest }]) => `| ${group} | ${points} | ${percent(least)} | ${percent(greatest)} |`);
  return ['| lane and packet or update | points | model’s least error | greatest |', '|---|---|---|---|', ...rows].join('\n');
}

export const TABLE_BEGIN = '<!-- residuals: written by npm run lab -- calibrate -->';
export const TABLE_END = '<!-- end of residuals -->';

/** Puts the table between its marks. Throws where the text has none. */
export function withTable(text: string, table: string): string {
  const [begin, end] = [text.indexOf(TABLE_BEGIN), text.indexOf(TABLE_END)];
  if (begin < 0 || end < begin) throw new Error(`The text has no “${TABLE_BEGIN}” … “${TABLE_END}”.`);
  return `${text.slice(0, begin + TABLE_BEGIN.length)}\n${table}\n${text.slice(end)}`;
}
