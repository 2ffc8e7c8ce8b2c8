import type { ProgramSpec } from '../../datapaths/ebpf/vm.ts';
import type { OpenedObject, OpenedProgram, ProgramInput } from '../../simulation/programs/api.ts';
import type { SceneProgram } from '../../simulation/scene.ts';
import { hexOf } from './hex.ts';
import type { Origin } from './origin.ts';

/** Of the project's own objects the one to begin with: what every packet of a pod goes through. */
export const FIRST = 'from_container';

/** The program that is shown where nobody chose one. */
export function firstProgram(object: OpenedObject | null): ProgramSpec | undefined {
  return object?.spec.programs.find(({ unsupported }) => unsupported === null) ?? object?.spec.programs[0];
}

export interface Shown {
  readonly origin: Origin | null;
  /** The assembler's. */
  readonly text: string;
  readonly object: OpenedObject | null;
  readonly name: string | null;
  readonly program: OpenedProgram | null;
  readonly input: ProgramInput | null;
}

/** What a link needs to show the same; undefined: what the mode begins with, or an object of one's own, which no link carries. */
export function linkedProgram({ origin, text, object, name, program, input }: Shown): SceneProgram | undefined {
  if (!origin || origin.kind === 'file') return undefined;
  const bytes = input && program && hexOf(input.data) !== hexOf(program.example.data) ? hexOf(input.data) : null;
  if (origin.kind === 'text') return { kind: 'text', text, program: null, bytes };
  const chosen = name === firstProgram(object)?.name ? null : name;
  return origin.name === FIRST && chosen === null && bytes === null ? undefined : { kind: 'sample', name: origin.name, program: chosen, bytes };
}
