//! The memory that programs may touch beside map values: their context, their stack, and the packet.

use std::ops::Range;

use crate::program::rewrite::{SPILL, STRIDE};

/// rbpf calls eight deep, so nine frames.
const FRAMES: usize = 9;
pub const CONTEXT: usize = 192;
const SCRATCH: usize = 64;
/// `struct bpf_sock` of the packet's socket.
const SOCKET: usize = super::context::SOCK_SIZE;
const PADDING: usize = 16;

/// Context, scratch and stack in one block, so that one range holds them. The stack lies lowest: what overflows it
/// leaves the block.
pub struct Workspace {
    block: Box<[u64]>,
}

impl Workspace {
    pub fn new() -> Workspace {
        Workspace { block: vec![0; (FRAMES * STRIDE + SCRATCH + CONTEXT + SOCKET + PADDING) / 8].into_boxed_slice() }
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

    /// The scratch's 8-byte words: 0 and 1 are for inserted instructions, 2 and 3 for tail calls.
    pub fn set_scratch(&mut self, word: usize, value: u64) {
        self.block[FRAMES * STRIDE / 8 + word] = value;
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

    pub fn socket(&self) -> usize {
        self.context() + CONTEXT
    }

    pub fn socket_bytes(&mut self) -> &mut [u8] {
        let start = FRAMES * STRIDE + SCRATCH + CONTEXT;
        // SAFETY: within the block.
        let bytes: &mut [u8] = unsafe { std::slice::from_raw_parts_mut(self.block.as_mut_ptr().cast(), self.block.len() * 8) };
        &mut bytes[start..start + SOCKET]
    }
}

/// Memory of a run within a run: a callback, or a program that a called function tail-called.
pub struct Level {
    block: Box<[u64]>,
}

/// Longest key that a callback is shown.
const KEY: usize = 512;
const ARGUMENTS: usize = 40;

impl Level {
    pub fn new() -> Level {
        Level { block: vec![0; (FRAMES * STRIDE + ARGUMENTS + KEY + PADDING) / 8].into_boxed_slice() }
    }

    fn base(&self) -> usize {
        self.block.as_ptr() as usize
    }

    pub fn frame_pointer(&self) -> usize {
        self.base() + FRAMES * STRIDE - SPILL
    }

    /// Where r1 to r5 of a callback lie.
    pub fn arguments(&self) -> usize {
        self.base() + FRAMES * STRIDE
    }

    pub fn key(&self) -> usize {
        self.arguments() + ARGUMENTS
    }

    pub fn range(&self) -> Range<usize> {
        self.base()..self.base() + self.block.len() * 8 - PADDING
    }

    pub fn set_arguments(&mut self, arguments: [u64; 5]) {
        self.block[FRAMES * STRIDE / 8..][..5].copy_from_slice(&arguments);
    }

    pub fn set_key(&mut self, key: &[u8]) {
        let start = FRAMES * STRIDE + ARGUMENTS;
        let len = key.len().min(KEY);
        // SAFETY: the block's own memory, as bytes.
        let bytes: &mut [u8] = unsafe { std::slice::from_raw_parts_mut(self.block.as_mut_ptr().cast(), self.block.len() * 8) };
        bytes[start..start + len].copy_from_slice(&key[..len]);
    }
}

/// XDP_PACKET_HEADROOM: how far XDP programs may grow a packet at its start, their metadata included.
pub const XDP_HEADROOM: usize = 256;
/// Room before a packet: as much as Linux would make for a tc program (`SKB_MAX_ALLOC`), and more.
pub const HEADROOM: usize = 20_480;
/// Room for a packet with what a program may add behind it.
const CAPACITY: usize = HEADROOM + 65_536 + 4096;

/// A packet with room before and behind it. Offsets count from the buffer's start.
pub struct PacketBuffer {
    buffer: Box<[u64]>,
    pub start: usize,
    pub len: usize,
    /// Bytes of metadata right before the packet (XDP).
    pub meta: usize,
    /// What this run may have touched.
    lowest: usize,
    highest: usize,
}

pub const LONGEST_PACKET: usize = 65_535;

impl PacketBuffer {
    pub fn new() -> PacketBuffer {
        PacketBuffer { buffer: vec![0; CAPACITY / 8].into_boxed_slice(), start: HEADROOM, len: 0, meta: 0, lowest: HEADROOM - XDP_HEADROOM, highest: CAPACITY }
    }

    pub fn set(&mut self, packet: &[u8]) {
        // Only what an earlier run may have left needs to go.
        let lowest = self.lowest;
        let highest = self.highest.max(HEADROOM + packet.len()) + 64;
        let all = self.all_mut();
        let highest = highest.min(all.len());
        all[lowest..highest].fill(0);
        // XDP programs may write all of their headroom as metadata.
        self.lowest = HEADROOM - XDP_HEADROOM;
        self.highest = HEADROOM + packet.len();
        let all = self.all_mut();
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
        self.lowest = self.lowest.min(self.start);
        true
    }

    /// Changes the length at the end; new bytes are 0.
    pub fn resize(&mut self, len: usize) -> bool {
        if self.start + len > CAPACITY {
            return false;
        }
        let old = self.len;
        self.len = len;
        self.highest = self.highest.max(self.start + len);
        if len > old {
            self.data_mut()[old..].fill(0);
        }
        true
    }
}
