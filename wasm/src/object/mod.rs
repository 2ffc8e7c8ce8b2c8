//! A BPF object's spec: its programs, linked, and its maps, read without creating anything.

pub mod btf;
pub mod btf_ext;
pub mod elf;
pub mod link;
pub mod map_definition;

use crate::fault::Fault;
use crate::map::MapSpec;
use crate::program::instruction::Insn;
use btf::Btf;
use btf_ext::BtfExt;
use elf::{Elf, Section, SectionKind};
use map_definition::MapDefinition;

const MAP_ARRAY: u32 = 2;
const BPF_F_RDONLY_PROG: u32 = 1 << 7;

/// A program with its subprograms linked behind it.
pub struct ProgramSpec {
    pub name: String,
    pub section: String,
    /// As bpftool prints it.
    pub kind: &'static str,
    pub license: String,
    pub code: Vec<Insn>,
    pub references: Vec<Reference>,
    /// Where each function begins.
    pub functions: Vec<(usize, String)>,
    pub lines: Vec<SourceLine>,
    /// Why it can be read but not run.
    pub unsupported: Option<Fault>,
}

pub struct SourceLine {
    pub slot: usize,
    pub file: String,
    pub line: u32,
    pub source: String,
}

/// A constant load that stands for something of the object.
pub struct Reference {
    pub slot: usize,
    pub target: Target,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Target {
    /// Index into the spec's maps.
    Map(usize),
    /// A byte of a data section's only value.
    Value { map: usize, offset: u32 },
    /// A function of this program, by its slot.
    Function(usize),
}

/// A map and what the object puts into it.
pub struct ObjectMap {
    pub spec: MapSpec,
    pub inner: Option<MapSpec>,
    pub contents: Contents,
    /// Variables of a data section: name, offset, size.
    pub variables: Vec<(String, u32, u32)>,
}

pub enum Contents {
    Empty,
    /// A data section's bytes.
    Bytes(Vec<u8>),
    /// Elements by index: other maps, or programs by name.
    Maps(Vec<(u32, usize)>),
    Programs(Vec<(u32, String)>),
}

pub struct ObjectSpec {
    pub programs: Vec<ProgramSpec>,
    pub maps: Vec<ObjectMap>,
}

/// What a section index is as a map: all of a data section, or the maps declared in it by offset.
pub struct MapTable {
    pub maps: Vec<ObjectMap>,
    /// `(section, offset)` of each declared map's symbol; for a data section the offset is none.
    pub places: Vec<(usize, Option<u64>)>,
}

impl MapTable {
    pub fn declared(&self, section: usize, offset: u64) -> Option<usize> {
        self.places.iter().position(|&place| place == (section, Some(offset)))
    }

    pub fn data_section(&self, section: usize) -> Option<usize> {
        self.places.iter().position(|&place| place == (section, None))
    }
}

pub fn read(bytes: &[u8]) -> Result<ObjectSpec, Fault> {
    let elf = elf::parse(bytes)?;
    let of_kind = |kind: SectionKind| elf.sections.iter().find(move |section| section.kind == kind);
    let btf = of_kind(SectionKind::Btf).filter(|section| !section.data.is_empty()).map(|section| Btf::parse(&section.data)).transpose()?;
    let ext = match (&btf, of_kind(SectionKind::BtfExt)) {
        (Some(btf), Some(section)) => Some(BtfExt::parse(&section.data, btf)),
        _ => None,
    };
    let license = of_kind(SectionKind::License).map_or_else(String::new, |section| {
        String::from_utf8_lossy(&section.data).trim_end_matches('\0').to_owned()
    });
    let mut table = MapTable { maps: Vec::new(), places: Vec::new() };
    declared_maps(&elf, btf.as_ref(), &mut table)?;
    data_maps(&elf, &mut table);
    initial_elements(&elf, btf.as_ref(), &mut table)?;
    let programs = link::programs(&elf, &table, ext.as_ref(), &license)?;
    Ok(ObjectSpec { programs, maps: table.maps })
}

fn declared_maps(elf: &Elf, btf: Option<&Btf>, table: &mut MapTable) -> Result<(), Fault> {
    for (index, section) in elf.sections.iter().enumerate() {
        if !matches!(section.kind, SectionKind::BtfMaps | SectionKind::LegacyMaps) {
            continue;
        }
        let mut symbols: Vec<_> = elf.symbols.iter().filter(|symbol| symbol.section == Some(index) && symbol.kind != object::elf::STT_SECTION && !symbol.name.is_empty()).collect();
        symbols.sort_by_key(|symbol| symbol.offset);
        symbols.dedup_by_key(|symbol| symbol.offset);
        if symbols.is_empty() {
            return Err(Fault::new(format!("Section {} declares maps but has no symbols to name them.", section.name)));
        }
        for (position, symbol) in symbols.iter().enumerate() {
            let definition = if section.kind == SectionKind::BtfMaps {
                let btf = btf.ok_or_else(|| Fault::new("The object declares maps in .maps but has no BTF to describe them; compile it with -g."))?;
                map_definition::from_btf(btf, &symbol.name)?
            } else {
                map_definition::from_legacy(&symbol.name, legacy_bytes(section, symbol.offset, symbols.get(position + 1).map(|next| next.offset)))?
            };
            let MapDefinition { spec, inner, .. } = definition;
            table.maps.push(ObjectMap { spec, inner, contents: Contents::Empty, variables: Vec::new() });
            table.places.push((index, Some(symbol.offset)));
        }
    }
    Ok(())
}

fn legacy_bytes(section: &Section, start: u64, end: Option<u64>) -> &[u8] {
    let end = end.map_or(section.data.len(), |end| (end as usize).min(section.data.len()));
    section.data.get(start as usize..end).unwrap_or(&[])
}

/// Sections of variables become arrays of one element. One that nothing names is left out: clang's string pools.
fn data_maps(elf: &Elf, table: &mut MapTable) {
    for (index, section) in elf.sections.iter().enumerate() {
        if section.kind != SectionKind::Data || section.data.is_empty() {
            continue;
        }
        let referenced = elf.sections.iter().any(|other| {
            other.kind == SectionKind::Code && other.relocations.iter().any(|relocation| elf.symbols.get(relocation.symbol).is_some_and(|symbol| symbol.section == Some(index)))
        });
        let variables: Vec<_> = elf
            .symbols
            .iter()
            .filter(|symbol| symbol.section == Some(index) && symbol.kind == object::elf::STT_OBJECT)
            .map(|symbol| (symbol.name.clone(), symbol.offset as u32, symbol.size as u32))
            .collect();
        if !referenced && variables.is_empty() {
            continue;
        }
        let read_only = section.name.starts_with(".rodata");
        let spec = MapSpec {
            name: section.name.clone(),
            kind: MAP_ARRAY,
            key_size: 4,
            value_size: section.data.len() as u32,
            max_entries: 1,
            flags: if read_only { BPF_F_RDONLY_PROG } else { 0 },
        };
        table.maps.push(ObjectMap { spec, inner: None, contents: Contents::Bytes(section.data.clone()), variables });
        table.places.push((index, None));
    }
}

/// `.values = { &inner, … }`: relocations within `.maps` name an outer map's or a program array's elements.
fn initial_elements(elf: &Elf, btf: Option<&Btf>, table: &mut MapTable) -> Result<(), Fault> {
    let Some(btf) = btf else { return Ok(()) };
    for (index, section) in elf.sections.iter().enumerate().filter(|(_, section)| section.kind == SectionKind::BtfMaps) {
        for relocation in &section.relocations {
            let owner = table.places.iter().enumerate().filter(|(_, place)| place.0 == index).filter_map(|(map, place)| Some((map, place.1?))).filter(|&(_, start)| start <= relocation.offset).max_by_key(|&(_, start)| start);
            let (Some((map, start)), Some(symbol)) = (owner, elf.symbols.get(relocation.symbol)) else { continue };
            let name = table.maps[map].spec.name.clone();
            let Some(values) = map_definition::from_btf(btf, &name)?.values_offset else { continue };
            let Some(element) = (relocation.offset - start).checked_sub(values as u64).map(|offset| (offset / 8) as u32) else { continue };
            let target = symbol.section.and_then(|target| table.declared(target, symbol.offset));
            let contents = &mut table.maps[map].contents;
            match (target, contents) {
                (Some(inner), Contents::Maps(elements)) => elements.push((element, inner)),
                (Some(inner), contents) => *contents = Contents::Maps(vec![(element, inner)]),
                (None, Contents::Programs(elements)) => elements.push((element, symbol.name.clone())),
                (None, contents) => *contents = Contents::Programs(vec![(element, symbol.name.clone())]),
            }
        }
    }
    Ok(())
}
