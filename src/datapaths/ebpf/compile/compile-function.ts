import { CLASS, OPCODE } from '../assembler/instruction.ts';
import { boundsChecks, writeAccess } from './access.ts';
import { registerLocal, writeArithmetic, writeCondition } from './arithmetic.ts';
import { writeControl } from './control.ts';
import type { FlowGraph } from './flow-graph.ts';
import type { Layout, Rewritten, Site } from './rewritten.ts';
import { WASM, WasmWriter } from './wasm-writer.ts';

/** Locals: the meter's address and how deep the call is, then r0 to r10 (`registerLocal`), then temporaries. */
const METER = 0;
const DEPTH = 1;
const STOPPED = 13;
const SUM = 14;
/** Where the meter's parts lie (`wasm/src/machine/fuel.rs`). */
const INSTRUCTIONS = 0;
const LIMIT = 8;
/** rbpf's `MAX_CALL_DEPTH`. */
const MOST_DEEP = 8;
const REGISTERS = 11;
/** r0 to r5: a function's callers see them after it, whatever it left in them. */
const GIVEN_BACK = 6;

/** What a function calls, by its index in the module. */
export interface Callees {
  readonly locate: number;
  readonly reach: number;
  readonly find: number;
  /** Functions of the program, by the slot that each begins at. */
  readonly local: ReadonlyMap<number, number>;
}

/** Types of the module's functions, by index. */
export const TYPE = { locate: 0, reach: 1, find: 2, main: 3, local: 4 } as const;

export function writeTypes(out: WasmWriter): void {
  const { i32, i64 } = WASM;
  const types: readonly (readonly [readonly number[], readonly number[]])[] = [
    [[i32, i32, i32], [i64]],
    [[i32, i64, i64, i64, i64, i64], [i64]],
    [[i32, i32, i32], [i32]],
    [[i32], [i64]],
    [[i32, i32, ...Array<number>(REGISTERS).fill(i64)], [...Array<number>(GIVEN_BACK).fill(i64), i32]],
  ];
  out.unsigned(types.length);
  for (const [parameters, results] of types) out.op(WASM.function).unsigned(parameters.length).op(...parameters).unsigned(results.length).op(...results);
}

/** A function of the program as the body of one in WebAssembly: `main`, or one that others call. */
export function compileFunction(program: Rewritten, graph: FlowGraph, layout: Layout, callees: Callees, main: boolean): WasmWriter {
  const { i32, i64 } = WASM;
  const out = new WasmWriter(program.slots * 24);
  const checks = boundsChecks(layout);
  const reachSite = new WasmWriter();
  for (let register = 1; register <= 5; register++) reachSite.indexed(WASM.localGet, registerLocal(register));
  const reach = reachSite.indexed(WASM.call, callees.reach).indexed(WASM.localSet, registerLocal(0)).bytes();
  // Parameters of the one are locals of the other, so that both have the same.
  const locals: readonly (readonly [number, number])[] = main ? [[1, i32], [REGISTERS, i64], [1, i32], [1, i64], [1, i32]] : [[1, i32], [1, i64], [1, i32]];
  out.unsigned(locals.length);
  for (const [count, type] of locals) out.unsigned(count).op(type);

  const get = (register: number) => out.indexed(WASM.localGet, registerLocal(register));
  const set = (register: number) => out.indexed(WASM.localSet, registerLocal(register));

  function body(block: number, labels: number): void {
    const { start, last } = graph.blocks[block]!;
    for (let at = start; at <= last; at = program.next(at)) instruction(at, labels);
  }

  function instruction(at: number, labels: number): void {
    switch (program.opcode(at) & 7) {
      case CLASS.LD:
        out.i64(program.wide(at));
        set(program.dst(at));
        return;
      case CLASS.LDX:
      case CLASS.ST:
      case CLASS.STX:
        writeAccess(out, program, at, { layout, checks, find: callees.find, labels });
        return;
      case CLASS.ALU:
      case CLASS.ALU64:
        writeArithmetic(out, program, at);
        return;
    }
    if (program.opcode(at) === OPCODE.EXIT) exit();
    else if (program.opcode(at) === OPCODE.CALL) call(at, labels);
  }

  function exit(): void {
    if (main) get(0);
    else {
      for (let register = 0; register < GIVEN_BACK; register++) get(register);
      out.i32(0);
    }
    out.op(WASM.return);
  }

  function call(at: number, labels: number): void {
    const called = program.call(at);
    if (called.kind === 'local') callLocal(callees.local.get(called.entry)!, labels);
    else if (called.kind === 'site') callSite(called.site, layout.sites[called.site]!);
    // A page says which sites the next call means; sites are known by their own number here.
  }

  function callLocal(index: number, labels: number): void {
    out.indexed(WASM.localGet, DEPTH).i32(MOST_DEEP).op(WASM.i32GeU, WASM.if, WASM.void);
    out.i32(0).i32(0).i32(0).indexed(WASM.call, callees.locate).op(WASM.drop).indexed(WASM.br, labels).op(WASM.end);
    out.indexed(WASM.localGet, METER).indexed(WASM.localGet, DEPTH).i32(1).op(WASM.i32Add);
    for (let register = 0; register < REGISTERS; register++) get(register);
    out.i64(layout.frame + layout.spill).op(WASM.i64Sub).indexed(WASM.call, index);
    out.indexed(WASM.localSet, STOPPED);
    for (let register = GIVEN_BACK - 1; register >= 0; register--) set(register);
    out.indexed(WASM.localGet, STOPPED).indexed(WASM.brIf, labels - 1);
  }

  /** Counts here where that is all that the site does, and the fuel holds: the VM says what is wrong where it does not. */
  function callSite(number: number, { more, counted }: Site): void {
    if (more < 0) {
      out.i32(number).append(reach);
      return;
    }
    out.indexed(WASM.localGet, METER).memory(WASM.i64Load, INSTRUCTIONS).i64(counted).op(WASM.i64Add).indexed(WASM.localTee, SUM);
    if (more > 0) out.i64(more).op(WASM.i64Add);
    out.indexed(WASM.localGet, METER).memory(WASM.i64Load, LIMIT).op(WASM.i64GtS, WASM.if, WASM.void);
    out.i32(number).append(reach);
    out.op(WASM.else).indexed(WASM.localGet, METER).indexed(WASM.localGet, SUM).memory(WASM.i64Store, INSTRUCTIONS).i64(layout.scratch);
    set(0);
    out.op(WASM.end);
  }

  out.op(WASM.block, WASM.void);
  writeControl(out, graph, { body, condition: (block) => { writeCondition(out, program, graph.blocks[block]!.last); } });
  out.op(WASM.end);
  for (let result = 0; result < (main ? 1 : GIVEN_BACK); result++) out.i64(0);
  if (!main) out.i32(1);
  out.op(WASM.end);
  return out;
}
