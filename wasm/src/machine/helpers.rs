//! Which helper a number stands for, and those that need neither maps nor packets.

use super::{Machine, helper};
use super::helper_names::helper_name;
use crate::fault::Fault;
use crate::map::{EFAULT, EINVAL};

impl Machine {
    /// A helper call from the instruction at `slot`. Answers r0.
    pub fn call(&mut self, number: u32, args: [u64; 5], slot: u32) -> u64 {
        if self.fault.is_some() {
            return 0;
        }
        let Some(name) = helper_name(number) else {
            self.fail(Fault::at(slot as usize, format!("It calls helper {number}; Linux has no such helper.")));
            return 0;
        };
        self.helper_calls[number as usize] += 1;
        let slot = slot as usize;
        let answer = match self.map_helper(number, args, slot).or_else(|| self.packet_helper(number, args, slot)).or_else(|| self.record_helper(number, args, slot)).or_else(|| self.text_helper(number, args, slot)).or_else(|| self.dynptr_helper(number, args, slot)).or_else(|| self.plain_helper(number, args, slot)) {
            Some(answer) => answer,
            None => {
                self.fail(Fault::at(slot, format!("It calls bpf_{name}, which the VM does not have.")));
                return 0;
            }
        };
        answer as u64
    }

    /// Bytes that the program handed over; ends the run with a sentence where it may not.
    pub fn argument(&mut self, what: &str, address: u64, size: usize, slot: usize) -> Option<Vec<u8>> {
        match self.readable(address, size) {
            Some(bytes) => Some(bytes.to_vec()),
            None => {
                self.fail(Fault::at(slot, format!("The {what} that it hands to the helper lies at {address:#x}, where {size} bytes may not be read.")));
                None
            }
        }
    }

    /// Writes into memory of the program.
    pub fn answer_into(&mut self, what: &str, address: u64, bytes: &[u8], slot: usize) -> bool {
        match self.writable(address, bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                true
            }
            None => {
                self.fail(Fault::at(slot, format!("The {what} for the helper’s answer lies at {address:#x}, where {} bytes may not be written.", bytes.len())));
                false
            }
        }
    }

    fn plain_helper(&mut self, number: u32, args: [u64; 5], slot: usize) -> Option<i64> {
        Some(match number {
            helper::KTIME_GET_NS | helper::KTIME_GET_BOOT_NS | helper::KTIME_GET_COARSE_NS | helper::KTIME_GET_TAI_NS => self.now_ns as i64,
            helper::JIFFIES64 => 4_294_892_296 + (self.now_ns / 4_000_000) as i64,
            helper::GET_PRANDOM_U32 => i64::from(self.random.next()),
            helper::GET_SMP_PROCESSOR_ID | helper::GET_NUMA_NODE_ID | helper::GET_CGROUP_CLASSID | helper::GET_ROUTE_REALM | helper::GET_SOCKET_UID | helper::GET_CURRENT_CGROUP_ID => 0,
            helper::GET_CURRENT_PID_TGID | helper::GET_CURRENT_UID_GID | helper::GET_CURRENT_TASK => 0,
            helper::GET_NETNS_COOKIE => 1,
            helper::GET_SOCKET_COOKIE => 1,
            helper::SPIN_LOCK | helper::SPIN_UNLOCK => 0,
            // What a system call fails with. Nobody makes one here: r0 says whether it is let through.
            helper::SET_RETVAL => if (-4095..=0).contains(&(args[0] as i32)) { 0 } else { EINVAL },
            helper::CSUM_DIFF => return Some(self.csum_diff(args, slot)),
            helper::PROBE_READ | helper::PROBE_READ_KERNEL | helper::PROBE_READ_USER => return Some(self.probe_read(args, slot)),
            helper::STRNCMP => return Some(self.strncmp(args, slot)),
            helper::STRTOL | helper::STRTOUL => return Some(self.strto(number, args, slot)),
            _ => return None,
        })
    }

    /// `bpf_csum_diff`: sizes are multiples of 4.
    fn csum_diff(&mut self, [from, from_size, to, to_size, seed]: [u64; 5], slot: usize) -> i64 {
        use super::checksum::{from32to16, partial, sub};
        let (from_size, to_size, seed) = (from_size as u32 as usize, to_size as u32 as usize, seed as u32);
        if from_size % 4 != 0 || to_size % 4 != 0 || from_size.saturating_add(to_size) > 512 {
            return EINVAL;
        }
        let old = if from_size > 0 { self.argument("old data", from, from_size, slot) } else { Some(Vec::new()) };
        let new = if to_size > 0 { self.argument("new data", to, to_size, slot) } else { Some(Vec::new()) };
        let (Some(old), Some(new)) = (old, new) else { return 0 };
        i64::from(match (from_size > 0, to_size > 0) {
            (true, true) => u32::from(from32to16(sub(partial(&new, seed), partial(&old, 0)))),
            (false, true) => u32::from(from32to16(partial(&new, seed))),
            (true, false) => u32::from(from32to16(!partial(&old, !seed))),
            (false, false) => u32::from(from32to16(seed)),
        })
    }

    fn probe_read(&mut self, [to, size, from, ..]: [u64; 5], slot: usize) -> i64 {
        let size = size as u32 as usize;
        let bytes = self.readable(from, size).map(<[u8]>::to_vec);
        let readable = bytes.is_some();
        self.answer_into("place", to, &bytes.unwrap_or_else(|| vec![0; size]), slot);
        if readable { 0 } else { EFAULT }
    }

    fn strncmp(&mut self, [first, size, second, ..]: [u64; 5], slot: usize) -> i64 {
        let size = size as u32 as usize;
        let (Some(a), Some(b)) = (self.argument("string", first, size, slot), self.argument("string", second, size, slot)) else { return 0 };
        for (a, b) in a.iter().zip(&b) {
            if a != b || *a == 0 {
                return (i64::from(*a) - i64::from(*b)).signum();
            }
        }
        0
    }

    /// `bpf_strtol`, `bpf_strtoul`: how many characters were read, the number into the fourth argument.
    fn strto(&mut self, number: u32, [text, size, flags, answer, _]: [u64; 5], slot: usize) -> i64 {
        let Some(text) = self.argument("string", text, size as u32 as usize, slot) else { return 0 };
        let (value, consumed) = match parse_number(&text, flags, number == helper::STRTOL) {
            Ok(parsed) => parsed,
            Err(error) => (0, error),
        };
        self.answer_into("place", answer, &value.to_le_bytes(), slot);
        consumed
    }
}

/// The number, and how many characters it has with what stands before it (`__bpf_strtoull`).
fn parse_number(text: &[u8], flags: u64, signed: bool) -> Result<(u64, i64), i64> {
    const ERANGE: i64 = -34;
    let at = |position: usize| text.get(position).copied().unwrap_or(0);
    let is_prefix = |position: usize| at(position) == b'0' && at(position + 1) | 32 == b'x';
    let mut from = 0;
    while matches!(at(from), 9..=13 | 32 | 160) {
        from += 1;
    }
    let negative = at(from) == b'-';
    from += usize::from(negative);
    let radix = match flags {
        0 if is_prefix(from) && at(from + 2).is_ascii_hexdigit() => 16,
        0 if at(from) == b'0' => 8,
        0 => 10,
        8 | 10 | 16 => flags as u32,
        _ => return Err(EINVAL),
    };
    if radix == 16 && is_prefix(from) {
        from += 2;
    }
    let digits = text[from.min(text.len())..].iter().map_while(|&byte| char::from(byte).to_digit(radix));
    let (mut count, mut value) = (0, Some(0u64));
    for digit in digits {
        count += 1;
        value = value.and_then(|value| value.checked_mul(radix.into())?.checked_add(digit.into()));
    }
    let value = value.ok_or(ERANGE)?;
    if count == 0 || negative && !signed {
        return Err(EINVAL);
    }
    let value = if negative { value.wrapping_neg() } else { value };
    if signed && value != 0 && ((value as i64) < 0) != negative {
        return Err(ERANGE);
    }
    Ok((value, (from + count) as i64))
}
