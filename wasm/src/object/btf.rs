//! BPF Type Format: types, strings, source lines (Documentation/bpf/btf.rst).

use crate::fault::Fault;

const MAGIC: u16 = 0xeb9f;

pub const KIND_INT: u32 = 1;
pub const KIND_PTR: u32 = 2;
pub const KIND_ARRAY: u32 = 3;
pub const KIND_STRUCT: u32 = 4;
pub const KIND_UNION: u32 = 5;
pub const KIND_ENUM: u32 = 6;
pub const KIND_FWD: u32 = 7;
pub const KIND_TYPEDEF: u32 = 8;
pub const KIND_VOLATILE: u32 = 9;
pub const KIND_CONST: u32 = 10;
pub const KIND_RESTRICT: u32 = 11;
pub const KIND_FUNC: u32 = 12;
pub const KIND_FUNC_PROTO: u32 = 13;
pub const KIND_VAR: u32 = 14;
pub const KIND_DATASEC: u32 = 15;
pub const KIND_FLOAT: u32 = 16;
pub const KIND_DECL_TAG: u32 = 17;
pub const KIND_TYPE_TAG: u32 = 18;
pub const KIND_ENUM64: u32 = 19;

/// More typedefs and qualifiers than any real type has.
const DEEPEST: usize = 64;

/// A type as it stands in the section; what follows its header stays in place.
#[derive(Clone, Copy)]
pub struct Type {
    pub name: u32,
    pub kind: u32,
    pub vlen: u32,
    /// Size, or the type it refers to.
    pub size_or_type: u32,
    /// Offset of what follows the header.
    rest: usize,
}

pub struct Member {
    pub name: String,
    pub type_id: u32,
    pub offset_bits: u32,
}

pub struct SectionVariable {
    pub name: String,
    pub type_id: u32,
    pub offset: u32,
}

pub struct Btf {
    data: Vec<u8>,
    strings: std::ops::Range<usize>,
    /// By id; 0 is void.
    types: Vec<Type>,
}

pub fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(data.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

pub fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

impl Btf {
    pub fn parse(data: &[u8]) -> Result<Btf, Fault> {
        Btf::read(data).ok_or_else(|| Fault::new("The object's BTF section is broken or cut off; compile the program again with -g."))
    }

    fn read(data: &[u8]) -> Option<Btf> {
        if u16_at(data, 0)? != MAGIC {
            return None;
        }
        let header = u32_at(data, 4)? as usize;
        let part = |at: usize| -> Option<std::ops::Range<usize>> {
            let start = header.checked_add(u32_at(data, at)? as usize)?;
            let end = start.checked_add(u32_at(data, at + 4)? as usize)?;
            (end <= data.len()).then_some(start..end)
        };
        let type_part = part(8)?;
        let strings = part(16)?;
        let void = Type { name: 0, kind: 0, vlen: 0, size_or_type: 0, rest: 0 };
        let mut types = vec![void];
        let mut at = type_part.start;
        while at < type_part.end {
            let info = u32_at(data, at + 4)?;
            let entry = Type {
                name: u32_at(data, at)?,
                kind: info >> 24 & 0x1f,
                vlen: info & 0xffff,
                size_or_type: u32_at(data, at + 8)?,
                rest: at + 12,
            };
            let vlen = entry.vlen as usize;
            let follows = match entry.kind {
                KIND_INT | KIND_VAR | KIND_DECL_TAG => 4,
                KIND_ARRAY => 12,
                KIND_STRUCT | KIND_UNION | KIND_DATASEC | KIND_ENUM64 => 12 * vlen,
                KIND_ENUM | KIND_FUNC_PROTO => 8 * vlen,
                KIND_PTR | KIND_FWD | KIND_TYPEDEF | KIND_VOLATILE | KIND_CONST | KIND_RESTRICT | KIND_FUNC | KIND_FLOAT | KIND_TYPE_TAG => 0,
                _ => return None,
            };
            at = entry.rest + follows;
            if at > type_part.end {
                return None;
            }
            types.push(entry);
        }
        Some(Btf { data: data.to_vec(), strings, types })
    }

    pub fn string(&self, offset: u32) -> &str {
        let bytes = self.data.get(self.strings.clone()).and_then(|all| all.get(offset as usize..)).unwrap_or(&[]);
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        std::str::from_utf8(&bytes[..end]).unwrap_or("")
    }

    pub fn get(&self, id: u32) -> Option<Type> {
        self.types.get(id as usize).copied()
    }

    /// The type behind typedefs and qualifiers.
    pub fn resolve(&self, mut id: u32) -> Option<(u32, Type)> {
        for _ in 0..DEEPEST {
            let entry = self.get(id)?;
            match entry.kind {
                KIND_TYPEDEF | KIND_VOLATILE | KIND_CONST | KIND_RESTRICT | KIND_TYPE_TAG => id = entry.size_or_type,
                _ => return Some((id, entry)),
            }
        }
        None
    }

    pub fn members(&self, entry: Type) -> Vec<Member> {
        (0..entry.vlen as usize)
            .filter_map(|index| {
                let at = entry.rest + 12 * index;
                Some(Member {
                    name: self.string(u32_at(&self.data, at)?).to_owned(),
                    type_id: u32_at(&self.data, at + 4)?,
                    offset_bits: u32_at(&self.data, at + 8)?,
                })
            })
            .collect()
    }

    /// Element type and number of elements.
    pub fn array(&self, entry: Type) -> Option<(u32, u32)> {
        (entry.kind == KIND_ARRAY).then_some(())?;
        Some((u32_at(&self.data, entry.rest)?, u32_at(&self.data, entry.rest + 8)?))
    }

    /// Size in bytes; a pointer has 8.
    pub fn size_of(&self, id: u32) -> Option<u32> {
        self.size_within(id, DEEPEST)
    }

    fn size_within(&self, id: u32, depth: usize) -> Option<u32> {
        let (_, entry) = self.resolve(id)?;
        match entry.kind {
            KIND_INT | KIND_STRUCT | KIND_UNION | KIND_ENUM | KIND_ENUM64 | KIND_FLOAT | KIND_DATASEC => Some(entry.size_or_type),
            KIND_PTR => Some(8),
            KIND_ARRAY => {
                let (element, count) = self.array(entry)?;
                self.size_within(element, depth.checked_sub(1)?)?.checked_mul(count)
            }
            KIND_VAR => self.size_within(entry.size_or_type, depth.checked_sub(1)?),
            _ => None,
        }
    }

    /// A section's variables: name, type, offset, size. None without that section.
    pub fn section(&self, name: &str) -> Option<Vec<SectionVariable>> {
        let section = self.types.iter().find(|entry| entry.kind == KIND_DATASEC && self.string(entry.name) == name)?;
        Some(
            (0..section.vlen as usize)
                .filter_map(|index| {
                    let at = section.rest + 12 * index;
                    let variable = self.get(u32_at(&self.data, at)?)?;
                    Some(SectionVariable {
                        name: self.string(variable.name).to_owned(),
                        type_id: variable.size_or_type,
                        offset: u32_at(&self.data, at + 4)?,
                    })
                })
                .collect(),
        )
    }

    /// An enum's first value: how `__ulong` members carry a number.
    pub fn first_value(&self, entry: Type) -> Option<u64> {
        let low = |at: usize| u32_at(&self.data, at).map(u64::from);
        match (entry.kind, entry.vlen) {
            (KIND_ENUM, 1..) => low(entry.rest + 4),
            (KIND_ENUM64, 1..) => Some(low(entry.rest + 4)? | low(entry.rest + 8)? << 32),
            _ => None,
        }
    }

    /// The variable of that name: its type's id.
    pub fn variable(&self, name: &str) -> Option<u32> {
        self.types.iter().find(|entry| entry.kind == KIND_VAR && self.string(entry.name) == name).map(|entry| entry.size_or_type)
    }
}
