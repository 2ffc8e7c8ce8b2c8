//! How many instructions a run may take.

use super::Machine;
use crate::fault::Fault;

/// A run ends with an error after this many instructions, unless told otherwise.
pub const FUEL: u64 = 10_000_000;

/// Counted on the way; compiled programs count here themselves (`compiled.rs`).
#[repr(C)]
pub struct Meter {
    pub instructions: u64,
    /// The fuel; once the run has failed, less than any sum.
    limit: i64,
}

impl Meter {
    pub const fn new() -> Meter {
        Meter { instructions: 0, limit: FUEL as i64 }
    }
}

impl Machine {
    /// More than can ever run stands for no limit: the sum, which it is compared with, has a sign.
    pub fn set_fuel(&mut self, instructions: u64) {
        self.fuel = i64::try_from(instructions).unwrap_or(i64::MAX);
        self.meter.limit = self.fuel;
    }

    /// The first fault counts; the program ends at its next counting point, and does nothing more until then.
    pub fn fail(&mut self, fault: Fault) {
        self.meter.limit = i64::MIN;
        self.fault.get_or_insert(fault);
    }

    /// What the run failed of, if it did; a run around it has not failed yet.
    pub fn take_fault(&mut self) -> Option<Fault> {
        self.meter.limit = self.fuel;
        self.fault.take()
    }

    /// What is wrong where `more` instructions will run in any case. Between two counts the sum may be below what ran,
    /// and even below 0, never above.
    pub fn check_fuel(&self, more: i64, slot: usize) -> Result<(), Fault> {
        if (self.meter.instructions as i64).saturating_add(more) <= self.fuel {
            return Ok(());
        }
        Err(Fault::at(slot, format!("The program had not ended after {} instructions: it was stopped. Does it loop for ever?", self.fuel)))
    }

    /// Whether the run may go on; where not, it has failed.
    pub fn may_go_on(&mut self, more: i64, slot: usize) -> bool {
        if let Err(fault) = self.check_fuel(more, slot) {
            self.fail(fault);
        }
        self.fault.is_none()
    }
}
