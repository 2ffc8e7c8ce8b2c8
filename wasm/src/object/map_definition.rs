//! Maps as objects declare them: BTF structs in `.maps`, and the older `struct bpf_map_def` in `maps`.

use super::btf::{Btf, KIND_ENUM, KIND_ENUM64, KIND_FUNC_PROTO, KIND_PTR, KIND_STRUCT, Type, u32_at};
use crate::fault::Fault;
use crate::map::MapSpec;

// linux/bpf.h, `enum bpf_map_type`.
const PROG_ARRAY: u32 = 3;
const PERF_EVENT_ARRAY: u32 = 4;
const ARRAY_OF_MAPS: u32 = 12;
const HASH_OF_MAPS: u32 = 13;
const RINGBUF: u32 = 27;
const ARENA: u32 = 33;

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
    let mut spec = MapSpec { name: name.to_owned(), ..MapSpec::default() };
    let (mut inner, mut values_offset) = (None, None);
    let mut value_type = None;
    let members = btf.members(entry);
    let last = members.len().saturating_sub(1);
    for (position, member) in members.into_iter().enumerate() {
        let number = || number_of(btf, member.type_id).ok_or_else(|| at_fault(format!("its member {} is not declared as __uint or __ulong", member.name)));
        let small = || number().and_then(|value| u32::try_from(value).map_err(|_| at_fault(format!("its member {} does not fit in 32 bits", member.name))));
        let size = || pointed(btf, member.type_id).and_then(|id| btf.size_of(id)).ok_or_else(|| at_fault(format!("its member {} is not declared as __type", member.name)));
        let once = |already: u32, what: &str| if already == 0 { Ok(()) } else { Err(at_fault(format!("it gives its {what} size twice"))) };
        match member.name.as_str() {
            "type" => spec.kind = small()?,
            "max_entries" => spec.max_entries = small()?,
            "map_flags" => spec.flags = small()?,
            "key_size" => {
                once(spec.key_size, "key")?;
                spec.key_size = small()?;
            }
            "value_size" => {
                once(spec.value_size, "value")?;
                spec.value_size = small()?;
            }
            "key" => {
                once(spec.key_size, "key")?;
                spec.key_size = size()?;
            }
            "value" => {
                once(spec.value_size, "value")?;
                spec.value_size = size()?;
                value_type = pointed(btf, member.type_id);
            }
            "values" => {
                if position != last {
                    return Err(at_fault("values must be its last member".to_owned()));
                }
                if !matches!(spec.value_size, 0 | 4) {
                    return Err(at_fault("its elements are references of 4 bytes, and value_size says otherwise".to_owned()));
                }
                spec.value_size = 4;
                values_offset = Some(member.offset_bits as usize / 8);
                inner = elements(btf, name, &spec, member.type_id, outer)?;
            }
            "map_extra" => spec.extra = number()?,
            "pinning" if outer => {
                number()?;
            }
            "pinning" => return Err(at_fault("an inner map cannot be pinned".to_owned())),
            other => return Err(at_fault(format!("its member {other} is unknown"))),
        }
    }
    // A value's type may stand there for other tools; these maps have no values of that size.
    if value_type.is_some() && matches!(spec.kind, PERF_EVENT_ARRAY | RINGBUF | ARENA) {
        spec.value_size = 0;
    }
    if let Some(id) = value_type {
        spec.kept = kept_fields(btf, id);
    }
    Ok(MapDefinition { spec, inner, values_offset })
}

/// Fields of a value that only the kernel writes: a spin lock, a timer. Copies of the value leave them out.
fn kept_fields(btf: &Btf, id: u32) -> Vec<(u32, u32)> {
    let Some((_, entry)) = btf.resolve(id).filter(|(_, entry)| entry.kind == KIND_STRUCT) else { return Vec::new() };
    let special = |id: u32| {
        let (_, field) = btf.resolve(id)?;
        matches!(btf.string(field.name), "bpf_spin_lock" | "bpf_timer" | "bpf_wq").then_some(())?;
        btf.size_of(id)
    };
    btf.members(entry).iter().filter_map(|member| Some((member.offset_bits / 8, special(member.type_id)?))).collect()
}

fn pointed(btf: &Btf, id: u32) -> Option<u32> {
    let (_, entry) = btf.resolve(id)?;
    (entry.kind == KIND_PTR).then_some(entry.size_or_type)
}

/// `__uint` is a pointer to an array of so many elements, `__ulong` an enum with that value.
fn number_of(btf: &Btf, id: u32) -> Option<u64> {
    let (_, entry) = btf.resolve(id)?;
    match entry.kind {
        KIND_PTR => btf.array(btf.resolve(entry.size_or_type)?.1).map(|(_, count)| u64::from(count)),
        KIND_ENUM | KIND_ENUM64 => btf.first_value(entry),
        _ => None,
    }
}

/// `__array(values, …)`: an array of pointers to the inner map's struct, or to functions (program arrays).
fn elements(btf: &Btf, name: &str, outer: &MapSpec, id: u32, may_nest: bool) -> Result<Option<MapSpec>, Fault> {
    let at_fault = |what: &str| Fault::new(format!("Map {name}: {what}."));
    let element = btf.resolve(id).and_then(|(_, entry)| btf.array(entry)).and_then(|(element, _)| pointed(btf, element)).and_then(|id| btf.resolve(id));
    match element {
        Some((_, entry)) if entry.kind == KIND_STRUCT => {
            if !matches!(outer.kind, ARRAY_OF_MAPS | HASH_OF_MAPS) {
                return Err(at_fault("only an array or a hash of maps has maps as its elements"));
            }
            if !may_nest {
                return Err(at_fault("an inner map's elements cannot be maps"));
            }
            Ok(Some(define(btf, &format!("{name}_inner"), entry, false)?.spec))
        }
        Some((_, entry)) if entry.kind == KIND_FUNC_PROTO => {
            if outer.kind != PROG_ARRAY {
                return Err(at_fault("only a program array has functions as its elements"));
            }
            Ok(None)
        }
        _ => Err(at_fault("its values are neither maps nor programs")),
    }
}

/// `struct bpf_map_def` of `size` bytes: five 32-bit numbers, and zeros behind them.
pub fn from_legacy(name: &str, bytes: &[u8]) -> Result<MapDefinition, Fault> {
    let field = |index: usize| u32_at(bytes, 4 * index).ok_or_else(|| Fault::new(format!("Map {name}: its definition has {} bytes; struct bpf_map_def has 20.", bytes.len())));
    let mut spec = MapSpec { name: name.to_owned(), kind: field(0)?, key_size: field(1)?, value_size: field(2)?, max_entries: field(3)?, flags: field(4)?, ..MapSpec::default() };
    if bytes.get(20..).is_some_and(|rest| rest.iter().any(|&byte| byte != 0)) {
        // It can be read, not created: iproute2's ids and pinning stand there.
        spec.unknown_fields = true;
    }
    Ok(MapDefinition { spec, inner: None, values_offset: None })
}
