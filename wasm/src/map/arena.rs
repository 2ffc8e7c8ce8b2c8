//! Memory that programs hold pointers into: map values only, in chunks that never move and never shrink.
//!
//! rbpf checks an access against a list of ranges, so there are few chunks, each larger than the one before. An access
//! is checked by its first byte alone: every chunk ends with bytes that nothing uses.

use std::ops::Range;

const FIRST_CHUNK: usize = 64 << 10;
const LARGEST_CHUNK: usize = 16 << 20;
const PADDING: usize = 8;

#[derive(Default)]
pub struct Arena {
    chunks: Vec<Box<[u64]>>,
    /// Bytes used of the last chunk.
    used: usize,
    fixed: bool,
}

impl Arena {
    /// `size` zeroed bytes, 8-byte aligned; their address. `None`: there is no room, and none may be made now, for a
    /// running program's ranges are fixed.
    pub fn allocate(&mut self, size: usize) -> Option<usize> {
        let size = size.next_multiple_of(8);
        if size > self.room() {
            if self.fixed {
                return None;
            }
            self.add_chunk(size);
        }
        let start = self.chunks.last().map_or(0, |chunk| chunk.as_ptr() as usize);
        let address = start + self.used;
        self.used += size;
        Some(address)
    }

    fn room(&self) -> usize {
        self.chunks.last().map_or(0, |chunk| chunk.len() * 8 - PADDING - self.used)
    }

    /// With room for `needed` bytes, and twice as large as the last one, so that chunks stay few.
    fn add_chunk(&mut self, needed: usize) {
        let doubled = self.chunks.last().map_or(FIRST_CHUNK, |chunk| (chunk.len() * 16).min(LARGEST_CHUNK));
        let bytes = doubled.max(needed + PADDING);
        self.chunks.push(vec![0u64; bytes.next_multiple_of(8) / 8].into_boxed_slice());
        self.used = 0;
    }

    /// Before a run: makes room for what the run may allocate, then lets no chunk be added until `release`.
    pub fn fix(&mut self, needed: usize) {
        if self.room() < needed {
            self.add_chunk(needed);
        }
        self.fixed = true;
    }

    pub fn release(&mut self) {
        self.fixed = false;
    }

    pub fn chunk_count(&self) -> usize {
        self.chunks.len()
    }

    /// Where accesses may start, chunk by chunk.
    pub fn ranges(&self) -> impl Iterator<Item = Range<u64>> + '_ {
        self.chunks.iter().map(|chunk| {
            let start = chunk.as_ptr() as u64;
            start..start + (chunk.len() * 8 - PADDING) as u64
        })
    }

    pub fn contains(&self, address: usize, size: usize) -> bool {
        self.chunks.iter().any(|chunk| {
            let start = chunk.as_ptr() as usize;
            address >= start && address - start <= chunk.len() * 8 && chunk.len() * 8 - (address - start) >= size
        })
    }
}

/// The bytes at an address that [`Arena::allocate`] gave out.
///
/// # Safety
/// `address` and `size` must lie in one allocation of an arena that outlives the slice; nothing else may hold it.
pub unsafe fn bytes_at<'a>(address: usize, size: usize) -> &'a mut [u8] {
    // SAFETY: the caller's promise above.
    unsafe { std::slice::from_raw_parts_mut(address as *mut u8, size) }
}
