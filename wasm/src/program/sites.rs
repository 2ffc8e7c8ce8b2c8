//! Where a rewritten program calls into the VM.
//!
//! rbpf calls helpers as plain functions of r1 to r5, so a helper cannot know from where it was called. Each place in
//! a program that needs the VM (a helper call, a point where instructions are counted) is therefore a *site* with a
//! number, and each number has its own function, made by the compiler from one generic. One call then counts the
//! block, knows its instruction and runs the helper. Numbers beyond the pool turn a page by one more call before.

use rbpf::Helper;

/// Sites that one call reaches.
pub const POOL: usize = 128;
/// Pages of sites: `POOL * PAGES` in all.
pub const PAGES: usize = 128;

/// Helper numbers as the rewritten program has them. Linux's own numbers never reach rbpf.
pub const SITE_BASE: u32 = 0x1000_0000;
pub const PAGE_BASE: u32 = 0x2000_0000;
pub const STEP_CALL: u32 = 0x3000_0000;

/// What a site is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteAction {
    /// Counts; answers a readable address, or 0 when the fuel is gone.
    Count,
    /// Counts up to the end of a program, or of a function, which nothing need follow; answers as `Count` does.
    Exit,
    /// Calls the helper with this number of linux/bpf.h's list.
    Helper(u32),
    /// Whether `size` bytes at r1 may be written: answers as `Count` does.
    Store { size: u8 },
    /// Computes from r1 and r2 what rbpf lacks.
    Arithmetic(Arithmetic),
    /// A legacy load from the packet (`LD_ABS`, `LD_IND`) of `size` bytes at offset r1: answers the address of the
    /// value, or 0 beyond the packet's end, where Linux ends the program with 0.
    PacketLoad { size: u8 },
    /// Calls a helper that calls back into the program.
    Callback(u32),
    /// A tail call. In a function that others call (`nested`), the other program runs in that function's place and
    /// its result is the function's: the site answers the address of two numbers, whether it ran and what it gave.
    /// In the main function it answers as `Count` does, 0 where another program takes over.
    TailCall { nested: bool },
    /// Calls the helper whose number is in r0, which r1 to r5 cannot show: it lies in the frame that r1 points to.
    HelperByRegister,
}

/// Signed division as RFC 9669 section 4.1 defines it: nothing traps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    Divide32,
    Divide64,
    Modulo32,
    Modulo64,
}

/// One site of a program.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    pub action: SiteAction,
    /// Instructions that the site stands for (`counting.rs`).
    pub counted: i64,
    /// The slot in the program as linked that the site belongs to.
    pub instruction: u32,
}

/// The function that rbpf calls for a number that a rewritten program holds.
pub fn function(number: u32) -> Option<Helper> {
    match number {
        STEP_CALL => Some(crate::machine::steps::step),
        _ if number >= PAGE_BASE => PAGE_TABLE.as_flattened().get((number - PAGE_BASE) as usize).copied(),
        _ if number >= SITE_BASE => SITE_TABLE.as_flattened().get((number - SITE_BASE) as usize).copied(),
        _ => None,
    }
}

fn site<const N: usize>(r1: u64, r2: u64, r3: u64, r4: u64, r5: u64) -> u64 {
    crate::machine::arrive(N, r1, r2, r3, r4, r5)
}

fn page<const N: usize>(_: u64, _: u64, _: u64, _: u64, _: u64) -> u64 {
    crate::machine::turn_page(N);
    0
}

macro_rules! sixteen {
    ($function:ident, $base:expr) => {
        [
            $function::<{ $base }>, $function::<{ $base + 1 }>, $function::<{ $base + 2 }>, $function::<{ $base + 3 }>,
            $function::<{ $base + 4 }>, $function::<{ $base + 5 }>, $function::<{ $base + 6 }>, $function::<{ $base + 7 }>,
            $function::<{ $base + 8 }>, $function::<{ $base + 9 }>, $function::<{ $base + 10 }>, $function::<{ $base + 11 }>,
            $function::<{ $base + 12 }>, $function::<{ $base + 13 }>, $function::<{ $base + 14 }>, $function::<{ $base + 15 }>,
        ]
    };
}

static PAGE_TABLE: [[Helper; 16]; 8] = [
    sixteen!(page, 0), sixteen!(page, 16), sixteen!(page, 32), sixteen!(page, 48),
    sixteen!(page, 64), sixteen!(page, 80), sixteen!(page, 96), sixteen!(page, 112),
];
static SITE_TABLE: [[Helper; 16]; 8] = [
    sixteen!(site, 0), sixteen!(site, 16), sixteen!(site, 32), sixteen!(site, 48),
    sixteen!(site, 64), sixteen!(site, 80), sixteen!(site, 96), sixteen!(site, 112),
];
