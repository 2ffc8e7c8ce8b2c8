//! What the checker is told of a program and its maps.

use crate::fault::Fault;
use crate::machine::context::context_kind;
use crate::map::arena::bytes_at;
use crate::map::{Map, MapSpec, Storage};
use crate::object::Target;
use crate::verify::{Constant, MapFacts, Subject, Verdict, verify};
use super::Collection;

const PROG_ARRAY: u32 = 3;

fn facts(spec: &MapSpec, of_maps: bool, is_inner: bool) -> MapFacts<'_> {
    MapFacts { key_size: spec.key_size, value_size: spec.value_size, read_only: spec.is_read_only(), of_maps, of_programs: spec.kind == PROG_ARRAY, kept: &spec.kept, settled: &[], is_inner }
}

/// Constants of the object: loaders freeze them.
fn settled(map: &Map) -> &[u8] {
    match &map.storage {
        // SAFETY: the array's only value has this size.
        Storage::Array(array) if map.spec.name.starts_with(".rodata") => unsafe { bytes_at(array.base, map.spec.value_size as usize) },
        _ => &[],
    }
}

impl Collection {
    /// Whether a program is safe to run, and where not.
    pub fn check(&self, name: &str) -> Result<Verdict, Fault> {
        let program = &self.machine.programs[self.program_index(name)?];
        if let Some(fault) = &program.spec.unsupported {
            return Err(fault.clone().in_program(name));
        }
        let declared = self.inner.len();
        let outer = self.machine.maps.iter().take(declared);
        let inner = self.machine.maps.iter().take(declared).zip(&self.inner).filter(|(map, _)| map.kind.of_maps);
        let maps: Vec<MapFacts> = outer
            .map(|map| MapFacts { settled: settled(map), ..facts(&map.spec, map.kind.of_maps, false) })
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
}
