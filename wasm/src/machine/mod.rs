//! What a running program calls into: counts, helpers, and the state they work on.

pub mod access;
pub mod arithmetic;
pub mod backend;
pub mod callbacks;
pub mod checksum;
pub mod compiled;
pub mod context;
pub mod dynptr;
pub mod fuel;
pub mod helper;
pub mod helper_names;
pub mod helpers;
pub mod map_helpers;
pub mod memory;
pub mod packet_helpers;
pub mod program;
pub mod provenance;
pub mod random;
pub mod record_helpers;
pub mod room;
pub mod run;
pub mod skb;
pub mod steps;
pub mod text;
pub mod tunnel;
pub mod vlan;
pub mod xdp;

use std::cell::Cell;

use crate::fault::Fault;
use crate::map::Map;
use crate::map::arena::Arena;
use crate::program::instruction::Insn;
use crate::program::rewrite::Detail;
use crate::program::sites::{POOL, Site, SiteAction};
use access::Access;
use backend::Stop;
use compiled::Tier;
use context::ContextKind;
use fuel::{FUEL, Meter};
use memory::{Level, PacketBuffer, Workspace};
use program::Loaded;
use provenance::Provenance;
use random::Random;
use skb::Skb;
use steps::Steps;

/// What `LDDW` loads for a map: no address that could be read, with the map's index in the lower half.
pub const MAP_TAG: u64 = 0xffff_c900_0000_0000;


/// A redirect that a helper asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redirect {
    pub ifindex: u32,
    /// `redirect`, `redirect_peer`, `redirect_neigh`, `redirect_map`.
    pub by: &'static str,
}

/// State of one collection's runs.
pub struct Machine {
    pub workspace: Workspace,
    pub packet: PacketBuffer,
    pub skb: Skb,
    pub maps: Vec<Map>,
    pub programs: Vec<Loaded>,
    /// Index of the running program.
    pub program: usize,
    /// Memory of runs within the run, and how many are under way.
    pub levels: Vec<Level>,
    pub level: usize,
    /// Whether somebody reads perf event arrays.
    pub readers: bool,
    /// Whether this run records its steps.
    pub records_steps: bool,
    /// What runs tell that record no steps.
    pub detail: Detail,
    /// Values that programs may write.
    pub arena: Arena,
    /// Values of maps that are read-only for programs (BPF_F_RDONLY_PROG).
    pub constants: Arena,
    pub random: Random,
    pub now_ns: u64,
    /// What a program of this run sees.
    pub kind: ContextKind,
    /// Whether its packet begins at the Ethernet header.
    pub ethernet: bool,
    pub sites: *const [Site],
    page: usize,
    pub meter: Meter,
    pub fuel: i64,
    /// When programs are compiled, if ever.
    pub tier: Option<Tier>,
    /// What ended a compiled program.
    pub stop: Option<Stop>,
    pub fault: Option<Fault>,
    /// Index of the program that a tail call goes on with.
    pub tail_call: Option<usize>,
    pub tail_calls_left: u32,
    pub helper_calls: [u32; helper_names::COUNT],
    pub accesses: Vec<Access>,
    pub steps: Steps,
    /// While steps are recorded: what the registers point at.
    pub provenance: Option<Provenance>,
    /// The running program as it was loaded.
    pub code: *const [Insn],
    pub redirect: Option<Redirect>,
    /// What trace_printk printed.
    pub printed: Vec<String>,
}

thread_local! {
    static CURRENT: Cell<*mut Machine> = const { Cell::new(std::ptr::null_mut()) };
}

/// While `body` runs, sites reach this machine.
pub fn enter<T>(machine: *mut Machine, body: impl FnOnce() -> T) -> T {
    let outer = CURRENT.replace(machine);
    let result = body();
    CURRENT.set(outer);
    result
}

fn current<'a>() -> &'a mut Machine {
    // SAFETY: rbpf calls sites only within `enter`, whose caller holds no reference of its own meanwhile.
    unsafe { &mut *CURRENT.get() }
}

/// A call of site `n` of the present page. Not within its callers, of which there are hundreds.
#[inline(never)]
pub fn arrive(n: usize, r1: u64, r2: u64, r3: u64, r4: u64, r5: u64) -> u64 {
    let machine = current();
    let number = machine.page * POOL + n;
    machine.page = 0;
    reach(number, r1, r2, r3, r4, r5)
}

/// A call of a site by its number: compiled programs call this.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn reach(number: usize, r1: u64, r2: u64, r3: u64, r4: u64, r5: u64) -> u64 {
    let args = [r1, r2, r3, r4, r5];
    let machine = current();
    // SAFETY: the running program's sites, which outlive the run.
    let sites = unsafe { &*machine.sites };
    let Some(site) = sites.get(number) else { return 0 };
    machine.meter.instructions = machine.meter.instructions.wrapping_add(site.counted as u64);
    match site.action {
        SiteAction::Count => machine.count(1, site.instruction),
        SiteAction::Exit => machine.count(0, site.instruction),
        SiteAction::Helper(helper) => machine.call(helper, args, site.instruction),
        SiteAction::Callback(helper) => callbacks::callback(CURRENT.get(), helper, args, site.instruction as usize),
        SiteAction::TailCall { nested: false } => machine.tail_call_into(args[1], args[2] as u32, site.instruction as usize),
        SiteAction::TailCall { nested: true } => callbacks::nested_tail_call(CURRENT.get(), args, site.instruction),
        SiteAction::HelperByRegister => {
            let helper = machine.scratch();
            machine.call(u32::try_from(helper).unwrap_or(u32::MAX), args, site.instruction)
        }
        SiteAction::Store { size } => machine.may_store(args[0], usize::from(size), site.instruction),
        SiteAction::Arithmetic(operation) => arithmetic::compute(operation, args[0], args[1]),
        SiteAction::PacketLoad { size } => machine.packet_load(args[0], size, site.instruction),
    }
}

pub fn turn_page(page: usize) {
    current().page = page;
}

impl Machine {
    pub fn new(seed: u32) -> Machine {
        Machine {
            workspace: Workspace::new(),
            packet: PacketBuffer::new(),
            skb: Skb::default(),
            maps: Vec::new(),
            programs: Vec::new(),
            program: 0,
            levels: Vec::new(),
            level: 0,
            readers: true,
            records_steps: false,
            detail: Detail::Counts,
            arena: Arena::default(),
            constants: Arena::default(),
            random: Random::new(seed),
            now_ns: 0,
            kind: ContextKind::Memory,
            ethernet: false,
            sites: &[],
            page: 0,
            meter: Meter::new(),
            fuel: FUEL as i64,
            tier: None,
            stop: None,
            fault: None,
            tail_call: None,
            tail_calls_left: 0,
            helper_calls: [0; helper_names::COUNT],
            accesses: Vec::new(),
            steps: Steps::default(),
            provenance: None,
            code: &[],
            redirect: None,
            printed: Vec::new(),
        }
    }

    /// Answers a readable address, or 0 where the program must end; `more` as in [`Machine::may_go_on`].
    fn count(&mut self, more: i64, instruction: u32) -> u64 {
        if self.may_go_on(more, instruction as usize) { self.workspace.scratch() as u64 } else { 0 }
    }

    fn scratch(&self) -> u64 {
        self.readable(self.workspace.scratch() as u64, 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
    }

    fn contains(&self, address: u64, size: usize) -> Option<usize> {
        let address = usize::try_from(address).ok()?;
        let within = |start: usize, end: usize| address >= start && address <= end && end - address >= size;
        let workspace = self.workspace.range();
        let packet = self.packet.all().as_ptr() as usize;
        let ok = within(workspace.start, workspace.end) || within(packet, packet + self.packet.all().len()) || self.arena.contains(address, size) || self.constants.contains(address, size) || self.levels.iter().map(Level::range).any(|range| within(range.start, range.end));
        ok.then_some(address)
    }

    /// Memory that a program handed to a helper.
    pub fn readable(&self, address: u64, size: usize) -> Option<&[u8]> {
        let address = self.contains(address, size)?;
        // SAFETY: within memory that this machine owns.
        Some(unsafe { std::slice::from_raw_parts(address as *const u8, size) })
    }

    pub fn writable(&mut self, address: u64, size: usize) -> Option<&mut [u8]> {
        let address = self.contains(address, size).filter(|&address| !self.constants.contains(address, size))?;
        // SAFETY: within memory that this machine owns.
        Some(unsafe { std::slice::from_raw_parts_mut(address as *mut u8, size) })
    }

    /// A store that `guard.rs` could not rule out: a readable address, or 0 where the program must end.
    fn may_store(&mut self, address: u64, size: usize, instruction: u32) -> u64 {
        if usize::try_from(address).is_ok_and(|address| self.constants.contains(address, 1) || self.constants.contains(address + size - 1, 1)) {
            self.fail(Fault::at(instruction as usize, format!("It tries to write {size} bytes at {address:#x}, which is read-only data.")));
            return 0;
        }
        self.workspace.scratch() as u64
    }

    /// The map that a program's pointer stands for.
    pub fn map_index(&self, pointer: u64) -> Option<usize> {
        let index = (pointer ^ MAP_TAG) as usize;
        (pointer & !0xffff_ffff == MAP_TAG && index < self.maps.len()).then_some(index)
    }

    /// `LD_ABS`, `LD_IND`: the value in host order at a readable address, 0 beyond the packet.
    fn packet_load(&mut self, offset: u64, size: u8, instruction: u32) -> u64 {
        /// Offsets from here up count from the network header, and from the other from the MAC header (linux/filter.h).
        const NETWORK: i64 = -0x10_0000;
        const LINK: i64 = -0x20_0000;
        let size = usize::from(size);
        let offset = i64::from(offset as u32 as i32);
        let start = match offset {
            0.. => self.packet.start as i64 + offset,
            NETWORK.. => self.skb.network as i64 + offset - NETWORK,
            LINK.. => self.skb.mac as i64 + offset - LINK,
            _ => -1,
        };
        let data = &self.packet.all()[..self.packet.start + self.packet.len];
        let value = usize::try_from(start).ok().and_then(|start| data.get(start..start.checked_add(size)?)).map(|bytes| bytes.iter().fold(0u64, |value, &byte| value << 8 | u64::from(byte)));
        let scratch = self.workspace.scratch() as u64 + 8;
        match (value, self.writable(scratch, 8)) {
            (Some(value), Some(place)) => {
                place.copy_from_slice(&value.to_le_bytes());
                scratch
            }
            _ => {
                // It may be the program's last instruction.
                self.may_go_on(0, instruction as usize);
                0
            }
        }
    }
}
