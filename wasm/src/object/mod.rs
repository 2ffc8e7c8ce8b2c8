//! A BPF object's spec: its programs, linked, and its maps, read without creating anything.

pub mod btf;
pub mod btf_ext;
pub mod core;
pub mod elf;
pub mod link;
pub mod map_definition;

use crate::fault::Fault;
use crate::map::BPF_F_RDONLY_PROG;
use crate::map::MapSpec;
use crate::program::instruction::Insn;
use btf::Btf;
use btf_ext::BtfExt;
use elf::{Elf, Section, SectionKind, Symbol};
use ::object::elf::{STT_NOTYPE, STT_OBJECT};
use map_definition::MapDefinition;

const MAP_ARRAY: u32 = 2;
const MAP_STRUCT_OPS: u32 = 26;
const BPF_F_LINK: u32 = 1 << 13;

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
    struct_ops_maps(&elf, btf.as_ref(), &mut table)?;
    initial_elements(&elf, btf.as_ref(), &mut table)?;
    refuse_twins("map", table.maps.iter().map(|map| map.spec.name.as_str()))?;
    let programs = link::programs(&elf, &table, ext.as_ref(), &license)?;
    refuse_twins("program", programs.iter().map(|program| program.name.as_str()))?;
    Ok(ObjectSpec { programs, maps: table.maps })
}

fn refuse_twins<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<(), Fault> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(Fault::new(format!("Two {what}s of the object are called {name}.")));
        }
    }
    Ok(())
}

/// Symbols that name something in a section of maps or data, by place; of two at one place the later one counts.
fn names_in(elf: &Elf, index: usize) -> Vec<&Symbol> {
    let mut symbols: Vec<_> = elf.symbols.iter().filter(|symbol| symbol.section == Some(index) && matches!(symbol.kind, STT_OBJECT | STT_NOTYPE) && !symbol.name.is_empty()).collect();
    symbols.reverse();
    symbols.sort_by_key(|symbol| symbol.offset);
    symbols.dedup_by_key(|symbol| symbol.offset);
    symbols
}

/// A symbol's bytes of its section.
fn bytes_of<'a>(section: &'a Section, symbol: &Symbol) -> Result<&'a [u8], Fault> {
    let end = symbol.offset.checked_add(symbol.size);
    let range = usize::try_from(symbol.offset).ok().zip(end.and_then(|end| usize::try_from(end).ok()));
    range
        .and_then(|(start, end)| section.data.get(start..end))
        .ok_or_else(|| Fault::new(format!("{} reaches beyond the end of section {}; the object is broken.", symbol.name, section.name)))
}

fn declared_maps(elf: &Elf, btf: Option<&Btf>, table: &mut MapTable) -> Result<(), Fault> {
    for (index, section) in elf.sections.iter().enumerate() {
        if !matches!(section.kind, SectionKind::BtfMaps | SectionKind::LegacyMaps) {
            continue;
        }
        let symbols = names_in(elf, index);
        if symbols.is_empty() && section.kind == SectionKind::LegacyMaps {
            return Err(Fault::new(format!("Section {} declares maps but has no symbols to name them.", section.name)));
        }
        for symbol in symbols {
            let bytes = bytes_of(section, symbol)?;
            let MapDefinition { spec, inner, .. } = if section.kind == SectionKind::BtfMaps {
                let btf = btf.ok_or_else(|| Fault::new("The object declares maps in .maps but has no BTF to describe them; compile it with -g."))?;
                if bytes.iter().any(|&byte| byte != 0) {
                    return Err(Fault::new(format!("Map {}: its declaration sets members to values; a map in .maps only declares types.", symbol.name)));
                }
                map_definition::from_btf(btf, &symbol.name)?
            } else {
                map_definition::from_legacy(&symbol.name, bytes)?
            };
            table.maps.push(ObjectMap { spec, inner, contents: Contents::Empty, variables: Vec::new() });
            table.places.push((index, Some(symbol.offset)));
        }
    }
    Ok(())
}

/// Sections of variables become arrays of one element. One that nothing names or refers to is left out: clang's
/// string pools.
fn data_maps(elf: &Elf, table: &mut MapTable) {
    for (index, section) in elf.sections.iter().enumerate() {
        if section.kind != SectionKind::Data {
            continue;
        }
        let referenced = elf.sections.iter().any(|other| {
            other.kind != SectionKind::Other && other.relocations.iter().any(|relocation| elf.symbols.get(relocation.symbol).is_some_and(|symbol| symbol.section == Some(index)))
        });
        let variables: Vec<_> = names_in(elf, index).into_iter().map(|symbol| (symbol.name.clone(), symbol.offset as u32, symbol.size as u32)).collect();
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
            ..MapSpec::default()
        };
        table.maps.push(ObjectMap { spec, inner: None, contents: Contents::Bytes(section.data.clone()), variables });
        table.places.push((index, None));
    }
}

/// Sets of callbacks for the kernel itself: each variable of `.struct_ops.link` is one.
fn struct_ops_maps(elf: &Elf, btf: Option<&Btf>, table: &mut MapTable) -> Result<(), Fault> {
    if let Some(section) = elf.sections.iter().find(|section| section.name == ".struct_ops" && section.kind != SectionKind::StructOps) {
        if section.size > 0 {
            return Err(Fault::new("Section .struct_ops registers callbacks in the older way, without a link; .struct_ops.link is the one that can be read."));
        }
    }
    for (index, section) in elf.sections.iter().enumerate().filter(|(_, section)| section.kind == SectionKind::StructOps) {
        let variables = btf.and_then(|btf| btf.section(&section.name)).ok_or_else(|| Fault::new(format!("Section {}: the object's BTF does not describe it; compile with -g.", section.name)))?;
        for variable in variables {
            let size = btf.and_then(|btf| btf.size_of(variable.type_id)).unwrap_or(0);
            if variable.offset as usize + size as usize > section.data.len() {
                return Err(Fault::new(format!("{} reaches beyond the end of section {}; the object is broken.", variable.name, section.name)));
            }
            let spec = MapSpec { name: variable.name, kind: MAP_STRUCT_OPS, key_size: 4, value_size: size, max_entries: 1, flags: BPF_F_LINK, ..MapSpec::default() };
            table.maps.push(ObjectMap { spec, inner: None, contents: Contents::Empty, variables: Vec::new() });
            table.places.push((index, Some(u64::from(variable.offset))));
        }
    }
    Ok(())
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
