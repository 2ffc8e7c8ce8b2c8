//! Pointers that know the size of what they point at (kernel/bpf/helpers.c): 16 bytes on the program's stack that only
//! helpers read: an address, a size, an offset.

use super::{Machine, helper};
use crate::map::{E2BIG, EINVAL, Storage};

const LARGEST: u32 = (1 << 24) - 1;
const SIZE: usize = 16;

struct DynPtr {
    data: u64,
    size: u32,
}

impl Machine {
    pub fn dynptr_helper(&mut self, number: u32, args: [u64; 5], slot: usize) -> Option<i64> {
        let [first, second, third, fourth, fifth] = args;
        Some(match number {
            helper::DYNPTR_FROM_MEM => match (third, second as u32) {
                (0, ..=LARGEST) => {
                    self.put_dynptr(fourth, first, second as u32, slot);
                    0
                }
                (flags, _) => {
                    self.put_dynptr(fourth, 0, 0, slot);
                    if flags == 0 { E2BIG } else { EINVAL }
                }
            },
            helper::DYNPTR_READ => self.dynptr_copy(third, fourth as u32, first, second as u32, fifth, false, slot),
            helper::DYNPTR_WRITE => self.dynptr_copy(first, second as u32, third, fourth as u32, fifth, true, slot),
            helper::DYNPTR_DATA => match self.dynptr(first, slot) {
                Some(pointer) if fits(&pointer, second as u32, third as u32) => (pointer.data + u64::from(second as u32)) as i64,
                _ => 0,
            },
            helper::RINGBUF_RESERVE_DYNPTR => self.reserve_dynptr(first, second as u32, third, fourth, slot),
            helper::RINGBUF_SUBMIT_DYNPTR | helper::RINGBUF_DISCARD_DYNPTR => {
                let pointer = self.dynptr(first, slot)?;
                self.put_dynptr(first, 0, 0, slot);
                if pointer.data != 0 {
                    self.ringbuf_commit(pointer.data, number == helper::RINGBUF_DISCARD_DYNPTR, slot);
                }
                0
            }
            _ => return None,
        })
    }

    fn dynptr(&mut self, address: u64, slot: usize) -> Option<DynPtr> {
        let bytes = self.argument("dynptr", address, SIZE, slot)?;
        let data = bytes[..8].try_into().map_or(0, u64::from_le_bytes);
        let size = bytes[8..12].try_into().map_or(0, u32::from_le_bytes);
        Some(DynPtr { data, size })
    }

    fn put_dynptr(&mut self, address: u64, data: u64, size: u32, slot: usize) {
        let mut bytes = [0; SIZE];
        bytes[..8].copy_from_slice(&data.to_le_bytes());
        bytes[8..12].copy_from_slice(&size.to_le_bytes());
        self.answer_into("dynptr", address, &bytes, slot);
    }

    /// Between memory and what a dynptr points at.
    #[allow(clippy::too_many_arguments)]
    fn dynptr_copy(&mut self, pointer: u64, offset: u32, memory: u64, len: u32, flags: u64, write: bool, slot: usize) -> i64 {
        let Some(pointer) = self.dynptr(pointer, slot) else { return 0 };
        if flags != 0 || pointer.data == 0 {
            return EINVAL;
        }
        if !fits(&pointer, offset, len) {
            return E2BIG;
        }
        let inside = pointer.data + u64::from(offset);
        let (from, to) = if write { (memory, inside) } else { (inside, memory) };
        let Some(bytes) = self.argument("data", from, len as usize, slot) else { return 0 };
        self.answer_into("place", to, &bytes, slot);
        0
    }

    fn reserve_dynptr(&mut self, map: u64, size: u32, flags: u64, pointer: u64, slot: usize) -> i64 {
        let Some(index) = self.map_of(map, slot) else { return 0 };
        let reserved = match &mut self.maps[index].storage {
            Storage::Ring(ring) if flags == 0 && size <= LARGEST => ring.reserve(u64::from(size)),
            _ => None,
        };
        match reserved {
            Some(address) => {
                self.note_value(index, 0, address as u64);
                self.put_dynptr(pointer, address as u64, size, slot);
                0
            }
            None => {
                self.put_dynptr(pointer, 0, 0, slot);
                if size > LARGEST { E2BIG } else { EINVAL }
            }
        }
    }
}

fn fits(pointer: &DynPtr, offset: u32, len: u32) -> bool {
    pointer.data != 0 && len <= pointer.size && offset <= pointer.size - len
}
