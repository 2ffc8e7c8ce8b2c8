//! The ELF container: sections, symbols and relocations of a BPF object, taken out whole.

use object::read::elf::{ElfFile64, FileHeader};
use object::{Architecture, Endianness, Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget, SectionFlags, SymbolFlags, elf};

use crate::fault::Fault;

pub struct Section {
    pub name: String,
    pub kind: SectionKind,
    /// Bytes that it has by its header; those of kind `Other` are not kept.
    pub size: u64,
    pub data: Vec<u8>,
    pub relocations: Vec<Relocation>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SectionKind {
    Code,
    BtfMaps,
    LegacyMaps,
    /// Read-only or not: becomes an array map of one element.
    Data,
    License,
    Btf,
    BtfExt,
    /// `.struct_ops.link`: the kernel's own callbacks.
    StructOps,
    Other,
}

pub struct Symbol {
    pub name: String,
    /// Index into the sections; none: undefined, or absolute.
    pub section: Option<usize>,
    pub offset: u64,
    pub size: u64,
    pub kind: u8,
    /// `STB_*`.
    pub binding: u8,
    /// In one of the special sections that a symbol can be in without being undefined: absolute or common.
    pub special: bool,
}

impl Symbol {
    pub fn is_local(&self) -> bool {
        self.binding == elf::STB_LOCAL
    }

    pub fn is_weak(&self) -> bool {
        self.binding == elf::STB_WEAK
    }
}

pub struct Relocation {
    pub offset: u64,
    /// `R_BPF_*`.
    pub kind: u32,
    pub symbol: usize,
}

pub struct Elf {
    /// By ELF section index; 0 is empty.
    pub sections: Vec<Section>,
    /// By ELF symbol index.
    pub symbols: Vec<Symbol>,
}

pub fn parse(bytes: &[u8]) -> Result<Elf, Fault> {
    check_header(bytes)?;
    let file = ElfFile64::<Endianness>::parse(bytes).map_err(|error| Fault::new(format!("The object is cut off or broken: {error}.")))?;
    if file.architecture() != Architecture::Bpf {
        return Err(Fault::new(format!("The object is for another machine (ELF machine {}); compile it with clang -target bpf.", file.elf_header().e_machine(Endianness::Little))));
    }
    let mut sections: Vec<Section> = Vec::new();
    for section in file.sections() {
        let index = section.index().0;
        while sections.len() <= index {
            sections.push(Section { name: String::new(), kind: SectionKind::Other, size: 0, data: Vec::new(), relocations: Vec::new() });
        }
        let name = section.name().unwrap_or("").to_owned();
        let kind = kind_of(&name, &section);
        let data = match kind {
            SectionKind::Other => Vec::new(),
            _ if section.kind() == object::SectionKind::UninitializedData => {
                if section.size() > 64 << 20 {
                    return Err(Fault::new(format!("Section {name} has {} bytes; 67108864 is the limit.", section.size())));
                }
                vec![0; section.size() as usize]
            }
            _ => section.data().map_err(|error| Fault::new(format!("Section {name} is cut off: {error}.")))?.to_vec(),
        };
        let relocations = section
            .relocations()
            .filter_map(|(offset, relocation)| {
                let RelocationTarget::Symbol(symbol) = relocation.target() else { return None };
                let RelocationFlags::Elf { r_type } = relocation.flags() else { return None };
                Some(Relocation { offset, kind: r_type, symbol: symbol.0 })
            })
            .collect();
        sections[index] = Section { name, kind, size: section.size(), data, relocations };
    }
    let mut symbols: Vec<Symbol> = Vec::new();
    for symbol in file.symbols() {
        let index = symbol.index().0;
        while symbols.len() <= index {
            symbols.push(Symbol { name: String::new(), section: None, offset: 0, size: 0, kind: 0, binding: 0, special: false });
        }
        let SymbolFlags::Elf { st_info, .. } = symbol.flags() else { continue };
        let section = symbol.section_index().map(|index| index.0).filter(|&index| index < sections.len());
        let own = symbol.name().unwrap_or("").to_owned();
        let kind = st_info & 0xf;
        // A section's symbol has no name of its own.
        let name = if kind == elf::STT_SECTION { section.map_or(own, |index| sections[index].name.clone()) } else { own };
        symbols[index] = Symbol { name, section, offset: symbol.address(), size: symbol.size(), kind, binding: st_info >> 4, special: section.is_none() && !symbol.is_undefined() };
    }
    Ok(Elf { sections, symbols })
}

fn check_header(bytes: &[u8]) -> Result<(), Fault> {
    if bytes.len() < 4 || bytes[..4] != elf::ELFMAG {
        return Err(Fault::new("This is no ELF object: it does not begin with 7f 45 4c 46. Give the .o file that clang -target bpf makes."));
    }
    match bytes.get(4) {
        Some(&elf::ELFCLASS64) => {}
        _ => return Err(Fault::new("The object is a 32-bit ELF file; BPF objects have 64 bits.")),
    }
    match bytes.get(5) {
        Some(&elf::ELFDATA2LSB) => Ok(()),
        Some(&elf::ELFDATA2MSB) => Err(Fault::new("The object is big-endian; compile it with -target bpfel, for the VM is little-endian as x86 and arm64 are.")),
        _ => Err(Fault::new("The object's ELF header does not say its byte order.")),
    }
}

fn kind_of<'data>(name: &str, section: &impl ObjectSection<'data>) -> SectionKind {
    let flags = match section.flags() {
        SectionFlags::Elf { sh_flags } => sh_flags,
        _ => 0,
    };
    match name {
        ".maps" => SectionKind::BtfMaps,
        ".BTF" => SectionKind::Btf,
        ".BTF.ext" => SectionKind::BtfExt,
        ".struct_ops.link" => SectionKind::StructOps,
        _ if name.starts_with("license") => SectionKind::License,
        _ if name.starts_with("maps") => SectionKind::LegacyMaps,
        _ if name == ".bss" || name.starts_with(".data") || name.starts_with(".rodata") => SectionKind::Data,
        _ if flags & u64::from(elf::SHF_EXECINSTR) != 0 && section.size() > 0 && section.kind() == object::SectionKind::Text => SectionKind::Code,
        _ => SectionKind::Other,
    }
}
