import type { FlowGraph } from './flow-graph.ts';
import { WASM, type WasmWriter } from './wasm-writer.ts';

/** What stands in the blocks. Labels are counted outwards; the function's own outermost label ends it with a fault. */
export interface BlockCode {
  /** The block's instructions but for its jump. `labels`: how many are open. */
  body(block: number, labels: number): void;
  /** Leaves on the stack whether the block's jump is taken. */
  condition(block: number): void;
}

/** Writes a function's blocks between `block` and `end` of its fault label. */
export function writeControl(out: WasmWriter, graph: FlowGraph, code: BlockCode): void {
  if (graph.reducible) writeStructured(out, graph, code);
  else writeDispatched(out, graph, code);
}

type Task = { readonly kind: 'tree' | 'code'; readonly block: number } | { readonly kind: 'end' };

/**
 * Loops and blocks in one another, after Ramsey, Beyond Relooper (2022): a block's code holds that of the blocks which
 * it dominates, and blocks where ways meet stand behind a label of their own. Tasks instead of recursion: programs may
 * be thousands of blocks deep.
 */
function writeStructured(out: WasmWriter, { blocks, children, dominated, merges, headers }: FlowGraph, code: BlockCode): void {
  const tasks: Task[] = [{ kind: 'tree', block: 0 }];
  let labels = 1;
  /** How many labels were open as a block's own were opened: the one at its beginning, and the one that it stands behind. */
  const loops = new Int32Array(blocks.length);
  const behind = new Int32Array(blocks.length);
  const open = (opcode: number) => {
    out.op(opcode, WASM.void);
    labels++;
  };
  const jumps = (from: number, to: number) => to <= from || merges[to] === 1;
  const labelOf = (from: number, to: number) => labels - 1 - (to <= from ? loops[to]! : behind[to]!);
  const go = (from: number, to: number) => {
    if (jumps(from, to)) out.indexed(WASM.br, labelOf(from, to));
    else tasks.push({ kind: 'tree', block: to });
  };
  for (let task = tasks.pop(); task; task = tasks.pop()) {
    if (task.kind === 'end') {
      out.op(WASM.end);
      labels--;
      continue;
    }
    const { block } = task;
    if (task.kind === 'tree') {
      if (headers[block]) {
        loops[block] = labels;
        open(WASM.loop);
        tasks.push({ kind: 'end' });
      }
      for (const child of children[block]!.toReversed()) {
        if (!merges[child]) continue;
        behind[child] = labels;
        open(WASM.block);
        tasks.push({ kind: 'tree', block: child }, { kind: 'end' });
      }
      tasks.push({ kind: 'code', block });
      continue;
    }
    code.body(block, labels);
    const [taken, other] = blocks[block]!.successors;
    if (taken === undefined) continue;
    if (other === undefined) {
      go(block, taken);
      continue;
    }
    code.condition(block);
    if (jumps(block, taken)) {
      out.indexed(WASM.brIf, labelOf(block, taken));
      go(block, other);
    } else if (jumps(block, other)) {
      out.op(WASM.i32Eqz).indexed(WASM.brIf, labelOf(block, other));
      go(block, taken);
    } else {
      // The smaller one inside, so that nothing nests deep; neither goes on behind its code.
      const takenInside = dominated[taken]! <= dominated[other]!;
      if (!takenInside) out.op(WASM.i32Eqz);
      open(WASM.if);
      tasks.push({ kind: 'tree', block: takenInside ? other : taken }, { kind: 'end' }, { kind: 'tree', block: takenInside ? taken : other });
    }
  }
}

/** The local that says which block is next, where no structure does. */
export const NEXT_BLOCK = 15;

/** One loop around all blocks, each of which says which is next. */
function writeDispatched(out: WasmWriter, { blocks }: FlowGraph, code: BlockCode): void {
  out.op(WASM.loop, WASM.void);
  for (let block = 0; block < blocks.length; block++) out.op(WASM.block, WASM.void);
  out.indexed(WASM.localGet, NEXT_BLOCK).indexed(WASM.brTable, blocks.length - 1);
  for (let block = 0; block < blocks.length; block++) out.unsigned(block);
  blocks.forEach(({ successors: [taken, other] }, block) => {
    out.op(WASM.end);
    // The labels of the blocks behind, the loop's, and the fault's.
    const labels = blocks.length - 1 - block + 2;
    code.body(block, labels);
    if (taken === undefined) return;
    if (other === undefined) out.i32(taken);
    else {
      out.i32(taken).i32(other);
      code.condition(block);
      out.op(WASM.select);
    }
    out.indexed(WASM.localSet, NEXT_BLOCK).indexed(WASM.br, labels - 2);
  });
  out.op(WASM.end);
}
