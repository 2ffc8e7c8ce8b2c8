//! Conditional jumps: which ways are open, and what each teaches.

use super::scalar::Scalar;
use super::state::{Base, Pointer, Register, State};
use super::walk::{Refusal, Walker};
use crate::program::instruction::*;

impl Walker<'_> {
    /// Brings `state` to one way of a conditional jump; the other way, if open too, is given back. Other instructions are
    /// left alone.
    pub fn branch_of(&mut self, insn: Insn, state: &mut State) -> Result<Option<State>, Refusal> {
        if !insn.is_conditional() {
            return Ok(None);
        }
        let at = state.at;
        let left = self.need(state, insn.dst)?;
        let right = if insn.uses_register() { self.need(state, insn.src)? } else { Register::constant(insn.imm as i64 as u64) };
        let (taken, through) = (insn.target(at) as usize, at + 1);
        let wide = insn.class() == CLASS_JMP;
        let mut yes = state.clone();
        yes.at = taken;
        let mut no = state.clone();
        no.at = through;
        let (open_yes, open_no) = match (left, right) {
            // Half a register against 0 or -1: is its sign set?
            (Register::Scalar(a), _) if !wide && !insn.uses_register() && matches!((insn.operation(), insn.imm), (0x70 | 0xc0, 0) | (0x60 | 0xd0, -1)) => {
                let below = insn.operation() > 0x70;
                let sides = [(true, &mut yes), (false, &mut no)].map(|(holds, side)| {
                    let signed = a.with_sign(holds == below);
                    if let Some(a) = signed {
                        side.set(insn.dst, Register::Scalar(a));
                    }
                    signed.is_some()
                });
                (sides[0], sides[1])
            }
            (Register::Scalar(a), Register::Scalar(b)) => {
                let small = a.umax <= u64::from(u32::MAX) && (b.umax <= u64::from(u32::MAX) || !wide && !insn.uses_register());
                let (a, b) = if wide { (a, b) } else { (a.low32(), b.low32()) };
                let learn = wide || small && a.umax <= i32::MAX as u64 && b.umax <= i32::MAX as u64 || small && !is_signed(insn.operation());
                let sides = [(true, &mut yes), (false, &mut no)].map(|(holds, side)| match refine(insn.operation(), a, b, holds) {
                    Some((a, b)) => {
                        if learn {
                            side.set(insn.dst, Register::Scalar(a));
                            if insn.uses_register() {
                                side.set(insn.src, Register::Scalar(b));
                            }
                        }
                        true
                    }
                    None => false,
                });
                // Not sure of signed comparisons of half registers: both ways stay open.
                if wide || !is_signed(insn.operation()) || learn { (sides[0], sides[1]) } else { (true, true) }
            }
            (Register::Pointer(pointer), Register::Scalar(zero)) if zero.is_constant() == Some(0) && wide && matches!(insn.operation(), 0x10 | 0x50) => {
                let equal = insn.operation() == 0x10;
                if pointer.nullable {
                    let (null, valid) = if equal { (&mut yes, &mut no) } else { (&mut no, &mut yes) };
                    settle_null(null, pointer, true);
                    settle_null(valid, pointer, false);
                    (true, true)
                } else {
                    (!equal, equal)
                }
            }
            (Register::Pointer(a), Register::Pointer(b)) if wide => {
                learn_packet_bound(insn.operation(), a, b, &mut yes, &mut no);
                (true, true)
            }
            (Register::Pointer(_), _) | (_, Register::Pointer(_)) if !matches!(insn.operation(), 0x10 | 0x50) => {
                return Err((at, "It compares an address with a number.".to_owned()));
            }
            _ => (true, true),
        };
        match (open_yes, open_no) {
            (true, false) => *state = yes,
            (false, true) => *state = no,
            _ => {
                *state = no;
                return Ok(Some(yes));
            }
        }
        Ok(None)
    }
}

fn is_signed(operation: u8) -> bool {
    matches!(operation, 0x60 | 0x70 | 0xc0 | 0xd0)
}

/// Every pointer from the same look-up has been compared with null by this.
fn settle_null(state: &mut State, pointer: Pointer, null: bool) {
    state.for_each_register(|register| {
        if let Register::Pointer(other) = register {
            if other.nullable && other.id == pointer.id {
                if null {
                    *register = Register::constant(0);
                } else {
                    other.nullable = false;
                }
            }
        }
    });
    if null {
        state.held.retain(|&id| id != pointer.id);
    }
}

/// `data + n <= data_end` in any of its forms: the packet has n bytes there.
fn learn_packet_bound(operation: u8, a: Pointer, b: Pointer, yes: &mut State, no: &mut State) {
    let ends = |pointer: Pointer, end: Pointer| match (pointer.base, end.base) {
        (Base::Packet, Base::PacketEnd) => true,
        (Base::PacketMeta, Base::Packet) => end.offset == 0 && end.beyond == 0,
        _ => false,
    };
    // `within`: the pointer is at most the end; `strictly`: below it.
    let (pointer, within, strictly) = if ends(a, b) {
        match operation {
            0x20 => (a, no, false),
            0x30 => (a, no, true),
            0xa0 => (a, yes, true),
            0xb0 => (a, yes, false),
            _ => return,
        }
    } else if ends(b, a) {
        match operation {
            0x20 => (b, yes, true),
            0x30 => (b, yes, false),
            0xa0 => (b, no, false),
            0xb0 => (b, no, true),
            _ => return,
        }
    } else {
        return;
    };
    let known = pointer.offset + i64::from(strictly);
    let Ok(known) = u32::try_from(known) else { return };
    // With an unknown part, the known bytes count from where that part begins.
    within.for_each_register(|register| {
        if let Register::Pointer(other) = register {
            if other.base == pointer.base && other.id == pointer.id && other.beyond == pointer.beyond {
                other.range = other.range.max(known);
            }
        }
    });
}

/// Both numbers where the comparison `holds`, or does not; `None` where that cannot be.
fn refine(operation: u8, a: Scalar, b: Scalar, holds: bool) -> Option<(Scalar, Scalar)> {
    let (operation, holds) = match (operation, holds) {
        // The other half of each pair, so that every one is written once.
        (0x20, false) => (0xb0, true),
        (0x30, false) => (0xa0, true),
        (0xa0, false) => (0x30, true),
        (0xb0, false) => (0x20, true),
        (0x60, false) => (0xd0, true),
        (0x70, false) => (0xc0, true),
        (0xc0, false) => (0x70, true),
        (0xd0, false) => (0x60, true),
        (0x10, false) => (0x50, true),
        (0x50, false) => (0x10, true),
        other => other,
    };
    let (mut a, mut b) = (a, b);
    match operation {
        0x10 => {
            a = Scalar { umin: a.umin.max(b.umin), umax: a.umax.min(b.umax), smin: a.smin.max(b.smin), smax: a.smax.min(b.smax), ..a };
            if let Some(constant) = b.is_constant() {
                if (a.value ^ constant) & !a.mask != 0 {
                    return None;
                }
                a = a.settled()?;
                return Some((Scalar::constant(constant).settled().filter(|_| a.umin <= constant && constant <= a.umax)?, b));
            }
            b = Scalar { umin: a.umin, umax: a.umax, smin: a.smin, smax: a.smax, ..b };
        }
        0x50 => {
            if let Some(constant) = b.is_constant() {
                if a.is_constant() == Some(constant) {
                    return None;
                }
                if a.umin == constant {
                    a.umin += 1;
                }
                if a.umax == constant {
                    a.umax -= 1;
                }
            }
        }
        0x20 => {
            a.umin = a.umin.max(b.umin.checked_add(1)?);
            b.umax = b.umax.min(a.umax.checked_sub(1)?);
        }
        0x30 => {
            a.umin = a.umin.max(b.umin);
            b.umax = b.umax.min(a.umax);
        }
        0xa0 => {
            a.umax = a.umax.min(b.umax.checked_sub(1)?);
            b.umin = b.umin.max(a.umin.checked_add(1)?);
        }
        0xb0 => {
            a.umax = a.umax.min(b.umax);
            b.umin = b.umin.max(a.umin);
        }
        0x60 => {
            a.smin = a.smin.max(b.smin.checked_add(1)?);
            b.smax = b.smax.min(a.smax.checked_sub(1)?);
        }
        0x70 => {
            a.smin = a.smin.max(b.smin);
            b.smax = b.smax.min(a.smax);
        }
        0xc0 => {
            a.smax = a.smax.min(b.smax.checked_sub(1)?);
            b.smin = b.smin.max(a.smin.checked_add(1)?);
        }
        0xd0 => {
            a.smax = a.smax.min(b.smax);
            b.smin = b.smin.max(a.smin);
        }
        0x40 => {
            let Some(bits) = b.is_constant() else { return Some((a, b)) };
            let surely = a.value & bits != 0;
            let possible = (a.value | a.mask) & bits != 0;
            if holds && !possible || !holds && surely {
                return None;
            }
            if !holds {
                a.mask &= !bits;
                a.value &= !bits;
            }
        }
        _ => return Some((a, b)),
    }
    Some((a.settled()?, b.settled()?))
}
