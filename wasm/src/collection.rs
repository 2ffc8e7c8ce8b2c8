//! A loaded object: its maps exist, its programs can run.

use crate::fault::Fault;
use crate::machine::access::Access;
use crate::machine::context::{self, ContextKind, PacketContext, context_kind, sees_ethernet};
use crate::machine::helper_names::{COUNT, helper_name};
use crate::machine::memory::{CONTEXT, LONGEST_PACKET};
use crate::machine::xdp::LONGEST_XDP;
use crate::machine::program::{Loaded, run_from};
use crate::machine::{FUEL, MAP_TAG, Machine, Redirect, Steps};
use crate::map::arena::bytes_at;
use crate::map::{EINVAL, Map, MapSpec, Storage};
use crate::object::{Contents, ObjectSpec, ProgramSpec, Target};
use crate::program::check::check;
use crate::program::disassemble::{Names, disassemble};
use crate::program::guard::{Loads, guarded_stores};
use crate::program::liveness::instructions;
use crate::program::rewrite::{Detail, FUNCTION_TAG};
use crate::verify::{Constant, MapFacts, Subject, Verdict, verify};

const ETH_HLEN: usize = 14;
/// `MAX_TAIL_CALL_CNT`.
const TAIL_CALLS: u32 = 33;
const PERF_EVENT_ARRAY: u32 = 4;

pub struct LoadOptions {
    /// Whether somebody reads perf event arrays: without a reader, Linux refuses records.
    pub readers: bool,
    pub seed: u32,
    pub cpus: u32,
    pub max_entries: Vec<(String, u32)>,
    pub constants: Vec<(String, Vec<u8>)>,
}

pub struct Collection {
    machine: Machine,
    /// What the elements of outer maps are, by map.
    inner: Vec<Option<MapSpec>>,
    seed: u32,
    cpus: u32,
    fuel: u64,
}

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
    pub fn load(object: ObjectSpec, options: &LoadOptions) -> Result<Collection, Fault> {
        let mut machine = Machine::new(options.seed);
        machine.readers = options.readers;
        let ObjectSpec { programs, maps } = object;
        let mut contents = Vec::new();
        let mut inner = Vec::new();
        for mut map in maps {
            if let Some((_, size)) = options.max_entries.iter().find(|(name, _)| *name == map.spec.name) {
                map.spec.max_entries = *size;
            }
            if let Contents::Bytes(bytes) = &mut map.contents {
                set_constants(bytes, &map.variables, &options.constants)?;
            }
            // A perf event array without a size has one element a CPU.
            if map.spec.kind == PERF_EVENT_ARRAY && map.spec.max_entries == 0 {
                map.spec.max_entries = options.cpus;
            }
            let seed = map_seed(options.seed, machine.maps.len());
            let arena = if map.spec.is_read_only() { &mut machine.constants } else { &mut machine.arena };
            machine.maps.push(Map::create(map.spec, seed, options.cpus, arena).map_err(Fault::new)?);
            contents.push(map.contents);
            inner.push(map.inner);
        }
        let mut collection = Collection { machine, inner, seed: options.seed, cpus: options.cpus, fuel: FUEL };
        for spec in programs {
            let name = spec.name.clone();
            let loaded = collection.place(spec).map_err(|fault| fault.in_program(&name))?;
            collection.machine.programs.push(loaded);
        }
        for (map, contents) in contents.into_iter().enumerate() {
            collection.fill(map, contents)?;
        }
        Ok(collection)
    }

    /// Puts addresses where the object left references.
    fn place(&self, spec: ProgramSpec) -> Result<Loaded, Fault> {
        let mut code = spec.code.clone();
        for reference in &spec.references {
            let value = match reference.target {
                Target::Map(map) => MAP_TAG | map as u64,
                Target::Value { map, offset } => match &self.machine.maps[map].storage {
                    Storage::Array(array) => (array.base + offset as usize) as u64,
                    _ => return Err(Fault::at(reference.slot, "It refers into a map that is no array.")),
                },
                Target::Function(function) => FUNCTION_TAG | function as u64,
            };
            let (Some(low), high) = (code.get(reference.slot).copied(), reference.slot + 1) else { continue };
            if !low.is_wide() || high >= code.len() {
                return Err(Fault::at(reference.slot, "A relocation stands at an instruction that loads no constant; the object is broken."));
            }
            code[reference.slot].src = 0;
            code[reference.slot].imm = value as u32 as i32;
            code[high].imm = (value >> 32) as u32 as i32;
        }
        let missing = spec.references.iter().find_map(|reference| match reference.target {
            Target::Map(map) if matches!(self.machine.maps[map].storage, Storage::Unsupported) => Some((reference.slot, &self.machine.maps[map])),
            _ => None,
        });
        let mut spec = spec;
        if let Some((slot, map)) = missing {
            spec.unsupported.get_or_insert_with(|| Fault::at(slot, format!("It uses map {}; the VM can read but not create a map of type {}.", map.spec.name, map.kind.name)));
        }
        if spec.unsupported.is_none() {
            check(&code)?;
        }
        let read_only = |map: usize| self.machine.maps[map].spec.is_read_only();
        let guarded = if spec.unsupported.is_some() { Vec::new() } else {
            guarded_stores(&code, |slot| match spec.references.iter().find(|reference| reference.slot == slot).map(|reference| &reference.target) {
                Some(&Target::Value { map, .. }) if read_only(map) => Loads::ReadOnlyValue,
                Some(&Target::Map(map)) if read_only(map) || self.inner[map].as_ref().is_some_and(MapSpec::is_read_only) => Loads::ReadOnlyMap,
                _ => Loads::Other,
            })
        };
        Ok(Loaded::new(spec, code, guarded))
    }

    fn fill(&mut self, map: usize, contents: Contents) -> Result<(), Fault> {
        match contents {
            Contents::Empty => {}
            Contents::Bytes(bytes) => {
                self.machine.store(map, &0u32.to_le_bytes(), &bytes, 0);
            }
            Contents::Maps(elements) => {
                for (index, inner) in elements {
                    self.machine.store(map, &index.to_le_bytes(), &(inner as u32 + 1).to_le_bytes(), 0);
                }
            }
            Contents::Programs(elements) => {
                for (index, name) in elements {
                    let program = self.program_index(&name)?;
                    self.machine.store(map, &index.to_le_bytes(), &(program as u32 + 1).to_le_bytes(), 0);
                }
            }
        }
        Ok(())
    }

    pub fn program_index(&self, name: &str) -> Result<usize, Fault> {
        self.machine.programs.iter().position(|program| program.spec.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.machine.programs.iter().map(|program| program.spec.name.as_str()).collect();
            Fault::new(format!("The object holds no program {name}; it holds {}.", if names.is_empty() { "none".to_owned() } else { names.join(", ") }))
        })
    }

    pub fn map_index(&self, name: &str) -> Result<usize, Fault> {
        self.machine.maps.iter().position(|map| map.spec.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.machine.maps.iter().map(|map| map.spec.name.as_str()).collect();
            Fault::new(format!("The object holds no map {name}; it holds {}.", if names.is_empty() { "none".to_owned() } else { names.join(", ") }))
        })
    }

    pub fn set_fuel(&mut self, instructions: u64) {
        self.fuel = instructions;
    }

    pub fn set_counts(&mut self, counts: bool) {
        self.machine.detail = if counts { Detail::Counts } else { Detail::Nothing };
    }

    pub fn reseed(&mut self, seed: u32) {
        self.machine.random = crate::machine::random::Random::new(seed);
    }

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
        machine.instructions = 0;
        machine.fuel = self.fuel;
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
            instructions: machine.instructions,
            helper_calls: machine.helper_calls.iter().enumerate().filter(|(_, count)| **count > 0).filter_map(|(number, &count)| Some((helper_name(number as u32)?, count))).collect(),
            accesses: std::mem::take(&mut machine.accesses),
            steps: std::mem::take(&mut machine.steps),
            printed: std::mem::take(&mut machine.printed),
        })
    }

    /// Instructions as text with their C lines.
    pub fn disassembly(&self, name: &str) -> Result<Vec<Row>, Fault> {
        let program = &self.machine.programs[self.program_index(name)?];
        let maps: Vec<&str> = self.machine.maps.iter().map(|map| map.spec.name.as_str()).collect();
        Ok(rows(&program.spec, &maps))
    }

    /// Whether a program is safe to run, and where not.
    pub fn check(&self, name: &str) -> Result<Verdict, Fault> {
        let program = &self.machine.programs[self.program_index(name)?];
        if let Some(fault) = &program.spec.unsupported {
            return Err(fault.clone().in_program(name));
        }
        let facts = |spec: &MapSpec, of_maps: bool, is_inner: bool| MapFacts { key_size: spec.key_size, value_size: spec.value_size, read_only: spec.is_read_only(), of_maps, is_inner };
        let declared = self.inner.len();
        let outer = self.machine.maps.iter().take(declared);
        let inner = self.machine.maps.iter().take(declared).zip(&self.inner).filter(|(map, _)| map.kind.of_maps);
        let maps: Vec<MapFacts> = outer
            .map(|map| facts(&map.spec, map.kind.of_maps, false))
            .chain(inner.map(|(map, inner)| facts(inner.as_ref().unwrap_or(&map.spec), false, true)))
            .collect();
        let constants: Vec<(usize, Constant)> = program
            .spec
            .references
            .iter()
            .filter(|reference| program.code.get(reference.slot).is_some_and(|insn| insn.is_wide()))
            .map(|reference| {
                let constant = match reference.target {
                    Target::Map(map) => Constant::Map(map),
                    Target::Value { map, offset } => Constant::Value { map, offset },
                    Target::Function(slot) => Constant::Function(slot),
                };
                (reference.slot, constant)
            })
            .collect();
        let subject = Subject { program: &program.spec.code, constants: &constants, maps: &maps, kind: context_kind(program.spec.kind), program_type: program.spec.kind };
        Ok(verify(&subject))
    }

    pub fn lookup(&mut self, map: &str, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let index = self.map_index(map)?;
        let map = &mut self.machine.maps[index];
        check_size(map, "key", key, map.spec.key_size as usize)?;
        let touched = map.lookup(key);
        // SAFETY: a stored value has this size.
        Ok((touched.value != 0).then(|| unsafe { bytes_at(touched.value, map.user_value_size()) }.to_vec()))
    }

    pub fn update(&mut self, map: &str, key: &[u8], value: &[u8], flags: u64) -> Result<bool, Fault> {
        let index = self.map_index(map)?;
        let map = &mut self.machine.maps[index];
        check_size(map, "key", key, map.spec.key_size as usize)?;
        check_size(map, "value", value, map.user_value_size())?;
        let updated = self.machine.store(index, key, value, flags);
        let map = &self.machine.maps[index];
        let said = match updated.error {
            0 => return Ok(updated.existed),
            crate::map::E2BIG if matches!(map.storage, Storage::Array(_)) => format!("its index is not below {}", map.spec.max_entries),
            crate::map::E2BIG | crate::map::ENOSPC => format!("it is full with {} entries", map.spec.max_entries),
            EINVAL => "its key or flags do not fit, or it takes no entries from here".to_owned(),
            error => format!("error {error}"),
        };
        Err(Fault::new(format!("Map {} refuses the entry: {said}.", map.spec.name)))
    }

    /// Makes a new inner map as the outer one declares its elements, and puts it at `key`. Its name: `OUTER/INDEX`.
    pub fn create_inner(&mut self, outer: &str, key: &[u8]) -> Result<String, Fault> {
        let index = self.map_index(outer)?;
        let Some(template) = self.inner.get(index).cloned().flatten() else {
            return Err(Fault::new(format!("Map {outer} does not declare what maps its elements are.")));
        };
        let number = self.machine.maps.len();
        let name = format!("{outer}/{number}");
        let arena = if template.is_read_only() { &mut self.machine.constants } else { &mut self.machine.arena };
        let map = Map::create(MapSpec { name: name.clone(), ..template }, map_seed(self.seed, number), self.cpus, arena).map_err(Fault::new)?;
        self.machine.maps.push(map);
        self.update(outer, key, &(number as u32 + 1).to_le_bytes(), 0)?;
        Ok(name)
    }

    /// The bucket that a key belongs to; `None`: the map has no buckets.
    pub fn bucket(&self, map: &str, key: &[u8]) -> Result<Option<u32>, Fault> {
        let map = &self.machine.maps[self.map_index(map)?];
        check_size(map, "key", key, map.spec.key_size as usize)?;
        Ok(map.bucket(key))
    }

    pub fn delete(&mut self, map: &str, key: &[u8]) -> Result<bool, Fault> {
        let index = self.map_index(map)?;
        let map = &mut self.machine.maps[index];
        check_size(map, "key", key, map.spec.key_size as usize)?;
        Ok(map.delete(key).is_ok())
    }

    /// One value for every CPU of a per-CPU map; elsewhere the value itself.
    pub fn value_for_all_cpus(&self, map: &str, value: &[u8]) -> Result<Vec<u8>, Fault> {
        let map = &self.machine.maps[self.map_index(map)?];
        if !map.kind.per_cpu {
            return Ok(value.to_vec());
        }
        check_size(map, "value", value, map.spec.value_size as usize)?;
        let mut one = value.to_vec();
        one.resize(value.len().next_multiple_of(8), 0);
        Ok(one.repeat(map.cpus() as usize))
    }

    pub fn map(&self, name: &str) -> Result<&Map, Fault> {
        Ok(&self.machine.maps[self.map_index(name)?])
    }

    pub fn clear(&mut self, name: &str) -> Result<(), Fault> {
        let index = self.map_index(name)?;
        self.machine.maps[index].clear();
        Ok(())
    }

    /// Records that programs handed to user space through this map since the last call.
    pub fn take_records(&mut self, name: &str) -> Result<Vec<Vec<u8>>, Fault> {
        let index = self.map_index(name)?;
        Ok(match &mut self.machine.maps[index].storage {
            Storage::Ring(ring) => ring.take(),
            Storage::Records(records) => std::mem::take(records),
            _ => Vec::new(),
        })
    }
}

/// Each map has a seed of its own, as in Linux, and the same one for the same collection's seed.
fn map_seed(seed: u32, map: usize) -> u32 {
    seed.wrapping_mul(0x9e37_79b1).wrapping_add(map as u32)
}

pub struct Row {
    pub slot: usize,
    pub text: String,
    /// The function that begins here.
    pub function: Option<String>,
    /// File, line, the line's text.
    pub source: Option<(String, u32, String)>,
}

/// A program's instructions as text, without loading it; `maps` by index.
pub fn rows(program: &ProgramSpec, maps: &[&str]) -> Vec<Row> {
    struct Of<'a>(&'a ProgramSpec, &'a [&'a str]);
    impl Names for Of<'_> {
        fn constant(&self, slot: usize) -> Option<String> {
            let name = |map: usize| self.1.get(map).copied().unwrap_or("?");
            self.0.references.iter().find(|reference| reference.slot == slot).map(|reference| match reference.target {
                Target::Map(map) => format!("map[{}]", name(map)),
                Target::Value { map, offset } => format!("map[{}] + {offset}", name(map)),
                Target::Function(at) => self.function(at as i64).unwrap_or_else(|| at.to_string()),
            })
        }
        fn helper(&self, number: u32) -> Option<&'static str> {
            helper_name(number)
        }
        fn function(&self, slot: i64) -> Option<String> {
            self.0.functions.iter().find(|(start, _)| *start as i64 == slot).map(|(_, name)| name.clone())
        }
    }
    let names = Of(program, maps);
    let mut line = 0;
    let mut lines: Vec<_> = program.lines.iter().collect();
    lines.sort_by_key(|line| line.slot);
    instructions(&program.code)
        .map(|(slot, _)| {
            while line < lines.len() && lines[line].slot <= slot {
                line += 1;
            }
            let source = line.checked_sub(1).map(|index| (lines[index].file.clone(), lines[index].line, lines[index].source.clone()));
            Row { slot, text: disassemble(&program.code, slot, &names), function: names.function(slot as i64), source }
        })
        .collect()
}

fn check_size(map: &Map, what: &str, bytes: &[u8], wanted: usize) -> Result<(), Fault> {
    if bytes.len() == wanted {
        return Ok(());
    }
    Err(Fault::new(format!("Map {}: the {what} has {} bytes, and must have {wanted}.", map.spec.name, bytes.len())))
}

fn set_constants(bytes: &mut [u8], variables: &[(String, u32, u32)], constants: &[(String, Vec<u8>)]) -> Result<(), Fault> {
    for (name, value) in constants {
        let Some((_, offset, size)) = variables.iter().find(|(variable, ..)| variable == name) else { continue };
        if value.len() != *size as usize {
            return Err(Fault::new(format!("The variable {name} has {size} bytes; {} were given.", value.len())));
        }
        if let Some(place) = bytes.get_mut(*offset as usize..*offset as usize + value.len()) {
            place.copy_from_slice(value);
        }
    }
    Ok(())
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
            refuse_odd_packet(kind, program_type, input.data)?;
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
fn refuse_odd_packet(kind: ContextKind, program_type: &str, frame: &[u8]) -> Result<(), Fault> {
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
    if behind == 0 && !sees_ethernet(program_type) {
        return refused("Nothing follows the packet’s Ethernet header".to_owned());
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
