//! What a program must be before it is rewritten: known instructions, registers that exist, jumps that land on an
//! instruction, no way past the end. After this, rewriting and running cannot panic, whatever the bytes were.

use super::instruction::*;
use crate::fault::Fault;

/// The most slots a program may have, subprograms included (linux/bpf.h, `BPF_COMPLEXITY_LIMIT_INSNS`).
pub const MAX_SLOTS: usize = 1_000_000;

/// Checks a whole program, its subprograms linked behind it.
pub fn check(program: &[Insn]) -> Result<(), Fault> {
    if program.is_empty() {
        return Err(Fault::new("The program is empty; it needs at least an exit."));
    }
    if program.len() > MAX_SLOTS {
        return Err(Fault::new(format!("The program has {} instructions; {MAX_SLOTS} is the limit.", program.len())));
    }
    let starts = instruction_starts(program)?;
    let mut at = 0;
    while at < program.len() {
        let insn = program[at];
        check_opcode(insn, at)?;
        check_registers(insn, at)?;
        let next = at + if insn.is_wide() { 2 } else { 1 };
        if insn.is_jump() {
            check_landing(&starts, insn.target(at), at, "jumps")?;
        }
        if insn.is_local_call() {
            check_landing(&starts, insn.callee(at), at, "calls")?;
        }
        let goes_on = insn.opcode != EXIT && insn.opcode != JA && insn.opcode != JA32;
        if goes_on && next >= program.len() {
            return Err(Fault::at(at, "The program runs past its end after this instruction; end it with exit."));
        }
        at = next;
    }
    Ok(())
}

/// For every slot, whether an instruction begins there (the second half of an `LDDW` is none).
pub fn instruction_starts(program: &[Insn]) -> Result<Vec<bool>, Fault> {
    let mut starts = vec![false; program.len()];
    let mut at = 0;
    while at < program.len() {
        starts[at] = true;
        if program[at].is_wide() {
            match program.get(at + 1) {
                Some(high) if high.opcode == 0 && high.dst == 0 && high.src == 0 && high.off == 0 => at += 1,
                _ => return Err(Fault::at(at, "A 64-bit constant load needs a second slot with opcode 0 behind it.")),
            }
        }
        at += 1;
    }
    Ok(starts)
}

fn check_landing(starts: &[bool], target: i64, at: usize, verb: &str) -> Result<(), Fault> {
    match usize::try_from(target).ok().and_then(|slot| starts.get(slot)) {
        Some(true) => Ok(()),
        Some(false) => Err(Fault::at(at, format!("The program {verb} into the middle of a 64-bit constant load at {target}."))),
        None => Err(Fault::at(at, format!("The program {verb} to {target}, outside its {} instructions.", starts.len()))),
    }
}

fn check_registers(insn: Insn, at: usize) -> Result<(), Fault> {
    if insn.dst > 10 || insn.src > 10 {
        return Err(Fault::at(at, "There is no such register: a program has r0 to r10."));
    }
    let writes_dst = matches!(insn.class(), CLASS_ALU | CLASS_ALU64 | CLASS_LDX) || insn.is_wide();
    if writes_dst && insn.dst == 10 {
        return Err(Fault::at(at, "The frame pointer r10 is read-only."));
    }
    if insn.class() == CLASS_STX && insn.mode() == MODE_ATOMIC && insn.imm & ATOMIC_FETCH != 0 && insn.imm != ATOMIC_CMPXCHG && insn.src == 10 {
        return Err(Fault::at(at, "The frame pointer r10 is read-only."));
    }
    Ok(())
}

fn check_opcode(insn: Insn, at: usize) -> Result<(), Fault> {
    let unknown = || Err(Fault::at(at, format!("Unknown instruction, opcode {:#04x}.", insn.opcode)));
    let malformed = |what: &str| Err(Fault::at(at, format!("Malformed instruction, opcode {:#04x}: {what}.", insn.opcode)));
    match insn.class() {
        CLASS_LD => match insn.mode() {
            0 if insn.is_wide() && insn.src <= 6 => Ok(()),
            MODE_ABS | MODE_IND if insn.size() < 8 => Ok(()),
            _ => unknown(),
        },
        CLASS_LDX => match insn.mode() {
            MODE_MEM => Ok(()),
            MODE_MEMSX if insn.size() < 8 => Ok(()),
            _ => unknown(),
        },
        CLASS_ST => if insn.mode() == MODE_MEM { Ok(()) } else { unknown() },
        CLASS_STX => match insn.mode() {
            MODE_MEM => Ok(()),
            MODE_ATOMIC if insn.size() >= 4 => match insn.imm {
                0x00 | 0x01 | 0x40 | 0x41 | 0x50 | 0x51 | 0xa0 | 0xa1 | ATOMIC_XCHG | ATOMIC_CMPXCHG => Ok(()),
                _ => malformed("no such atomic operation"),
            },
            _ => unknown(),
        },
        CLASS_ALU | CLASS_ALU64 => check_alu(insn, unknown, malformed),
        _ => check_jump(insn, unknown, malformed),
    }
}

fn check_alu(
    insn: Insn,
    unknown: impl Fn() -> Result<(), Fault>,
    malformed: impl Fn(&str) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let wide = insn.class() == CLASS_ALU64;
    match insn.operation() {
        OP_END if wide && insn.uses_register() => unknown(),
        OP_END if matches!(insn.imm, 16 | 32 | 64) => Ok(()),
        OP_END => malformed("a byte swap is of 16, 32 or 64 bits"),
        OP_NEG if insn.uses_register() => unknown(),
        OP_DIV | OP_MOD if matches!(insn.off, 0 | 1) => Ok(()),
        OP_MOV if insn.off == 0 => Ok(()),
        OP_MOV if insn.uses_register() && (matches!(insn.off, 8 | 16) || wide && insn.off == 32) => Ok(()),
        OP_MOV | OP_DIV | OP_MOD => malformed("its offset field says nothing known"),
        0xe0 | 0xf0 => unknown(),
        _ => Ok(()),
    }
}

fn check_jump(
    insn: Insn,
    unknown: impl Fn() -> Result<(), Fault>,
    malformed: impl Fn(&str) -> Result<(), Fault>,
) -> Result<(), Fault> {
    match insn.opcode {
        JA | JA32 | EXIT | CALLX => Ok(()),
        CALL if insn.src <= PSEUDO_KFUNC_CALL => Ok(()),
        CALL => malformed("no such kind of call"),
        _ => match insn.operation() {
            0x00 | 0x80 | 0x90 | 0xe0 | 0xf0 => unknown(),
            _ => Ok(()),
        },
    }
}
