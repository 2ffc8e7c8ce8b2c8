//! Which stores may reach read-only data: rbpf checks where an access goes, not whether it writes, so these are checked by
//! a call into the VM before. Followed are the addresses that a program loads, wherever it copies them; one that is
//! made up of numbers is not.

use super::instruction::*;
use super::liveness::instructions;
use super::rewrite::function_slot;

/// What a constant load stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Loads {
    Other,
    /// An address in a read-only map's values.
    ReadOnlyValue,
    /// A read-only map: look-ups answer such addresses.
    ReadOnlyMap,
}

const CALLER_SAVED: u16 = 0b11_1110;

struct Flow {
    /// Bit n of a slot's mask: rn may hold such an address there.
    may: Vec<u16>,
    changed: bool,
    /// One was stored, so loads may give one.
    stored: bool,
    /// A function may answer one.
    answered: bool,
}

impl Flow {
    fn join(&mut self, at: usize, mask: u16) {
        if let Some(place) = self.may.get_mut(at) {
            self.changed |= mask & !*place != 0;
            *place |= mask;
        }
    }
}

/// For every slot, whether it stores where read-only data may be; empty where no store does.
pub fn guarded_stores(program: &[Insn], loads: impl Fn(usize) -> Loads) -> Vec<bool> {
    let code: Vec<(usize, Insn)> = instructions(program).collect();
    let of = |wanted: Loads| code.iter().any(|&(at, insn)| insn.is_wide() && loads(at) == wanted);
    let looks_up = of(Loads::ReadOnlyMap);
    if !looks_up && !of(Loads::ReadOnlyValue) {
        return Vec::new();
    }
    let mut flow = Flow { may: vec![0; program.len()], changed: true, stored: false, answered: false };
    while flow.changed {
        flow.changed = false;
        for &(at, insn) in &code {
            let before = flow.may[at];
            let after = step(&mut flow, program, insn, at, before, looks_up, &loads);
            if insn.is_jump() {
                flow.join(insn.target(at) as usize, after);
            }
            if !matches!(insn.opcode, EXIT | JA | JA32) {
                flow.join(at + if insn.is_wide() { 2 } else { 1 }, after);
            }
        }
    }
    let mut guarded = vec![false; program.len()];
    for &(at, insn) in &code {
        guarded[at] = matches!(insn.class(), CLASS_ST | CLASS_STX) && flow.may[at] >> insn.dst & 1 == 1;
    }
    if guarded.contains(&true) { guarded } else { Vec::new() }
}

fn step(flow: &mut Flow, program: &[Insn], insn: Insn, at: usize, before: u16, looks_up: bool, loads: &impl Fn(usize) -> Loads) -> u16 {
    let (dst, src) = (1u16 << insn.dst, 1u16 << insn.src);
    let put = |may: bool| if may { before | dst } else { before & !dst };
    match insn.class() {
        CLASS_LD if insn.is_wide() => {
            if let Some(function) = program.get(at + 1).and_then(|&high| function_slot(wide_immediate(insn, high))) {
                flow.join(function, CALLER_SAVED);
            }
            put(loads(at) == Loads::ReadOnlyValue)
        }
        CLASS_LD => before & !(CALLER_SAVED | 1),
        CLASS_LDX => put(flow.stored),
        CLASS_STX => {
            if before & src != 0 && !flow.stored {
                (flow.stored, flow.changed) = (true, true);
            }
            let fetched = insn.mode() == MODE_ATOMIC && flow.stored;
            if fetched { before | src | 1 } else { before }
        }
        CLASS_ALU | CLASS_ALU64 => match insn.operation() {
            OP_MOV => put(insn.uses_register() && before & src != 0),
            OP_NEG | OP_END => before,
            _ if insn.uses_register() && before & src != 0 => before | dst,
            _ => before,
        },
        _ if insn.is_local_call() => {
            flow.join(insn.callee(at) as usize, before & CALLER_SAVED);
            before & !(CALLER_SAVED | 1) | u16::from(flow.answered)
        }
        _ if matches!(insn.opcode, CALL | CALLX) => before & !(CALLER_SAVED | 1) | u16::from(looks_up),
        _ if insn.opcode == EXIT => {
            if before & 1 != 0 && !flow.answered {
                (flow.answered, flow.changed) = (true, true);
            }
            before
        }
        _ => before,
    }
}
