import type { ProgramAccess } from '../../simulation/programs/api.ts';
import { pointerOf } from './pointer-name.ts';
import { REGISTERS, type RunTrace } from './run-trace.ts';
import { frameOf } from './stack-history.ts';

export interface StackCell {
  /** `0a`; `??`: a helper wrote it, and it has not been read since; empty: never written. */
  readonly text: string;
  /** Written by the instruction before. */
  readonly changed: boolean;
  /** Part of the key or value that the next instruction hands to a map. */
  readonly handed: boolean;
}

export interface StackRow {
  /** From the frame pointer: −8, −16… */
  readonly offset: number;
  readonly cells: readonly StackCell[];
  /** Registers that point into it. */
  readonly registers: readonly string[];
}

const ROW = 8;
const LEAST = 8;
const MOST = 64;

/** The stack below the frame pointer, 8 bytes a row, down to the lowest byte that the run writes. */
export function stackRows(trace: RunTrace, place: number, lowest: number, maps: readonly string[]): StackRow[] {
  const registers = trace.registers(place);
  const fp = registers[REGISTERS - 1] ?? 0n;
  const frame = frameOf(registers);
  const bytes = trace.stack.at(place);
  const access = trace.access(place);
  const count = Math.min(MOST, Math.max(LEAST, Math.ceil((frame - lowest) / ROW)));
  const pointing = registers.slice(0, REGISTERS - 1).flatMap((value, register) => {
    const pointer = trace.isSet(register, place) ? pointerOf(value, fp, maps) : null;
    return pointer?.to === 'stack' ? [{ name: `r${register}`, offset: pointer.offset }] : [];
  });
  const handed = handedRanges(access, pointing);
  return Array.from({ length: count }, (_, index) => {
    const offset = -ROW * (index + 1);
    const cells = Array.from({ length: ROW }, (_, at) => {
      const byte = bytes.get(frame + offset + at);
      const text = byte === undefined ? '' : byte.value === null ? '??' : byte.value.toString(16).padStart(2, '0');
      return { text, changed: place > 0 && byte?.step === place - 1, handed: handed.some(([from, to]) => offset + at >= from && offset + at < to) };
    });
    return { offset, cells, registers: pointing.filter((one) => one.offset >= offset && one.offset < offset + ROW).map(({ name }) => name) };
  });
}

function handedRanges(access: ProgramAccess | null, pointing: readonly { readonly name: string; readonly offset: number }[]): (readonly [number, number])[] {
  if (!access) return [];
  const range = (name: string, length: number) => pointing.filter((one) => one.name === name).map(({ offset }) => [offset, offset + length] as const);
  return [...range('r2', access.key.length), ...(access.operation === 'update' && access.value ? range('r3', access.value.length) : [])];
}
