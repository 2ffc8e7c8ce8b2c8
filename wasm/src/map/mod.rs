//! BPF maps, built as Linux builds them, so that what a look-up touched is what it touches there.

pub mod arena;
pub mod array;
pub mod bloom;
mod create;
pub mod hash;
pub mod jhash;
pub mod kind;
pub mod local;
pub mod lpm;
pub mod lru;
pub mod queue;
pub mod ring;

use arena::{Arena, bytes_at};
use array::Array;
use bloom::BloomFilter;
use hash::HashTable;
use kind::MapKind;
use local::LocalStorage;
use lpm::LpmTrie;
use queue::Queue;
use ring::RingBuffer;
use create::stored_size;

/// A map as its object declares it, or as it was asked to be created.
#[derive(Clone, Debug, Default)]
pub struct MapSpec {
    pub name: String,
    pub kind: u32,
    pub key_size: u32,
    pub value_size: u32,
    pub max_entries: u32,
    pub flags: u32,
    /// `map_extra`: a bloom filter's number of hashes.
    pub extra: u64,
    /// Offset and size of what only the kernel writes in a value: spin locks, timers.
    pub kept: Vec<(u32, u32)>,
    /// A legacy definition says more than Linux knows.
    pub unknown_fields: bool,
}

/// What looking for a key touched.
#[derive(Clone, Copy, Debug, Default)]
pub struct Touched {
    /// Hash maps: the bucket; arrays: the index.
    pub bucket: u32,
    /// Elements whose key was compared.
    pub compared: u32,
    /// Tries: nodes walked.
    pub nodes: u32,
    /// Address of the value, 0 where there is none.
    pub value: usize,
}

/// Flags of `bpf_map_update_elem`.
pub const BPF_NOEXIST: u64 = 1;
pub const BPF_EXIST: u64 = 2;
const BPF_F_LOCK: u64 = 4;

/// Error numbers as helpers return them.
pub const ENOENT: i64 = -2;
pub const E2BIG: i64 = -7;
pub const ENOMEM: i64 = -12;
pub const EFAULT: i64 = -14;
pub const EEXIST: i64 = -17;
pub const EINVAL: i64 = -22;
pub const ENOSPC: i64 = -28;

pub const BPF_F_RDONLY_PROG: u32 = 1 << 7;

/// Answer of an update: what it touched before it wrote, and an error number or 0.
#[derive(Clone, Copy, Debug)]
pub struct Updated {
    pub touched: Touched,
    pub existed: bool,
    pub error: i64,
}

impl Updated {
    fn refused(error: i64) -> Updated {
        Updated { touched: Touched::default(), existed: false, error }
    }
}

impl MapSpec {
    /// Whether programs may only read it.
    pub fn is_read_only(&self) -> bool {
        self.flags & BPF_F_RDONLY_PROG != 0
    }
}

pub enum Storage {
    Hash(HashTable),
    Array(Array),
    Lpm(LpmTrie),
    Ring(RingBuffer),
    Queue(Queue),
    /// Perf event arrays: programs only write records to them.
    Records(Vec<Vec<u8>>),
    Bloom(BloomFilter),
    Local(LocalStorage),
    /// A type that can be read but not created.
    Unsupported,
}

pub struct Map {
    pub spec: MapSpec,
    pub kind: MapKind,
    pub storage: Storage,
    /// Values a key has: one, or one a CPU.
    cpus: u32,
}

impl Map {
    pub fn entries(&self) -> u32 {
        match &self.storage {
            Storage::Hash(table) => table.len(),
            Storage::Array(_) => self.spec.max_entries,
            Storage::Lpm(trie) => trie.len(),
            Storage::Queue(queue) => queue.len(),
            Storage::Ring(_) | Storage::Records(_) | Storage::Bloom(_) | Storage::Local(_) | Storage::Unsupported => 0,
        }
    }

    pub fn buckets(&self) -> u32 {
        match &self.storage {
            Storage::Hash(table) => table.buckets(),
            _ => self.spec.max_entries,
        }
    }

    pub fn cpus(&self) -> u32 {
        self.cpus
    }

    /// Bytes from one CPU's value to the next.
    fn stride(&self) -> usize {
        (self.spec.value_size as usize).next_multiple_of(8)
    }

    /// Where a program on another CPU would find its value, given the first CPU's.
    pub fn value_on(&self, cpu: u32, first: usize) -> usize {
        if self.kind.per_cpu && cpu < self.cpus && first != 0 { first + self.stride() * cpu as usize } else { 0 }
    }

    /// Bytes that user space reads or writes for one key.
    pub fn user_value_size(&self) -> usize {
        if self.kind.per_cpu { self.stride() * self.cpus as usize } else { self.spec.value_size as usize }
    }

    /// As a program on CPU 0 sees it. `key` has the map's key size.
    pub fn lookup(&mut self, key: &[u8]) -> Touched {
        match &mut self.storage {
            Storage::Hash(table) => table.lookup(key),
            _ => self.peek(key),
        }
    }

    /// The same without being taken for a use of the element.
    pub fn peek(&self, key: &[u8]) -> Touched {
        match &self.storage {
            Storage::Hash(table) => table.peek(key),
            Storage::Array(array) => array.lookup(key),
            Storage::Lpm(trie) => trie.lookup(key),
            _ => Touched::default(),
        }
    }

    /// The bucket that a key belongs to; `None`: the map has no buckets. `key` has the map's key size.
    pub fn bucket(&self, key: &[u8]) -> Option<u32> {
        match &self.storage {
            Storage::Hash(table) => Some(table.bucket(key)),
            _ => None,
        }
    }

    /// An update: user space's, `value` of `user_value_size` bytes; or a program's, of the value size: of a per-CPU map, its
    /// own CPU's value, and zeros for the others where the key is new.
    pub fn store(&mut self, key: &[u8], value: &[u8], flags: u64, arena: &mut Arena) -> Updated {
        if self.spec.kept.is_empty() {
            return if flags & BPF_F_LOCK != 0 { Updated::refused(EINVAL) } else { self.put(key, value, flags, arena) };
        }
        self.store_around(key, value, flags, arena)
    }

    /// Locks and timers stay as they are, or begin as zeros in a new element (`copy_map_value`).
    fn store_around(&mut self, key: &[u8], value: &[u8], flags: u64, arena: &mut Arena) -> Updated {
        let mut value = value.to_vec();
        let touched = self.peek(key);
        let in_place = touched.value != 0 && (flags & BPF_F_LOCK != 0 || matches!(self.storage, Storage::Array(_)));
        // SAFETY: a stored value has this size.
        let old = (touched.value != 0).then(|| unsafe { bytes_at(touched.value, value.len()) });
        for &(offset, size) in &self.spec.kept {
            let range = offset as usize..(offset + size) as usize;
            match (&old, value.get_mut(range.clone())) {
                (Some(old), Some(place)) if in_place => place.copy_from_slice(&old[range]),
                (_, Some(place)) => place.fill(0),
                _ => {}
            }
        }
        match old {
            Some(old) if in_place => {
                if flags & BPF_NOEXIST != 0 {
                    return Updated { touched, existed: true, error: EEXIST };
                }
                old.copy_from_slice(&value);
                Updated { touched, existed: true, error: 0 }
            }
            _ => self.put(key, &value, flags & !BPF_F_LOCK, arena),
        }
    }

    fn put(&mut self, key: &[u8], value: &[u8], flags: u64, arena: &mut Arena) -> Updated {
        match &mut self.storage {
            Storage::Hash(table) => table.update(key, value, flags, arena),
            Storage::Array(array) => array.update(key, value, flags),
            Storage::Lpm(trie) => trie.update(key, value, flags, arena),
            Storage::Queue(queue) => Updated { touched: Touched::default(), existed: false, error: queue.push(value, flags) },
            Storage::Bloom(filter) => Updated { touched: Touched::default(), existed: false, error: filter.push(value, flags) },
            _ => Updated::refused(EINVAL),
        }
    }

    /// The touched value's address stays readable until the next update.
    pub fn delete(&mut self, key: &[u8]) -> Result<Touched, Touched> {
        let clearable = self.kind.holds_references;
        match &mut self.storage {
            Storage::Hash(table) => table.delete(key),
            Storage::Lpm(trie) => trie.delete(key),
            Storage::Array(array) => {
                let touched = array.lookup(key);
                if !clearable || touched.value == 0 {
                    return Err(touched);
                }
                // SAFETY: an element of this array.
                let value = unsafe { bytes_at(touched.value, self.spec.value_size as usize) };
                if value.iter().all(|&byte| byte == 0) {
                    return Err(touched);
                }
                value.fill(0);
                Ok(touched)
            }
            _ => Err(Touched::default()),
        }
    }

    pub fn clear(&mut self) {
        match &mut self.storage {
            Storage::Hash(table) => table.clear(),
            Storage::Array(array) => array.clear(),
            Storage::Lpm(trie) => trie.clear(),
            Storage::Ring(ring) => ring.clear(),
            Storage::Queue(queue) => queue.clear(),
            Storage::Records(records) => records.clear(),
            Storage::Bloom(filter) => filter.clear(),
            Storage::Local(local) => local.clear(),
            Storage::Unsupported => {}
        }
    }

    /// Calls `visit(bucket, key, value)` for a window of the entries in bucket order; values as user space sees them.
    pub fn window(&self, from: u32, count: u32, mut visit: impl FnMut(u32, &[u8], &[u8])) {
        let size = self.user_value_size();
        // SAFETY: stored values have this size.
        let mut at = |bucket: u32, key: &[u8], value: usize| {
            let value = unsafe { bytes_at(value, size) };
            if self.spec.kept.is_empty() {
                return visit(bucket, key, value);
            }
            let mut shown = value.to_vec();
            for &(offset, size) in &self.spec.kept {
                if let Some(place) = shown.get_mut(offset as usize..(offset + size) as usize) {
                    place.fill(0);
                }
            }
            visit(bucket, key, &shown);
        };
        match &self.storage {
            Storage::Hash(table) => table.window(from, count, &mut at),
            Storage::Array(array) => array.window(from, count, &mut at),
            Storage::Lpm(trie) => trie.window(from, count, &mut at),
            _ => {}
        }
    }

    /// Keys and addresses of the values, as a program on CPU 0 sees them, at this moment.
    pub fn elements(&self) -> Vec<(Vec<u8>, usize)> {
        let mut elements = Vec::new();
        let mut visit = |_: u32, key: &[u8], value: usize| elements.push((key.to_vec(), value));
        match &self.storage {
            Storage::Hash(table) => table.window(0, u32::MAX, &mut visit),
            Storage::Array(array) => array.window(0, u32::MAX, &mut visit),
            _ => {}
        }
        elements
    }

    /// Memory that updates within one run may need.
    pub fn headroom(&self) -> usize {
        let Some(stored) = stored_size(&self.spec, self.cpus) else { return 0 };
        let wanted = match &self.storage {
            Storage::Hash(table) => table.unmade(),
            Storage::Lpm(trie) => self.spec.max_entries - trie.len().min(self.spec.max_entries),
            _ => 0,
        };
        (wanted as usize).saturating_mul((stored as usize).next_multiple_of(8)).min(256 << 10).max(if wanted > 0 { stored as usize + 8 } else { 0 })
    }
}
