//! CO-RE relocations: places that a loader fills in from the running kernel's own types.
//!
//! Headers on the wire, the contexts of linux/bpf.h and its helpers’ numbers are the same for ever, so what clang put there from the
//! object's own types is what every kernel has. Everything else would need a kernel.

use super::btf::{Btf, u32_at};

/// A record of `.BTF.ext`: `struct bpf_core_relo` without its access string.
#[derive(Clone, Copy, Debug)]
pub struct CoreRelocation {
    /// Slot within its section.
    pub slot: usize,
    type_id: u32,
    kind: u32,
}

// enum bpf_core_relo_kind.
const TYPE_ID_LOCAL: u32 = 6;
const TYPE_ID_TARGET: u32 = 7;
const TYPE_MATCHES: u32 = 12;

const FIXED: [&str; 25] = [
    "__sk_buff", "xdp_md", "bpf_sock_addr", "bpf_sock", "bpf_sock_ops", "bpf_sock_tuple", "bpf_fib_lookup", "bpf_tunnel_key", "bpf_redir_neigh",
    "bpf_dynptr", "bpf_spin_lock", "bpf_timer", "ethhdr", "iphdr", "ipv6hdr", "in6_addr", "tcphdr", "udphdr", "icmphdr", "icmp6hdr", "vlan_hdr",
    "vlan_ethhdr", "arphdr", "ip_auth_hdr", "bpf_func_id",
];

impl CoreRelocation {
    pub fn read(record: &[u8]) -> Option<CoreRelocation> {
        Some(CoreRelocation { slot: u32_at(record, 0)? as usize / 8, type_id: u32_at(record, 4)?, kind: u32_at(record, 12)? })
    }

    /// Whether the object's own types already say what a kernel would.
    pub fn is_settled(self, btf: &Btf) -> bool {
        if self.kind == TYPE_ID_LOCAL {
            return true;
        }
        let name = btf.resolve(self.type_id).map_or("", |(_, entry)| btf.string(entry.name));
        // `iphdr___mine` is somebody's own version of iphdr.
        let name = name.split("___").next().unwrap_or(name);
        self.kind <= TYPE_MATCHES && self.kind != TYPE_ID_TARGET && FIXED.contains(&name)
    }
}
