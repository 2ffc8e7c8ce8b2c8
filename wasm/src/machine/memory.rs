//! The memory that programs may touch beside map values: their context, their stack, and the packet.

use std::ops::Range;

use crate::program::rewrite::{SPILL, STRIDE};

/// rbpf calls eight deep, so nine frames.
const FRAMES: usize = 9;
pub const CONTEXT: usize = 192;
const SCRATCH: usize = 64;
const PADDING: usize = 16;

/// Context, scratch and stack in one block, so that one range holds them. The stack lies lowest: what overflows it
/// leaves the block.
pub struct Workspace {
    block: Box<[u64]>,
}

impl Workspace {
    pub fn new() -> Workspace {
        Workspace { block: vec![0; (FRAMES * STRIDE + SCRATCH + CONTEXT + PADDING) / 8].into_boxed_slice() }
    }

    fn base(&self) -> usize {
        self.block.as_ptr() as usize
    }

    /// r10 of the outermost frame: 512 bytes of stack below it, `SPILL` bytes above.
    pub fn frame_pointer(&self) -> usize {
        self.base() + FRAMES * STRIDE - SPILL
    }

    pub fn scratch(&self) -> usize {
        self.base() + FRAMES * STRIDE
    }

    pub fn context(&self) -> usize {
        self.scratch() + SCRATCH
    }

    /// Nothing of an earlier run may be read in this one.
    pub fn clear(&mut self) {
        self.block.fill(0);
    }

    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the block's own memory, as bytes.
        unsafe { std::slice::from_raw_parts(self.block.as_ptr().cast(), self.block.len() * 8) }
    }

    pub fn range(&self) -> Range<usize> {
        self.base()..self.base() + self.block.len() * 8 - PADDING
    }

    pub fn context_bytes(&mut self) -> &mut [u8] {
        let start = FRAMES * STRIDE + SCRATCH;
        // SAFETY: within the block.
        let bytes: &mut [u8] = unsafe { std::slice::from_raw_parts_mut(self.block.as_mut_ptr().cast(), self.block.len() * 8) };
        &mut bytes[start..start + CONTEXT]
    }
}

/// As XDP_PACKET_HEADROOM.
pub const HEADROOM: usize = 256;
/// Room for a packet with what a program may add behind it.
const CAPACITY: usize = HEADROOM + 65_536 + 4096;

/// A packet with room before and behind it. Offsets count from the buffer's start.
pub struct PacketBuffer {
    buffer: Box<[u64]>,
    pub start: usize,
    pub len: usize,
    /// Bytes of metadata right before the packet (XDP).
    pub meta: usize,
}

pub const LONGEST_PACKET: usize = 65_535;

impl PacketBuffer {
    pub fn new() -> PacketBuffer {
        PacketBuffer { buffer: vec![0; CAPACITY / 8].into_boxed_slice(), start: HEADROOM, len: 0, meta: 0 }
    }

    pub fn set(&mut self, packet: &[u8]) {
        // Only what an earlier run may have left needs to go.
        let used = self.start + self.len;
        let reach = used.max(HEADROOM + packet.len()) + 64;
        let all = self.all_mut();
        let reach = reach.min(all.len());
        all[..reach].fill(0);
        all[HEADROOM..HEADROOM + packet.len()].copy_from_slice(packet);
        self.start = HEADROOM;
        self.len = packet.len();
        self.meta = 0;
    }

    pub fn all(&self) -> &[u8] {
        // SAFETY: the buffer's own memory, as bytes.
        unsafe { std::slice::from_raw_parts(self.buffer.as_ptr().cast(), CAPACITY) }
    }

    pub fn all_mut(&mut self) -> &mut [u8] {
        // SAFETY: the buffer's own memory, as bytes.
        unsafe { std::slice::from_raw_parts_mut(self.buffer.as_mut_ptr().cast(), CAPACITY) }
    }

    pub fn address(&self) -> usize {
        self.buffer.as_ptr() as usize + self.start
    }

    pub fn data(&self) -> &[u8] {
        &self.all()[self.start..self.start + self.len]
    }

    pub fn data_mut(&mut self) -> &mut [u8] {
        let range = self.start..self.start + self.len;
        &mut self.all_mut()[range]
    }

    /// Moves the packet's first byte by `delta`: negative makes room. False where there is none.
    pub fn move_start(&mut self, delta: i64) -> bool {
        let start = self.start as i64 + delta;
        let len = self.len as i64 - delta;
        if start < 0 || len < 0 {
            return false;
        }
        self.start = start as usize;
        self.len = len as usize;
        true
    }

    /// Changes the length at the end; new bytes are 0.
    pub fn resize(&mut self, len: usize) -> bool {
        if self.start + len > CAPACITY {
            return false;
        }
        let old = self.len;
        self.len = len;
        if len > old {
            self.data_mut()[old..].fill(0);
        }
        true
    }
}
