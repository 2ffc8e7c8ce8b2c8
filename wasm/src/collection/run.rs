//! One run of a program: what it is given, and what comes of it.

use crate::fault::Fault;
use crate::machine::access::Access;
use crate::machine::context::{self, ContextKind, PacketContext, context_kind};
use crate::machine::helper_names::{COUNT, helper_name};
use crate::machine::memory::{CONTEXT, LONGEST_PACKET};
use crate::machine::xdp::LONGEST_XDP;
use crate::machine::program::run_from;
use crate::machine::steps::Steps;
use crate::machine::{Machine, Redirect};
use crate::map::{Map, Storage};
use super::Collection;

const ETH_HLEN: usize = 14;
/// `MAX_TAIL_CALL_CNT`.
const TAIL_CALLS: u32 = 33;

pub struct Input<'a> {
    /// An Ethernet frame; for other programs than packets', their context's bytes.
    pub data: &'a [u8],
    pub packet: PacketContext,
    pub now_ns: u64,
    pub steps: bool,
}

pub struct Output {
    pub value: u64,
    /// The frame, or the context's bytes, as they are now.
    pub data: Vec<u8>,
    pub mark: u32,
    pub redirect: Option<Redirect>,
    pub instructions: u64,
    pub helper_calls: Vec<(&'static str, u32)>,
    pub accesses: Vec<Access>,
    pub steps: Steps,
    pub printed: Vec<String>,
}

impl Collection {
    pub fn run(&mut self, name: &str, input: &Input) -> Result<Output, Fault> {
        let first = self.program_index(name)?;
        let kind = context_kind(self.machine.programs[first].spec.kind);
        let program_type = self.machine.programs[first].spec.kind;
        let section = &self.machine.programs[first].spec.section;
        if program_type == "xdp" && (section.ends_with("/devmap") || section.ends_with("/cpumap")) {
            return Err(Fault::new("It runs for elements of a map only; a test run refuses it as Linux’s does (EINVAL).").in_program(name));
        }
        let machine = &mut self.machine;
        machine.sees(program_type);
        machine.meter.instructions = 0;
        machine.set_fuel(self.fuel);
        machine.fault = None;
        machine.tail_call = None;
        machine.tail_calls_left = TAIL_CALLS;
        machine.helper_calls = [0; COUNT];
        machine.accesses = Vec::new();
        machine.steps = Steps::default();
        machine.redirect = None;
        machine.printed = Vec::new();
        machine.now_ns = input.now_ns;
        machine.workspace.clear();
        machine.level = 0;
        machine.records_steps = input.steps;
        set_data(machine, program_type, input)?;
        let headroom = machine.maps.iter().map(Map::headroom).sum();
        machine.arena.fix(headroom);
        for map in &mut machine.maps {
            if let Storage::Local(local) = &mut map.storage {
                local.clear();
            }
        }
        let result = run_from(&raw mut self.machine, first);
        self.machine.arena.release();
        self.machine.provenance = None;
        let value = result?;
        let machine = &mut self.machine;
        let mark = if kind == ContextKind::SkBuff { context::read(machine.workspace.context_bytes(), context::MARK) } else { 0 };
        Ok(Output {
            value,
            data: data_of(machine, kind, input.data.len()),
            mark,
            redirect: machine.redirect.take(),
            instructions: machine.meter.instructions,
            helper_calls: machine.helper_calls.iter().enumerate().filter(|(_, count)| **count > 0).filter_map(|(number, &count)| Some((helper_name(number as u32)?, count))).collect(),
            accesses: std::mem::take(&mut machine.accesses),
            steps: std::mem::take(&mut machine.steps),
            printed: std::mem::take(&mut machine.printed),
        })
    }
}

/// Puts packet and context in place as BPF_PROG_TEST_RUN does.
fn set_data(machine: &mut Machine, program_type: &str, input: &Input) -> Result<(), Fault> {
    let kind = context_kind(program_type);
    match kind {
        ContextKind::SkBuff | ContextKind::Xdp => {
            if input.data.len() < ETH_HLEN {
                return Err(Fault::new(format!("A packet of {} bytes is too short: an Ethernet header alone has {ETH_HLEN}.", input.data.len())));
            }
            if input.data.len() > LONGEST_PACKET {
                return Err(Fault::new(format!("A packet of {} bytes is too long: {LONGEST_PACKET} is the limit.", input.data.len())));
            }
            refuse_odd_packet(kind, input.data)?;
            machine.packet.set(input.data);
            machine.set_headers(kind);
            if kind == ContextKind::SkBuff {
                context::set_socket(&mut machine.workspace, input.data);
            }
            context::fill(&mut machine.workspace, kind, input.data, &machine.packet, input.packet);
        }
        ContextKind::SockAddr | ContextKind::Memory => {
            if input.data.len() > CONTEXT {
                return Err(Fault::new(format!("A context of {} bytes is too long: {CONTEXT} is the limit.", input.data.len())));
            }
            machine.packet.set(&[]);
            machine.workspace.context_bytes()[..input.data.len()].copy_from_slice(input.data);
        }
    }
    Ok(())
}

/// What Linux's test run answers with EINVAL.
fn refuse_odd_packet(kind: ContextKind, frame: &[u8]) -> Result<(), Fault> {
    let refused = |what: String| Err(Fault::new(format!("{what}, and a test run refuses it as Linux’s does (EINVAL).")));
    if kind == ContextKind::Xdp {
        if frame.len() > LONGEST_XDP {
            return refused(format!("A packet of {} bytes does not fit in one page, which leaves {LONGEST_XDP}", frame.len()));
        }
        return Ok(());
    }
    let behind = frame.len() - ETH_HLEN;
    let (header, name) = match context::encapsulated_protocol(&frame[12..]) {
        context::ETH_P_IP => (20, "IPv4"),
        context::ETH_P_IPV6 => (40, "IPv6"),
        _ => (0, ""),
    };
    if behind < header {
        return refused(format!("The packet ends {behind} bytes behind its Ethernet header, within its {name} header"));
    }
    Ok(())
}

/// The frame as it is now; a header that the program did not see comes back as zeros, as test runs give it.
fn data_of(machine: &mut Machine, kind: ContextKind, context_len: usize) -> Vec<u8> {
    match kind {
        ContextKind::SkBuff if !machine.ethernet => {
            let mut frame = vec![0; ETH_HLEN];
            frame.extend_from_slice(machine.packet.data());
            frame
        }
        // Metadata stands before the packet.
        ContextKind::SkBuff | ContextKind::Xdp => machine.packet.all()[machine.packet.start - machine.packet.meta..machine.packet.start + machine.packet.len].to_vec(),
        ContextKind::SockAddr | ContextKind::Memory => machine.workspace.context_bytes()[..context_len].to_vec(),
    }
}
