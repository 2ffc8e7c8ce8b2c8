//! A loaded object: its maps exist, its programs can run.

mod entries;
mod listing;
mod run;
mod safety;

use crate::fault::Fault;
use crate::machine::compiled::Tier;
use crate::machine::program::Loaded;
use crate::machine::fuel::FUEL;
use crate::machine::{MAP_TAG, Machine};
use crate::map::{Map, MapSpec, Storage};
use crate::object::{Contents, ObjectSpec, ProgramSpec, Target};
use crate::program::check::check;
use crate::program::guard::{Loads, guarded_stores};
use crate::program::rewrite::{Detail, FUNCTION_TAG};

pub use run::{Input, Output};

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

    pub fn set_tier(&mut self, tier: Option<Tier>) {
        self.machine.tier = tier;
    }

    pub fn reseed(&mut self, seed: u32) {
        self.machine.random = crate::machine::random::Random::new(seed);
    }

    pub fn map(&self, name: &str) -> Result<&Map, Fault> {
        Ok(&self.machine.maps[self.map_index(name)?])
    }

}

/// Each map has a seed of its own, as in Linux, and the same one for the same collection's seed.
fn map_seed(seed: u32, map: usize) -> u32 {
    seed.wrapping_mul(0x9e37_79b1).wrapping_add(map as u32)
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
