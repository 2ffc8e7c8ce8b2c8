//! Array maps (kernel/bpf/arraymap.c): all elements exist from the start, in one row.

use super::arena::{Arena, bytes_at};
use super::{BPF_EXIST, BPF_NOEXIST, E2BIG, EEXIST, EINVAL, MapSpec, Touched, Updated};

const LARGEST: u64 = 256 << 20;

pub struct Array {
    /// Address of element 0.
    pub base: usize,
    /// Bytes from one element to the next: the value size rounded up to 8, as `array->elem_size`.
    stride: usize,
    max_entries: u32,
}

impl Array {
    pub fn new(spec: &MapSpec, arena: &mut Arena) -> Option<Array> {
        let stride = u64::from(spec.value_size).next_multiple_of(8);
        let bytes = stride * u64::from(spec.max_entries);
        if bytes > LARGEST {
            return None;
        }
        Some(Array { base: arena.allocate(bytes as usize)?, stride: stride as usize, max_entries: spec.max_entries })
    }

    pub fn contains(&self, address: usize) -> bool {
        (self.base..self.base + self.stride * self.max_entries as usize).contains(&address)
    }

    pub fn lookup(&self, key: &[u8]) -> Touched {
        let index = index(key);
        let value = if index < self.max_entries { self.base + index as usize * self.stride } else { 0 };
        Touched { bucket: index, value, ..Touched::default() }
    }

    pub fn update(&mut self, key: &[u8], value: &[u8], flags: u64) -> Updated {
        let touched = self.lookup(key);
        let existed = touched.value != 0;
        if flags > BPF_EXIST {
            return Updated { touched, existed, error: EINVAL };
        }
        if !existed {
            return Updated { touched, existed, error: E2BIG };
        }
        if flags == BPF_NOEXIST {
            return Updated { touched, existed, error: EEXIST };
        }
        // SAFETY: the address is of an element of this array, whose arena lives as long as the collection.
        unsafe { bytes_at(touched.value, value.len()) }.copy_from_slice(value);
        Updated { touched, existed, error: 0 }
    }

    pub fn clear(&mut self) {
        // SAFETY: all elements lie in the one allocation made in `new`.
        unsafe { bytes_at(self.base, self.stride * self.max_entries as usize) }.fill(0);
    }

    pub fn window(&self, from: u32, count: u32, visit: &mut dyn FnMut(u32, &[u8], usize)) {
        for index in from..from.saturating_add(count).min(self.max_entries) {
            visit(index, &index.to_le_bytes(), self.base + index as usize * self.stride);
        }
    }
}

fn index(key: &[u8]) -> u32 {
    key.try_into().map_or(u32::MAX, u32::from_le_bytes)
}
