//! Where r0 holds something the program still needs.
//!
//! A call into the VM returns in r0, so a count can stand for free wherever r0 is dead.

use super::instruction::*;

/// For every slot that begins an instruction, whether r0's value before it may still be read.
pub fn r0_live_before(program: &[Insn]) -> Vec<bool> {
    let mut live = vec![false; program.len()];
    let mut changed = true;
    while changed {
        changed = false;
        for at in (0..program.len()).rev() {
            if at > 0 && program[at - 1].is_wide() {
                continue;
            }
            let now = before(program, &live, at);
            if now && !live[at] {
                live[at] = true;
                changed = true;
            }
        }
    }
    live
}

fn before(program: &[Insn], live: &[bool], at: usize) -> bool {
    let insn = program[at];
    let known = |slot: i64| usize::try_from(slot).ok().and_then(|slot| live.get(slot)).copied().unwrap_or(false);
    if reads_r0(insn) {
        return true;
    }
    if insn.is_local_call() {
        return known(insn.callee(at));
    }
    if writes_r0(insn) {
        return false;
    }
    let next = at as i64 + if insn.is_wide() { 2 } else { 1 };
    match insn.opcode {
        JA | JA32 => known(insn.target(at)),
        _ if insn.is_conditional() => known(next) || known(insn.target(at)),
        _ => known(next),
    }
}

fn reads_r0(insn: Insn) -> bool {
    let (dst, src) = (insn.dst == 0, insn.src == 0);
    match insn.class() {
        CLASS_LD => insn.mode() == MODE_IND && src,
        CLASS_LDX => src,
        CLASS_ST => dst,
        CLASS_STX => dst || src || insn.mode() == MODE_ATOMIC,
        CLASS_ALU | CLASS_ALU64 => match insn.operation() {
            OP_MOV => insn.uses_register() && src,
            OP_NEG | OP_END => dst,
            _ => dst || insn.uses_register() && src,
        },
        _ => match insn.opcode {
            EXIT => true,
            CALL | JA | JA32 => false,
            CALLX => dst,
            _ => dst || insn.uses_register() && src,
        },
    }
}

pub fn writes_r0(insn: Insn) -> bool {
    match insn.class() {
        CLASS_LD => !insn.is_wide() || insn.dst == 0,
        CLASS_LDX | CLASS_ALU | CLASS_ALU64 => insn.dst == 0,
        CLASS_JMP => matches!(insn.opcode, CALL | CALLX),
        _ => false,
    }
}

/// For every slot, whether a basic block begins there: entries, landings, and what follows a jump, a local call or an
/// exit.
pub fn block_starts(program: &[Insn]) -> Vec<bool> {
    let mut starts = vec![false; program.len() + 1];
    starts[0] = true;
    for (at, insn) in instructions(program) {
        if insn.is_jump() {
            starts[insn.target(at) as usize] = true;
            starts[at + 1] = true;
        } else if insn.is_local_call() {
            starts[insn.callee(at) as usize] = true;
            starts[at + 1] = true;
        } else if insn.opcode == EXIT {
            starts[at + 1] = true;
        }
    }
    starts
}

/// For every slot, whether every endless run must pass it again and again: landings of backward jumps, and entries of
/// local functions (calls that branch out eight deep may run for ever without a loop).
pub fn fuel_points(program: &[Insn]) -> Vec<bool> {
    let mut points = vec![false; program.len()];
    for (at, insn) in instructions(program) {
        if insn.is_jump() && insn.target(at) <= at as i64 {
            points[insn.target(at) as usize] = true;
        }
        if insn.is_local_call() {
            points[insn.callee(at) as usize] = true;
        }
    }
    points
}

/// The program's instructions with their slots, the second halves of wide ones left out.
pub fn instructions(program: &[Insn]) -> impl Iterator<Item = (usize, Insn)> + '_ {
    let mut skip = false;
    program.iter().copied().enumerate().filter(move |(_, insn)| {
        let second = skip;
        skip = !second && insn.is_wide();
        !second
    })
}
