import { ATOMIC, CLASS, MODE, OPCODE, PSEUDO, type Instruction } from '../../datapaths/ebpf/assembler/instruction.ts';
import { parseInstruction } from '../../datapaths/ebpf/assembler/parse-instruction.ts';
import type { InstructionRow } from '../../datapaths/view.ts';
import type { ProgramAccess, ProgramRun } from '../../simulation/programs/api.ts';
import { StackHistory } from './stack-history.ts';

export const REGISTERS = 11;

/** A run as it is stepped through: place `n` is before its `n`th instruction, the last place is behind them all. */
export class RunTrace {
  readonly run: ProgramRun;
  readonly stack: StackHistory;
  readonly #accesses = new Map<number, ProgramAccess>();
  /** By program, its instructions by their slots. */
  readonly #decoded = new Map<string, ReadonlyMap<number, Instruction | null>>();
  /** By register, the place from which on it holds something. */
  #set: readonly number[] | null = null;

  constructor(run: ProgramRun) {
    this.run = run;
    for (const access of run.accesses) this.#accesses.set(access.atInstruction - 1, access);
    this.stack = new StackHistory(run.steps, (place) => this.instruction(place));
  }

  /** The last place. */
  get end(): number {
    return this.run.steps.instruction.length;
  }

  /** The slot of the instruction that is next; behind the last one its own. */
  slot(place: number): number | null {
    return this.run.steps.instruction[Math.min(place, this.end - 1)] ?? null;
  }

  /** The program that runs there: another one behind a tail call. */
  program(place: number): string {
    const at = Math.min(place, this.end - 1);
    return this.run.steps.programs.findLast(({ step }) => step <= at)?.program ?? '';
  }

  /** That program's instructions. */
  rows(place: number): readonly InstructionRow[] {
    return this.run.listings[this.program(place)] ?? [];
  }

  /** r0 to r10 there. */
  registers(place: number): bigint[] {
    const at = Math.min(place, this.end - 1) * REGISTERS;
    const registers = Array.from({ length: REGISTERS }, (_, register) => this.run.steps.registers[at + register] ?? 0n);
    return registers;
  }

  /** Which registers the instruction before changed. */
  changed(place: number): boolean[] {
    const now = this.registers(place);
    if (place === 0) return now.map(() => false);
    const before = this.registers(place - 1);
    return now.map((value, register) => place <= this.end - 1 && value !== before[register]);
  }

  /** The instruction that is next there; null behind the last one. */
  instruction(place: number): Instruction | null {
    if (place >= this.end) return null;
    const program = this.program(place);
    let decoded = this.#decoded.get(program);
    if (!decoded) {
      decoded = new Map((this.run.listings[program] ?? []).map(({ index, text }) => [index, decode(text)]));
      this.#decoded.set(program, decoded);
    }
    return decoded.get(this.run.steps.instruction[place] ?? -1) ?? null;
  }

  /** Whether the program has put something into the register by then: r1 and r10 hold something from the start. */
  isSet(register: number, place: number): boolean {
    this.#set ??= this.#firstWrites();
    return place >= (this.#set[register] ?? Infinity);
  }

  #firstWrites(): number[] {
    const first = Array.from({ length: REGISTERS }, (_, register) => (register === 1 || register === 10 ? 0 : Infinity));
    let missing = REGISTERS - 2;
    for (let place = 0; place < this.end && missing > 0; place++) {
      const instruction = this.instruction(place);
      const written = instruction ? writtenRegister(instruction) : null;
      if (written === null || first[written] !== Infinity) continue;
      first[written] = place + 1;
      missing -= 1;
    }
    return first;
  }

  /** The map access that the next instruction makes. */
  access(place: number): ProgramAccess | null {
    return this.#accesses.get(place) ?? null;
  }

  /** The next place, in a direction, where that program's instruction in that slot is next; null: there is none. */
  findSlot(program: string, slot: number, from: number, direction: 1 | -1): number | null {
    const { instruction } = this.run.steps;
    for (let place = from + direction; place >= 0 && place < instruction.length; place += direction) {
      if (instruction[place] === slot && this.program(place) === program) return place;
    }
    return null;
  }

  /** How often each slot of a program was run. */
  counts(program: string): ReadonlyMap<number, number> {
    const counts = new Map<number, number>();
    const { programs, instruction } = this.run.steps;
    programs.forEach((part, index) => {
      if (part.program !== program) return;
      for (const slot of instruction.subarray(part.step, programs[index + 1]?.step)) counts.set(slot, (counts.get(slot) ?? 0) + 1);
    });
    return counts;
  }
}

/** The register that an instruction puts something into; null: none. */
function writtenRegister({ opcode, dst, src, imm }: Instruction): number | null {
  switch (opcode & 7) {
    case CLASS.ALU:
    case CLASS.ALU64:
    case CLASS.LDX:
      return dst;
    case CLASS.LD:
      return opcode === OPCODE.LDDW ? dst : 0;
    case CLASS.STX:
      if ((opcode & 0xe0) !== MODE.ATOMIC || (imm & ATOMIC.FETCH) === 0) return null;
      return imm === ATOMIC.CMPXCHG ? 0 : src;
    default:
      return opcode === OPCODE.CALL && src !== PSEUDO.CALL ? 0 : null;
  }
}

function decode(text: string): Instruction | null {
  try {
    return parseInstruction(text).instruction;
  } catch {
    // What only an object can say (the address of a function) moves nothing on the stack.
    return null;
  }
}
