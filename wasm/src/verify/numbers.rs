//! In which registers a number matters: to a comparison, an address or a helper further on. States that differ in other
//! numbers are alike, as they are to the kernel's verifier, which calls the ones that matter precise.
//!
//! Whether an addition moves an address, and whether a store reaches the stack, is not to be seen in the instruction: the
//! walk says so where it meets one, and is made again with what it learnt.

use super::live::{CALLER_SAVED, arguments_read};
use crate::program::instruction::*;
use crate::program::liveness::instructions;

/// What the walk learnt of instructions, by slot.
#[derive(Default)]
pub struct Learnt {
    /// A number and an address meet here.
    pub moves: Vec<bool>,
    /// Stores a number on the stack.
    pub keeps: Vec<bool>,
}

impl Learnt {
    pub fn new(slots: usize) -> Learnt {
        Learnt { moves: vec![false; slots], keeps: vec![false; slots] }
    }
}

/// Bit n of a slot's mask: the number in rn matters from here on; `limits_answer`: it matters at the end in r0.
pub fn number_registers(program: &[Insn], learnt: &Learnt, limits_answer: bool) -> Vec<u16> {
    let mut matters = vec![0u16; program.len() + 1];
    // Whether anybody who calls a function goes by the number that it answers.
    let mut answer = u16::from(limits_answer);
    let order: Vec<(usize, Insn)> = instructions(program).collect();
    let mut changed = true;
    while changed {
        changed = false;
        for &(at, insn) in order.iter().rev() {
            let next = at + if insn.is_wide() { 2 } else { 1 };
            let mut after = match insn.opcode {
                JA | JA32 => 0,
                EXIT => answer,
                _ => matters[next.min(program.len())],
            };
            if insn.is_jump() {
                after |= usize::try_from(insn.target(at)).ok().and_then(|target| matters.get(target)).copied().unwrap_or(0);
            }
            if insn.is_local_call() && after & 1 & !answer != 0 {
                (answer, changed) = (1, true);
            }
            let callee = if insn.is_local_call() { matters.get(insn.callee(at) as usize).copied().unwrap_or(0) } else { 0 };
            let now = before(insn, after, callee, learnt.moves[at], learnt.keeps[at]);
            changed |= now != matters[at];
            matters[at] = now;
        }
    }
    matters
}

fn before(insn: Insn, after: u16, callee: u16, moves: bool, keeps: bool) -> u16 {
    let dst = 1u16 << insn.dst;
    let src = if insn.uses_register() { 1u16 << insn.src } else { 0 };
    let called = CALLER_SAVED | 1;
    match insn.class() {
        CLASS_LD if insn.is_wide() => after & !dst,
        CLASS_LD => after & !called | if insn.mode() == MODE_IND { 1 << insn.src } else { 0 },
        CLASS_LDX => after & !dst,
        CLASS_ST => after,
        CLASS_STX if insn.mode() == MODE_ATOMIC => after | 1 << insn.src | 1,
        CLASS_STX => after | if keeps { 1 << insn.src } else { 0 },
        CLASS_ALU | CLASS_ALU64 if insn.operation() == OP_MOV => after & !dst | if after & dst != 0 { src } else { 0 },
        CLASS_ALU | CLASS_ALU64 if matches!(insn.operation(), OP_NEG | OP_END) => after,
        CLASS_ALU | CLASS_ALU64 => after | if moves { dst | src } else if after & dst != 0 { src } else { 0 },
        _ if insn.is_conditional() => after | dst | src,
        _ if insn.is_local_call() => after & !called | callee & CALLER_SAVED,
        _ => match insn.opcode {
            EXIT | JA | JA32 => after,
            CALL => after & !called | arguments_read(insn.imm as u32),
            _ => after & !called | CALLER_SAVED | dst,
        },
    }
}
