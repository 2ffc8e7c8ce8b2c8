//! What a map of each type needs to be created, as Linux asks for it.

use super::arena::Arena;
use super::array::Array;
use super::bloom::BloomFilter;
use super::hash::HashTable;
use super::kind::MapKind;
use super::local::LocalStorage;
use super::lpm::LpmTrie;
use super::queue::Queue;
use super::ring::RingBuffer;
use super::{Map, MapSpec, Storage};

const BPF_F_NO_PREALLOC: u32 = 1;

impl Map {
    /// Creates the map; an error is a sentence.
    pub fn create(spec: MapSpec, seed: u32, cpus: u32, arena: &mut Arena) -> Result<Map, String> {
        let kind = MapKind::of(spec.kind).ok_or_else(|| format!("Map {}: type {} is not one of Linux’s.", spec.name, spec.kind))?;
        let named = |what: &str| format!("Map {} ({}): {what}.", spec.name, kind.name);
        let possible_cpus = cpus.max(1);
        let cpus = if kind.per_cpu { possible_cpus } else { 1 };
        let stored = MapSpec { value_size: stored_size(&spec, cpus).ok_or_else(|| named("its values do not fit"))?, ..spec.clone() };
        if spec.unknown_fields {
            return Err(named("its definition has fields beyond map_flags that are not zero; they are unknown"));
        }
        let storage = match kind.name {
            "hash" | "percpu_hash" | "lru_hash" | "lru_percpu_hash" | "hash_of_maps" | "devmap_hash" | "sockhash" => {
                if spec.key_size == 0 || spec.value_size == 0 || spec.max_entries == 0 {
                    return Err(named("key size, value size and max_entries must not be 0"));
                }
                if spec.max_entries > 1 << 26 || spec.key_size > 512 || stored.value_size > 1 << 22 {
                    return Err(named("keys of more than 512 bytes, values of more than 4 MiB or more than 67,108,864 entries do not fit"));
                }
                Storage::Hash(HashTable::new(&stored, kind.name.starts_with("lru"), kind.per_cpu, seed, possible_cpus))
            }
            "array" | "percpu_array" | "prog_array" | "array_of_maps" | "devmap" | "cpumap" | "xskmap" | "sockmap" | "cgroup_array" => {
                if spec.key_size != 4 || spec.value_size == 0 || spec.max_entries == 0 {
                    return Err(named("an array has keys of 4 bytes, values and entries"));
                }
                let array = Array::new(&stored, arena).ok_or_else(|| named("the array would need more than 256 MiB"))?;
                Storage::Array(array)
            }
            "lpm_trie" => {
                if !(5..=260).contains(&spec.key_size) || spec.value_size == 0 || spec.value_size > 1 << 22 || spec.max_entries == 0 {
                    return Err(named("a trie’s keys have 4 bytes of prefix length and 1 to 256 of data; values and entries must not be 0"));
                }
                if spec.flags & BPF_F_NO_PREALLOC == 0 {
                    return Err(named("Linux only creates tries with the flag BPF_F_NO_PREALLOC"));
                }
                Storage::Lpm(LpmTrie::new(&spec))
            }
            "ringbuf" => {
                if !spec.max_entries.is_power_of_two() || spec.max_entries % 4096 != 0 || spec.max_entries > 64 << 20 {
                    return Err(named("a ring buffer’s size is a power of two, a multiple of 4,096, at most 64 MiB"));
                }
                Storage::Ring(RingBuffer::new(spec.max_entries, arena).ok_or_else(|| named("there is no memory for it"))?)
            }
            "queue" | "stack" => {
                if spec.key_size != 0 || spec.value_size == 0 || spec.max_entries == 0 {
                    return Err(named("it has no keys, and values and entries"));
                }
                Storage::Queue(Queue::new(spec.max_entries, kind.name == "stack"))
            }
            "perf_event_array" => Storage::Records(Vec::new()),
            "bloom_filter" => {
                if spec.key_size != 0 || spec.value_size == 0 || spec.max_entries == 0 || spec.extra > 15 {
                    return Err(named("it has no keys, and values, entries and at most 15 hashes"));
                }
                Storage::Bloom(BloomFilter::new(&spec, seed).ok_or_else(|| named("it would need more than 128 MiB"))?)
            }
            "cgroup_storage" | "percpu_cgroup_storage" | "sk_storage" => {
                if spec.value_size == 0 || spec.value_size > 1 << 16 || spec.max_entries != 0 {
                    return Err(named("it has values of at most 64 KiB, and no number of entries"));
                }
                Storage::Local(LocalStorage::new(spec.value_size as usize, arena).ok_or_else(|| named("there is no memory for it"))?)
            }
            _ => Storage::Unsupported,
        };
        Ok(Map { spec, kind, storage, cpus })
    }
}

pub fn stored_size(spec: &MapSpec, cpus: u32) -> Option<u32> {
    if cpus == 1 { Some(spec.value_size) } else { spec.value_size.checked_next_multiple_of(8)?.checked_mul(cpus) }
}
