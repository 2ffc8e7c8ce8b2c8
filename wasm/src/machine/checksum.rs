//! Internet checksums as the kernel updates them (include/net/checksum.h), on little-endian memory.

/// `csum_add`: ones' complement addition.
pub fn add(a: u32, b: u32) -> u32 {
    let (sum, carry) = a.overflowing_add(b);
    sum + u32::from(carry)
}

pub fn sub(a: u32, b: u32) -> u32 {
    add(a, !b)
}

/// `csum_fold`.
pub fn fold(sum: u32) -> u16 {
    !from32to16(sum)
}

/// `csum_from32to16`.
pub fn from32to16(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

/// `csum_partial`.
pub fn partial(bytes: &[u8], start: u32) -> u32 {
    let sum = bytes.chunks(2).fold(0u64, |sum, pair| sum + u64::from(u16::from_le_bytes([pair[0], pair.get(1).copied().unwrap_or(0)])));
    let folded = (sum & 0xffff_ffff) + (sum >> 32);
    add(start, ((folded & 0xffff_ffff) + (folded >> 32)) as u32)
}

/// `csum_replace4`.
pub fn replace4(sum: u16, from: u32, to: u32) -> u16 {
    fold(add(sub(!u32::from(sum), from), to))
}

/// `csum_replace2`.
pub fn replace2(sum: u16, from: u16, to: u16) -> u16 {
    let add16 = |a: u16, b: u16| {
        let (sum, carry) = a.overflowing_add(b);
        sum + u16::from(carry)
    };
    !add16(add16(!sum, !from), to)
}

/// `csum_replace_by_diff`.
pub fn replace_by_diff(sum: u16, difference: u32) -> u16 {
    fold(add(difference, !u32::from(sum)))
}
