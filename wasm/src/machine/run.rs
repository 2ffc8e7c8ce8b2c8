//! A program prepared for rbpf, and one run of it.

use std::cell::{Cell, RefCell};

use rbpf::EbpfVmMbuff;

use super::{Machine, enter};
use crate::fault::Fault;
use crate::program::instruction::Insn;
use crate::program::rewrite::{Detail, Entry, Rewritten, STRIDE, rewrite};
use crate::program::sites::{PAGE_BASE, POOL, SITE_BASE, STEP_CALL, Site, function};

/// A rewritten program in a VM of its own. Fields in this order: the VM goes before the bytes that it reads.
pub struct Prepared {
    vm: RefCell<EbpfVmMbuff<'static>>,
    _bytes: Box<[u8]>,
    sites: Vec<Site>,
    origin: Vec<u32>,
    /// Chunks of both arenas that the VM knows.
    chunks: Cell<[usize; 2]>,
}

impl Prepared {
    pub fn new(code: &[Insn], entry: Entry, detail: Detail, guarded: &[bool]) -> Result<Prepared, Fault> {
        let Rewritten { bytes, sites, origin } = rewrite(code, entry, detail, guarded)?;
        let bytes = bytes.into_boxed_slice();
        // SAFETY: the bytes live in a box beside the VM, which is dropped first.
        let program: &'static [u8] = unsafe { std::slice::from_raw_parts(bytes.as_ptr(), bytes.len()) };
        let mut vm = EbpfVmMbuff::new(None).map_err(refused)?;
        // The program has been checked, and uses r10 as only a rewritten one may.
        vm.set_verifier(|_| Ok(())).map_err(refused)?;
        vm.set_stack_usage_calculator(|_, _, _| STRIDE as u16, Box::new(())).map_err(refused)?;
        vm.set_program(program).map_err(refused)?;
        let pages = sites.len().div_ceil(POOL);
        let numbers = (0..sites.len().min(POOL)).map(|n| SITE_BASE + n as u32).chain((1..pages).map(|n| PAGE_BASE + n as u32)).chain([STEP_CALL]);
        for number in numbers {
            if let Some(helper) = function(number) {
                vm.register_helper(number, helper).map_err(refused)?;
            }
        }
        Ok(Prepared { vm: RefCell::new(vm), _bytes: bytes, sites, origin, chunks: Cell::new([0; 2]) })
    }

    /// Memory that its runs may touch beside the machine's workspace, packet and maps.
    pub fn allow(&self, range: std::ops::Range<usize>) {
        self.vm.borrow_mut().register_allowed_memory(range.start as u64..range.end as u64);
    }

    /// Runs the program once on the machine as it stands; r0 at its exit. `machine` must be the one that the caller
    /// entered, if it did.
    pub fn run(&self, code: *const [Insn], machine: *mut Machine) -> Result<u64, Fault> {
        // SAFETY: the machine outlives the run. rbpf writes through its memory, and so do helpers, which reach the
        // machine by its pointer alone while the program runs: no reference is held meanwhile.
        let (memory, context): (*const [u8], *const [u8]) = unsafe {
            let machine = &mut *machine;
            machine.code = code;
            machine.sites = &raw const self.sites[..];
            // Chunks are added between runs only, so a run within a run finds them known.
            let (known, now) = (self.chunks.get(), [machine.arena.chunk_count(), machine.constants.chunk_count()]);
            if known != now {
                let mut vm = self.vm.borrow_mut();
                for range in machine.arena.ranges().skip(known[0]).chain(machine.constants.ranges().skip(known[1])) {
                    vm.register_allowed_memory(range);
                }
                self.chunks.set(now);
            }
            (machine.packet.all(), machine.workspace.bytes())
        };
        let vm = self.vm.borrow();
        // SAFETY: both lie in boxes of the machine that no run moves.
        let result = enter(machine, || vm.execute_program(unsafe { &*memory }, unsafe { &*context }));
        // SAFETY: as above; the program has ended.
        let machine = unsafe { &mut *machine };
        if let Some(fault) = machine.fault.take() {
            return Err(fault);
        }
        match result {
            Ok(value) => Ok(value),
            // A counting point or a tail call ends a program by an access that must fail.
            Err(_) if machine.tail_call.is_some() => Ok(0),
            Err(error) => Err(self.explain(&format!("{error:?}"))),
        }
    }

    /// rbpf's words with the place in the program as it was loaded.
    fn explain(&self, words: &str) -> Fault {
        let after = |mark: &str| words.split(mark).nth(1);
        let number = after("insn #").map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>()).and_then(|digits| digits.parse::<usize>().ok());
        let slot = |position: usize| self.origin.get(position).map_or(0, |&slot| slot as usize);
        if words.contains("out of bounds memory") {
            let verb = if words.contains("memory load") { "read" } else { "write" };
            let address = after("addr ").map_or("?", |rest| rest.split(',').next().unwrap_or("?"));
            let size: String = after("size ").map_or_else(String::new, |rest| rest.chars().take_while(char::is_ascii_digit).collect());
            // rbpf names the instruction behind the one at fault.
            let at = number.map_or(0, |position| slot(position.saturating_sub(1)));
            return Fault::at(at, format!("It tries to {verb} {size} bytes at {address}, which is neither its stack, its context, its packet nor a map’s value."));
        }
        if words.contains("too many nested calls") {
            return Fault::new("Functions call one another more than 8 deep; Linux allows no more either.");
        }
        Fault::new(format!("The VM ended the program: {}", words.split('"').nth(1).unwrap_or(words)))
    }
}

fn refused(error: rbpf::lib::Error) -> Fault {
    Fault::new(format!("The VM refused the program: {error:?}"))
}
