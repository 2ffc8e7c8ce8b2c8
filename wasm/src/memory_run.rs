//! One program on a block of memory, without an object: r1 is its address, r2 its length. The conformance suite runs
//! programs like this.

use crate::fault::Fault;
use crate::machine::Machine;
use crate::machine::context::ContextKind;
use crate::machine::run::Prepared;
use crate::program::check::check;
use crate::program::instruction::decode;
use crate::program::rewrite::{Detail, Entry, Start};

pub struct MemoryRun {
    pub value: u64,
    pub instructions: u64,
    pub memory: Vec<u8>,
}

pub fn run(program: &[u8], memory: &[u8], fuel: u64) -> Result<MemoryRun, Fault> {
    if program.len() % 8 != 0 {
        return Err(Fault::new(format!("The program has {} bytes: instructions have 8 each, so the last one is cut off.", program.len())));
    }
    if memory.len() > crate::machine::memory::LONGEST_PACKET {
        return Err(Fault::new(format!("A memory of {} bytes is too long: {} is the limit.", memory.len(), crate::machine::memory::LONGEST_PACKET)));
    }
    let code = decode(program);
    check(&code)?;
    let mut machine = Machine::new(1);
    machine.kind = ContextKind::Memory;
    machine.fuel = fuel;
    machine.packet.set(memory);
    let r1 = if memory.is_empty() { 0 } else { machine.packet.address() as u64 };
    let entry = Entry { frame_pointer: machine.workspace.frame_pointer() as u64, start: Start::Program { r1, r2: memory.len() as u64 }, scratch: machine.workspace.scratch() as u64 };
    let value = Prepared::new(&code, entry, Detail::Counts)?.run(&code[..], &mut machine)?;
    Ok(MemoryRun { value, instructions: machine.instructions, memory: machine.packet.data().to_vec() })
}
