//! Arithmetic on what is known.

use super::scalar::{HALF, Scalar, UNKNOWN};
use super::state::{Base, Pointer, Register, State};
use super::walk::{Refusal, Walker};
use super::Constant;
use crate::program::instruction::*;

/// Offsets that pointers may have, as in the kernel (BPF_MAX_VAR_OFF).
const FARTHEST: u64 = 1 << 29;

impl Walker<'_> {
    pub fn constant(&self, at: usize) -> Register {
        let pointer = |base: Base, offset: i64| Register::Pointer(Pointer { base, offset, beyond: 0, id: 0, nullable: false, range: 0 });
        match self.subject.constants.iter().find(|(slot, _)| *slot == at) {
            Some((_, Constant::Map(map))) => pointer(Base::Map(*map), 0),
            Some((_, Constant::Value { map, offset })) => pointer(Base::MapValue(*map), i64::from(*offset)),
            Some((_, Constant::Function(function))) => pointer(Base::Function(*function), 0),
            None => Register::constant(wide_immediate(self.subject.program[at], self.subject.program[at + 1])),
        }
    }

    pub fn compute(&mut self, insn: Insn, state: &mut State) -> Result<(), Refusal> {
        let wide = insn.class() == CLASS_ALU64;
        let operation = insn.operation();
        let right = if operation == OP_NEG || operation == OP_END {
            Register::constant(0)
        } else if insn.uses_register() {
            self.need(state, insn.src)?
        } else {
            Register::constant(insn.imm as i64 as u64)
        };
        if operation == OP_MOV {
            let value = match (right, wide, insn.off) {
                (right, true, 0) => right,
                // Half of an address is a number like any.
                (Register::Pointer(_), false, 0) => Register::Scalar(HALF),
                (Register::Pointer(_), ..) => return Err((state.at, format!("It takes part of the address in r{}; addresses can only be copied whole.", insn.src))),
                (Register::Scalar(scalar), false, 0) => Register::Scalar(scalar.low32()),
                (_, true, bits) => Register::Scalar(Scalar { smin: -(1 << (bits - 1)), smax: (1 << (bits - 1)) - 1, ..UNKNOWN }),
                _ => Register::Scalar(Scalar::range(0, u64::from(u32::MAX))),
            };
            state.set(insn.dst, value);
            return Ok(());
        }
        let left = self.need(state, insn.dst)?;
        if matches!((left, right), (Register::Pointer(_), _) | (_, Register::Pointer(_))) {
            self.learn_move(state.at);
        }
        let value = match (left, right) {
            (Register::Scalar(left), Register::Scalar(right)) => Register::Scalar(arithmetic(insn, left, right)),
            (Register::Pointer(pointer), Register::Scalar(by)) if wide && operation == 0x00 => self.moved(pointer, by, state.at)?,
            (Register::Scalar(by), Register::Pointer(pointer)) if wide && operation == 0x00 => self.moved(pointer, by, state.at)?,
            (Register::Pointer(pointer), Register::Scalar(by)) if wide && operation == 0x10 => match by.is_constant() {
                Some(constant) => self.moved(pointer, Scalar::constant(constant.wrapping_neg()), state.at)?,
                None => return Err((state.at, format!("It takes an unknown number from the address in r{}.", insn.dst))),
            },
            // A distance.
            (Register::Pointer(_), Register::Pointer(_)) if wide && operation == 0x10 => Register::UNKNOWN,
            (Register::Pointer(_), _) | (_, Register::Pointer(_)) if !wide && operation == 0x10 => Register::Scalar(HALF),
            (Register::Pointer(_), _) | (_, Register::Pointer(_)) => {
                return Err((state.at, format!("It computes with the address in r{} as if it were a number; addresses can only be moved by adding.", if matches!(left, Register::Pointer(_)) { insn.dst } else { insn.src })));
            }
            _ => Register::UNKNOWN,
        };
        state.set(insn.dst, value);
        Ok(())
    }

    /// A pointer with a number added.
    fn moved(&mut self, pointer: Pointer, by: Scalar, at: usize) -> Result<Register, Refusal> {
        if pointer.nullable {
            return Err((at, "It moves an address that may be null: compare it with 0 first.".to_owned()));
        }
        if matches!(pointer.base, Base::Map(_) | Base::PacketEnd | Base::Function(_) | Base::Kernel) {
            return Err((at, "It moves an address that may only be handed on as it is.".to_owned()));
        }
        if let Some(constant) = by.is_constant() {
            let offset = pointer.offset.wrapping_add(constant as i64);
            if offset.unsigned_abs() >= FARTHEST {
                return Err((at, format!("It moves an address by {}, which is too far.", constant as i64)));
            }
            return Ok(Register::Pointer(Pointer { offset, ..pointer }));
        }
        if by.smin < 0 {
            return Err((at, "It moves an address by a number that may be negative: check its lower bound first.".to_owned()));
        }
        if by.umax >= FARTHEST {
            return Err((at, "It moves an address by a number without an upper bound: compare or mask it first.".to_owned()));
        }
        let beyond = pointer.beyond + (by.umax - by.umin);
        let offset = pointer.offset + by.umin as i64;
        if beyond >= FARTHEST {
            return Err((at, "It moves an address too far in all.".to_owned()));
        }
        // What was known of the packet's bounds holds for the old place only.
        let (id, range) = if pointer.base == Base::Packet || pointer.base == Base::PacketMeta { (self.id(), 0) } else { (pointer.id, pointer.range) };
        Ok(Register::Pointer(Pointer { offset, beyond, id, range, ..pointer }))
    }
}

/// Both operands are numbers.
fn arithmetic(insn: Insn, left: Scalar, right: Scalar) -> Scalar {
    let wide = insn.class() == CLASS_ALU64;
    if insn.operation() == OP_END {
        return match insn.imm {
            16 => Scalar::range(0, 0xffff),
            32 => Scalar::range(0, u64::from(u32::MAX)),
            _ => UNKNOWN,
        };
    }
    let (left, right) = if wide { (left, right) } else { (left.low32(), right.low32()) };
    if let (Some(a), Some(b)) = (left.is_constant(), right.is_constant()) {
        if let Some(value) = exact(insn, a, b) {
            return Scalar::constant(value);
        }
    }
    let width = if wide { 64 } else { 32 };
    let shift = right.is_constant().map(|bits| bits as u32 & (width - 1));
    let result = match (insn.operation(), shift) {
        (0x00, _) => left.add(right),
        (0x10, _) => left.sub(right),
        (0x20, _) => left.mul(right),
        (OP_DIV, _) if insn.off == 0 => match right.is_constant() {
            Some(by) if by > 0 => Scalar::range(left.umin / by, left.umax / by),
            _ => Scalar::range(0, left.umax),
        },
        (OP_MOD, _) if insn.off == 0 => match right.is_constant() {
            Some(by) if by > 0 => Scalar::range(0, (by - 1).min(left.umax)),
            // A remainder by 0 is the number itself.
            _ => Scalar::range(0, left.umax),
        },
        (0x40, _) => left.or(right),
        (0x50, _) => left.and(right),
        (0xa0, _) => left.xor(right),
        (0x60, Some(bits)) => left.shl(bits),
        (0x70, Some(bits)) => left.shr(bits),
        (0xc0, Some(bits)) if wide => left.sar(bits),
        _ => UNKNOWN,
    };
    if wide { result } else { result.low32() }
}

/// Two constants.
fn exact(insn: Insn, a: u64, b: u64) -> Option<u64> {
    let wide = insn.class() == CLASS_ALU64;
    let signed = insn.off == 1;
    let value = match insn.operation() {
        0x00 => a.wrapping_add(b),
        0x10 => a.wrapping_sub(b),
        0x20 => a.wrapping_mul(b),
        OP_DIV if !signed => a.checked_div(b).unwrap_or(0),
        OP_MOD if !signed => a.checked_rem(b).unwrap_or(a),
        0x40 => a | b,
        0x50 => a & b,
        0x60 if wide => a << (b & 63),
        0x60 => u64::from((a as u32) << (b & 31)),
        0x70 if wide => a >> (b & 63),
        0x70 => u64::from(a as u32 >> (b & 31)),
        OP_NEG => a.wrapping_neg(),
        0xa0 => a ^ b,
        0xc0 if wide => (a as i64 >> (b & 63)) as u64,
        0xc0 => (a as i32 >> (b & 31)) as u32 as u64,
        _ => return None,
    };
    Some(if wide { value } else { u64::from(value as u32) })
}
