//! Puts a rewritten program together and resolves its jumps.

use super::instruction::*;
use super::rewrite::{RBPF_REACH, Rewritten};
use super::sites::{PAGE_BASE, PAGES, POOL, SITE_BASE, Site};
use crate::fault::Fault;

enum Fixup {
    Jump { position: usize, target: usize },
    Call { position: usize, target: usize },
}

pub struct Assembler {
    slots: Vec<Insn>,
    origin: Vec<u32>,
    /// Position of each original slot, and of the labels made beside them.
    labels: Vec<usize>,
    fixups: Vec<Fixup>,
    sites: Vec<Site>,
    current: u32,
}

impl Assembler {
    pub fn new(original_slots: usize) -> Assembler {
        Assembler {
            slots: Vec::with_capacity(original_slots * 2),
            origin: Vec::with_capacity(original_slots * 2),
            labels: vec![0; original_slots],
            fixups: Vec::new(),
            sites: Vec::new(),
            current: 0,
        }
    }

    /// What follows stands for the instruction at this slot; with `lands`, jumps to it land here.
    pub fn begin(&mut self, at: usize, lands: bool) {
        if lands {
            self.labels[at] = self.slots.len();
        }
        self.current = at as u32;
    }

    /// A label beside those of the original slots, still to be placed.
    pub fn label(&mut self) -> usize {
        self.labels.push(0);
        self.last_label()
    }

    pub fn last_label(&self) -> usize {
        self.labels.len() - 1
    }

    /// Puts a label here; what follows stands for the instruction at slot `at`.
    pub fn place(&mut self, label: usize, at: usize) {
        self.labels[label] = self.slots.len();
        self.current = at as u32;
    }

    pub fn emit(&mut self, insn: Insn) {
        self.slots.push(insn);
        self.origin.push(self.current);
    }

    pub fn load_constant(&mut self, register: u8, value: u64) {
        self.emit(Insn::new(LDDW, register, 0, 0, value as u32 as i32));
        self.emit(Insn::new(0, 0, 0, 0, (value >> 32) as i32));
    }

    /// A jump, conditional or not, to an original slot or a label.
    pub fn jump(&mut self, insn: Insn, target: usize) {
        self.fixups.push(Fixup::Jump { position: self.slots.len(), target });
        self.emit(insn);
    }

    /// A call to the local function at an original slot.
    pub fn call_local(&mut self, target: usize) {
        self.fixups.push(Fixup::Call { position: self.slots.len(), target });
        self.emit(Insn::new(CALL, 0, PSEUDO_CALL, 0, 0));
    }

    /// A call into the VM. r0 must be free: it holds the answer afterwards.
    pub fn site(&mut self, site: Site) -> Result<(), Fault> {
        let number = self.sites.len();
        if number >= POOL * PAGES {
            return Err(Fault::at(
                site.instruction as usize,
                format!("The program needs more than {} calls and counting points.", POOL * PAGES),
            ));
        }
        if number >= POOL {
            self.emit(Insn::new(CALL, 0, 0, 0, PAGE_BASE as i32 + (number / POOL) as i32));
        }
        self.emit(Insn::new(CALL, 0, 0, 0, SITE_BASE as i32 + (number % POOL) as i32));
        self.sites.push(site);
        Ok(())
    }

    pub fn finish(mut self) -> Result<Rewritten, Fault> {
        if self.slots.len() > RBPF_REACH {
            return Err(Fault::new(format!(
                "The program is too large for the VM: {} instructions after preparation, of which it can reach {RBPF_REACH}.",
                self.slots.len()
            )));
        }
        for fixup in &self.fixups {
            match *fixup {
                Fixup::Jump { position, target } => {
                    self.slots[position].off = (self.labels[target] as i64 - position as i64 - 1) as i16;
                }
                Fixup::Call { position, target } => {
                    self.slots[position].imm = (self.labels[target] as i64 - position as i64 - 1) as i32;
                }
            }
        }
        let bytes = self.slots.iter().flat_map(|insn| insn.bytes()).collect();
        Ok(Rewritten { bytes, sites: self.sites, origin: self.origin })
    }
}
