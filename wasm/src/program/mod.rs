//! From a program's bytes to what rbpf runs.

pub mod assembler;
pub mod check;
pub mod counting;
pub mod disassemble;
pub mod guard;
pub mod instruction;
pub mod liveness;
pub mod lower;
pub mod rewrite;
pub mod section_type;
pub mod sites;
