//! Which registers hold addresses, and of what, followed along a recorded run.
//!
//! The VM's own addresses differ from run to run; a trace must not. So a recorded register that holds an address is
//! shown as the place it points at, in the way Linux lays its memory out, and every other one as it is.

use std::collections::BTreeMap;

use super::context::ContextKind;
use crate::program::instruction::*;
use crate::program::liveness::writes_r0;

/// Where an address points: the real address of the area, and the one that it is shown at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Origin {
    pub real: u64,
    pub shown: u64,
}

/// Areas as they are shown.
pub const SHOWN_CONTEXT: u64 = 0xffff_8881_0000_0000;
pub const SHOWN_PACKET: u64 = 0xffff_8882_0000_0000;
/// One area a map follows, 4 GiB each.
pub const SHOWN_VALUES: u64 = 0xffff_8900_0000_0000;
pub const SHOWN_STACK: u64 = 0xffff_c900_0000_0000;

/// Areas of the machine that a run uses.
#[derive(Clone, Copy)]
pub struct Areas {
    pub context: Origin,
    pub packet: Origin,
    pub stack: Origin,
    pub kind: ContextKind,
}

pub struct Provenance {
    areas: Areas,
    registers: [Option<Origin>; 11],
    /// Addresses kept on the stack, by their place.
    spilled: BTreeMap<u64, Origin>,
    /// r6 to r9 of the callers.
    frames: Vec<[Option<Origin>; 4]>,
    last: Option<(Insn, [u64; 11])>,
    /// r0 as the program itself last set it: counting points use it while it is dead.
    r0: u64,
    /// What the last helper answered, if an address.
    pub answer: Option<Origin>,
}

impl Provenance {
    pub fn new(areas: Areas) -> Provenance {
        let mut registers = [None; 11];
        registers[1] = Some(areas.context);
        registers[10] = Some(areas.stack);
        Provenance { areas, registers, spilled: BTreeMap::new(), frames: Vec::new(), last: None, r0: 0, answer: None }
    }

    /// For a function that is called back: where its arguments point.
    pub fn for_function(areas: Areas, arguments: [Option<Origin>; 5]) -> Provenance {
        let mut provenance = Provenance::new(areas);
        provenance.registers[1..=5].copy_from_slice(&arguments);
        provenance
    }

    /// Before `insn` runs with these registers: what to show for each. `constant`: the area that an `LDDW` points into.
    pub fn show(&mut self, insn: Insn, registers: [u64; 11], constant: Option<Origin>) -> [u64; 11] {
        let mut r0_is_its_own = false;
        if let Some((before, values)) = self.last.take() {
            self.follow(before, &values);
            let exchanged = before.class() == CLASS_STX && before.mode() == MODE_ATOMIC && (before.imm == ATOMIC_CMPXCHG || before.imm & ATOMIC_FETCH != 0 && before.src == 0);
            r0_is_its_own = exchanged || writes_r0(before) && !before.is_local_call();
        }
        let mut shown = registers;
        for (value, origin) in shown.iter_mut().zip(self.registers) {
            if let Some(origin) = origin {
                *value = value.wrapping_sub(origin.real).wrapping_add(origin.shown);
            }
        }
        if !r0_is_its_own {
            shown[0] = self.r0;
        }
        self.r0 = shown[0];
        self.answer = None;
        if insn.is_wide() {
            // Known now; `follow` only puts it in place.
            self.answer = constant;
        }
        self.last = Some((insn, registers));
        shown
    }

    fn follow(&mut self, insn: Insn, values: &[u64; 11]) {
        let (dst, src) = (usize::from(insn.dst), usize::from(insn.src));
        match insn.class() {
            CLASS_LD => {
                let register = if insn.is_wide() { dst } else { 0 };
                self.registers[register] = self.answer.take();
            }
            CLASS_LDX => self.registers[dst] = self.loaded(insn, values[src].wrapping_add(insn.off as u64)),
            CLASS_ST => self.forget(values[dst].wrapping_add(insn.off as u64)),
            CLASS_STX if insn.mode() == MODE_ATOMIC => {
                if insn.imm == ATOMIC_CMPXCHG {
                    self.registers[0] = None;
                } else if insn.imm & ATOMIC_FETCH != 0 {
                    self.registers[src] = None;
                }
            }
            CLASS_STX => {
                let address = values[dst].wrapping_add(insn.off as u64);
                self.forget(address);
                if let (8, Some(origin)) = (insn.size(), self.registers[src]) {
                    self.spilled.insert(address, origin);
                }
            }
            CLASS_ALU => self.registers[dst] = None,
            CLASS_ALU64 => self.registers[dst] = self.computed(insn, dst, src),
            _ if insn.is_local_call() => self.frames.push([self.registers[6], self.registers[7], self.registers[8], self.registers[9]]),
            _ if matches!(insn.opcode, CALL | CALLX) => self.registers[0] = self.answer.take(),
            _ if insn.opcode == EXIT => {
                if let Some(saved) = self.frames.pop() {
                    self.registers[6..10].copy_from_slice(&saved);
                }
            }
            _ => {}
        }
        self.registers[10] = Some(self.areas.stack);
    }

    fn forget(&mut self, address: u64) {
        let from = address.saturating_sub(7);
        let near: Vec<u64> = self.spilled.range(from..address.saturating_add(8)).map(|(&place, _)| place).collect();
        for place in near {
            self.spilled.remove(&place);
        }
    }

    fn loaded(&self, insn: Insn, address: u64) -> Option<Origin> {
        if insn.mode() != MODE_MEM {
            return None;
        }
        let offset = address.wrapping_sub(self.areas.context.real);
        match (insn.size(), self.areas.kind, offset) {
            (4, ContextKind::SkBuff, 76 | 80 | 140) | (4, ContextKind::Xdp, 0 | 4 | 8) => Some(self.areas.packet),
            // The socket stands behind the context.
            (8, ContextKind::SkBuff, 168) => Some(self.areas.context),
            (8, ..) => self.spilled.get(&address).copied(),
            _ => None,
        }
    }

    fn computed(&self, insn: Insn, dst: usize, src: usize) -> Option<Origin> {
        let right = if insn.uses_register() { self.registers[src] } else { None };
        let left = self.registers[dst];
        match insn.operation() {
            OP_MOV if insn.off == 0 => right,
            0x00 => left.or(right),
            0x10 if right.is_none() => left,
            _ => None,
        }
    }
}
