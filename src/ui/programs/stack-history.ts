import { accessSize, ATOMIC, CLASS, MODE, OPCODE, PSEUDO, type Instruction } from '../../datapaths/ebpf/assembler/instruction.ts';
import { STACK, STACK_TOP } from './pointer-name.ts';

const REGISTERS = 11;
const FP = 10;
/** Bytes are noted by their distance from the outermost frame's top: −1 is the first one below it. */
export type StackBytes = ReadonlyMap<number, StackByte>;

export interface StackByte {
  /** null: a helper wrote it, and the program has not read it since. */
  readonly value: number | null;
  /** The step that wrote it. */
  readonly step: number;
}

export interface Steps {
  readonly instruction: Int32Array;
  readonly registers: BigUint64Array;
}

/** Helpers that write memory: which argument points at it, and which one says how many bytes (or how many there are). */
const WRITERS: Readonly<Record<number, readonly [pointer: number, length: number | { readonly bytes: number }]>> = {
  4: [1, 2], // probe_read
  16: [1, 2], // get_current_comm
  20: [2, 3], // skb_get_tunnel_key
  26: [3, 4], // skb_load_bytes
  29: [2, 3], // skb_get_tunnel_opt
  45: [1, 2], // probe_read_str
  55: [3, 4], // perf_event_read_value
  57: [4, 5], // getsockopt
  66: [3, 4], // skb_get_xfrm_state
  67: [2, 3], // get_stack
  68: [3, 4], // skb_load_bytes_relative
  69: [2, 3], // fib_lookup
  105: [4, { bytes: 8 }], // strtol
  106: [4, { bytes: 8 }], // strtoul
  112: [1, 2], // probe_read_user
  113: [1, 2], // probe_read_kernel
  114: [1, 2], // probe_read_user_str
  115: [1, 2], // probe_read_kernel_str
  120: [3, 4], // get_ns_current_pid_tgid
  163: [3, { bytes: 4 }], // check_mtu
  165: [1, 2], // snprintf
  189: [3, 4], // xdp_load_bytes
};
/** map_pop_elem, map_peek_elem: a value of the map, whose size is not said. */
const WRITES_VALUE = [88, 89];
const BETWEEN = 2048;

/** The stack at every step of a run, as its stores and loads tell it. */
export class StackHistory {
  readonly #steps: Steps;
  readonly #decode: (step: number) => Instruction | null;
  /** The stack before every `BETWEEN`th step. */
  readonly #kept: Map<number, StackByte>[] = [new Map()];

  /** `decode`: the instruction of a step. */
  constructor(steps: Steps, decode: (step: number) => Instruction | null) {
    this.#steps = steps;
    this.#decode = decode;
  }

  /** Before that step; a step behind the last: as the program left it. */
  at(step: number): StackBytes {
    const end = Math.min(step, this.#steps.instruction.length);
    const wanted = Math.floor(end / BETWEEN);
    while (this.#kept.length <= wanted) {
      const from = (this.#kept.length - 1) * BETWEEN;
      this.#kept.push(this.#follow(from, from + BETWEEN));
    }
    return this.#follow(wanted * BETWEEN, end);
  }

  /** The lowest byte that the whole run wrote; 0: none. */
  lowest(): number {
    let lowest = 0;
    for (const at of this.at(this.#steps.instruction.length).keys()) lowest = Math.min(lowest, at);
    return lowest;
  }

  #follow(from: number, to: number): Map<number, StackByte> {
    const bytes = new Map(this.#kept[from / BETWEEN]);
    for (let step = from; step < to; step++) {
      const instruction = this.#decode(step);
      if (instruction) this.#apply(instruction, step, bytes);
    }
    return bytes;
  }

  #register(step: number, register: number): bigint {
    return this.#steps.registers[step * REGISTERS + register] ?? 0n;
  }

  #apply(instruction: Instruction, step: number, bytes: Map<number, StackByte>): void {
    const { opcode, dst, src, off, imm } = instruction;
    const size = accessSize(instruction);
    const mode = opcode & 0xe0;
    switch (opcode & 7) {
      case CLASS.ST:
        write(bytes, this.#place(step, dst, off), size, BigInt(imm), step);
        break;
      case CLASS.STX:
        if (mode === MODE.ATOMIC) this.#atomic(instruction, step, bytes);
        else write(bytes, this.#place(step, dst, off), size, this.#register(step, src), step);
        break;
      case CLASS.LDX:
        // What is read is what stood there; sign-extended, its upper bytes say nothing more.
        this.#learn(bytes, this.#place(step, src, off), size, step, dst);
        break;
      default:
        if (opcode === OPCODE.CALL && src !== PSEUDO.CALL && src !== PSEUDO.KFUNC) this.#helper(imm, step, bytes);
    }
  }

  #place(step: number, register: number, off: number): number | null {
    return placeOf(this.#register(step, register) + BigInt(off));
  }

  #learn(bytes: Map<number, StackByte>, at: number | null, size: number, step: number, dst: number): void {
    if (at === null || step + 1 >= this.#steps.instruction.length) return;
    const value = this.#register(step + 1, dst);
    // An address is recorded as what it points at, on the stack as well as in a register.
    for (let index = 0; index < size; index++) {
      const known = bytes.get(at + index);
      if (known && known.value !== null) continue;
      bytes.set(at + index, { value: Number((value >> BigInt(8 * index)) & 255n), step: known?.step ?? step });
    }
  }

  #atomic({ imm, dst, src, off, opcode }: Instruction, step: number, bytes: Map<number, StackByte>): void {
    const at = this.#place(step, dst, off);
    if (at === null) return;
    const size = (opcode & 0x18) === 0x18 ? 8 : 4;
    const old = read(bytes, at, size);
    const operand = BigInt.asUintN(8 * size, this.#register(step, src));
    let now: bigint | null = null;
    if (imm === ATOMIC.XCHG) now = operand;
    else if (old !== null) {
      if (imm === ATOMIC.CMPXCHG) now = old === BigInt.asUintN(8 * size, this.#register(step, 0)) ? operand : old;
      else {
        const operation = imm & 0xf0;
        now = operation === 0x40 ? old | operand : operation === 0x50 ? old & operand : operation === 0xa0 ? old ^ operand : old + operand;
      }
    }
    if (now !== null) write(bytes, at, size, now, step);
    else forget(bytes, at, size, step);
  }

  #helper(helper: number, step: number, bytes: Map<number, StackByte>): void {
    const writer = WRITERS[helper];
    if (writer) {
      const [pointer, length] = writer;
      const at = placeOf(this.#register(step, pointer));
      if (at === null) return;
      const count = typeof length === 'number' ? Number(BigInt.asUintN(32, this.#register(step, length))) : length.bytes;
      forget(bytes, at, Math.min(count, -at), step);
    } else if (WRITES_VALUE.includes(helper)) {
      const at = placeOf(this.#register(step, 2));
      if (at !== null) forget(bytes, at, -at, step);
    }
  }
}

/** The frame pointer's distance from the outermost frame's top. */
export function frameOf(registers: readonly bigint[]): number {
  return Number((registers[FP] ?? STACK_TOP) - STACK_TOP);
}

function placeOf(address: bigint): number | null {
  const wrapped = BigInt.asUintN(64, address);
  return wrapped >= STACK && wrapped < STACK_TOP ? Number(wrapped - STACK_TOP) : null;
}

function write(bytes: Map<number, StackByte>, at: number | null, size: number, value: bigint, step: number): void {
  if (at === null) return;
  for (let index = 0; index < size; index++) bytes.set(at + index, { value: Number((BigInt.asUintN(64, value) >> BigInt(8 * index)) & 255n), step });
}

function forget(bytes: Map<number, StackByte>, at: number, count: number, step: number): void {
  for (let index = 0; index < count; index++) bytes.set(at + index, { value: null, step });
}

function read(bytes: Map<number, StackByte>, at: number, size: number): bigint | null {
  let value = 0n;
  for (let index = 0; index < size; index++) {
    const byte = bytes.get(at + index)?.value;
    if (byte === undefined || byte === null) return null;
    value |= BigInt(byte) << BigInt(8 * index);
  }
  return value;
}
