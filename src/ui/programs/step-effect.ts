import { accessSize, CLASS, OPCODE, PSEUDO } from '../../datapaths/ebpf/assembler/instruction.ts';
import type { ProgramAccess } from '../../simulation/programs/api.ts';
import type { RunTrace } from './run-trace.ts';

/** What one instruction does in the run, as its next step shows it. */
export type StepEffect =
  | { readonly kind: 'access'; readonly access: ProgramAccess }
  /** A helper's answer, in r0. */
  | { readonly kind: 'helper'; readonly answer: bigint }
  | { readonly kind: 'call'; readonly to: number }
  | { readonly kind: 'return'; readonly value: bigint; readonly last: boolean }
  | { readonly kind: 'jump'; readonly taken: boolean; readonly to: number }
  /** A store: how many bytes, and where. */
  | { readonly kind: 'store'; readonly bytes: number; readonly address: bigint }
  | { readonly kind: 'register'; readonly register: number; readonly value: bigint }
  /** A tail call: another program begins; null: there is none. */
  | { readonly kind: 'tail-call'; readonly program: string | null }
  | { readonly kind: 'nothing' };

const TAIL_CALL = 12;

/** What the instruction at a place does; null behind the last one. */
export function stepEffect(trace: RunTrace, place: number): StepEffect | null {
  if (place >= trace.end) return null;
  const instruction = trace.instruction(place);
  const after = trace.registers(place + 1);
  const next = trace.slot(place + 1) ?? 0;
  const last = place + 1 >= trace.end;
  const access = trace.access(place);
  if (!instruction) return access ? { kind: 'access', access } : { kind: 'nothing' };
  const { opcode, dst, src, off, imm } = instruction;
  // One that fails goes on behind it, which is never slot 0.
  if (opcode === OPCODE.CALL && src === 0 && imm === TAIL_CALL) return { kind: 'tail-call', program: !last && next === 0 ? trace.program(place + 1) : null };
  if (access) return { kind: 'access', access };
  if (opcode === OPCODE.EXIT) return { kind: 'return', value: last ? trace.run.value : (after[0] ?? 0n), last };
  if (opcode === OPCODE.CALL) {
    if (src === PSEUDO.CALL) return { kind: 'call', to: next };
    return { kind: 'helper', answer: after[0] ?? 0n };
  }
  switch (opcode & 7) {
    case CLASS.JMP:
    case CLASS.JMP32:
      return { kind: 'jump', taken: next !== (trace.slot(place) ?? 0) + 1, to: next };
    case CLASS.ST:
    case CLASS.STX:
      return { kind: 'store', bytes: accessSize(instruction), address: (trace.registers(place)[dst] ?? 0n) + BigInt(off) };
    case CLASS.LD:
      return { kind: 'register', register: opcode === OPCODE.LDDW ? dst : 0, value: after[opcode === OPCODE.LDDW ? dst : 0] ?? 0n };
    default:
      return { kind: 'register', register: dst, value: after[dst] ?? 0n };
  }
}
