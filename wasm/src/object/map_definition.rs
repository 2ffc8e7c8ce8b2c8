//! Maps as objects declare them: BTF structs in `.maps`, and the older `struct bpf_map_def` in `maps`.

use super::btf::{Btf, KIND_PTR, KIND_STRUCT, Type, u32_at};
use crate::fault::Fault;
use crate::map::MapSpec;

/// A declared map and what its declaration holds beside the spec.
#[derive(Clone, Debug)]
pub struct MapDefinition {
    pub spec: MapSpec,
    /// What an outer map's elements are.
    pub inner: Option<MapSpec>,
    /// Bytes from the declaration's start to its `values`, where relocations may fill them.
    pub values_offset: Option<usize>,
}

/// Reads the struct behind the variable `name` of `.maps`.
pub fn from_btf(btf: &Btf, name: &str) -> Result<MapDefinition, Fault> {
    let at_fault = |what: &str| Fault::new(format!("Map {name}: {what}."));
    let id = btf.variable(name).ok_or_else(|| at_fault("the object's BTF does not describe it; compile with -g"))?;
    let (_, entry) = btf.resolve(id).ok_or_else(|| at_fault("its BTF type is broken"))?;
    if entry.kind != KIND_STRUCT {
        return Err(at_fault("a map in .maps must be declared as a struct"));
    }
    define(btf, name, entry, true)
}

fn define(btf: &Btf, name: &str, entry: Type, outer: bool) -> Result<MapDefinition, Fault> {
    let at_fault = |what: String| Fault::new(format!("Map {name}: {what}."));
    let mut spec = MapSpec { name: name.to_owned(), kind: 0, key_size: 0, value_size: 0, max_entries: 0, flags: 0 };
    let mut inner = None;
    let mut values_offset = None;
    for member in btf.members(entry) {
        let number = || pointed(btf, member.type_id).and_then(|id| btf.array(btf.resolve(id)?.1)).map(|(_, count)| count);
        let size = || pointed(btf, member.type_id).and_then(|id| btf.size_of(id));
        let wanted = |value: Option<u32>| value.ok_or_else(|| at_fault(format!("its member {} is not declared as __uint or __type", member.name)));
        match member.name.as_str() {
            "type" => spec.kind = wanted(number())?,
            "max_entries" => spec.max_entries = wanted(number())?,
            "map_flags" => spec.flags = wanted(number())?,
            "key_size" => spec.key_size = wanted(number())?,
            "value_size" => spec.value_size = wanted(number())?,
            "key" => spec.key_size = wanted(size())?,
            "value" => spec.value_size = wanted(size())?,
            "values" if outer => {
                values_offset = Some(member.offset_bits as usize / 8);
                spec.value_size = 4;
                inner = inner_definition(btf, name, member.type_id)?;
            }
            "pinning" | "numa_node" | "map_extra" => {}
            other => return Err(at_fault(format!("its member {other} is unknown"))),
        }
    }
    // What holds file descriptors or per-CPU references has keys and values of 4 bytes, said or not.
    if matches!(spec.kind, 3 | 4 | 12 | 13) {
        if spec.kind != 13 && spec.key_size == 0 {
            spec.key_size = 4;
        }
        if spec.value_size == 0 {
            spec.value_size = 4;
        }
    }
    Ok(MapDefinition { spec, inner, values_offset })
}

fn pointed(btf: &Btf, id: u32) -> Option<u32> {
    let (_, entry) = btf.resolve(id)?;
    (entry.kind == KIND_PTR).then_some(entry.size_or_type)
}

/// `__array(values, struct {…})`: an array of pointers to the inner map's struct, or to functions (program arrays).
fn inner_definition(btf: &Btf, name: &str, id: u32) -> Result<Option<MapSpec>, Fault> {
    let element = btf.resolve(id).and_then(|(_, entry)| btf.array(entry)).and_then(|(element, _)| pointed(btf, element)).and_then(|id| btf.resolve(id));
    match element {
        Some((_, entry)) if entry.kind == KIND_STRUCT => Ok(Some(define(btf, &format!("{name}_inner"), entry, false)?.spec)),
        _ => Ok(None),
    }
}

/// `struct bpf_map_def` of `size` bytes: five 32-bit numbers, and zeros behind them.
pub fn from_legacy(name: &str, bytes: &[u8]) -> Result<MapDefinition, Fault> {
    let field = |index: usize| u32_at(bytes, 4 * index);
    let (Some(kind), Some(key_size), Some(value_size), Some(max_entries)) = (field(0), field(1), field(2), field(3)) else {
        return Err(Fault::new(format!("Map {name}: its definition has {} bytes; struct bpf_map_def has at least 16.", bytes.len())));
    };
    let flags = field(4).unwrap_or(0);
    if bytes.get(20..).is_some_and(|rest| rest.iter().any(|&byte| byte != 0)) {
        return Err(Fault::new(format!("Map {name}: its definition has fields beyond map_flags that are not zero; they are unknown.")));
    }
    let spec = MapSpec { name: name.to_owned(), kind, key_size, value_size, max_entries, flags };
    Ok(MapDefinition { spec, inner: None, values_offset: None })
}
