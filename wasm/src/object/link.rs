//! Puts each program together with the functions it calls, and notes what its constants stand for.

use object::elf::{R_BPF_64_32, R_BPF_64_64, STB_LOCAL, STT_FUNC, STT_NOTYPE, STT_SECTION};

use super::btf_ext::BtfExt;
use super::elf::{Elf, Relocation, SectionKind, Symbol};
use super::{MapTable, ProgramSpec, Reference, SourceLine, Target};
use crate::fault::Fault;
use crate::program::check::MAX_SLOTS;
use crate::program::instruction::*;
use crate::program::section_type::program_type;

/// A function of a code section.
struct Function {
    name: String,
    section: usize,
    /// Slots within the section.
    start: usize,
    end: usize,
}

struct Linker<'a> {
    elf: &'a Elf,
    table: &'a MapTable,
    ext: Option<&'a BtfExt>,
    functions: Vec<Function>,
    /// Decoded sections, by index.
    code: Vec<Vec<Insn>>,
}

pub fn programs(elf: &Elf, table: &MapTable, ext: Option<&BtfExt>, license: &str) -> Result<Vec<ProgramSpec>, Fault> {
    let mut functions = Vec::new();
    let mut code = Vec::new();
    for (index, section) in elf.sections.iter().enumerate() {
        code.push(if section.kind == SectionKind::Code { decode(&section.data) } else { Vec::new() });
        if section.kind != SectionKind::Code {
            continue;
        }
        if section.data.len() % 8 != 0 {
            return Err(Fault::new(format!("Section {} has {} bytes: instructions have 8 each, so the last one is cut off.", section.name, section.data.len())));
        }
        functions.extend(functions_of(elf, index)?);
    }
    let linker = Linker { elf, table, ext, functions, code };
    let mut programs = Vec::new();
    for function in &linker.functions {
        if elf.sections[function.section].name != ".text" {
            programs.push(linker.link(function, license).map_err(|fault| fault.in_program(&function.name))?);
        }
    }
    Ok(programs)
}

/// A section's functions by their symbols. Before version 8, clang left the type of a function's symbol open; a local
/// symbol without a type is a label.
fn functions_of(elf: &Elf, index: usize) -> Result<Vec<Function>, Fault> {
    let section = &elf.sections[index];
    let slots = section.data.len() / 8;
    let names_function = |symbol: &&Symbol| match symbol.kind {
        STT_FUNC => true,
        STT_NOTYPE => symbol.binding != STB_LOCAL,
        _ => false,
    };
    let mut symbols: Vec<_> = elf.symbols.iter().filter(|symbol| symbol.section == Some(index) && !symbol.name.is_empty()).filter(names_function).collect();
    // Of two names for one place, the later one counts.
    symbols.reverse();
    symbols.sort_by_key(|symbol| symbol.offset);
    symbols.dedup_by_key(|symbol| symbol.offset);
    if symbols.is_empty() {
        return Err(Fault::new(format!("Section {} holds instructions but no symbol names a function in it.", section.name)));
    }
    symbols
        .iter()
        .enumerate()
        .map(|(position, symbol)| {
            let broken = || Fault::new(format!("Function {} reaches beyond the end of section {}; the object is broken.", symbol.name, section.name));
            if symbol.offset % 8 != 0 {
                return Err(Fault::new(format!("Function {} begins at byte {} of section {}, in the middle of an instruction.", symbol.name, symbol.offset, section.name)));
            }
            let start = usize::try_from(symbol.offset / 8).map_err(|_| broken())?;
            let next = symbols.get(position + 1).map_or(slots as u64, |next| next.offset / 8) as usize;
            let end = match symbol.size {
                // Hand-written assembler does not always say.
                0 => next,
                size => usize::try_from(size / 8).ok().and_then(|length| start.checked_add(length)).ok_or_else(broken)?,
            };
            if start > end || end > slots {
                return Err(broken());
            }
            Ok(Function { name: symbol.name.clone(), section: index, start, end })
        })
        .collect()
}

impl Linker<'_> {
    fn link(&self, program: &Function, license: &str) -> Result<ProgramSpec, Fault> {
        let section = &self.elf.sections[program.section];
        let mut spec = ProgramSpec {
            name: program.name.clone(),
            section: section.name.clone(),
            kind: program_type(&section.name),
            license: license.to_owned(),
            code: Vec::new(),
            references: Vec::new(),
            functions: Vec::new(),
            lines: Vec::new(),
            unsupported: None,
        };
        // Functions in the order in which they are first called; `placed` holds their first slots.
        let mut order: Vec<usize> = vec![self.functions.iter().position(|function| std::ptr::eq(function, program)).unwrap_or(0)];
        let mut placed = Vec::new();
        let mut calls: Vec<(usize, usize)> = Vec::new();
        let mut at = 0;
        while let Some(&index) = order.get(at) {
            placed.push(spec.code.len());
            self.place(index, &mut spec, &mut order, &mut calls)?;
            if spec.code.len() > MAX_SLOTS {
                return Err(Fault::new(format!("The program is too large: with its functions it has {} instruction slots, and {MAX_SLOTS} is the limit.", spec.code.len())));
            }
            at += 1;
        }
        for (slot, function) in calls {
            let target = order.iter().position(|&index| index == function).map_or(0, |position| placed[position]);
            if spec.code[slot].opcode == CALL {
                spec.code[slot].imm = (target as i64 - slot as i64 - 1) as i32;
            } else {
                spec.references.push(Reference { slot, target: Target::Function(target) });
            }
        }
        Ok(spec)
    }

    /// Appends one function; what it calls is queued.
    fn place(&self, index: usize, spec: &mut ProgramSpec, order: &mut Vec<usize>, calls: &mut Vec<(usize, usize)>) -> Result<(), Fault> {
        let function = &self.functions[index];
        let section = &self.elf.sections[function.section];
        let base = spec.code.len();
        spec.functions.push((base, function.name.clone()));
        spec.code.extend_from_slice(&self.code[function.section][function.start..function.end]);
        let mut want = |function: usize, slot: usize| {
            if !order.contains(&function) {
                order.push(function);
            }
            calls.push((slot, function));
        };
        let mut relocated = vec![false; function.end - function.start];
        for relocation in &section.relocations {
            let slot = (relocation.offset / 8) as usize;
            if slot < function.start || slot >= function.end {
                continue;
            }
            relocated[slot - function.start] = true;
            let slot = base + slot - function.start;
            match self.resolve(relocation, spec.code[slot], slot)? {
                Resolved::Call(callee) => {
                    spec.code[slot].src = if spec.code[slot].opcode == CALL { PSEUDO_CALL } else { PSEUDO_FUNC };
                    want(callee, slot);
                }
                Resolved::Refers(target) => spec.references.push(Reference { slot, target }),
                Resolved::Missing(fault) => {
                    spec.unsupported.get_or_insert(fault);
                }
                Resolved::Zero => {}
            }
        }
        // Calls within a section need no relocation.
        for offset in 0..function.end - function.start {
            let insn = spec.code[base + offset];
            if relocated[offset] || !insn.is_local_call() {
                continue;
            }
            let target = insn.callee(function.start + offset);
            let callee = self.function_at(function.section, target).ok_or_else(|| Fault::at(base + offset, format!("It calls to instruction {target} of section {}, where no function begins.", section.name)))?;
            want(callee, base + offset);
        }
        self.add_lines(function, base, spec);
        Ok(())
    }

    fn add_lines(&self, function: &Function, base: usize, spec: &mut ProgramSpec) {
        let Some(ext) = self.ext else { return };
        let name = &self.elf.sections[function.section].name;
        for (_, line) in ext.lines.iter().filter(|(section, line)| section == name && (function.start..function.end).contains(&line.slot)) {
            spec.lines.push(SourceLine { slot: base + line.slot - function.start, file: line.file.clone(), line: line.line, source: line.source.clone() });
        }
        let relocation = ext.core_relocations.iter().find(|(section, relocation)| section == name && (function.start..function.end).contains(&relocation.slot));
        if let Some((_, relocation)) = relocation {
            spec.unsupported.get_or_insert_with(|| Fault::at(base + relocation.slot - function.start, "It asks for a field’s place in the running kernel’s own types (CO-RE); there is no such kernel here."));
        }
    }

    fn function_at(&self, section: usize, slot: i64) -> Option<usize> {
        self.functions.iter().position(|function| function.section == section && function.start as i64 == slot)
    }

    fn resolve(&self, relocation: &Relocation, insn: Insn, slot: usize) -> Result<Resolved, Fault> {
        if !matches!(relocation.kind, R_BPF_64_64 | R_BPF_64_32) {
            return Err(Fault::at(slot, format!("A relocation of type {} stands at an instruction; only R_BPF_64_64 (1) and R_BPF_64_32 (10) belong there.", relocation.kind)));
        }
        let symbol = self.elf.symbols.get(relocation.symbol).ok_or_else(|| Fault::at(slot, "A relocation names a symbol that is not there; the object is broken."))?;
        let Some(section) = symbol.section else {
            return self.resolve_outside(symbol, insn, slot);
        };
        let data = &self.elf.sections[section];
        match data.kind {
            SectionKind::BtfMaps | SectionKind::LegacyMaps => {
                if symbol.is_local() {
                    return Err(Fault::at(slot, format!("It refers to a map of section {} that is static; maps must be global.", data.name)));
                }
                let map = self.table.declared(section, symbol.offset).ok_or_else(|| Fault::at(slot, format!("It refers to a map at byte {} of {}, where none is declared.", symbol.offset, data.name)))?;
                Ok(Resolved::Refers(Target::Map(map)))
            }
            SectionKind::Data => {
                let map = self.table.data_section(section).ok_or_else(|| Fault::at(slot, format!("It refers to section {}, which is empty.", data.name)))?;
                let offset = (symbol.offset as u32).wrapping_add(insn.imm as u32);
                if symbol.offset > data.data.len() as u64 || offset as usize > data.data.len() {
                    return Err(Fault::at(slot, format!("It refers to byte {offset} of section {}, which has {}.", data.name, data.data.len())));
                }
                Ok(Resolved::Refers(Target::Value { map, offset }))
            }
            SectionKind::Code => {
                // Clang leaves a static function's place in the instruction: in slots behind a call, in bytes in a constant load.
                let within = match (symbol.kind == STT_SECTION, insn.opcode == CALL) {
                    (true, true) => i64::from(insn.imm) + 1,
                    (true, false) => i64::from(insn.imm) / 8,
                    (false, _) => 0,
                };
                let target = (symbol.offset / 8) as i64 + within;
                let callee = self.function_at(section, target).ok_or_else(|| Fault::at(slot, format!("It refers to instruction {target} of section {}, where no function begins.", data.name)))?;
                if insn.opcode != CALL && !insn.is_wide() {
                    return Err(Fault::at(slot, format!("It refers to function {}, but neither calls it nor loads its address.", self.functions[callee].name)));
                }
                Ok(Resolved::Call(callee))
            }
            _ => Err(Fault::at(slot, format!("It refers to {} in section {}, which is neither map, data nor code.", symbol.name, data.name))),
        }
    }

    /// What the object itself does not hold.
    fn resolve_outside(&self, symbol: &Symbol, insn: Insn, slot: usize) -> Result<Resolved, Fault> {
        if symbol.special {
            return Err(Fault::at(slot, format!("It refers to {}, which lies in no section of the object.", symbol.name)));
        }
        if insn.opcode == CALL {
            return Ok(Resolved::Missing(Fault::at(slot, format!("It calls the kernel’s own function {} (a kfunc); only helpers are there to call.", symbol.name))));
        }
        if symbol.is_weak() {
            return Ok(Resolved::Zero);
        }
        Ok(Resolved::Missing(Fault::at(slot, format!("It refers to {}, which the object does not hold: a kernel’s symbol or setting.", symbol.name))))
    }
}

enum Resolved {
    Call(usize),
    Refers(Target),
    /// An optional symbol that is not there reads as 0.
    Zero,
    Missing(Fault),
}
