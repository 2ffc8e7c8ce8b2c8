//! Whom an LRU hash map evicts (kernel/bpf/bpf_lru_list.c, the common list of one CPU).
//!
//! Elements stand in an active and an inactive list, newest first, and each has a reference bit that a look-up sets.
//! When the map is full, the active list's oldest elements move to the inactive one unless they were referenced; then
//! the oldest unreferenced inactive element goes.

const NONE: u32 = u32::MAX;
/// `LOCAL_NR_SCANS` and the shrink's batch: how many elements one rotation looks at.
const SCANS: u32 = 128;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Out,
    Active,
    Inactive,
}

#[derive(Clone, Copy)]
struct Node {
    newer: u32,
    older: u32,
    place: Place,
    referenced: bool,
}

#[derive(Clone, Copy)]
struct Ends {
    newest: u32,
    oldest: u32,
    len: u32,
}

const EMPTY: Ends = Ends { newest: NONE, oldest: NONE, len: 0 };

pub struct LruList {
    nodes: Vec<Node>,
    active: Ends,
    inactive: Ends,
    batch: u32,
}

impl LruList {
    pub fn new(max_entries: u32) -> LruList {
        LruList { nodes: Vec::new(), active: EMPTY, inactive: EMPTY, batch: (max_entries / 2).clamp(1, SCANS) }
    }

    /// A new element starts inactive and unreferenced.
    pub fn insert(&mut self, element: u32) {
        if self.nodes.len() <= element as usize {
            self.nodes.resize(element as usize + 1, Node { newer: NONE, older: NONE, place: Place::Out, referenced: false });
        }
        self.nodes[element as usize].referenced = false;
        self.push(element, Place::Inactive);
    }

    pub fn touch(&mut self, element: u32) {
        self.nodes[element as usize].referenced = true;
    }

    pub fn remove(&mut self, element: u32) {
        let Node { newer, older, place, .. } = self.nodes[element as usize];
        if place == Place::Out {
            return;
        }
        if newer != NONE {
            self.nodes[newer as usize].older = older;
        }
        if older != NONE {
            self.nodes[older as usize].newer = newer;
        }
        let ends = self.ends(place);
        if ends.newest == element {
            ends.newest = older;
        }
        if ends.oldest == element {
            ends.oldest = newer;
        }
        ends.len -= 1;
        self.nodes[element as usize].place = Place::Out;
    }

    pub fn clear(&mut self) {
        self.nodes.clear();
        self.active = EMPTY;
        self.inactive = EMPTY;
    }

    /// The element to take away; it is off the lists then.
    pub fn evict(&mut self) -> Option<u32> {
        self.rotate_active();
        let victim = self.unreferenced().or_else(|| {
            // All were referenced: the oldest goes by force, inactive first (`__bpf_lru_list_shrink`).
            [self.inactive.oldest, self.active.oldest].into_iter().find(|&element| element != NONE)
        })?;
        self.remove(victim);
        Some(victim)
    }

    /// `__bpf_lru_list_rotate_active`: only when the inactive list is the shorter one.
    fn rotate_active(&mut self) {
        if self.inactive.len >= self.active.len {
            return;
        }
        for _ in 0..self.batch.min(self.active.len) {
            let element = self.active.oldest;
            let place = if self.nodes[element as usize].referenced { Place::Active } else { Place::Inactive };
            self.remove(element);
            self.nodes[element as usize].referenced = false;
            self.push(element, place);
        }
    }

    /// `__bpf_lru_list_shrink_inactive`: referenced elements on the way become active.
    fn unreferenced(&mut self) -> Option<u32> {
        for _ in 0..self.inactive.len {
            let element = self.inactive.oldest;
            if !self.nodes[element as usize].referenced {
                return Some(element);
            }
            self.remove(element);
            self.nodes[element as usize].referenced = false;
            self.push(element, Place::Active);
        }
        None
    }

    fn push(&mut self, element: u32, place: Place) {
        let newest = self.ends(place).newest;
        self.nodes[element as usize] = Node { newer: NONE, older: newest, place, ..self.nodes[element as usize] };
        if newest != NONE {
            self.nodes[newest as usize].newer = element;
        }
        let ends = self.ends(place);
        ends.newest = element;
        if ends.oldest == NONE {
            ends.oldest = element;
        }
        ends.len += 1;
    }

    fn ends(&mut self, place: Place) -> &mut Ends {
        if place == Place::Active { &mut self.active } else { &mut self.inactive }
    }
}
