import { OPCODE } from '../assembler/instruction.ts';
import { FOUND_LENGTH, writeFind } from './access.ts';
import { compileFunction, TYPE, writeTypes, type Callees } from './compile-function.ts';
import { flowGraph, leadersOf, type FlowGraph } from './flow-graph.ts';
import { readLayout, Rewritten } from './rewritten.ts';
import { WASM, WasmWriter } from './wasm-writer.ts';

/** Functions may share code, which then stands in each: so many slots in all are compiled. */
const MOST_SLOTS = 100_000;
const SECTION = { types: 1, imports: 2, functions: 3, globals: 6, exports: 7, code: 10 } as const;
const FUNCTION = 0;
const MEMORY = 2;
const MUTABLE = 1;
/** The main function among the entries. Nothing calls it: a rewritten program begins with what sets its registers. */
const MAIN = 0;

/**
 * A rewritten program as a WebAssembly module that imports `vm.memory`, `vm.locate` and `vm.reach`, the VM's own, and
 * exports `run: (meter: i32) → i64`. `numbers`: `wasm/src/machine/compiled.rs`. Null: it holds something that is not
 * compiled (recorded steps), or too much.
 */
export function compileProgram(bytes: Uint8Array, numbers: Int32Array): Uint8Array<ArrayBuffer> | null {
  const program = new Rewritten(bytes);
  const layout = readLayout(numbers);
  const entries = entriesOf(program);
  if (entries === null) return null;
  const leaders = leadersOf(program, entries);
  const firstLocal = 3;
  const callees: Callees = { locate: 0, reach: 1, find: 2, local: new Map(entries.map((entry, index) => [entry, firstLocal + index])) };
  const graphs: FlowGraph[] = [];
  let slots = 0;
  for (const entry of entries) {
    const graph = flowGraph(program, leaders, entry);
    for (const { start, last } of graph.blocks) slots += last + 1 - start;
    if (slots > MOST_SLOTS) return null;
    graphs.push(graph);
  }
  const functions = graphs.map((graph, index) => compileFunction(program, graph, layout, callees, index === MAIN));
  const find = new WasmWriter();
  writeFind(find, callees.locate);
  return moduleOf([find, ...functions], [TYPE.find, ...entries.map((_, index) => (index === MAIN ? TYPE.main : TYPE.local))], firstLocal);
}

/** The main function's slot, and those that are called; null where something else is. */
function entriesOf(program: Rewritten): number[] | null {
  const entries = new Set([0]);
  for (let at = 0; at < program.slots; at = program.next(at)) {
    if (program.opcode(at) !== OPCODE.CALL) continue;
    const call = program.call(at);
    if (call.kind === 'other') return null;
    if (call.kind === 'local') entries.add(call.entry);
  }
  return [...entries];
}

function moduleOf(bodies: readonly WasmWriter[], types: readonly number[], run: number): Uint8Array<ArrayBuffer> {
  const out = new WasmWriter();
  out.op(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  const section = (id: number, write: (part: WasmWriter) => void) => {
    const part = new WasmWriter();
    write(part);
    out.op(id).sized(part);
  };
  section(SECTION.types, writeTypes);
  section(SECTION.imports, (part) => {
    part.unsigned(3);
    // No less than a page, and no most.
    part.name('vm').name('memory').op(MEMORY, 0, 1);
    part.name('vm').name('locate').op(FUNCTION, TYPE.locate);
    part.name('vm').name('reach').op(FUNCTION, TYPE.reach);
  });
  section(SECTION.functions, (part) => part.unsigned(types.length).op(...types));
  section(SECTION.globals, (part) => {
    part.unsigned(FOUND_LENGTH + 1);
    for (let global = 0; global <= FOUND_LENGTH; global++) part.op(WASM.i32, MUTABLE).i32(0).op(WASM.end);
  });
  section(SECTION.exports, (part) => part.unsigned(1).name('run').op(FUNCTION).unsigned(run));
  section(SECTION.code, (part) => {
    part.unsigned(bodies.length);
    for (const body of bodies) part.sized(body);
  });
  return out.bytes();
}
