import type { Timed, Timeline } from '../../cost/model.ts';
import { isShared, type Stage } from '../../datapaths/stage.ts';

/** A run of a lane's time: the way that both lanes share, or the lane's own work. Times in ns. */
export interface LanePart {
  readonly start: number;
  readonly end: number;
  readonly stages: readonly Timed<Stage>[];
}

/** A lane's bar: shared way in, own work, shared way out. A packet that never arrives has no way out. */
export interface LaneParts {
  readonly wayIn: LanePart;
  readonly own: LanePart;
  readonly wayOut: LanePart;
}

/** Cuts a timeline into its three parts: what is shared at its head and at its end, and all between. */
export function laneParts({ stages, total }: Timeline<Stage>): LaneParts {
  const first = stages.findIndex(({ stage }) => !isShared(stage));
  const from = first < 0 ? stages.length : first;
  const to = stages.findLastIndex(({ stage }) => !isShared(stage)) + 1;
  const startOf = (index: number) => stages[index]?.start ?? total;
  const part = (a: number, b: number): LanePart => ({ start: startOf(a), end: startOf(b), stages: stages.slice(a, b) });
  return { wayIn: part(0, from), own: part(from, Math.max(from, to)), wayOut: part(Math.max(from, to), stages.length) };
}
