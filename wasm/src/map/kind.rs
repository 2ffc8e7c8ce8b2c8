//! Linux's map types by number (linux/bpf.h, `enum bpf_map_type`), named as bpftool prints them.

#[derive(Clone, Copy, Debug)]
pub struct MapKind {
    pub name: &'static str,
    /// One value a CPU.
    pub per_cpu: bool,
    /// Elements are other maps: a look-up gives the inner map itself.
    pub of_maps: bool,
    /// Elements refer to something (programs, maps, devices) and may be taken away, in arrays too.
    pub holds_references: bool,
}

const NAMES: [&str; 34] = [
    "unspec", "hash", "array", "prog_array", "perf_event_array", "percpu_hash", "percpu_array", "stack_trace",
    "cgroup_array", "lru_hash", "lru_percpu_hash", "lpm_trie", "array_of_maps", "hash_of_maps", "devmap", "sockmap",
    "cpumap", "xskmap", "sockhash", "cgroup_storage", "reuseport_sockarray", "percpu_cgroup_storage", "queue", "stack",
    "sk_storage", "devmap_hash", "struct_ops", "ringbuf", "inode_storage", "task_storage", "bloom_filter",
    "user_ringbuf", "cgrp_storage", "arena",
];

impl MapKind {
    pub fn of(number: u32) -> Option<MapKind> {
        NAMES.get(number as usize).filter(|_| number != 0).map(|&name| MapKind {
            name,
            per_cpu: matches!(name, "percpu_hash" | "percpu_array" | "lru_percpu_hash"),
            of_maps: matches!(name, "array_of_maps" | "hash_of_maps"),
            holds_references: matches!(
                name,
                "array_of_maps" | "hash_of_maps" | "prog_array" | "devmap" | "devmap_hash" | "cpumap" | "xskmap" | "sockmap" | "sockhash" | "cgroup_array"
            ),
        })
    }
}

/// The type's name, or its number where Linux knows none.
pub fn kind_name(number: u32) -> String {
    NAMES.get(number as usize).map_or_else(|| number.to_string(), |name| (*name).to_owned())
}
