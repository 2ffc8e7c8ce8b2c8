//! `.BTF.ext`: which C line each instruction was made from, and whether the object wants CO-RE relocations.

use super::btf::{Btf, u16_at, u32_at};
use super::core::CoreRelocation;

#[derive(Clone, Debug)]
pub struct Line {
    /// Slot within its section.
    pub slot: usize,
    pub file: String,
    pub line: u32,
    pub source: String,
}

/// Records of one section.
struct Block<'a> {
    section: &'a str,
    records: Vec<&'a [u8]>,
}

pub struct BtfExt {
    pub lines: Vec<(String, Line)>,
    /// By section: those that only a kernel's types could settle.
    pub core_relocations: Vec<(String, CoreRelocation)>,
}

impl BtfExt {
    /// What can be read of it: a broken part leaves source lines out, and nothing else.
    pub fn parse(data: &[u8], btf: &Btf) -> BtfExt {
        let empty = BtfExt { lines: Vec::new(), core_relocations: Vec::new() };
        let Some(header) = u32_at(data, 4).map(|size| size as usize) else { return empty };
        if u16_at(data, 0) != Some(0xeb9f) {
            return empty;
        }
        let part = |at: usize| -> &[u8] {
            let range = u32_at(data, at).zip(u32_at(data, at + 4)).and_then(|(start, len)| {
                let start = header.checked_add(start as usize)?;
                data.get(start..start.checked_add(len as usize)?)
            });
            range.unwrap_or(&[])
        };
        let lines = blocks(part(16), btf)
            .into_iter()
            .flat_map(|Block { section, records }| {
                records.into_iter().filter_map(move |record| {
                    let line = Line {
                        slot: u32_at(record, 0)? as usize / 8,
                        file: btf.string(u32_at(record, 4)?).to_owned(),
                        line: u32_at(record, 12)? >> 10,
                        source: btf.string(u32_at(record, 8)?).trim().to_owned(),
                    };
                    Some((section.to_owned(), line))
                })
            })
            .collect();
        // The CO-RE part came later: an older header ends before it.
        let relocations = if header >= 32 { blocks(part(24), btf) } else { Vec::new() };
        let core_relocations = relocations
            .into_iter()
            .flat_map(|Block { section, records }| records.into_iter().filter_map(move |record| Some((section.to_owned(), CoreRelocation::read(record)?))))
            .filter(|(_, relocation)| !relocation.is_settled(btf))
            .collect();
        BtfExt { lines, core_relocations }
    }
}

fn blocks<'a>(part: &'a [u8], btf: &'a Btf) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    let Some(size) = u32_at(part, 0).map(|size| size as usize).filter(|&size| size >= 8) else { return blocks };
    let mut at = 4;
    while let (Some(name), Some(count)) = (u32_at(part, at), u32_at(part, at + 4)) {
        at += 8;
        let mut records = Vec::new();
        for _ in 0..count {
            let Some(record) = part.get(at..at + size) else { break };
            records.push(record);
            at += size;
        }
        blocks.push(Block { section: btf.string(name), records });
    }
    blocks
}
