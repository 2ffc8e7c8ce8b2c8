import { OPCODE } from '../assembler/instruction.ts';
import type { Rewritten } from './rewritten.ts';

/** Slots that run one after the other. */
export interface Block {
  readonly start: number;
  /** The slot of its last instruction. */
  readonly last: number;
  /** Indices of the blocks that may follow: where its jump goes first, then where it falls through to. */
  readonly successors: readonly number[];
}

/** One function's blocks, in reverse postorder: the first is its entry. */
export interface FlowGraph {
  readonly blocks: readonly Block[];
  /** Blocks that each one dominates immediately, in their order. */
  readonly children: readonly (readonly number[])[];
  /** How many blocks each one dominates, itself included. */
  readonly dominated: Int32Array;
  /** More than one way forward leads there. */
  readonly merges: Uint8Array;
  /** A way back leads there. */
  readonly headers: Uint8Array;
  /** Every way back leads to a block that dominates where it comes from. */
  readonly reducible: boolean;
}

/** Slots that a block begins at, in any function. */
export function leadersOf(program: Rewritten, entries: Iterable<number>): Uint8Array {
  const leaders = new Uint8Array(program.slots + 1);
  for (const entry of entries) leaders[entry] = 1;
  for (let at = 0; at < program.slots; at = program.next(at)) {
    const target = program.target(at);
    if (target !== null) leaders[target] = 1;
    if (target !== null || program.opcode(at) === OPCODE.EXIT) leaders[at + 1] = 1;
  }
  return leaders;
}

/** The function that begins at `entry`: all that jumps reach from there. */
export function flowGraph(program: Rewritten, leaders: Uint8Array, entry: number): FlowGraph {
  const blocks = inReversePostorder(program, leaders, entry);
  const count = blocks.length;
  const predecessors: number[][] = blocks.map(() => []);
  blocks.forEach(({ successors }, from) => {
    for (const to of successors) predecessors[to]!.push(from);
  });
  const dominators = immediateDominators(predecessors);
  const children: number[][] = blocks.map(() => []);
  const dominated = new Int32Array(count).fill(1);
  for (let block = count - 1; block > 0; block--) {
    const dominator = dominators[block]!;
    children[dominator]!.unshift(block);
    dominated[dominator]! += dominated[block]!;
  }
  const merges = new Uint8Array(count);
  const headers = new Uint8Array(count);
  let reducible = true;
  predecessors.forEach((from, block) => {
    merges[block] = from.filter((one) => one < block).length > 1 ? 1 : 0;
    for (const source of from) {
      if (source < block) continue;
      headers[block] = 1;
      let above = source;
      while (above > block) above = dominators[above]!;
      if (above !== block) reducible = false;
    }
  });
  return { blocks, children, dominated, merges, headers, reducible };
}

function inReversePostorder(program: Rewritten, leaders: Uint8Array, entry: number): Block[] {
  const found = new Map<number, { last: number; to: number[]; order: number }>();
  const postorder: number[] = [];
  // Slots under way, each with how many of its block's successors were gone into.
  const path: { start: number; gone: number }[] = [];
  const enter = (start: number) => {
    found.set(start, { ...endOf(program, leaders, start), order: 0 });
    path.push({ start, gone: 0 });
  };
  enter(entry);
  for (let top = path.at(-1); top; top = path.at(-1)) {
    const next = found.get(top.start)!.to[top.gone++];
    if (next === undefined) {
      postorder.push(top.start);
      path.pop();
    } else if (!found.has(next)) enter(next);
  }
  const order = postorder.reverse();
  order.forEach((start, index) => (found.get(start)!.order = index));
  return order.map((start) => {
    const { last, to } = found.get(start)!;
    return { start, last, successors: to.map((slot) => found.get(slot)!.order) };
  });
}

function endOf(program: Rewritten, leaders: Uint8Array, start: number): { last: number; to: number[] } {
  let at = start;
  for (;;) {
    const target = program.target(at);
    const next = program.next(at);
    if (program.opcode(at) === OPCODE.EXIT) return { last: at, to: [] };
    if (target !== null) return { last: at, to: program.opcode(at) === OPCODE.JA || target === next ? [target] : [target, next] };
    if (leaders[next]) return { last: at, to: [next] };
    at = next;
  }
}

/** Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm. Blocks in reverse postorder. */
function immediateDominators(predecessors: readonly (readonly number[])[]): Int32Array {
  const dominators = new Int32Array(predecessors.length).fill(-1);
  dominators[0] = 0;
  for (let changed = true; changed; ) {
    changed = false;
    for (let block = 1; block < predecessors.length; block++) {
      let common = -1;
      for (const from of predecessors[block]!) {
        if (dominators[from]! < 0) continue;
        let [a, b] = [from, common < 0 ? from : common];
        while (a !== b) {
          if (a > b) a = dominators[a]!;
          else b = dominators[b]!;
        }
        common = a;
      }
      if (dominators[block] !== common) {
        dominators[block] = common;
        changed = true;
      }
    }
  }
  return dominators;
}
