//! A program’s instructions as text with their C lines.

use crate::fault::Fault;
use crate::machine::helper_names::helper_name;
use crate::object::{ProgramSpec, Target};
use crate::program::disassemble::{Names, disassemble};
use crate::program::liveness::instructions;
use super::Collection;

impl Collection {
    /// Instructions as text with their C lines.
    pub fn disassembly(&self, name: &str) -> Result<Vec<Row>, Fault> {
        let program = &self.machine.programs[self.program_index(name)?];
        let maps: Vec<&str> = self.machine.maps.iter().map(|map| map.spec.name.as_str()).collect();
        Ok(rows(&program.spec, &maps))
    }
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
