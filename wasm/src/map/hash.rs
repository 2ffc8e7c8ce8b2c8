//! Hash maps (kernel/bpf/hashtab.c): a power of two of buckets, each a list whose elements are compared one by one,
//! the newest first. LRU hash maps are the same table with `lru.rs` choosing whom to evict.

use super::arena::{Arena, bytes_at};
use super::jhash::htab_map_hash;
use super::lru::LruList;
use super::{BPF_EXIST, BPF_NOEXIST, E2BIG, EEXIST, EINVAL, ENOENT, ENOMEM, MapSpec, Touched, Updated};

const NONE: u32 = u32::MAX;
const BPF_F_NO_COMMON_LRU: u32 = 1 << 1;
const BPF_F_ZERO_SEED: u32 = 1 << 6;

/// Elements lie in parallel arrays by number; only values need addresses that stay.
pub struct HashTable {
    heads: Vec<u32>,
    next: Vec<u32>,
    hashes: Vec<u32>,
    keys: Vec<u8>,
    values: Vec<usize>,
    free: Vec<u32>,
    len: u32,
    key_size: usize,
    value_size: usize,
    max_entries: u32,
    seed: u32,
    lru: Option<LruList>,
    /// Per-CPU maps: an update of a key that is there changes its value where it is.
    in_place: bool,
}

impl HashTable {
    pub fn new(spec: &MapSpec, lru: bool, in_place: bool, seed: u32, cpus: u32) -> HashTable {
        HashTable {
            heads: vec![NONE; spec.max_entries.next_power_of_two() as usize],
            next: Vec::new(),
            hashes: Vec::new(),
            keys: Vec::new(),
            values: Vec::new(),
            free: Vec::new(),
            len: 0,
            key_size: spec.key_size as usize,
            value_size: spec.value_size as usize,
            max_entries: spec.max_entries,
            seed: if spec.flags & BPF_F_ZERO_SEED != 0 { 0 } else { seed },
            lru: lru.then(|| LruList::new(spec.max_entries, cpus, spec.flags & BPF_F_NO_COMMON_LRU == 0)),
            in_place,
        }
    }

    pub fn len(&self) -> u32 {
        self.len
    }

    pub fn buckets(&self) -> u32 {
        self.heads.len() as u32
    }

    pub fn lookup(&mut self, key: &[u8]) -> Touched {
        let (touched, element) = self.find(key);
        if let (Some(lru), Some(element)) = (&mut self.lru, element) {
            lru.touch(element);
        }
        touched
    }

    /// A look-up that leaves no trace in the LRU lists, as user space's and those within an update.
    pub fn peek(&self, key: &[u8]) -> Touched {
        self.find(key).0
    }

    /// An update of a key that is there puts a new element at the bucket's head and takes the old one away, as
    /// `htab_map_update_elem` does: whoever holds the old value's address may go on reading it.
    pub fn update(&mut self, key: &[u8], value: &[u8], flags: u64, arena: &mut Arena) -> Updated {
        let (touched, found) = self.find(key);
        let existed = found.is_some();
        if flags > BPF_EXIST {
            return Updated { touched, existed, error: EINVAL };
        }
        // An LRU map takes a free element before it looks whether it needs one.
        if self.lru.is_some() {
            return self.update_lru(key, value, flags, arena);
        }
        let error = match flags {
            BPF_NOEXIST if existed => EEXIST,
            BPF_EXIST if !existed => ENOENT,
            _ => 0,
        };
        if error != 0 {
            return Updated { touched, existed, error };
        }
        if let (true, Some(element)) = (self.in_place, found) {
            // SAFETY: the address was allocated for this element with the value’s size at least.
            unsafe { bytes_at(self.values[element as usize], value.len()) }.copy_from_slice(value);
            return Updated { touched, existed, error: 0 };
        }
        if !existed && self.len >= self.max_entries {
            return Updated { touched, existed, error: E2BIG };
        }
        let Some(element) = self.take_element(arena) else {
            return Updated { touched, existed, error: ENOMEM };
        };
        self.insert(element, key, value);
        if let Some(old) = found {
            self.unlink(old);
        }
        Updated { touched: Touched { value: self.values[element as usize], ..touched }, existed, error: 0 }
    }

    /// `htab_lru_map_update_elem`, `__htab_lru_percpu_map_update_elem`.
    fn update_lru(&mut self, key: &[u8], value: &[u8], flags: u64, arena: &mut Arena) -> Updated {
        let mut evicted = Vec::new();
        let wants_new = !self.in_place || flags != BPF_EXIST;
        let new = if wants_new { self.lru.as_mut().and_then(|lru| lru.pop_free(&mut evicted)) } else { None };
        for element in evicted {
            self.unchain(element);
        }
        let (touched, found) = self.find(key);
        let existed = found.is_some();
        let mut error = match flags {
            BPF_NOEXIST if existed => EEXIST,
            BPF_EXIST if !existed => ENOENT,
            _ if wants_new && new.is_none() => ENOMEM,
            _ => 0,
        };
        if error == 0 && new.is_some_and(|element| !self.make(element, arena)) {
            error = ENOMEM;
        }
        let mut updated = touched.value;
        let mut unused = new;
        if error == 0 {
            match (found, new, self.in_place) {
                (Some(old), _, true) => {
                    // SAFETY: the address was allocated for this element with the value’s size at least.
                    unsafe { bytes_at(self.values[old as usize], value.len()) }.copy_from_slice(value);
                    self.touch(old);
                }
                (found, Some(element), _) => {
                    self.insert(element, key, value);
                    updated = self.values[element as usize];
                    unused = found;
                    if let Some(old) = found {
                        self.touch(element);
                        self.unchain(old);
                    }
                }
                _ => {}
            }
        }
        if let (Some(element), Some(lru)) = (unused, &mut self.lru) {
            lru.push_free(element);
        }
        Updated { touched: Touched { value: updated, ..touched }, existed, error }
    }

    fn touch(&mut self, element: u32) {
        if let Some(lru) = &mut self.lru {
            lru.touch(element);
        }
    }

    /// To the head of its bucket.
    fn insert(&mut self, element: u32, key: &[u8], value: &[u8]) {
        let at = element as usize * self.key_size;
        self.keys[at..at + self.key_size].copy_from_slice(key);
        self.hashes[element as usize] = self.hash(key);
        // SAFETY: the address was allocated for this element with the value’s size at least.
        let place = unsafe { bytes_at(self.values[element as usize], self.value_size) };
        place[..value.len()].copy_from_slice(value);
        place[value.len()..].fill(0);
        let bucket = (self.hashes[element as usize] & (self.heads.len() as u32 - 1)) as usize;
        self.next[element as usize] = self.heads[bucket];
        self.heads[bucket] = element;
        self.len += 1;
    }

    /// Err: there was no such key.
    pub fn delete(&mut self, key: &[u8]) -> Result<Touched, Touched> {
        let (touched, found) = self.find(key);
        match found {
            Some(element) => {
                self.unlink(element);
                Ok(touched)
            }
            None => Err(touched),
        }
    }

    pub fn clear(&mut self) {
        self.heads.fill(NONE);
        self.free = if self.lru.is_some() { Vec::new() } else { (0..self.next.len() as u32).rev().collect() };
        self.len = 0;
        if let Some(lru) = &mut self.lru {
            lru.clear();
        }
    }

    pub fn window(&self, from: u32, count: u32, visit: &mut dyn FnMut(u32, &[u8], usize)) {
        let (mut seen, end) = (0, from.saturating_add(count));
        for (bucket, &head) in self.heads.iter().enumerate() {
            let mut element = head;
            while element != NONE {
                if seen >= end {
                    return;
                }
                if seen >= from {
                    visit(bucket as u32, self.key(element), self.values[element as usize]);
                }
                seen += 1;
                element = self.next[element as usize];
            }
        }
    }

    fn hash(&self, key: &[u8]) -> u32 {
        htab_map_hash(key, self.seed)
    }

    /// The bucket that a key belongs to, whether it is there or not.
    pub fn bucket(&self, key: &[u8]) -> u32 {
        self.hash(key) & (self.heads.len() as u32 - 1)
    }

    fn key(&self, element: u32) -> &[u8] {
        &self.keys[element as usize * self.key_size..][..self.key_size]
    }

    /// `lookup_elem_raw`: an element's hash is compared before its key; both count as one element compared.
    fn find(&self, key: &[u8]) -> (Touched, Option<u32>) {
        let hash = self.hash(key);
        let bucket = hash & (self.heads.len() as u32 - 1);
        let mut compared = 0;
        let mut element = self.heads[bucket as usize];
        while element != NONE {
            compared += 1;
            if self.hashes[element as usize] == hash && self.key(element) == key {
                return (Touched { bucket, compared, value: self.values[element as usize], nodes: 0 }, Some(element));
            }
            element = self.next[element as usize];
        }
        (Touched { bucket, compared, value: 0, nodes: 0 }, None)
    }

    fn take_element(&mut self, arena: &mut Arena) -> Option<u32> {
        if let Some(element) = self.free.pop() {
            return Some(element);
        }
        let element = self.next.len() as u32;
        self.make(element, arena).then_some(element)
    }

    /// Memory for the elements up to this one; false where there is none.
    fn make(&mut self, element: u32, arena: &mut Arena) -> bool {
        while self.next.len() <= element as usize {
            let Some(value) = arena.allocate(self.value_size) else { return false };
            self.next.push(NONE);
            self.hashes.push(0);
            self.keys.resize(self.keys.len() + self.key_size, 0);
            self.values.push(value);
        }
        true
    }

    /// Elements that have no memory yet.
    pub fn unmade(&self) -> u32 {
        self.max_entries - (self.next.len() as u32).min(self.max_entries)
    }

    fn unlink(&mut self, element: u32) {
        self.unchain(element);
        match &mut self.lru {
            Some(lru) => lru.push_free(element),
            None => self.free.push(element),
        }
    }

    /// Out of its bucket.
    fn unchain(&mut self, element: u32) {
        let bucket = (self.hashes[element as usize] & (self.heads.len() as u32 - 1)) as usize;
        let after = self.next[element as usize];
        if self.heads[bucket] == element {
            self.heads[bucket] = after;
        } else {
            let mut before = self.heads[bucket];
            while self.next[before as usize] != element {
                before = self.next[before as usize];
            }
            self.next[before as usize] = after;
        }
        self.len -= 1;
    }
}
