//! rbpf by itself, as anybody gets it: its own checks, nothing rewritten, nothing counted. What the benchmark compares
//! the VM with.

use rbpf::EbpfVmMbuff;

use crate::fault::Fault;

/// Runs the bytes that many times on the memory, which r1 points at; r0 at the last exit.
pub fn run(program: &[u8], memory: &[u8], times: u32) -> Result<u64, Fault> {
    let said = |error: rbpf::lib::Error| Fault::new(format!("rbpf says: {error:?}"));
    let vm = EbpfVmMbuff::new(Some(program)).map_err(said)?;
    let mut value = 0;
    for _ in 0..times {
        value = vm.execute_program(memory, &[]).map_err(said)?;
    }
    Ok(value)
}
