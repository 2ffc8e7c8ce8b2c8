//! What a recorded run tells step by step: registers before each instruction, addresses as they are shown.

use super::memory::{HEADROOM, XDP_HEADROOM};
use super::provenance::{Areas, Origin, Provenance, SHOWN_CONTEXT, SHOWN_PACKET, SHOWN_STACK, SHOWN_VALUES};
use super::{Machine, current};
use crate::fault::Fault;
use crate::map::Storage;
use crate::program::instruction::wide_immediate;
use crate::program::rewrite::SPILL;

/// Steps with registers that one run may record.
const MOST_STEPS: usize = 1_000_000;

#[derive(Default)]
pub struct Steps {
    /// Slot in the program that ran then.
    pub instruction: Vec<i32>,
    /// r0 to r10 before each instruction.
    pub registers: Vec<u64>,
    /// A step and the program that runs from it on, two numbers each: tail calls change it.
    pub programs: Vec<u32>,
}

/// Before an instruction: `frame` is r10, behind which r0 to r9 are spilled. Answers that address, or 0 to end.
pub fn step(frame: u64, instruction: u64, _: u64, _: u64, _: u64) -> u64 {
    let machine = current();
    if machine.steps.instruction.len() >= MOST_STEPS {
        machine.fail(Fault::at(instruction as usize, format!("More than {MOST_STEPS} instructions: too many to record one by one.")));
        return 0;
    }
    let mut registers = [0; 11];
    let Some(spilled) = machine.readable(frame, 80) else { return 0 };
    for (register, bytes) in registers.iter_mut().zip(spilled.chunks_exact(8)) {
        *register = bytes.try_into().map_or(0, u64::from_le_bytes);
    }
    registers[10] = frame;
    machine.record(instruction as usize, registers);
    frame
}

impl Machine {
    /// Called as a recorded run begins a program.
    pub fn follow_addresses(&mut self) {
        self.provenance = Some(Provenance::new(self.areas()));
    }

    /// Called as a recorded run begins a function that is called back.
    pub fn follow_arguments(&mut self, arguments: [Option<Origin>; 5]) {
        self.provenance = Some(Provenance::for_function(self.areas(), arguments));
    }

    fn areas(&self) -> Areas {
        Areas {
            context: Origin { real: self.workspace.context() as u64, shown: SHOWN_CONTEXT },
            packet: Origin { real: (self.packet.all().as_ptr() as usize + HEADROOM - XDP_HEADROOM) as u64, shown: SHOWN_PACKET },
            stack: self.stack_origin(self.level),
            kind: self.kind,
        }
    }

    /// r10 of each level's outermost frame is shown at a round place.
    fn stack_origin(&self, level: usize) -> Origin {
        let frame_pointer = match level.checked_sub(1).and_then(|inner| self.levels.get(inner)) {
            None => self.workspace.frame_pointer(),
            Some(inner) => inner.frame_pointer(),
        };
        Origin { real: (frame_pointer + SPILL) as u64, shown: SHOWN_STACK + 0x1000 + SPILL as u64 + ((level as u64) << 16) }
    }

    /// What an address that a program hands to its callback points at.
    pub fn origin_of(&self, address: u64) -> Option<Origin> {
        let address_in = |range: std::ops::Range<usize>| usize::try_from(address).is_ok_and(|address| range.contains(&address));
        if address_in(self.workspace.range()) {
            return Some(self.stack_origin(0));
        }
        let level = self.levels.iter().position(|level| address_in(level.range()));
        level.map(|level| self.stack_origin(level + 1)).or_else(|| self.variable(address))
    }

    fn record(&mut self, slot: usize, registers: [u64; 11]) {
        // SAFETY: the running program, which outlives the run.
        let code = unsafe { &*self.code };
        let Some(&insn) = code.get(slot) else { return };
        let constant = if insn.is_wide() { code.get(slot + 1).and_then(|&high| self.variable(wide_immediate(insn, high))) } else { None };
        let shown = match &mut self.provenance {
            Some(provenance) => provenance.show(insn, registers, constant),
            None => registers,
        };
        let program = self.program as u32;
        if self.steps.programs.last() != Some(&program) {
            self.steps.programs.extend([self.steps.instruction.len() as u32, program]);
        }
        self.steps.instruction.push(slot as i32);
        self.steps.registers.extend(shown);
    }

    /// The data section that an address lies in.
    fn variable(&self, address: u64) -> Option<Origin> {
        self.maps.iter().enumerate().find_map(|(index, map)| match &map.storage {
            Storage::Array(array) if array.contains(address as usize) => Some(Origin { real: array.base as u64, shown: shown_values(index) }),
            _ => None,
        })
    }

    /// A helper answers the address of a value of this map: `bucket` tells where among them it is shown.
    pub fn note_value(&mut self, map: usize, bucket: u32, address: u64) {
        if let Some(provenance) = &mut self.provenance {
            provenance.answer = Some(Origin { real: address, shown: shown_values(map) + (u64::from(bucket) << 8) });
        }
    }
}

pub fn shown_values(map: usize) -> u64 {
    SHOWN_VALUES + ((map as u64) << 32)
}
