//! What helpers take and give (kernel/bpf/helpers.c, net/core/filter.c), as far as the VM has them.

use crate::machine::helper;
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
    /// The same, or null.
    ValueOrNull,
    /// The same, to write.
    ValueOut,
    /// Bytes to read; the next argument says how many.
    Memory,
    /// The same, or null when the size is 0.
    MemoryOrNull,
    /// Bytes to write; the next argument says how many.
    MemoryOut,
    /// The same, or null when the size is 0.
    MemoryOutOrNull,
    /// How many bytes the argument before has.
    Size,
    /// So many bytes to read.
    Fixed(usize),
    /// So many bytes to write.
    FixedOut(usize),
    /// What was taken and is given back: a record that a ring buffer reserved, a socket that was looked up.
    Reserved,
    /// A lock in a map's value.
    Lock,
    Function,
    /// A socket that is there.
    Socket,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    Number,
    /// A map's value, or null.
    Value,
    /// A map's value.
    SureValue,
    /// Memory of the constant size in this argument (counted from 0), or null; whether it must be given back.
    Memory(u8, bool),
    /// A kernel object or null; whether it must be given back.
    Kernel(bool),
}

pub struct Prototype {
    pub number: u32,
    pub name: &'static str,
    pub arguments: Vec<Argument>,
    pub answer: Answer,
    /// The packet may lie elsewhere afterwards.
    pub moves_packet: bool,
}

/// Arguments by letter; a capital behind them: the answer. Those of a text that may or may not have more are left out.
const PROTOTYPES: &[(u32, &str)] = &[
    (helper::MAP_LOOKUP_ELEM, "mkV"),
    (helper::MAP_UPDATE_ELEM, "mkva"),
    (helper::MAP_DELETE_ELEM, "mk"),
    (helper::PROBE_READ, "wsa"),
    (helper::KTIME_GET_NS, ""),
    (helper::TRACE_PRINTK, "rs"),
    (helper::GET_PRANDOM_U32, ""),
    (helper::GET_SMP_PROCESSOR_ID, ""),
    (helper::SKB_STORE_BYTES, "carsa"),
    (helper::L3_CSUM_REPLACE, "caaaa"),
    (helper::L4_CSUM_REPLACE, "caaaa"),
    (helper::TAIL_CALL, "cma"),
    (helper::CLONE_REDIRECT, "caa"),
    (helper::GET_CURRENT_PID_TGID, ""),
    (helper::GET_CURRENT_UID_GID, ""),
    (helper::GET_CURRENT_COMM, "ws"),
    (helper::GET_CGROUP_CLASSID, "c"),
    (helper::SKB_VLAN_PUSH, "caa"),
    (helper::SKB_VLAN_POP, "c"),
    (helper::SKB_GET_TUNNEL_KEY, "cwsa"),
    (helper::SKB_SET_TUNNEL_KEY, "crsa"),
    (helper::REDIRECT, "aa"),
    (helper::GET_ROUTE_REALM, "c"),
    (helper::PERF_EVENT_OUTPUT, "cmars"),
    (helper::SKB_LOAD_BYTES, "caws"),
    (helper::CSUM_DIFF, "nznza"),
    (helper::SKB_GET_TUNNEL_OPT, "cws"),
    (helper::SKB_SET_TUNNEL_OPT, "crs"),
    (helper::SKB_CHANGE_PROTO, "caa"),
    (helper::SKB_CHANGE_TYPE, "ca"),
    (helper::SKB_UNDER_CGROUP, "cma"),
    (helper::GET_HASH_RECALC, "c"),
    (helper::GET_CURRENT_TASK, ""),
    (helper::SKB_CHANGE_TAIL, "caa"),
    (helper::SKB_PULL_DATA, "ca"),
    (helper::CSUM_UPDATE, "ca"),
    (helper::SET_HASH_INVALID, "c"),
    (helper::GET_NUMA_NODE_ID, ""),
    (helper::SKB_CHANGE_HEAD, "caa"),
    (helper::XDP_ADJUST_HEAD, "ca"),
    (helper::PROBE_READ_STR, "wsa"),
    (helper::GET_SOCKET_COOKIE, "c"),
    (helper::GET_SOCKET_UID, "c"),
    (helper::SET_HASH, "ca"),
    (helper::SKB_ADJUST_ROOM, "caaa"),
    (helper::REDIRECT_MAP, "maa"),
    (helper::XDP_ADJUST_META, "ca"),
    (helper::XDP_ADJUST_TAIL, "ca"),
    (helper::SKB_LOAD_BYTES_RELATIVE, "cawsa"),
    (helper::FIB_LOOKUP, "cwsa"),
    (helper::SKB_CGROUP_ID, "c"),
    (helper::GET_CURRENT_CGROUP_ID, ""),
    (helper::GET_LOCAL_STORAGE, "maL"),
    (helper::SKB_ANCESTOR_CGROUP_ID, "ca"),
    (helper::SK_LOOKUP_TCP, "crsaaS"),
    (helper::SK_LOOKUP_UDP, "crsaaS"),
    (helper::SK_RELEASE, "e"),
    (helper::MAP_PUSH_ELEM, "mva"),
    (helper::MAP_POP_ELEM, "mo"),
    (helper::MAP_PEEK_ELEM, "mo"),
    (helper::SPIN_LOCK, "l"),
    (helper::SPIN_UNLOCK, "l"),
    (helper::SK_FULLSOCK, "jK"),
    (helper::TCP_SOCK, "jK"),
    (helper::SKB_ECN_SET_CE, "c"),
    (helper::GET_LISTENER_SOCK, "jK"),
    (helper::SKC_LOOKUP_TCP, "crsaaS"),
    (helper::STRTOL, "rsag"),
    (helper::STRTOUL, "rsag"),
    (helper::SK_STORAGE_GET, "mjqaV"),
    (helper::SK_STORAGE_DELETE, "mj"),
    (helper::PROBE_READ_USER, "wsa"),
    (helper::PROBE_READ_KERNEL, "wsa"),
    (helper::PROBE_READ_USER_STR, "wsa"),
    (helper::PROBE_READ_KERNEL_STR, "wsa"),
    (helper::JIFFIES64, ""),
    (helper::GET_NETNS_COOKIE, "a"),
    (helper::KTIME_GET_BOOT_NS, ""),
    (helper::SK_CGROUP_ID, "j"),
    (helper::SK_ANCESTOR_CGROUP_ID, "ja"),
    (helper::RINGBUF_OUTPUT, "mrsa"),
    (helper::RINGBUF_RESERVE, "maaR"),
    (helper::RINGBUF_SUBMIT, "ea"),
    (helper::RINGBUF_DISCARD, "ea"),
    (helper::RINGBUF_QUERY, "ma"),
    (helper::CSUM_LEVEL, "ca"),
    (helper::SKB_CGROUP_CLASSID, "c"),
    (helper::REDIRECT_NEIGH, "anza"),
    (helper::REDIRECT_PEER, "aa"),
    (helper::KTIME_GET_COARSE_NS, ""),
    (helper::CHECK_MTU, "cauaa"),
    (helper::FOR_EACH_MAP_ELEM, "mfaa"),
    (helper::SNPRINTF, "xsanz"),
    (helper::TRACE_VPRINTK, "rsnz"),
    (helper::LOOP, "afaa"),
    (helper::STRNCMP, "rsr"),
    (helper::GET_RETVAL, ""),
    (helper::SET_RETVAL, "a"),
    (helper::XDP_GET_BUFF_LEN, "c"),
    (helper::XDP_LOAD_BYTES, "caws"),
    (helper::XDP_STORE_BYTES, "cars"),
    (helper::SKB_SET_TSTAMP, "caa"),
    (helper::MAP_LOOKUP_PERCPU_ELEM, "mkaV"),
    (helper::DYNPTR_FROM_MEM, "wsad"),
    (helper::RINGBUF_RESERVE_DYNPTR, "maad"),
    (helper::RINGBUF_SUBMIT_DYNPTR, "ya"),
    (helper::RINGBUF_DISCARD_DYNPTR, "ya"),
    (helper::DYNPTR_READ, "wsyaa"),
    (helper::DYNPTR_WRITE, "yarsa"),
    (helper::DYNPTR_DATA, "yaaM"),
    (helper::KTIME_GET_TAI_NS, ""),
];

/// After these, pointers into the packet are worth nothing (`bpf_helper_changes_pkt_data`).
const MOVING: &[u32] = &[
    helper::SKB_STORE_BYTES,
    helper::L3_CSUM_REPLACE,
    helper::L4_CSUM_REPLACE,
    helper::CLONE_REDIRECT,
    helper::SKB_VLAN_PUSH,
    helper::SKB_VLAN_POP,
    helper::SKB_CHANGE_PROTO,
    helper::SKB_CHANGE_TAIL,
    helper::SKB_CHANGE_HEAD,
    helper::SKB_ADJUST_ROOM,
    helper::SKB_PULL_DATA,
    helper::XDP_ADJUST_HEAD,
    helper::XDP_ADJUST_META,
    helper::XDP_ADJUST_TAIL,
    helper::TAIL_CALL,
];

pub fn prototype(number: u32) -> Option<Prototype> {
    let &(_, letters) = PROTOTYPES.iter().find(|(known, _)| *known == number)?;
    let mut answer = Answer::Number;
    let mut arguments = Vec::new();
    for letter in letters.bytes() {
        arguments.push(match letter {
            b'c' => Argument::Context,
            b'm' => Argument::Map,
            b'k' => Argument::Key,
            b'v' => Argument::Value,
            b'q' => Argument::ValueOrNull,
            b'o' => Argument::ValueOut,
            b'r' => Argument::Memory,
            b'n' => Argument::MemoryOrNull,
            b'w' => Argument::MemoryOut,
            b'x' => Argument::MemoryOutOrNull,
            b's' | b'z' => Argument::Size,
            b'u' => Argument::Fixed(4),
            b'g' => Argument::FixedOut(8),
            // A dynptr, which lies on the stack.
            b'd' => Argument::FixedOut(16),
            b'y' => Argument::Fixed(16),
            b'e' => Argument::Reserved,
            b'l' => Argument::Lock,
            b'f' => Argument::Function,
            b'j' => Argument::Socket,
            b'a' => Argument::Anything,
            _ => {
                answer = match letter {
                    b'V' => Answer::Value,
                    b'L' => Answer::SureValue,
                    b'R' => Answer::Memory(1, true),
                    b'M' => Answer::Memory(2, false),
                    _ => Answer::Kernel(letter == b'S'),
                };
                continue;
            }
        });
    }
    Some(Prototype { number, name: helper_name(number)?, arguments, answer, moves_packet: MOVING.contains(&number) })
}
