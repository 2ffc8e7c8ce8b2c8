import { dataDeclaration, mapDeclaration, type DeclaredMap } from './assembler/directives.ts';
import { Misread, type AssemblyFault, type AssemblyFaultKey } from './assembler/fault.ts';
import { encodeInstructions, OPCODE, PSEUDO, slotsOf, type Instruction } from './assembler/instruction.ts';
import { instructionOf, type Parsed } from './assembler/parse-instruction.ts';
import { Statement } from './assembler/statement.ts';
import { tokensOf, withoutComment, type Token } from './assembler/tokens.ts';
import { writeObject } from './assembler/write-object.ts';

export type { AssemblyFault } from './assembler/fault.ts';

/** Assembler text as a program. */
export interface Assembly {
  /** An ELF object that the VM loads. */
  readonly object: Uint8Array<ArrayBuffer>;
  /** The instructions alone. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly program: string;
  /** For each slot of the linked program the line that it was made from, from 1. */
  readonly lines: Int32Array;
}

export type Assembled = { readonly assembly: Assembly } | { readonly faults: readonly AssemblyFault[] };

/** What the text leaves open is a tc program. */
const SECTION = 'tc';
const PROGRAM = 'program';
const LICENSE = 'GPL';
const INT16 = 0x8000;

interface Item extends Parsed {
  readonly slot: number;
  readonly line: number;
}

/**
 * Assembles text in the notation that the VM's disassembler prints. One statement a line; `;`, `//` and a leading `#` begin
 * comments. Beside instructions: `label:`, and
 *
 *     .program xdp my_program      the section, which says the type, and the program's name (tc unless given)
 *     .license GPL
 *     .map counts array key 4 value 8 max 16
 *     .data .rodata 68 69 00       variables, which `r1 = map[.rodata] + 2` points into
 *
 * Faults come all at once, in the order of their lines; nothing is thrown.
 */
export function assemble(text: string): Assembled {
  const reading = new Reading();
  text.split(/\r\n?|\n/).forEach((line, index) => {
    reading.read(line, index + 1);
  });
  return reading.finish();
}

class Reading {
  readonly #faults: AssemblyFault[] = [];
  readonly #items: Item[] = [];
  readonly #labels = new Map<string, { readonly slot: number; readonly line: number }>();
  readonly #maps: (DeclaredMap & { readonly line: number })[] = [];
  readonly #data: { readonly name: string; readonly bytes: Uint8Array; readonly line: number }[] = [];
  readonly #said = new Map<string, number>();
  #section = SECTION;
  #program = PROGRAM;
  #license = LICENSE;
  #slot = 0;
  #lastLine = 1;

  read(line: string, number: number): void {
    try {
      const code = withoutComment(line);
      if (code.trim() !== '') this.#lastLine = number;
      if (/^\s*\.\w+(\s|$)/.test(code)) this.#directive(code, number);
      else this.#statement(code, number);
    } catch (error) {
      this.#note(error, number);
    }
  }

  #note(error: unknown, line: number): void {
    if (!(error instanceof Misread)) throw error;
    this.#fault(error.key, error.values, line, error.column, error.length);
  }

  #fault(message: AssemblyFaultKey, values: AssemblyFault['values'], line: number, column: number, length: number): void {
    this.#faults.push({ line, column, length, message, values });
  }

  #statement(code: string, line: number): void {
    const statement = new Statement(tokensOf(code));
    // `12:` before an instruction, as listings have it, says nothing.
    while (statement.peek(1)?.text === ':') {
      const label = statement.next('');
      statement.next('');
      if (label.kind === 'word') this.#label(label, line);
    }
    if (statement.done) return;
    const parsed = instructionOf(statement);
    this.#items.push({ ...parsed, slot: this.#slot, line });
    this.#slot += slotsOf(parsed.instruction);
  }

  #label({ text, column }: Token, line: number): void {
    const known = this.#labels.get(text);
    if (known) throw new Misread('programs_asm_label_twice', { label: text, line: known.line }, column, text.length);
    this.#labels.set(text, { slot: this.#slot, line });
  }

  #directive(code: string, line: number): void {
    const name = code.trim().split(/\s/)[0] ?? '';
    const column = code.indexOf(name) + 1;
    switch (name) {
      case '.program': {
        this.#once(name, column, line);
        const [, section = '', program = PROGRAM] = code.trim().split(/\s+/);
        if (section === '') throw new Misread('programs_asm_end', { what: 'tc, xdp, cgroup/connect4 …' }, column + name.length, 1);
        this.#section = section;
        this.#program = program;
        break;
      }
      case '.license':
        this.#once(name, column, line);
        this.#license = code.trim().slice(name.length).trim();
        break;
      case '.map': {
        const statement = new Statement(tokensOf(code));
        statement.next('.map');
        const { map, name: token } = mapDeclaration(statement);
        this.#twice(map.name, token.column, [...this.#maps, ...this.#data]);
        this.#maps.push({ ...map, line });
        break;
      }
      case '.data': {
        const data = dataDeclaration(code);
        this.#twice(data.name, code.indexOf(data.name) + 1, [...this.#maps, ...this.#data]);
        this.#data.push({ ...data, line });
        break;
      }
      default:
        throw new Misread('programs_asm_directive', { found: name }, column, name.length);
    }
  }

  #once(name: string, column: number, line: number): void {
    const before = this.#said.get(name);
    if (before !== undefined) throw new Misread('programs_asm_twice', { found: name, line: before }, column, name.length);
    this.#said.set(name, line);
  }

  #twice(name: string, column: number, known: readonly { readonly name: string; readonly line: number }[]): void {
    const before = known.find((one) => one.name === name);
    if (before) throw new Misread('programs_asm_map_twice', { name, line: before.line }, column, name.length);
  }

  finish(): Assembled {
    if (this.#items.length === 0 && this.#faults.length === 0) this.#fault('programs_asm_empty', {}, this.#lastLine, 1, 1);
    const starts = new Set(this.#items.map(({ slot }) => slot));
    const callees = new Map<number, string>();
    const references: { slot: number; to: string | number }[] = [];
    const instructions = this.#items.map((item) => {
      const { instruction, slot, line, label, map } = item;
      try {
        if (map) references.push({ slot, to: this.#mapOf(map) });
        if (label && instruction.opcode === OPCODE.LDDW) {
          const { slot: callee } = this.#target(label, 'programs_asm_label');
          callees.set(callee, label.text);
          references.push({ slot, to: callee });
          return instruction;
        }
        const resolved = label ? this.#resolve(item, label) : instruction;
        // A function begins where a call goes.
        if (resolved.opcode === OPCODE.CALL && resolved.src === PSEUDO.CALL) {
          const callee = slot + 1 + resolved.imm;
          if (starts.has(callee)) callees.set(callee, label?.text ?? `function_${callee}`);
        }
        return map ? { ...resolved, imm: resolved.upper ?? 0, upper: 0 } : resolved;
      } catch (error) {
        this.#note(error, line);
        return instruction;
      }
    });
    if (this.#faults.length > 0) return { faults: this.#faults.sort((a, b) => a.line - b.line || a.column - b.column) };
    callees.delete(0);
    const functions = [{ name: this.#program, slot: 0 }, ...[...callees].map(([slot, name]) => ({ slot, name })).sort((a, b) => a.slot - b.slot)];
    const bytes = encodeInstructions(instructions);
    const object = writeObject({ section: this.#section, license: this.#license, instructions: bytes, functions, maps: this.#maps, data: this.#data, references });
    return { assembly: { object, bytes, program: this.#program, lines: this.#linkedLines(instructions, functions.map(({ slot }) => slot), references) } };
  }

  /** Lines by the slots of the program as a loader links it: functions in the order in which they are first referred to. */
  #linkedLines(instructions: readonly Instruction[], starts: readonly number[], references: readonly { readonly slot: number; readonly to: string | number }[]): Int32Array {
    const lines: number[] = [];
    const order = [0];
    for (const start of order) {
      const end = starts.find((next) => next > start) ?? this.#slot;
      this.#items.forEach(({ slot, line }, index) => {
        const instruction = instructions[index];
        if (!instruction || slot < start || slot >= end) return;
        for (let half = 0; half < slotsOf(instruction); half++) lines.push(line);
        const called = instruction.opcode === OPCODE.CALL && instruction.src === PSEUDO.CALL ? slot + 1 + instruction.imm : references.find((reference) => reference.slot === slot)?.to;
        if (typeof called === 'number' && !order.includes(called)) order.push(called);
      });
    }
    return Int32Array.from(lines);
  }

  #mapOf({ text, column }: Token): string {
    if (![...this.#maps, ...this.#data].some(({ name }) => name === text)) throw new Misread('programs_asm_map', { name: text }, column, text.length);
    return text;
  }

  #target({ text, column }: Token, missing: 'programs_asm_helper' | 'programs_asm_label'): { readonly slot: number } {
    const target = this.#labels.get(text);
    if (!target) throw new Misread(missing, { label: text, name: text }, column, text.length);
    return target;
  }

  #resolve({ instruction, slot }: Item, label: Token): Instruction {
    const { text, column } = label;
    const target = this.#target(label, instruction.opcode === OPCODE.CALL ? 'programs_asm_helper' : 'programs_asm_label');
    const distance = target.slot - slot - 1;
    if (instruction.opcode === OPCODE.JA32 || instruction.opcode === OPCODE.CALL) return { ...instruction, imm: distance };
    if (distance >= INT16 || distance < -INT16) throw new Misread('programs_asm_range', { found: distance, low: -INT16, high: INT16 - 1 }, column, text.length);
    return { ...instruction, off: distance };
  }
}
