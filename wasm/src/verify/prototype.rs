//! What helpers take and give (kernel/bpf/helpers.c, net/core/filter.c), as far as the VM has them.

use crate::machine::helper_names::helper_name;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Argument {
    /// Any number.
    Anything,
    Context,
    Map,
    /// As many bytes as the map's keys have.
    Key,
    /// As many bytes as the map's values have, to read.
    Value,
    /// The same, to write.
    ValueOut,
    /// Bytes to read; the next argument says how many.
    Memory,
    /// The same, or null when the size is 0.
    MemoryOrNull,
    /// Bytes to write; the next argument says how many.
    MemoryOut,
    /// How many bytes the argument before has.
    Size,
    /// Eight bytes to write.
    Number,
    /// A record that a ring buffer reserved.
    Reserved,
    /// A lock in a map's value.
    Lock,
    Function,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    Number,
    /// A map's value, or null.
    Value,
    /// Memory of the constant size in this argument (counted from 0), or null.
    Memory(usize),
    /// A kernel object or null.
    Kernel,
}

pub struct Prototype {
    pub name: &'static str,
    pub arguments: Vec<Argument>,
    pub answer: Answer,
    /// The packet may lie elsewhere afterwards.
    pub moves_packet: bool,
}

/// Name, arguments by letter, answer.
const PROTOTYPES: &[(&str, &str, Answer)] = &[
    ("map_lookup_elem", "mk", Answer::Value),
    ("map_lookup_percpu_elem", "mka", Answer::Value),
    ("map_update_elem", "mkva", Answer::Number),
    ("map_delete_elem", "mk", Answer::Number),
    ("map_push_elem", "mva", Answer::Number),
    ("map_pop_elem", "mo", Answer::Number),
    ("map_peek_elem", "mo", Answer::Number),
    ("probe_read", "wsa", Answer::Number),
    ("probe_read_kernel", "wsa", Answer::Number),
    ("probe_read_user", "wsa", Answer::Number),
    ("ktime_get_ns", "", Answer::Number),
    ("ktime_get_boot_ns", "", Answer::Number),
    ("ktime_get_coarse_ns", "", Answer::Number),
    ("ktime_get_tai_ns", "", Answer::Number),
    ("jiffies64", "", Answer::Number),
    ("trace_printk", "rsaaa", Answer::Number),
    ("get_prandom_u32", "", Answer::Number),
    ("get_smp_processor_id", "", Answer::Number),
    ("get_numa_node_id", "", Answer::Number),
    ("skb_store_bytes", "carsa", Answer::Number),
    ("skb_load_bytes", "caws", Answer::Number),
    ("skb_load_bytes_relative", "cawsa", Answer::Number),
    ("l3_csum_replace", "caaaa", Answer::Number),
    ("l4_csum_replace", "caaaa", Answer::Number),
    ("tail_call", "cma", Answer::Number),
    ("clone_redirect", "caa", Answer::Number),
    ("get_current_pid_tgid", "", Answer::Number),
    ("get_current_uid_gid", "", Answer::Number),
    ("get_current_comm", "ws", Answer::Number),
    ("get_cgroup_classid", "c", Answer::Number),
    ("skb_vlan_push", "caa", Answer::Number),
    ("skb_vlan_pop", "c", Answer::Number),
    ("redirect", "aa", Answer::Number),
    ("redirect_peer", "aa", Answer::Number),
    ("redirect_neigh", "anza", Answer::Number),
    ("redirect_map", "maa", Answer::Number),
    ("get_route_realm", "c", Answer::Number),
    ("perf_event_output", "cmars", Answer::Number),
    ("csum_diff", "nznza", Answer::Number),
    ("csum_update", "ca", Answer::Number),
    ("csum_level", "ca", Answer::Number),
    ("skb_change_proto", "caa", Answer::Number),
    ("skb_change_type", "ca", Answer::Number),
    ("skb_under_cgroup", "cma", Answer::Number),
    ("get_hash_recalc", "c", Answer::Number),
    ("set_hash_invalid", "c", Answer::Number),
    ("set_hash", "ca", Answer::Number),
    ("skb_change_tail", "caa", Answer::Number),
    ("skb_change_head", "caa", Answer::Number),
    ("skb_adjust_room", "caaa", Answer::Number),
    ("skb_pull_data", "ca", Answer::Number),
    ("get_socket_cookie", "c", Answer::Number),
    ("get_netns_cookie", "a", Answer::Number),
    ("get_socket_uid", "c", Answer::Number),
    ("xdp_adjust_head", "ca", Answer::Number),
    ("xdp_adjust_meta", "ca", Answer::Number),
    ("xdp_adjust_tail", "ca", Answer::Number),
    ("xdp_get_buff_len", "c", Answer::Number),
    ("xdp_load_bytes", "caws", Answer::Number),
    ("xdp_store_bytes", "cars", Answer::Number),
    ("fib_lookup", "cwsa", Answer::Number),
    ("spin_lock", "l", Answer::Number),
    ("spin_unlock", "l", Answer::Number),
    ("strtol", "rsan", Answer::Number),
    ("strtoul", "rsan", Answer::Number),
    ("strncmp", "rsr", Answer::Number),
    ("ringbuf_output", "mrsa", Answer::Number),
    ("ringbuf_reserve", "maa", Answer::Memory(1)),
    ("ringbuf_submit", "ea", Answer::Number),
    ("ringbuf_discard", "ea", Answer::Number),
    ("ringbuf_query", "ma", Answer::Number),
    ("loop", "afaa", Answer::Number),
    ("for_each_map_elem", "mfaa", Answer::Number),
    ("get_retval", "", Answer::Number),
    ("set_retval", "a", Answer::Number),
    ("sk_fullsock", "a", Answer::Kernel),
    ("tcp_sock", "a", Answer::Kernel),
    ("sk_lookup_tcp", "crsaa", Answer::Kernel),
    ("sk_lookup_udp", "crsaa", Answer::Kernel),
    ("skc_lookup_tcp", "crsaa", Answer::Kernel),
    ("sk_release", "a", Answer::Number),
];

/// After these, pointers into the packet are worth nothing (`bpf_helper_changes_pkt_data`).
const MOVING: &[&str] = &[
    "skb_store_bytes", "l3_csum_replace", "l4_csum_replace", "clone_redirect", "skb_vlan_push", "skb_vlan_pop", "skb_change_proto", "skb_change_tail",
    "skb_change_head", "skb_adjust_room", "skb_pull_data", "xdp_adjust_head", "xdp_adjust_meta", "xdp_adjust_tail", "tail_call",
];

pub fn prototype(helper: u32) -> Option<Prototype> {
    let wanted = helper_name(helper)?;
    let &(name, letters, answer) = PROTOTYPES.iter().find(|(name, ..)| *name == wanted)?;
    let arguments = letters
        .chars()
        .map(|letter| match letter {
            'c' => Argument::Context,
            'm' => Argument::Map,
            'k' => Argument::Key,
            'v' => Argument::Value,
            'o' => Argument::ValueOut,
            'r' => Argument::Memory,
            'n' if name == "strtol" || name == "strtoul" => Argument::Number,
            'n' => Argument::MemoryOrNull,
            'w' => Argument::MemoryOut,
            's' | 'z' => Argument::Size,
            'e' => Argument::Reserved,
            'l' => Argument::Lock,
            'f' => Argument::Function,
            _ => Argument::Anything,
        })
        .collect();
    Some(Prototype { name, arguments, answer, moves_packet: MOVING.contains(&name) })
}
