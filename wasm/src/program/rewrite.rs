//! Rewrites a checked program into one that rbpf runs right, and that reports to the VM on its way.
//!
//! Every original instruction becomes one or several; what rbpf would compute wrongly or refuses is lowered
//! (`lower.rs`), calls become sites (`sites.rs`), and instructions are counted in lots (`counting.rs`). Above every frame
//! of 512 bytes there are `SPILL` bytes that only inserted instructions use.

use super::assembler::Assembler;
use super::counting::{Counting, after, falls_through};
use super::instruction::*;
use super::liveness::{block_starts, fuel_points, instructions, r0_live_before};
use super::lower::lower;
use super::sites::{Site, SiteAction, STEP_CALL};
use crate::fault::Fault;

/// The BPF stack of a frame, as Linux has it (linux/filter.h, `MAX_BPF_STACK`).
pub const FRAME: usize = 512;
/// Bytes above each frame for inserted instructions: r0 to r9 of a step, or a lowering's temporaries.
pub const SPILL: usize = 128;
pub const STRIDE: usize = FRAME + SPILL;

/// rbpf adds a jump's offset to the position as a 16-bit number, so nothing may jump beyond this slot.
pub const RBPF_REACH: usize = 32_767;

/// Where a program starts, and constants for the registers that are set on entry.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub frame_pointer: u64,
    pub start: Start,
    /// An address of 8 bytes that inserted instructions may use at any depth.
    pub scratch: u64,
}

#[derive(Clone, Copy, Debug)]
pub enum Start {
    /// At its first instruction.
    Program { r1: u64, r2: u64 },
    /// At the function that begins at this slot, which helpers call back: r1 to r5 lie at `arguments`.
    Function { slot: usize, arguments: u64 },
}

/// What a constant load of a function's address loads: no address that could be read, with the function's slot in the
/// lower half.
pub const FUNCTION_TAG: u64 = 0xffff_ca00_0000_0000;

/// The slot behind a function's address.
pub fn function_slot(address: u64) -> Option<usize> {
    (address & !0xffff_ffff == FUNCTION_TAG).then_some((address as u32) as usize)
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Detail {
    /// For the benchmark alone: not even fuel.
    Nothing,
    Counts,
    Steps,
}

/// A program as rbpf runs it.
pub struct Rewritten {
    pub bytes: Vec<u8>,
    pub sites: Vec<Site>,
    /// For each slot of `bytes`, the slot of the linked program it came from.
    pub origin: Vec<u32>,
}

/// `guarded`: stores to check before they are made, by slot (`guard.rs`); empty where there are none.
pub fn rewrite(program: &[Insn], entry: Entry, detail: Detail, guarded: &[bool]) -> Result<Rewritten, Fault> {
    // Drawn-out loops may make a program too large that fits without.
    match attempt(program, entry, detail, guarded, detail == Detail::Counts) {
        Err(_) if detail == Detail::Counts => attempt(program, entry, detail, guarded, false),
        result => result,
    }
}

/// A way that counts before it goes on.
struct Detour {
    label: usize,
    counted: i64,
    target: usize,
}

fn attempt(program: &[Insn], entry: Entry, detail: Detail, guarded: &[bool], unroll: bool) -> Result<Rewritten, Fault> {
    let mut live = r0_live_before(program);
    // Every step shows r0, whether it is read again or not.
    if detail == Detail::Steps {
        live.fill(true);
    }
    let blocks = block_starts(program);
    let fuel = fuel_points(program);
    let counts = detail != Detail::Nothing;
    let counting = Counting::plan(program, &blocks, &fuel, unroll);
    let mut asm = Assembler::new(program.len());
    let mut detours: Vec<Detour> = Vec::new();
    let main_end = main_end(program);
    begin(&mut asm, entry);

    let mut pending = 0;
    let mut falls = false;
    let mut waiting: Option<usize> = None;
    let code: Vec<(usize, Insn)> = instructions(program).collect();
    let mut index = 0;
    // Where the block began, and the turn of its loop.
    let (mut block, mut turn) = (0, 0);
    while let Some(&(at, insn)) = code.get(index) {
        index += 1;
        let again = waiting.take();
        if let Some(label) = again {
            asm.place(label, at);
        } else {
            if blocks[at] {
                if falls && counts && pending != counting.entry[at] {
                    count(&mut asm, at, pending - counting.entry[at], live[at], End::Later)?;
                }
                (block, turn) = (index - 1, 0);
            }
            asm.begin(at, turn == 0);
        }
        if detail == Detail::Steps {
            step(&mut asm, at);
        }
        if blocks[at] && again.is_none() {
            pending = if fuel[at] { 0 } else { counting.entry[at] };
            if fuel[at] && counts {
                count(&mut asm, at, counting.entry[at], live[at], End::Here)?;
            }
        }
        if guarded.get(at) == Some(&true) {
            guard(&mut asm, at, insn)?;
        }
        let before = pending;
        pending = after(insn, before);
        falls = falls_through(insn);
        let mut place = Place { at, counted: if counts { before + 1 } else { 0 }, in_main: at < main_end, scratch: entry.scratch, target: 0 };
        if counts && (insn.opcode == EXIT || insn.is_local_call()) {
            count(&mut asm, at, before + 1, live[at], if insn.opcode == EXIT { End::Exit } else { End::Later })?;
        }
        if insn.is_jump() {
            place.target = insn.target(at) as usize;
            let start = code[block].0;
            let turns = counting.turns[start];
            if place.target == start && turn + 1 < turns {
                // On to the next turn, which comes right behind; else out of the loop.
                let (next, out) = (asm.label(), asm.label());
                place.target = next;
                lower(&mut asm, program, insn, place)?;
                asm.jump(Insn::new(JA, 0, 0, 0, 0), out);
                detours.push(Detour { label: out, counted: pending - counting.entry[at + 1], target: at + 1 });
                (index, turn, waiting) = (block, turn + 1, Some(next));
                continue;
            }
            let counted = pending - counting.entry[place.target];
            if counts && counted != 0 {
                if insn.is_conditional() {
                    detours.push(Detour { label: asm.label(), counted, target: place.target });
                    place.target = asm.last_label();
                } else {
                    count(&mut asm, at, counted, live[at], End::Later)?;
                }
            }
        }
        lower(&mut asm, program, insn, place)?;
    }
    for Detour { label, counted, target } in detours {
        asm.place(label, target);
        if counted != 0 {
            count(&mut asm, target, counted, live[target], End::Later)?;
        }
        asm.jump(Insn::new(JA, 0, 0, 0, 0), target);
    }
    asm.finish()
}

fn begin(asm: &mut Assembler, entry: Entry) {
    asm.load_constant(10, entry.frame_pointer);
    match entry.start {
        Start::Program { r1, r2 } => {
            asm.load_constant(1, r1);
            asm.load_constant(2, r2);
        }
        Start::Function { slot, arguments } => {
            asm.load_constant(0, arguments);
            for register in 1..=5u8 {
                asm.emit(Insn::new(0x79, register, 0, i16::from(register - 1) * 8, 0));
            }
            asm.jump(Insn::new(JA, 0, 0, 0, 0), slot);
        }
    }
}

/// Where an instruction stands that is lowered.
#[derive(Clone, Copy)]
pub struct Place {
    pub at: usize,
    /// What its call into the VM counts, if it makes one.
    pub counted: i64,
    /// In the main function, not in one that is called.
    pub in_main: bool,
    pub scratch: u64,
    /// Label that a jump goes to.
    pub target: usize,
}

/// The main function comes first: it ends where the first function that is called, or called back, begins.
fn main_end(program: &[Insn]) -> usize {
    instructions(program)
        .filter_map(|(at, insn)| {
            let called = insn.is_local_call().then(|| insn.callee(at) as usize);
            let loaded = || insn.is_wide().then(|| program.get(at + 1)).flatten().and_then(|&high| function_slot(wide_immediate(insn, high)));
            called.or_else(loaded)
        })
        .min()
        .unwrap_or(program.len())
}

/// Where a program ends when the fuel is gone by a count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Right there.
    Here,
    /// At the next count that may end it.
    Later,
    /// It ends of itself: so it may use the fuel up.
    Exit,
}

/// A count of `counted` instructions.
fn count(asm: &mut Assembler, at: usize, counted: i64, keep_r0: bool, end: End) -> Result<(), Fault> {
    if keep_r0 {
        asm.emit(Insn::new(0x7b, 10, 0, 0, 0)); // *(u64 *)(r10 + 0) = r0
    }
    let action = if end == End::Exit { SiteAction::Exit } else { SiteAction::Count };
    asm.site(Site { action, counted, instruction: at as u32 })?;
    if end == End::Here {
        asm.emit(Insn::new(0x71, 0, 0, 0, 0)); // r0 = *(u8 *)(r0 + 0): address 0 cannot be read
    }
    if keep_r0 {
        asm.emit(Insn::new(0x79, 0, 10, 0, 0)); // r0 = *(u64 *)(r10 + 0)
    }
    Ok(())
}

/// Asks whether a store may be made where it is about to be; the program ends there if not.
fn guard(asm: &mut Assembler, at: usize, insn: Insn) -> Result<(), Fault> {
    asm.emit(Insn::new(0x7b, 10, 0, 0, 0));
    asm.emit(Insn::new(0x7b, 10, 1, 8, 0));
    asm.emit(Insn::new(0xbf, 1, insn.dst, 0, 0));
    asm.emit(Insn::new(0x07, 1, 0, 0, i32::from(insn.off)));
    asm.site(Site { action: SiteAction::Store { size: insn.size() as u8 }, counted: 0, instruction: at as u32 })?;
    asm.emit(Insn::new(0x71, 0, 0, 0, 0));
    asm.emit(Insn::new(0x79, 0, 10, 0, 0));
    asm.emit(Insn::new(0x79, 1, 10, 8, 0));
    Ok(())
}

/// Hands all registers to the VM: it finds r0 to r9 behind the frame pointer, which it gets in r1.
fn step(asm: &mut Assembler, at: usize) {
    for register in 0..10u8 {
        asm.emit(Insn::new(0x7b, 10, register, i16::from(register) * 8, 0));
    }
    asm.emit(Insn::new(0xbf, 1, 10, 0, 0));
    asm.emit(Insn::new(0xb7, 2, 0, 0, at as i32));
    asm.emit(Insn::new(CALL, 0, 0, 0, STEP_CALL as i32));
    asm.emit(Insn::new(0x79, 0, 0, 0, 0)); // the step answers the spilled r0's address, or 0 to end
    asm.emit(Insn::new(0x79, 1, 10, 8, 0));
    asm.emit(Insn::new(0x79, 2, 10, 16, 0));
}
