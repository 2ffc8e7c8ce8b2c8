import type { PacketReport } from '../../datapaths/report.ts';
import type { MapAccess } from '../../datapaths/trace.ts';

export const REGISTERS = 11;

/** Where the program lane stands. */
export interface ProgramStep {
  /** Slot of the instruction in the program, as the listing counts. */
  readonly instruction: number;
  /** The map access that this instruction makes; null for any other. */
  readonly access: MapAccess | null;
  /** r0 to r10 before it. */
  readonly registers: readonly bigint[];
  /** Registers that the instruction before it changed. */
  readonly changed: readonly boolean[];
}

/** Reads one step of a program's trace; null where there is none. */
export function programStep(report: PacketReport, step: number | null): ProgramStep | null {
  const { trace } = report;
  if (step === null || trace?.kind !== 'program') return null;
  const instruction = trace.instruction[step];
  if (instruction === undefined) return null;
  const at = (index: number) => Array.from({ length: REGISTERS }, (_, register) => trace.registers[index * REGISTERS + register] ?? 0n);
  const registers = at(step);
  const before = step > 0 ? at(step - 1) : registers;
  return {
    instruction,
    access: trace.accesses.find((access) => access.step === step) ?? null,
    registers,
    changed: registers.map((value, index) => value !== before[index]),
  };
}

/** The same where there is little room: an address by its last eight digits. */
export function shortRegister(value: bigint): string {
  const hex = hexRegister(value);
  return hex.length > 12 ? `…${hex.slice(-8)}` : hex;
}

/** `0x2a4f80`: no more digits than there are. */
export function hexRegister(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}
