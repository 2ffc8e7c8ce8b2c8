/** Linux's map types by number (linux/bpf.h, `enum bpf_map_type`), named as bpftool prints them. */
const NAMES = (
  'unspec hash array prog_array perf_event_array percpu_hash percpu_array stack_trace cgroup_array lru_hash ' +
  'lru_percpu_hash lpm_trie array_of_maps hash_of_maps devmap sockmap cpumap xskmap sockhash cgroup_storage ' +
  'reuseport_sockarray percpu_cgroup_storage queue stack sk_storage devmap_hash struct_ops ringbuf inode_storage ' +
  'task_storage bloom_filter user_ringbuf cgrp_storage arena'
).split(' ');

/** The number of the map type with that name; null: there is none. */
export function mapTypeNumber(name: string): number | null {
  const number = NAMES.indexOf(name);
  return number > 0 ? number : null;
}
