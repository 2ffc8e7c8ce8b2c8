//! One program on a block of memory, without an object: r1 is its address, r2 its length. The conformance suite runs
//! programs like this.

use crate::fault::Fault;
use crate::machine::Machine;
use crate::machine::compiled::{Compiler, Tier};
use crate::machine::context::ContextKind;
use crate::machine::memory::LONGEST_PACKET;
use crate::machine::run::Prepared;
use crate::program::check::check;
use crate::program::instruction::{Insn, decode};
use crate::program::rewrite::{Detail, Entry, Start};

pub struct MemoryRun {
    pub value: u64,
    pub instructions: u64,
    pub memory: Vec<u8>,
}

pub fn run(program: &[u8], memory: &[u8], fuel: u64, compiler: Option<Compiler>) -> Result<MemoryRun, Fault> {
    let mut prepared = MemoryProgram::new(program, memory, Detail::Counts, compiler)?;
    prepared.machine.set_fuel(fuel);
    let value = prepared.repeat(1)?;
    Ok(MemoryRun { value, instructions: prepared.machine.meter.instructions, memory: prepared.machine.packet.data().to_vec() })
}

/// A program and the memory that it runs on.
pub struct MemoryProgram {
    code: Vec<Insn>,
    prepared: Prepared,
    pub machine: Machine,
}

impl MemoryProgram {
    pub fn new(program: &[u8], memory: &[u8], detail: Detail, compiler: Option<Compiler>) -> Result<MemoryProgram, Fault> {
        if program.len() % 8 != 0 {
            return Err(Fault::new(format!("The program has {} bytes: instructions have 8 each, so the last one is cut off.", program.len())));
        }
        if memory.len() > LONGEST_PACKET {
            return Err(Fault::new(format!("A memory of {} bytes is too long: {LONGEST_PACKET} is the limit.", memory.len())));
        }
        let code = decode(program);
        check(&code)?;
        let mut machine = Machine::new(1);
        machine.kind = ContextKind::Memory;
        // Compiled before its first run, where there is a compiler.
        machine.tier = compiler.map(|compiler| Tier { compiler: compiler.into(), after: 0 });
        machine.packet.set(memory);
        let r1 = if memory.is_empty() { 0 } else { machine.packet.address() as u64 };
        let entry = Entry { frame_pointer: machine.workspace.frame_pointer() as u64, start: Start::Program { r1, r2: memory.len() as u64 }, scratch: machine.workspace.scratch() as u64 };
        let prepared = Prepared::new(&code, entry, detail, &[])?;
        Ok(MemoryProgram { code, prepared, machine })
    }

    /// Runs it that many times on the memory as the run before left it; r0 at the last exit.
    pub fn repeat(&mut self, times: u32) -> Result<u64, Fault> {
        let mut value = 0;
        for _ in 0..times {
            self.machine.meter.instructions = 0;
            value = self.prepared.run(&self.code[..], &mut self.machine)?;
        }
        Ok(value)
    }
}
