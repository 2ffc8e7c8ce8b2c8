//! Whom an LRU hash map evicts (kernel/bpf/bpf_lru_list.c), as seen from the one CPU that everything runs on.
//!
//! Every element stands in one list, newest first. A CPU takes free elements from its own list, which is filled a
//! batch at a time from the map's free list, else by shrinking the inactive list; new elements wait in the CPU's
//! pending list until the next batch. A look-up sets an element's reference bit, which saves it once. With
//! `BPF_F_NO_COMMON_LRU` each CPU has lists of its own, for its share of the entries.

/// `LOCAL_FREE_TARGET`, and how many elements one rotation looks at.
const LOCAL_TARGET: usize = 128;
/// The same for a CPU's own lists.
const PERCPU_TARGET: usize = 4;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
enum Kind {
    Active = 0,
    Inactive = 1,
    Free = 2,
    LocalFree = 3,
    Pending = 4,
}
use Kind::{Active, Free, Inactive, LocalFree, Pending};

const LISTS: usize = 5;

/// Lists through arrays of links; the last `LISTS` places are the lists' heads.
pub struct LruList {
    next: Vec<u32>,
    previous: Vec<u32>,
    kind: Vec<Kind>,
    referenced: Vec<bool>,
    elements: u32,
    lengths: [u32; LISTS],
    /// Where the rotation of the inactive list goes on: an element, or the list's head.
    rotation: u32,
    /// All CPUs share the lists.
    common: bool,
    target: usize,
    scans: usize,
}

impl LruList {
    pub fn new(max_entries: u32, cpus: u32, common: bool) -> LruList {
        let elements = if common { max_entries } else { (max_entries.next_multiple_of(cpus) / cpus).max(1) };
        let target = if common { (max_entries / cpus / 2).clamp(1, LOCAL_TARGET as u32) as usize } else { PERCPU_TARGET };
        let places = elements as usize + LISTS;
        let mut lists = LruList {
            next: vec![0; places],
            previous: vec![0; places],
            kind: vec![Free; elements as usize],
            referenced: vec![false; elements as usize],
            elements,
            lengths: [0; LISTS],
            rotation: 0,
            common,
            target,
            scans: if common { LOCAL_TARGET } else { PERCPU_TARGET },
        };
        lists.clear();
        lists
    }

    pub fn clear(&mut self) {
        for list in [Active, Inactive, Free, LocalFree, Pending] {
            let head = self.head(list);
            self.next[head as usize] = head;
            self.previous[head as usize] = head;
        }
        self.lengths = [0; LISTS];
        self.rotation = self.head(Inactive);
        self.referenced.fill(false);
        for element in (0..self.elements).rev() {
            self.link(element, Free);
        }
    }

    fn head(&self, list: Kind) -> u32 {
        self.elements + list as u32
    }

    fn link(&mut self, element: u32, list: Kind) {
        let head = self.head(list);
        let first = self.next[head as usize];
        (self.next[element as usize], self.previous[element as usize]) = (first, head);
        self.previous[first as usize] = element;
        self.next[head as usize] = element;
        self.kind[element as usize] = list;
        self.lengths[list as usize] += 1;
    }

    fn unlink(&mut self, element: u32) {
        let (next, previous) = (self.next[element as usize], self.previous[element as usize]);
        self.next[previous as usize] = next;
        self.previous[next as usize] = previous;
        self.lengths[self.kind[element as usize] as usize] -= 1;
    }

    /// To the front of a list, its reference bit used up.
    fn shift(&mut self, element: u32, list: Kind) {
        if element == self.rotation {
            self.rotation = self.previous[element as usize];
        }
        self.unlink(element);
        self.referenced[element as usize] = false;
        self.link(element, list);
    }

    /// A list's elements, oldest first.
    fn oldest_first(&self, list: Kind) -> Vec<u32> {
        let head = self.head(list);
        let mut elements = Vec::new();
        let mut at = self.previous[head as usize];
        while at != head {
            elements.push(at);
            at = self.previous[at as usize];
        }
        elements
    }

    fn oldest(&self, list: Kind, most: usize) -> Vec<u32> {
        let head = self.head(list);
        let mut elements = Vec::new();
        let mut at = self.previous[head as usize];
        while at != head && elements.len() < most {
            elements.push(at);
            at = self.previous[at as usize];
        }
        elements
    }

    fn newest(&self, list: Kind) -> Option<u32> {
        let head = self.head(list);
        let first = self.next[head as usize];
        (first != head).then_some(first)
    }

    pub fn touch(&mut self, element: u32) {
        self.referenced[element as usize] = true;
    }

    /// An element that is out of the hash table.
    pub fn push_free(&mut self, element: u32) {
        let list = if self.kind[element as usize] == Pending { LocalFree } else { Free };
        self.shift(element, list);
    }

    /// A free element, taken; the elements in `evicted` must leave the hash table for it.
    pub fn pop_free(&mut self, evicted: &mut Vec<u32>) -> Option<u32> {
        if !self.common {
            self.rotate();
            if self.newest(Free).is_none() {
                self.shrink(PERCPU_TARGET, Free, evicted);
            }
            let element = self.newest(Free)?;
            self.shift(element, Inactive);
            return Some(element);
        }
        if self.newest(LocalFree).is_none() {
            self.fill_local(evicted);
        }
        let element = match self.newest(LocalFree) {
            Some(element) => element,
            None => {
                let stolen = self.steal_pending()?;
                evicted.push(stolen);
                stolen
            }
        };
        self.shift(element, Pending);
        Some(element)
    }

    /// `bpf_lru_list_pop_free_to_local`.
    fn fill_local(&mut self, evicted: &mut Vec<u32>) {
        for element in self.oldest_first(Pending) {
            let list = if self.referenced[element as usize] { Active } else { Inactive };
            self.shift(element, list);
        }
        self.rotate();
        let mut free = 0;
        while let Some(element) = self.newest(Free).filter(|_| free < self.target) {
            self.shift(element, LocalFree);
            free += 1;
        }
        if free < self.target {
            self.shrink(self.target - free, LocalFree, evicted);
        }
    }

    /// `__local_list_pop_pending`: the oldest without a reference, else the oldest.
    fn steal_pending(&self) -> Option<u32> {
        let pending = self.oldest_first(Pending);
        pending.iter().copied().find(|&element| !self.referenced[element as usize]).or(pending.first().copied())
    }

    fn rotate(&mut self) {
        if self.lengths[Inactive as usize] < self.lengths[Active as usize] {
            for element in self.oldest(Active, self.scans) {
                let list = if self.referenced[element as usize] { Active } else { Inactive };
                self.shift(element, list);
            }
        }
        self.rotate_inactive();
    }

    /// `__bpf_lru_list_rotate_inactive`: from where it stopped the last time, towards the newest.
    fn rotate_inactive(&mut self) {
        let inactive = self.head(Inactive);
        if self.newest(Inactive).is_none() {
            return;
        }
        let mut last = self.next[self.rotation as usize];
        if last == inactive {
            last = self.next[last as usize];
        }
        let mut at = self.rotation;
        let mut next = inactive;
        let mut seen = 0;
        while seen < self.scans {
            if at == inactive {
                at = self.previous[at as usize];
                continue;
            }
            next = self.previous[at as usize];
            if self.referenced[at as usize] {
                self.shift(at, Active);
            }
            if at == last {
                break;
            }
            at = next;
            seen += 1;
        }
        self.rotation = next;
    }

    fn shrink(&mut self, wanted: usize, list: Kind, evicted: &mut Vec<u32>) {
        let before = evicted.len();
        for element in self.oldest(Inactive, self.scans) {
            if self.referenced[element as usize] {
                self.shift(element, Active);
                continue;
            }
            evicted.push(element);
            self.shift(element, list);
            if evicted.len() - before == wanted {
                break;
            }
        }
        if evicted.len() > before {
            return;
        }
        // All were referenced: the oldest goes by force.
        let by_force = [Inactive, Active].into_iter().find_map(|list| self.oldest(list, 1).first().copied());
        if let Some(element) = by_force {
            evicted.push(element);
            self.shift(element, list);
        }
    }
}
