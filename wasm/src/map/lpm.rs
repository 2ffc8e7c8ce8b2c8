//! Longest-prefix-match tries (kernel/bpf/lpm_trie.c): each node holds a prefix; nodes without a value of their own
//! only part two branches. A key is a 32-bit prefix length and the address's bytes, the first bit first.

use super::arena::{Arena, bytes_at};
use super::{BPF_EXIST, BPF_NOEXIST, EEXIST, EINVAL, ENOENT, ENOSPC, MapSpec, Touched, Updated};

const NONE: u32 = u32::MAX;

struct Node {
    prefix_len: u32,
    data: Vec<u8>,
    /// Address of the value; 0: the node only parts two branches.
    value: usize,
    children: [u32; 2],
}

pub struct LpmTrie {
    nodes: Vec<Node>,
    free: Vec<u32>,
    free_values: Vec<usize>,
    root: u32,
    len: u32,
    data_size: usize,
    value_size: usize,
    max_entries: u32,
}

impl LpmTrie {
    pub fn new(spec: &MapSpec) -> LpmTrie {
        LpmTrie {
            nodes: Vec::new(),
            free: Vec::new(),
            free_values: Vec::new(),
            root: NONE,
            len: 0,
            data_size: spec.key_size as usize - 4,
            value_size: spec.value_size as usize,
            max_entries: spec.max_entries,
        }
    }

    pub fn len(&self) -> u32 {
        self.len
    }

    fn max_prefix_len(&self) -> u32 {
        self.data_size as u32 * 8
    }

    /// Whether the key's prefix is no longer than its address.
    pub fn has_room_for(&self, key: &[u8]) -> bool {
        split(key).0 <= self.max_prefix_len()
    }

    /// `longest_prefix_match`: how many leading bits a node and a key share, at most the shorter prefix.
    fn shared_bits(&self, node: &Node, prefix_len: u32, data: &[u8]) -> u32 {
        let limit = node.prefix_len.min(prefix_len);
        let mut bits = 0;
        for (own, other) in node.data.iter().zip(data) {
            let same = (own ^ other).leading_zeros();
            bits += same;
            if same < 8 || bits >= limit {
                break;
            }
        }
        bits.min(limit)
    }

    pub fn lookup(&self, key: &[u8]) -> Touched {
        let mut touched = Touched::default();
        let (prefix_len, data) = split(key);
        if prefix_len > self.max_prefix_len() {
            return touched;
        }
        let mut at = self.root;
        while at != NONE {
            let node = &self.nodes[at as usize];
            touched.nodes += 1;
            let shared = self.shared_bits(node, prefix_len, data);
            if shared == self.max_prefix_len() {
                touched.value = node.value;
                break;
            }
            if shared < node.prefix_len {
                break;
            }
            if node.value != 0 {
                touched.value = node.value;
            }
            at = node.children[bit(data, node.prefix_len)];
        }
        touched
    }

    pub fn update(&mut self, key: &[u8], value: &[u8], flags: u64, arena: &mut Arena) -> Updated {
        let touched = self.lookup(key);
        let failed = |error: i64| Updated { touched, existed: error == EEXIST, error };
        let (prefix_len, data) = split(key);
        if flags > BPF_EXIST || prefix_len > self.max_prefix_len() {
            return failed(EINVAL);
        }
        let (parent, at, shared) = self.descend(prefix_len, data);
        let exact = at != NONE && self.nodes[at as usize].prefix_len == prefix_len && shared == prefix_len;
        let existed = exact && self.nodes[at as usize].value != 0;
        match flags {
            BPF_NOEXIST if existed => return failed(EEXIST),
            BPF_EXIST if !existed => return failed(ENOENT),
            _ if !existed && self.len >= self.max_entries => return failed(ENOSPC),
            _ => {}
        }
        let address = match self.free_values.pop() {
            Some(address) => address,
            None => match arena.allocate(self.value_size) {
                Some(address) => address,
                None => return failed(super::ENOMEM),
            },
        };
        // SAFETY: allocated with this size.
        unsafe { bytes_at(address, self.value_size) }.copy_from_slice(value);
        if exact {
            // The new node takes the old one's place, with the bits beyond the prefix as they were given.
            self.nodes[at as usize].data = data.to_vec();
            let old = std::mem::replace(&mut self.nodes[at as usize].value, address);
            if old != 0 {
                self.free_values.push(old);
            } else {
                self.len += 1;
            }
            return Updated { touched, existed, error: 0 };
        }
        self.len += 1;
        let added = self.take(Node { prefix_len, data: data.to_vec(), value: address, children: [NONE; 2] });
        if at == NONE {
            self.attach(parent, added, data);
        } else if shared == prefix_len {
            // The new prefix is a part of the node's: it goes in between.
            let branch = bit(&self.nodes[at as usize].data, prefix_len);
            self.nodes[added as usize].children[branch] = at;
            self.attach(parent, added, data);
        } else {
            let parting = self.take(Node { prefix_len: shared, data: data.to_vec(), value: 0, children: [NONE; 2] });
            let branch = bit(data, shared);
            self.nodes[parting as usize].children[branch] = added;
            self.nodes[parting as usize].children[1 - branch] = at;
            self.attach(parent, parting, data);
        }
        Updated { touched, existed, error: 0 }
    }

    /// Down to the node that is the key, or under which or in place of which it belongs: its parent, itself, and the
    /// bits shared with it.
    fn descend(&self, prefix_len: u32, data: &[u8]) -> (u32, u32, u32) {
        let (mut parent, mut at) = (NONE, self.root);
        while at != NONE {
            let node = &self.nodes[at as usize];
            let shared = self.shared_bits(node, prefix_len, data);
            if shared != node.prefix_len || node.prefix_len == prefix_len {
                return (parent, at, shared);
            }
            parent = at;
            at = node.children[bit(data, node.prefix_len)];
        }
        (parent, NONE, 0)
    }

    fn attach(&mut self, parent: u32, child: u32, data: &[u8]) {
        if parent == NONE {
            self.root = child;
        } else {
            let branch = bit(data, self.nodes[parent as usize].prefix_len);
            self.nodes[parent as usize].children[branch] = child;
        }
    }

    fn take(&mut self, node: Node) -> u32 {
        match self.free.pop() {
            Some(index) => {
                self.nodes[index as usize] = node;
                index
            }
            None => {
                self.nodes.push(node);
                self.nodes.len() as u32 - 1
            }
        }
    }

    pub fn delete(&mut self, key: &[u8]) -> Result<Touched, Touched> {
        let touched = self.lookup(key);
        let (prefix_len, data) = split(key);
        let (mut grandparent, mut parent, mut at) = (NONE, NONE, self.root);
        while at != NONE {
            let node = &self.nodes[at as usize];
            if self.shared_bits(node, prefix_len, data) != node.prefix_len || node.prefix_len == prefix_len {
                break;
            }
            grandparent = parent;
            parent = at;
            at = node.children[bit(data, node.prefix_len)];
        }
        let found = at != NONE && {
            let node = &self.nodes[at as usize];
            node.prefix_len == prefix_len && node.value != 0 && self.shared_bits(node, prefix_len, data) == prefix_len
        };
        if !found {
            return Err(touched);
        }
        self.len -= 1;
        self.free_values.push(std::mem::take(&mut self.nodes[at as usize].value));
        let children = self.nodes[at as usize].children;
        if children[0] != NONE && children[1] != NONE {
            return Ok(touched);
        }
        let only = if children[0] != NONE { children[0] } else { children[1] };
        // A parting node with one branch left is not needed either.
        if only == NONE && parent != NONE && self.nodes[parent as usize].value == 0 {
            let sibling = self.nodes[parent as usize].children.into_iter().find(|&child| child != at).unwrap_or(NONE);
            self.attach(grandparent, sibling, data);
            self.free.push(parent);
        } else {
            self.attach(parent, only, data);
        }
        self.free.push(at);
        Ok(touched)
    }

    pub fn clear(&mut self) {
        for node in &mut self.nodes {
            if node.value != 0 {
                self.free_values.push(std::mem::take(&mut node.value));
            }
        }
        self.nodes.clear();
        self.free.clear();
        self.root = NONE;
        self.len = 0;
    }

    /// Entries with the longest prefixes first within each branch, as the kernel's iteration has them.
    pub fn window(&self, from: u32, count: u32, visit: &mut dyn FnMut(u32, &[u8], usize)) {
        let end = from.saturating_add(count);
        let mut seen = 0;
        let mut stack = vec![(self.root, false)];
        while let Some((at, children_done)) = stack.pop() {
            if at == NONE || seen >= end {
                continue;
            }
            let node = &self.nodes[at as usize];
            if !children_done {
                stack.push((at, true));
                stack.push((node.children[1], false));
                stack.push((node.children[0], false));
                continue;
            }
            if node.value == 0 {
                continue;
            }
            if seen >= from {
                let mut key = node.prefix_len.to_le_bytes().to_vec();
                key.extend_from_slice(&node.data);
                visit(0, &key, node.value);
            }
            seen += 1;
        }
    }
}

fn split(key: &[u8]) -> (u32, &[u8]) {
    let prefix_len = key.get(..4).and_then(|bytes| bytes.try_into().ok()).map_or(u32::MAX, u32::from_le_bytes);
    (prefix_len, key.get(4..).unwrap_or(&[]))
}

/// Bit `index` of the data, the highest of byte 0 first.
fn bit(data: &[u8], index: u32) -> usize {
    data.get(index as usize / 8).map_or(0, |byte| usize::from(byte >> (7 - index % 8) & 1))
}
