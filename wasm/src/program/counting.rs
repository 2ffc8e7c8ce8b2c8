//! Where a program's instructions are counted, so that counting costs little: not at every instruction, nor at every
//! block, but where ways of different lengths meet.
//!
//! At each place a known number of instructions is *pending*: run, not yet counted. A call into the VM counts them on
//! its way. Where two ways meet with different numbers, one of them counts the difference on its edge; it may be
//! negative, but what is pending is always counted before anybody reads the sum. Loops of one block run several turns
//! in a row between two counts.

use super::instruction::*;
use super::liveness::instructions;
use super::rewrite::function_slot;

/// Instructions between two counts that a loop is drawn out to. Of 48 to 256 tried on an ALU loop and a memory loop, with
/// `cli bench`, the one at which counting adds least to both.
const ROW: usize = 160;
/// Most turns in a row.
const MOST_TURNS: usize = 64;

pub struct Counting {
    /// Pending where a block begins, by slot; all ways there agree on it.
    pub entry: Vec<i64>,
    /// Turns in a row, at the slot where a loop of one block begins; elsewhere 1.
    pub turns: Vec<usize>,
    /// Slots at which nothing may be pending: functions begin there.
    functions: Vec<bool>,
}

/// Calls into the VM that count on their way.
pub fn is_site(insn: Insn) -> bool {
    let legacy_load = insn.class() == CLASS_LD && !insn.is_wide();
    let signed_division = matches!(insn.class(), CLASS_ALU | CLASS_ALU64) && matches!(insn.operation(), OP_DIV | OP_MOD) && insn.off == 1;
    insn.is_helper_call() || insn.opcode == CALLX || legacy_load || signed_division
}

/// Pending behind an instruction that goes on, given what is pending before it.
pub fn after(insn: Insn, before: i64) -> i64 {
    if is_site(insn) || insn.is_local_call() { 0 } else { before + 1 }
}

/// Whether the next instruction may run right after this one.
pub fn falls_through(insn: Insn) -> bool {
    !matches!(insn.opcode, EXIT | JA | JA32)
}

impl Counting {
    pub fn plan(program: &[Insn], blocks: &[bool], fuel: &[bool], unroll: bool) -> Counting {
        let mut counting = Counting { entry: vec![0; program.len() + 1], turns: vec![1; program.len() + 1], functions: functions(program) };
        if unroll {
            counting.find_loops(program, blocks);
        }
        // Ways forward are met in order; what a way back brings matters to the landing's own count alone.
        let mut met = vec![false; program.len() + 1];
        let mut pending = 0;
        let mut turns = 1;
        let mut falls = false;
        for (at, insn) in instructions(program) {
            if blocks[at] {
                if falls {
                    counting.meet(at, pending, &mut met);
                }
                pending = if fuel[at] { 0 } else { counting.entry[at] };
                turns = counting.turns[at];
            }
            let length = pending;
            pending = after(insn, pending);
            if insn.is_jump() {
                let target = insn.target(at) as usize;
                if target <= at {
                    // The innermost and last way back decides: it is gone most often.
                    pending = if turns > 1 { (length + 1) * turns as i64 } else { pending };
                    met[target] = false;
                }
                counting.meet(target, pending, &mut met);
            }
            falls = falls_through(insn);
        }
        counting
    }

    fn meet(&mut self, at: usize, pending: i64, met: &mut [bool]) {
        if !met[at] && !self.functions[at] {
            self.entry[at] = pending;
        }
        met[at] = true;
    }

    /// Blocks that jump back to their own beginning, with nothing in them that calls.
    fn find_loops(&mut self, program: &[Insn], blocks: &[bool]) {
        let (mut start, mut length, mut calls) = (0, 0, false);
        for (at, insn) in instructions(program) {
            if blocks[at] {
                (start, length, calls) = (at, 0, false);
            }
            length += 1;
            calls |= is_site(insn) || insn.is_local_call();
            if insn.is_conditional() && insn.target(at) == start as i64 && !calls {
                self.turns[start] = (ROW / length).clamp(1, MOST_TURNS);
            }
        }
    }
}

fn functions(program: &[Insn]) -> Vec<bool> {
    let mut functions = vec![false; program.len() + 1];
    functions[0] = true;
    for (at, insn) in instructions(program) {
        if insn.is_local_call() {
            functions[insn.callee(at) as usize] = true;
        }
        let loaded = if insn.is_wide() { program.get(at + 1).and_then(|&high| function_slot(wide_immediate(insn, high))) } else { None };
        if let Some(function) = loaded.and_then(|slot| functions.get_mut(slot)) {
            *function = true;
        }
    }
    functions
}
