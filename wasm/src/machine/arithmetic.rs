//! Signed division and remainder as RFC 9669 section 4.1 defines them: nothing traps.

use crate::program::sites::Arithmetic;

pub fn compute(operation: Arithmetic, left: u64, right: u64) -> u64 {
    let (left32, right32) = (left as i32, right as i32);
    let (left64, right64) = (left as i64, right as i64);
    match operation {
        Arithmetic::Divide32 => (if right32 == 0 { 0 } else { left32.wrapping_div(right32) }) as u32 as u64,
        Arithmetic::Divide64 => (if right64 == 0 { 0 } else { left64.wrapping_div(right64) }) as u64,
        Arithmetic::Modulo32 => (if right32 == 0 { left32 } else { left32.wrapping_rem(right32) }) as u32 as u64,
        Arithmetic::Modulo64 => (if right64 == 0 { left64 } else { left64.wrapping_rem(right64) }) as u64,
    }
}
