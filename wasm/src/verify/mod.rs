//! Says, before a program runs, why it would not be safe, in the spirit of the kernel's verifier
//! (kernel/bpf/verifier.c): every path is followed with what is known of registers and stack.

mod access;
mod branch;
mod call;
mod compute;
mod landing;
pub mod live;
mod numbers;
pub mod prototype;
pub mod scalar;
pub mod state;
mod walk;

use crate::machine::context::ContextKind;
use crate::program::instruction::Insn;

/// What the checker knows of a map.
#[derive(Clone, Copy, Debug)]
pub struct MapFacts<'a> {
    pub key_size: u32,
    pub value_size: u32,
    pub read_only: bool,
    pub of_maps: bool,
    pub of_programs: bool,
    /// Offset and size of what only the kernel touches in a value.
    pub kept: &'a [(u32, u32)],
    /// The value's bytes, where nothing changes them any more.
    pub settled: &'a [u8],
    /// Stands for an outer map's elements; these come behind all others, in the outer maps' order.
    pub is_inner: bool,
}

/// What a constant load stands for.
#[derive(Clone, Copy, Debug)]
pub enum Constant {
    Map(usize),
    Value { map: usize, offset: u32 },
    Function(usize),
}

pub struct Subject<'a> {
    pub program: &'a [Insn],
    /// By slot.
    pub constants: &'a [(usize, Constant)],
    pub maps: &'a [MapFacts<'a>],
    pub kind: ContextKind,
    pub program_type: &'static str,
}

impl Subject<'_> {
    /// Whether Linux takes only small numbers as this program's answer.
    fn limits_answer(&self) -> bool {
        self.program_type.starts_with("cgroup_")
    }
}

/// How far the checker got.
#[derive(Debug)]
pub struct Verdict {
    /// The first thing that is not safe: slot and sentence.
    pub refusal: Option<(usize, String)>,
    /// Instructions followed, over all paths.
    pub followed: u32,
    /// Whether it gave up for the number of paths.
    pub gave_up: bool,
}

/// Follows every path of a program that `program::check` has passed.
pub fn verify(subject: &Subject) -> Verdict {
    walk::Walker::new(subject).run()
}
