//! Helpers that put numbers into text (kernel/bpf/helpers.c, `bpf_bprintf_prepare`; kernel/trace/bpf_trace.c).

use super::{Machine, helper};
use crate::fault::Fault;
use crate::map::{E2BIG, EINVAL};

const MOST_LINES: usize = 1000;
/// `MAX_BPRINTF_VARARGS`.
const MOST_ARGUMENTS: usize = 12;
/// The longest string that %s takes (`MAX_BPRINTF_BIN_ARGS`).
const LONGEST_STRING: usize = 512;
const EFAULT: i64 = -14;

/// How a number is to stand in the text.
#[derive(Default)]
struct Field {
    zeros: bool,
    left: bool,
    plus: bool,
    space: bool,
    width: usize,
}

impl Field {
    fn put(&self, out: &mut Vec<u8>, sign: &str, digits: &str) {
        let fill = self.width.saturating_sub(sign.len() + digits.len());
        let (before, zeros, after) = match (self.left, self.zeros) {
            (true, _) => (0, 0, fill),
            (_, true) => (0, fill, 0),
            _ => (fill, 0, 0),
        };
        out.resize(out.len() + before, b' ');
        out.extend_from_slice(sign.as_bytes());
        out.resize(out.len() + zeros, b'0');
        out.extend_from_slice(digits.as_bytes());
        out.resize(out.len() + after, b' ');
    }

    fn number(&self, out: &mut Vec<u8>, letter: u8, value: u64, wide: bool) {
        let unsigned = if wide { value } else { u64::from(value as u32) };
        match letter {
            b'x' => self.put(out, "", &format!("{unsigned:x}")),
            b'X' => self.put(out, "", &format!("{unsigned:X}")),
            b'u' => self.put(out, "", &unsigned.to_string()),
            _ => {
                let signed = if wide { value as i64 } else { i64::from(value as i32) };
                let sign = match (signed < 0, self.plus, self.space) {
                    (true, ..) => "-",
                    (_, true, _) => "+",
                    (.., true) => " ",
                    _ => "",
                };
                self.put(out, sign, &signed.unsigned_abs().to_string());
            }
        }
    }
}

impl Machine {
    pub fn text_helper(&mut self, number: u32, args: [u64; 5], slot: usize) -> Option<i64> {
        let [first, second, third, fourth, fifth] = args;
        Some(match number {
            helper::TRACE_PRINTK => {
                let Some(format) = self.argument("format", first, second as u32 as usize, slot) else { return Some(0) };
                self.print(&format, &[third, fourth, fifth])
            }
            helper::TRACE_VPRINTK => {
                let Some(format) = self.argument("format", first, second as u32 as usize, slot) else { return Some(0) };
                match self.numbers(third, fourth, slot) {
                    Some(Ok(values)) => self.print(&format, &values),
                    Some(Err(error)) => error,
                    None => 0,
                }
            }
            helper::SNPRINTF => self.snprintf(args, slot),
            helper::PROBE_READ_STR | helper::PROBE_READ_KERNEL_STR | helper::PROBE_READ_USER_STR => self.read_string(first, second as u32 as usize, third, slot),
            _ => return None,
        })
    }

    /// Arguments that lie in memory, 8 bytes each.
    fn numbers(&mut self, data: u64, len: u64, slot: usize) -> Option<Result<Vec<u64>, i64>> {
        let len = len as u32 as usize;
        if len % 8 != 0 || len > MOST_ARGUMENTS * 8 || (len > 0 && data == 0) {
            return Some(Err(EINVAL));
        }
        if len == 0 {
            return Some(Ok(Vec::new()));
        }
        let bytes = self.argument("arguments", data, len, slot)?;
        Some(Ok(bytes.chunks_exact(8).map(|word| word.try_into().map_or(0, u64::from_le_bytes)).collect()))
    }

    fn print(&mut self, format: &[u8], values: &[u64]) -> i64 {
        let text = match format.iter().position(|&byte| byte == 0) {
            Some(end) => self.formatted(&format[..end], values),
            None => return EINVAL,
        };
        match text {
            Err(error) => error,
            Ok(_) if self.printed.len() >= MOST_LINES => E2BIG,
            Ok(text) => {
                let printed = text.len() as i64;
                self.printed.push(String::from_utf8_lossy(&text).into_owned());
                printed
            }
        }
    }

    /// Answers the whole text's length with its final 0, however little of it fitted.
    fn snprintf(&mut self, [to, size, format, data, len]: [u64; 5], slot: usize) -> i64 {
        let values = match self.numbers(data, len, slot) {
            Some(Ok(values)) => values,
            Some(Err(error)) => return error,
            None => return 0,
        };
        let Some(format) = self.string_at(format, usize::MAX) else {
            self.fail(Fault::at(slot, format!("The format that it hands to the helper lies at {format:#x}, where no string may be read.")));
            return 0;
        };
        let text = match self.formatted(&format, &values) {
            Ok(text) => text,
            Err(error) => return error,
        };
        let size = size as u32 as usize;
        if size > 0 {
            let mut out = text[..text.len().min(size - 1)].to_vec();
            out.push(0);
            self.answer_into("text", to, &out, slot);
        }
        text.len() as i64 + 1
    }

    fn formatted(&self, format: &[u8], values: &[u64]) -> Result<Vec<u8>, i64> {
        let mut out = Vec::new();
        let mut values = values.iter().copied();
        let mut rest = format.iter().copied().peekable();
        while let Some(byte) = rest.next() {
            if byte != b'%' {
                if !byte.is_ascii_graphic() && !byte.is_ascii_whitespace() {
                    return Err(EINVAL);
                }
                out.push(byte);
                continue;
            }
            if rest.next_if_eq(&b'%').is_some() {
                out.push(b'%');
                continue;
            }
            let mut field = Field::default();
            while let Some(flag) = rest.next_if(|byte| b"0+- ".contains(byte)) {
                match flag {
                    b'0' => field.zeros = true,
                    b'+' => field.plus = true,
                    b'-' => field.left = true,
                    _ => field.space = true,
                }
            }
            while let Some(digit) = rest.next_if(u8::is_ascii_digit) {
                field.width = (field.width * 10 + usize::from(digit - b'0')).min(4096);
            }
            let mut longs = 0;
            while longs < 2 && rest.next_if_eq(&b'l').is_some() {
                longs += 1;
            }
            let letter = rest.next().ok_or(EINVAL)?;
            let mut value = || values.next().ok_or(EINVAL);
            match letter {
                b'd' | b'i' | b'u' | b'x' | b'X' => field.number(&mut out, letter, value()?, longs > 0),
                b'c' if longs == 0 => field.put(&mut out, "", std::str::from_utf8(&[value()? as u8 & 0x7f]).unwrap_or("?")),
                b's' if longs == 0 => {
                    let text = self.string_at(value()?, LONGEST_STRING).unwrap_or_default();
                    field.put(&mut out, "", &String::from_utf8_lossy(&text));
                }
                b'p' if longs == 0 => {
                    let mut kind = Vec::new();
                    while let Some(byte) = rest.next_if(u8::is_ascii_alphanumeric) {
                        kind.push(byte);
                    }
                    let value = value()?;
                    match kind.as_slice() {
                        b"" | b"k" | b"x" => field.put(&mut out, "", &format!("{value:016x}")),
                        b"I4" | b"i4" => {
                            let bytes = self.readable(value, 4).ok_or(EFAULT)?;
                            let parts: Vec<String> = bytes.iter().map(|byte| if kind[0] == b'i' { format!("{byte:03}") } else { byte.to_string() }).collect();
                            field.put(&mut out, "", &parts.join("."));
                        }
                        b"I6" | b"i6" => {
                            let bytes = self.readable(value, 16).ok_or(EFAULT)?;
                            let parts: Vec<String> = bytes.chunks_exact(2).map(|pair| format!("{:02x}{:02x}", pair[0], pair[1])).collect();
                            field.put(&mut out, "", &parts.join(if kind[0] == b'i' { "" } else { ":" }));
                        }
                        _ => return Err(EINVAL),
                    }
                }
                _ => return Err(EINVAL),
            }
        }
        Ok(out)
    }

    /// The bytes before the first 0.
    fn string_at(&self, address: u64, longest: usize) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        for offset in 0..longest.min(4096) as u64 {
            match self.readable(address.checked_add(offset)?, 1)?[0] {
                0 => break,
                byte => text.push(byte),
            }
        }
        Some(text)
    }

    /// Answers the string's length with its final 0.
    fn read_string(&mut self, to: u64, size: usize, from: u64, slot: usize) -> i64 {
        if size == 0 {
            return EFAULT;
        }
        match self.string_at(from, size - 1) {
            Some(mut text) => {
                text.push(0);
                self.answer_into("place", to, &text, slot);
                text.len() as i64
            }
            None => {
                self.answer_into("place", to, &vec![0; size.min(1 << 16)], slot);
                EFAULT
            }
        }
    }
}
