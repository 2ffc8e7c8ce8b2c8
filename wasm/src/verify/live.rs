//! Which registers may still be read, at each instruction: states that differ in others are alike.

use crate::program::instruction::*;
use crate::program::liveness::instructions;
use super::prototype::prototype;

pub const CALLER_SAVED: u16 = 0b11_1110;

/// Bit n of a slot's mask: rn may be read from here on, within its function.
pub fn live_registers(program: &[Insn]) -> Vec<u16> {
    let mut live = vec![0u16; program.len() + 1];
    let order: Vec<(usize, Insn)> = instructions(program).collect();
    loop {
        let mut changed = false;
        for &(at, insn) in order.iter().rev() {
            let next = at + if insn.is_wide() { 2 } else { 1 };
            let mut after = match insn.opcode {
                EXIT => 0,
                JA | JA32 => 0,
                _ => live[next.min(program.len())],
            };
            if insn.is_jump() {
                after |= usize::try_from(insn.target(at)).ok().and_then(|target| live.get(target)).copied().unwrap_or(0);
            }
            let now = after & !written(insn) | read(insn);
            if live[at] != now {
                live[at] = now;
                changed = true;
            }
        }
        if !changed {
            return live;
        }
    }
}

/// r1 to as many as the helper takes.
pub fn arguments_read(helper: u32) -> u16 {
    prototype(helper).map_or(CALLER_SAVED, |known| ((1 << (known.arguments.len() + 1)) - 1) & !1)
}

fn read(insn: Insn) -> u16 {
    let (dst, src) = (1u16 << insn.dst, 1u16 << insn.src);
    match insn.class() {
        CLASS_LD => if insn.is_wide() { 0 } else { 1 << 6 | if insn.mode() == MODE_IND { src } else { 0 } },
        CLASS_LDX => src,
        CLASS_ST => dst,
        CLASS_STX => dst | src | if insn.mode() == MODE_ATOMIC && insn.imm == ATOMIC_CMPXCHG { 1 } else { 0 },
        CLASS_ALU | CLASS_ALU64 => match insn.operation() {
            OP_MOV => if insn.uses_register() { src } else { 0 },
            OP_NEG | OP_END => dst,
            _ => dst | if insn.uses_register() { src } else { 0 },
        },
        _ => match insn.opcode {
            EXIT => 1,
            JA | JA32 => 0,
            CALL if insn.src == 0 => arguments_read(insn.imm as u32),
            CALL => CALLER_SAVED,
            CALLX => CALLER_SAVED | dst,
            _ => dst | if insn.uses_register() { src } else { 0 },
        },
    }
}

fn written(insn: Insn) -> u16 {
    match insn.class() {
        CLASS_LD => if insn.is_wide() { 1 << insn.dst } else { 1 },
        CLASS_LDX | CLASS_ALU | CLASS_ALU64 => 1 << insn.dst,
        CLASS_JMP if matches!(insn.opcode, CALL | CALLX) => 1 | CALLER_SAVED,
        _ => 0,
    }
}
