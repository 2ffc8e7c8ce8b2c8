//! A program prepared to run, and one run of it.

use std::cell::{Cell, OnceCell};

use super::backend::{Backend, Rbpf};
use super::compiled::Compiled;
use super::{Machine, enter};
use crate::fault::Fault;
use crate::program::instruction::Insn;
use crate::program::rewrite::{Detail, Entry, Rewritten, rewrite};
use crate::program::sites::{PAGE_BASE, POOL, SITE_BASE, STEP_CALL, Site, function};

/// A rewritten program in rbpf, and compiled once it is worth it.
pub struct Prepared {
    rbpf: Rbpf,
    /// None in it where it cannot be compiled.
    compiled: OnceCell<Option<Compiled>>,
    /// Instructions that rbpf has run of it, with whatever ran within.
    interpreted: Cell<u64>,
    detail: Detail,
    sites: Vec<Site>,
    origin: Vec<u32>,
    /// Chunks of both arenas that rbpf knows.
    chunks: Cell<[usize; 2]>,
}

impl Prepared {
    pub fn new(code: &[Insn], entry: Entry, detail: Detail, guarded: &[bool]) -> Result<Prepared, Fault> {
        let Rewritten { bytes, sites, origin } = rewrite(code, entry, detail, guarded)?;
        let pages = sites.len().div_ceil(POOL);
        let numbers = (0..sites.len().min(POOL)).map(|n| SITE_BASE + n as u32).chain((1..pages).map(|n| PAGE_BASE + n as u32)).chain([STEP_CALL]);
        let rbpf = Rbpf::load(bytes.into_boxed_slice(), numbers.filter_map(|number| Some((number, function(number)?))))?;
        Ok(Prepared { rbpf, compiled: OnceCell::new(), interpreted: Cell::new(0), detail, sites, origin, chunks: Cell::new([0; 2]) })
    }

    /// Memory that its runs may touch beside the machine's workspace, packet and maps.
    pub fn allow(&self, range: std::ops::Range<usize>) {
        self.rbpf.allow(range.start as u64..range.end as u64);
    }

    /// What the next run is made with. Steps stay with rbpf: recording them takes most of their time.
    fn backend(&self, machine: &Machine) -> &dyn Backend {
        let due = self.detail != Detail::Steps && machine.tier.as_ref().is_some_and(|tier| self.interpreted.get() >= tier.after * self.origin.len() as u64);
        if due && self.compiled.get().is_none() && let Some(compiled) = Compiled::new(&self.rbpf.bytes, &self.sites, machine) {
            self.compiled.get_or_init(|| compiled);
        }
        if due && let Some(Some(compiled)) = self.compiled.get() {
            return compiled;
        }
        // Chunks are added between runs only, so a run within a run finds them known.
        let (known, now) = (self.chunks.get(), [machine.arena.chunk_count(), machine.constants.chunk_count()]);
        if known != now {
            for range in machine.arena.ranges().skip(known[0]).chain(machine.constants.ranges().skip(known[1])) {
                self.rbpf.allow(range);
            }
            self.chunks.set(now);
        }
        &self.rbpf
    }

    /// Runs the program once on the machine as it stands; r0 at its exit. `machine` must be the one that the caller
    /// entered, if it did.
    pub fn run(&self, code: *const [Insn], machine: *mut Machine) -> Result<u64, Fault> {
        // SAFETY: the machine outlives the run; no reference is held while the program runs.
        let (backend, before) = unsafe {
            let machine = &mut *machine;
            machine.code = code;
            machine.sites = &raw const self.sites[..];
            (self.backend(machine), machine.meter.instructions)
        };
        // SAFETY: as above.
        let result = enter(machine, || unsafe { backend.execute(machine) });
        // SAFETY: as above; the program has ended.
        let machine = unsafe { &mut *machine };
        self.interpreted.set(self.interpreted.get().wrapping_add(machine.meter.instructions.wrapping_sub(before)));
        if let Some(fault) = machine.take_fault() {
            return Err(fault);
        }
        match result {
            Ok(value) => Ok(value),
            // A counting point or a tail call ends a program by an access that must fail.
            Err(_) if machine.tail_call.is_some() => Ok(0),
            Err(stop) => Err(match stop.position {
                Some(position) => Fault::at(self.origin.get(position).map_or(0, |&slot| slot as usize), stop.sentence),
                None => Fault::new(stop.sentence),
            }),
        }
    }
}
