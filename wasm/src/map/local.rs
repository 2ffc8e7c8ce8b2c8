//! Storage that belongs to something else: a cgroup, a socket. A test run makes that thing anew each time, so each run
//! begins with zeros.

use super::arena::{Arena, bytes_at};

pub struct LocalStorage {
    pub base: usize,
    size: usize,
    /// A socket's is there once it was asked for; a cgroup's always.
    pub created: bool,
}

impl LocalStorage {
    pub fn new(size: usize, arena: &mut Arena) -> Option<LocalStorage> {
        Some(LocalStorage { base: arena.allocate(size)?, size, created: false })
    }

    pub fn clear(&mut self) {
        self.created = false;
        self.set(&[]);
    }

    /// The bytes given, and zeros behind them.
    pub fn set(&mut self, value: &[u8]) {
        // SAFETY: allocated with this size.
        let bytes = unsafe { bytes_at(self.base, self.size) };
        bytes.fill(0);
        let len = value.len().min(self.size);
        bytes[..len].copy_from_slice(&value[..len]);
    }
}
