import type { Stage } from '../../datapaths/stage.ts';

/** A stretch of a lane's steps that one program ran. */
export interface ProgramThatRan {
  readonly name: string;
  /** The hook that it stands at as a person's own; '': it is the lane's. */
  readonly own: string;
  readonly key: string;
  /** Its steps, half-open. */
  readonly from: number;
  readonly to: number;
}

export function programsThatRan(stages: readonly Stage[]): readonly ProgramThatRan[] {
  const ran: { name: string; own: string; key: string; from: number; to: number }[] = [];
  for (const { kind, name, part, firstStep, endStep } of stages) {
    if (kind !== 'program') continue;
    const key = `${part} ${name}`;
    const last = ran.at(-1);
    if (last?.key === key) last.to = endStep;
    else ran.push({ name, own: part, key, from: firstStep, to: endStep });
  }
  return ran;
}
