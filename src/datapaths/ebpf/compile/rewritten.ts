import { CLASS, OPCODE, PSEUDO } from '../assembler/instruction.ts';

/** What `wasm/src/machine/compiled.rs` says of a program and the machine that it runs on. */
export interface Layout {
  /** What every run may touch: context and stack in one block, and the packet's buffer. */
  readonly workspace: Area;
  readonly packet: Area;
  readonly scratch: number;
  /** Bytes of a frame's stack, below r10, and of its room for inserted instructions, above. */
  readonly frame: number;
  readonly spill: number;
  /** In the order of their calls in the program. */
  readonly sites: readonly Site[];
}

export interface Area {
  readonly start: number;
  readonly length: number;
}

export interface Site {
  /** How many instructions must fit into the fuel behind it, where it only counts; -1 where it does more. */
  readonly more: number;
  readonly counted: number;
}

const HEADER = 7;

export function readLayout(numbers: Int32Array): Layout {
  const [workspace = 0, workspaceLength = 0, packet = 0, packetLength = 0, scratch = 0, frame = 0, spill = 0] = numbers;
  const sites: Site[] = [];
  for (let at = HEADER; at < numbers.length; at += 2) sites.push({ more: numbers[at]!, counted: numbers[at + 1]! });
  return { workspace: { start: workspace, length: workspaceLength }, packet: { start: packet, length: packetLength }, scratch, frame, spill, sites };
}

// Numbers of calls in a rewritten program (`wasm/src/program/sites.rs`).
const SITE_BASE = 0x1000_0000;
const PAGE_BASE = 0x2000_0000;
const STEP_CALL = 0x3000_0000;

/** What a call of a rewritten program reaches. */
export type Call = { readonly kind: 'local'; readonly entry: number } | { readonly kind: 'site'; readonly site: number } | { readonly kind: 'page' } | { readonly kind: 'other' };

/** A rewritten program's slots (`wasm/src/program/rewrite.rs`): everything that `check.rs` asks of a program holds of it. */
export class Rewritten {
  readonly slots: number;
  readonly #view: DataView;
  /** Number of the site that each call reaches; sites are numbered as they come. */
  readonly #sites: Int32Array;

  constructor(bytes: Uint8Array) {
    this.slots = bytes.length >> 3;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#sites = new Int32Array(this.slots).fill(-1);
    let sites = 0;
    for (let at = 0; at < this.slots; at = this.next(at)) {
      if (this.opcode(at) === OPCODE.CALL && this.src(at) === 0 && this.imm(at) >= SITE_BASE && this.imm(at) < PAGE_BASE) this.#sites[at] = sites++;
    }
  }

  opcode(at: number): number {
    return this.#view.getUint8(at * 8);
  }

  dst(at: number): number {
    return this.#view.getUint8(at * 8 + 1) & 15;
  }

  src(at: number): number {
    return this.#view.getUint8(at * 8 + 1) >> 4;
  }

  off(at: number): number {
    return this.#view.getInt16(at * 8 + 2, true);
  }

  imm(at: number): number {
    return this.#view.getInt32(at * 8 + 4, true);
  }

  /** The constant of the wide load at `at`. */
  wide(at: number): bigint {
    return (BigInt(this.imm(at + 1)) << 32n) | BigInt(this.imm(at) >>> 0);
  }

  /** The slot behind the instruction at `at`. */
  next(at: number): number {
    return at + (this.opcode(at) === OPCODE.LDDW ? 2 : 1);
  }

  /** Where the jump at `at` goes; null: it is none. */
  target(at: number): number | null {
    const opcode = this.opcode(at);
    const kind = opcode & 7;
    const operation = opcode & 0xf0;
    return (kind === CLASS.JMP || kind === CLASS.JMP32) && operation !== 0x80 && operation !== 0x90 ? at + 1 + this.off(at) : null;
  }

  call(at: number): Call {
    if (this.src(at) === PSEUDO.CALL) return { kind: 'local', entry: at + 1 + this.imm(at) };
    const imm = this.imm(at);
    if (this.#sites[at]! >= 0) return { kind: 'site', site: this.#sites[at]! };
    return { kind: imm >= PAGE_BASE && imm < STEP_CALL ? 'page' : 'other' };
  }
}
