//! The programs of a collection, and how a run goes from one to another: tail calls, and runs within runs.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Machine;
use super::memory::Level;
use super::provenance::Origin;
use super::run::Prepared;
use crate::fault::Fault;
use crate::object::ProgramSpec;
use crate::program::instruction::Insn;
use crate::program::rewrite::{Detail, Entry, Start};

/// Runs within runs; Linux allows as many frames in all.
const MOST_LEVELS: usize = 8;

/// What a prepared program differs in: the function it begins with (none: its first instruction), the level that it
/// runs at, and what it tells.
type Variant = (Option<usize>, usize, Detail);

pub struct Loaded {
    pub spec: ProgramSpec,
    /// With maps and variables in place.
    pub code: Vec<Insn>,
    /// Stores that may reach read-only data, by slot; empty where there are none.
    guarded: Vec<bool>,
    prepared: BTreeMap<Variant, Rc<Prepared>>,
}

impl Loaded {
    pub fn new(spec: ProgramSpec, code: Vec<Insn>, guarded: Vec<bool>) -> Loaded {
        Loaded { spec, code, guarded, prepared: BTreeMap::new() }
    }
}

impl Machine {
    fn prepared(&mut self, index: usize, function: Option<usize>) -> Result<(Rc<Prepared>, *const [Insn]), Fault> {
        let level = self.level;
        let detail = if self.records_steps { Detail::Steps } else { self.detail };
        let frame_pointer = match level.checked_sub(1).and_then(|inner| self.levels.get(inner)) {
            None => self.workspace.frame_pointer(),
            Some(inner) => inner.frame_pointer(),
        };
        let start = match (function, level.checked_sub(1).and_then(|inner| self.levels.get(inner))) {
            (Some(slot), Some(inner)) => Start::Function { slot, arguments: inner.arguments() as u64 },
            _ => Start::Program { r1: self.workspace.context() as u64, r2: 0 },
        };
        let entry = Entry { frame_pointer: frame_pointer as u64, start, scratch: self.workspace.scratch() as u64 };
        let program = self.programs.get_mut(index).ok_or_else(|| Fault::new(format!("A tail call goes to program {index}, which is not there.")))?;
        if let Some(fault) = &program.spec.unsupported {
            return Err(fault.clone().in_program(&program.spec.name));
        }
        let code = &raw const program.code[..];
        let variant = (function, level, detail);
        if let Some(prepared) = program.prepared.get(&variant) {
            return Ok((prepared.clone(), code));
        }
        let prepared = Rc::new(Prepared::new(&program.code, entry, detail, &program.guarded).map_err(|fault| fault.in_program(&program.spec.name))?);
        for inner in &self.levels[..level] {
            prepared.allow(inner.range());
        }
        program.prepared.insert(variant, prepared.clone());
        Ok((prepared, code))
    }
}

/// A program, and whatever its tail calls go on with.
pub fn run_from(machine: *mut Machine, first: usize) -> Result<u64, Fault> {
    let mut index = first;
    loop {
        let value = run_once(machine, index, None)?;
        // SAFETY: the run has ended; nothing else holds the machine.
        match unsafe { (*machine).tail_call.take() } {
            Some(next) => index = next,
            None => return Ok(value),
        }
    }
}

fn run_once(machine: *mut Machine, index: usize, function: Option<usize>) -> Result<u64, Fault> {
    // SAFETY: no other reference to the machine is held, here or while the program runs.
    let (prepared, code) = unsafe {
        let machine = &mut *machine;
        machine.program = index;
        let prepared = machine.prepared(index, function)?;
        if machine.records_steps && function.is_none() {
            machine.follow_addresses();
        }
        prepared
    };
    prepared.run(code, machine).map_err(|fault| {
        // SAFETY: the run has ended.
        let machine = unsafe { &*machine };
        let name = machine.programs.get(index).map_or("", |program| program.spec.name.as_str());
        fault.in_program(name)
    })
}

/// A run within a run: `body` runs one level further in, and everything of the outer run is as before afterwards.
pub fn within<T>(machine: *mut Machine, body: impl FnOnce(*mut Machine) -> Result<T, Fault>) -> Result<T, Fault> {
    // SAFETY: called from a site, which holds no reference to the machine; none is held while `body` runs.
    let saved = unsafe {
        let machine = &mut *machine;
        if machine.level >= MOST_LEVELS {
            return Err(Fault::new("Callbacks and tail calls from functions nest more than 8 deep; Linux allows no more either."));
        }
        machine.level += 1;
        if machine.levels.len() < machine.level {
            machine.levels.push(Level::new());
        }
        (machine.code, machine.sites, machine.program, machine.provenance.take())
    };
    let result = body(machine);
    // SAFETY: as above.
    let machine = unsafe { &mut *machine };
    machine.level -= 1;
    (machine.code, machine.sites, machine.program, machine.provenance) = saved;
    result
}

/// Calls the function at `slot` of the running program; within [`within`].
pub fn call_function(machine: *mut Machine, slot: usize, arguments: [u64; 5], origins: [Option<Origin>; 5]) -> Result<u64, Fault> {
    // SAFETY: as in `within`.
    let index = unsafe {
        let machine = &mut *machine;
        let level = machine.level;
        if let Some(inner) = level.checked_sub(1).and_then(|inner| machine.levels.get_mut(inner)) {
            inner.set_arguments(arguments);
        }
        if machine.records_steps {
            machine.follow_arguments(origins);
        }
        machine.program
    };
    run_once(machine, index, Some(slot))
}
