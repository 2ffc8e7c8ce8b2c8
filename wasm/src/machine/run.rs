//! A program prepared for a back end, and one run of it.

use std::cell::Cell;

use super::backend::{Backend, Rbpf};
use super::{Machine, enter};
use crate::fault::Fault;
use crate::program::instruction::Insn;
use crate::program::rewrite::{Detail, Entry, Rewritten, rewrite};
use crate::program::sites::{PAGE_BASE, POOL, SITE_BASE, STEP_CALL, Site, function};

/// A rewritten program in a back end of its own.
pub struct Prepared<B: Backend = Rbpf> {
    backend: B,
    sites: Vec<Site>,
    origin: Vec<u32>,
    /// Chunks of both arenas that the back end knows.
    chunks: Cell<[usize; 2]>,
}

impl<B: Backend> Prepared<B> {
    pub fn new(code: &[Insn], entry: Entry, detail: Detail, guarded: &[bool]) -> Result<Prepared<B>, Fault> {
        let Rewritten { bytes, sites, origin } = rewrite(code, entry, detail, guarded)?;
        let pages = sites.len().div_ceil(POOL);
        let numbers = (0..sites.len().min(POOL)).map(|n| SITE_BASE + n as u32).chain((1..pages).map(|n| PAGE_BASE + n as u32)).chain([STEP_CALL]);
        let backend = B::load(bytes.into_boxed_slice(), numbers.filter_map(|number| Some((number, function(number)?))))?;
        Ok(Prepared { backend, sites, origin, chunks: Cell::new([0; 2]) })
    }

    /// Memory that its runs may touch beside the machine's workspace, packet and maps.
    pub fn allow(&self, range: std::ops::Range<usize>) {
        self.backend.allow(range.start as u64..range.end as u64);
    }

    /// Runs the program once on the machine as it stands; r0 at its exit. `machine` must be the one that the caller
    /// entered, if it did.
    pub fn run(&self, code: *const [Insn], machine: *mut Machine) -> Result<u64, Fault> {
        // SAFETY: the machine outlives the run. The back end writes through its memory, and so do helpers, which reach the
        // machine by its pointer alone while the program runs: no reference is held meanwhile.
        let (memory, context): (*const [u8], *const [u8]) = unsafe {
            let machine = &mut *machine;
            machine.code = code;
            machine.sites = &raw const self.sites[..];
            // Chunks are added between runs only, so a run within a run finds them known.
            let (known, now) = (self.chunks.get(), [machine.arena.chunk_count(), machine.constants.chunk_count()]);
            if known != now {
                for range in machine.arena.ranges().skip(known[0]).chain(machine.constants.ranges().skip(known[1])) {
                    self.backend.allow(range);
                }
                self.chunks.set(now);
            }
            (machine.packet.all(), machine.workspace.bytes())
        };
        // SAFETY: both lie in boxes of the machine that no run moves.
        let result = enter(machine, || self.backend.execute(unsafe { &*memory }, unsafe { &*context }));
        // SAFETY: as above; the program has ended.
        let machine = unsafe { &mut *machine };
        if let Some(fault) = machine.fault.take() {
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
