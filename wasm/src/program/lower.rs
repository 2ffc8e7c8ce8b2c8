//! One instruction of RFC 9669 as instructions that rbpf 0.4.1 computes right.
//!
//! Left as they are: what rbpf does as Linux does. Lowered: unsigned comparisons with a negative constant (rbpf
//! zero-extends it), 32-bit remainders by zero (rbpf keeps the upper half), sign-extending moves and loads, signed
//! division, byte swaps, atomics, long jumps, legacy packet loads, calls by register.

use super::assembler::Assembler;
use super::instruction::*;
use super::rewrite::Place;
use super::sites::{Arithmetic, Site, SiteAction};
use crate::fault::Fault;

const MOV64_REG: u8 = 0xbf;
const MOV32_REG: u8 = 0xbc;
const LDX_DW: u8 = 0x79;
const STX_DW: u8 = 0x7b;
/// Number of bpf_tail_call.
const TAIL_CALL: i32 = 12;
const SPILL_R0: i16 = 0;
const SPILL_R1: i16 = 8;
const SPILL_R2: i16 = 16;
const SPILL_LEFT: i16 = 24;
const SPILL_RIGHT: i16 = 32;

/// Number of bpf_for_each_map_elem.
const FOR_EACH_MAP_ELEM: i32 = 164;
/// Number of bpf_loop.
const LOOP: i32 = 181;

pub fn lower(asm: &mut Assembler, program: &[Insn], insn: Insn, place: Place) -> Result<(), Fault> {
    let at = place.at;
    match insn.class() {
        CLASS_LD if insn.is_wide() => {
            asm.load_constant(insn.dst, wide_immediate(insn, program[at + 1]));
            Ok(())
        }
        CLASS_LD => packet_load(asm, place, insn),
        CLASS_LDX => {
            load(asm, insn);
            Ok(())
        }
        CLASS_STX if insn.mode() == MODE_ATOMIC => {
            atomic(asm, insn);
            Ok(())
        }
        CLASS_ALU | CLASS_ALU64 => alu(asm, place, insn),
        CLASS_JMP | CLASS_JMP32 => jump(asm, insn, place),
        _ => {
            asm.emit(insn);
            Ok(())
        }
    }
}

fn load(asm: &mut Assembler, insn: Insn) {
    if insn.mode() != MODE_MEMSX {
        asm.emit(insn);
        return;
    }
    asm.emit(Insn::new(insn.opcode & 0x1f | MODE_MEM, insn.dst, insn.src, insn.off, 0));
    sign_extend(asm, CLASS_ALU64, insn.dst, 64 - 8 * insn.size() as i32);
}

/// Shifts left and back with the sign.
fn sign_extend(asm: &mut Assembler, class: u8, register: u8, bits: i32) {
    asm.emit(Insn::new(0x60 | class, register, 0, 0, bits));
    asm.emit(Insn::new(0xc0 | class, register, 0, 0, bits));
}

fn alu(asm: &mut Assembler, place: Place, insn: Insn) -> Result<(), Fault> {
    let class = insn.class();
    match insn.operation() {
        OP_MOV if insn.off != 0 => {
            let width = if class == CLASS_ALU64 { 64 } else { 32 };
            asm.emit(Insn::new(MOV64_REG, insn.dst, insn.src, 0, 0));
            sign_extend(asm, class, insn.dst, width - i32::from(insn.off));
        }
        OP_DIV | OP_MOD if insn.off == 1 => signed_division(asm, place, insn)?,
        OP_MOD if class == CLASS_ALU => {
            asm.emit(insn);
            asm.emit(Insn::new(MOV32_REG, insn.dst, insn.dst, 0, 0));
        }
        // Little-endian, as wasm and the programs are: a swap is the conversion to big-endian.
        OP_END if class == CLASS_ALU64 => asm.emit(Insn::new(0xdc, insn.dst, 0, 0, insn.imm)),
        _ => asm.emit(insn),
    }
    Ok(())
}

fn signed_division(asm: &mut Assembler, place: Place, insn: Insn) -> Result<(), Fault> {
    let action = match (insn.operation(), insn.class()) {
        (OP_DIV, CLASS_ALU64) => Arithmetic::Divide64,
        (OP_DIV, _) => Arithmetic::Divide32,
        (_, CLASS_ALU64) => Arithmetic::Modulo64,
        _ => Arithmetic::Modulo32,
    };
    for (register, spill) in [(0, SPILL_R0), (1, SPILL_R1), (2, SPILL_R2), (insn.dst, SPILL_LEFT)] {
        asm.emit(Insn::new(STX_DW, 10, register, spill, 0));
    }
    if insn.uses_register() {
        asm.emit(Insn::new(STX_DW, 10, insn.src, SPILL_RIGHT, 0));
        asm.emit(Insn::new(LDX_DW, 2, 10, SPILL_RIGHT, 0));
    } else {
        asm.emit(Insn::new(0xb7, 2, 0, 0, insn.imm));
    }
    asm.emit(Insn::new(LDX_DW, 1, 10, SPILL_LEFT, 0));
    asm.site(Site { action: SiteAction::Arithmetic(action), counted: place.counted, instruction: place.at as u32 })?;
    asm.emit(Insn::new(STX_DW, 10, 0, SPILL_LEFT, 0));
    for (register, spill) in [(0, SPILL_R0), (1, SPILL_R1), (2, SPILL_R2), (insn.dst, SPILL_LEFT)] {
        asm.emit(Insn::new(LDX_DW, register, 10, spill, 0));
    }
    Ok(())
}

/// Nothing runs beside the program, so an atomic operation is its parts in a row.
fn atomic(asm: &mut Assembler, insn: Insn) {
    let (dst, src, off) = (insn.dst, insn.src, insn.off);
    let wide = insn.size() == 8;
    let load = insn.opcode & 0x18 | CLASS_LDX | MODE_MEM;
    let store = insn.opcode & 0x18 | CLASS_STX | MODE_MEM;
    let free = (1..=9).find(|&register| register != dst && register != src).unwrap_or(1);
    asm.emit(Insn::new(STX_DW, 10, free, SPILL_R0, 0));
    asm.emit(Insn::new(load, free, dst, off, 0));
    match insn.imm {
        ATOMIC_XCHG => {
            asm.emit(Insn::new(store, dst, src, off, 0));
            asm.emit(Insn::new(MOV64_REG, src, free, 0, 0));
        }
        ATOMIC_CMPXCHG => {
            asm.emit(Insn::new(if wide { 0x5d } else { 0x5e }, free, 0, 1, 0));
            asm.emit(Insn::new(store, dst, src, off, 0));
            asm.emit(Insn::new(MOV64_REG, 0, free, 0, 0));
        }
        operation => {
            asm.emit(Insn::new(STX_DW, 10, free, SPILL_R1, 0));
            asm.emit(Insn::new((operation & 0xf0) as u8 | 0x08 | CLASS_ALU64, free, src, 0, 0));
            asm.emit(Insn::new(store, dst, free, off, 0));
            if operation & ATOMIC_FETCH != 0 {
                asm.emit(Insn::new(LDX_DW, src, 10, SPILL_R1, 0));
            }
        }
    }
    asm.emit(Insn::new(LDX_DW, free, 10, SPILL_R0, 0));
}

/// Linux reads the packet in network order and ends the program with 0 beyond its end (net/core/filter.c,
/// `bpf_skb_load_helper_32` and its callers).
fn packet_load(asm: &mut Assembler, place: Place, insn: Insn) -> Result<(), Fault> {
    if insn.mode() == MODE_IND {
        asm.emit(Insn::new(MOV64_REG, 1, insn.src, 0, 0));
        asm.emit(Insn::new(0x07, 1, 0, 0, insn.imm));
    } else {
        asm.emit(Insn::new(0xb7, 1, 0, 0, insn.imm));
    }
    asm.site(Site { action: SiteAction::PacketLoad { size: insn.size() as u8 }, counted: place.counted, instruction: place.at as u32 })?;
    asm.emit(Insn::new(0x55, 0, 0, 1, 0));
    asm.emit(Insn::new(EXIT, 0, 0, 0, 0));
    asm.emit(Insn::new(LDX_DW, 0, 0, 0, 0));
    Ok(())
}

fn jump(asm: &mut Assembler, insn: Insn, place: Place) -> Result<(), Fault> {
    let Place { at, counted, .. } = place;
    let instruction = at as u32;
    match insn.opcode {
        EXIT => asm.emit(insn),
        CALL if insn.src == PSEUDO_CALL => asm.call_local(insn.callee(at) as usize),
        CALL if insn.imm == TAIL_CALL => {
            asm.site(Site { action: SiteAction::TailCall { nested: !place.in_main }, counted, instruction })?;
            if place.in_main {
                // Answered with 0, which cannot be read, where another program takes over.
                asm.emit(Insn::new(0x71, 0, 0, 0, 0));
            } else {
                asm.emit(Insn::new(LDX_DW, 1, 0, 0, 0));
                asm.emit(Insn::new(LDX_DW, 0, 0, 8, 0));
                asm.emit(Insn::new(0x15, 1, 0, 1, 0));
                asm.emit(Insn::new(EXIT, 0, 0, 0, 0));
            }
        }
        CALL => {
            let helper = insn.imm as u32;
            let action = if matches!(insn.imm, FOR_EACH_MAP_ELEM | LOOP) { SiteAction::Callback(helper) } else { SiteAction::Helper(helper) };
            asm.site(Site { action, counted, instruction })?;
        }
        CALLX => {
            asm.emit(Insn::new(STX_DW, 10, insn.dst, SPILL_R0, 0));
            asm.load_constant(0, place.scratch);
            asm.emit(Insn::new(STX_DW, 10, 1, SPILL_R1, 0));
            asm.emit(Insn::new(LDX_DW, 1, 10, SPILL_R0, 0));
            asm.emit(Insn::new(STX_DW, 0, 1, 0, 0));
            asm.emit(Insn::new(LDX_DW, 1, 10, SPILL_R1, 0));
            asm.site(Site { action: SiteAction::HelperByRegister, counted, instruction })?;
        }
        JA | JA32 => asm.jump(Insn::new(JA, 0, 0, 0, 0), place.target),
        _ => conditional(asm, insn, place.target),
    }
    Ok(())
}

const JSGT: u8 = 0x65;
const JSGE: u8 = 0x75;
const JSLT: u8 = 0xc5;
const JSLE: u8 = 0xd5;

/// A negative constant stands for the highest unsigned numbers. A register is above it only when it is negative as
/// a signed number too, and then both compare as signed ones; rbpf's signed comparisons extend the sign.
fn conditional(asm: &mut Assembler, insn: Insn, target: usize) {
    let (register, imm) = (insn.dst, insn.imm);
    let signed = |opcode: u8, off: i16, imm: i32| Insn::new(opcode, register, 0, off, imm);
    let wrong_in_rbpf = insn.class() == CLASS_JMP && !insn.uses_register() && imm < 0;
    match insn.operation() {
        0x10 if wrong_in_rbpf => {
            asm.emit(signed(JSGT, 2, imm));
            asm.emit(signed(JSLT, 1, imm));
            asm.jump(Insn::new(JA, 0, 0, 0, 0), target);
        }
        0x50 if wrong_in_rbpf => {
            asm.jump(signed(JSGT, 0, imm), target);
            asm.jump(signed(JSLT, 0, imm), target);
        }
        operation @ (0x20 | 0x30) if wrong_in_rbpf => {
            asm.emit(signed(JSGE, 1, 0));
            asm.jump(signed(if operation == 0x20 { JSGT } else { JSGE }, 0, imm), target);
        }
        operation @ (0xa0 | 0xb0) if wrong_in_rbpf => {
            asm.jump(signed(JSGE, 0, 0), target);
            asm.jump(signed(if operation == 0xa0 { JSLT } else { JSLE }, 0, imm), target);
        }
        _ => asm.jump(insn, target),
    }
}
