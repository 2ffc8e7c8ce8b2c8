//! The context that a program gets in r1, as linux/bpf.h lays it out, and what kind each program type takes.

use super::memory::{PacketBuffer, Workspace};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContextKind {
    /// `struct __sk_buff`.
    SkBuff,
    /// `struct xdp_md`.
    Xdp,
    /// `struct bpf_sock_addr`.
    SockAddr,
    /// The bytes themselves, their number in r2.
    Memory,
}

pub fn context_kind(program_type: &str) -> ContextKind {
    match program_type {
        "socket_filter" | "sched_cls" | "sched_act" | "cgroup_skb" | "lwt_in" | "lwt_out" | "lwt_xmit" | "lwt_seg6local" | "sk_skb" => ContextKind::SkBuff,
        "xdp" => ContextKind::Xdp,
        "cgroup_sock_addr" => ContextKind::SockAddr,
        _ => ContextKind::Memory,
    }
}

/// Whether the program's data begins at the Ethernet header (tc), or behind it.
pub fn sees_ethernet(program_type: &str) -> bool {
    matches!(program_type, "sched_cls" | "sched_act" | "xdp")
}

// Protocols as a context holds them: in network order, read little-endian.
pub const ETH_P_IP: u16 = 0x0008;
pub const ETH_P_IPV6: u16 = 0xdd86;
pub const ETH_P_8021Q: u16 = 0x0081;
pub const ETH_P_8021AD: u16 = 0xa888;
const ETH_P_802_3: u16 = 0x0100;
const ETH_P_802_2: u16 = 0x0400;

// Offsets in struct __sk_buff.
const LEN: usize = 0;
const PKT_TYPE: usize = 4;
pub const MARK: usize = 8;
const PROTOCOL: usize = 16;
const VLAN_PRESENT: usize = 20;
const VLAN_TCI: usize = 24;
const VLAN_PROTO: usize = 28;
const INGRESS_IFINDEX: usize = 36;
const IFINDEX: usize = 40;
const HASH: usize = 68;
const DATA: usize = 76;
const DATA_END: usize = 80;
const DATA_META: usize = 140;
const TSTAMP: usize = 152;
const TSTAMP_TYPE: usize = 180;
/// The socket's family and its addresses, as it has them: remote and own IPv4, remote and own IPv6.
const FAMILY: usize = 88;
const ADDRESSES: usize = 92;
const SOCKET: usize = 168;

// Offsets in struct xdp_md.
const XDP_DATA: usize = 0;
const XDP_DATA_END: usize = 4;
const XDP_DATA_META: usize = 8;
const XDP_INGRESS_IFINDEX: usize = 12;

// Offsets in struct bpf_sock.
const SOCK_FAMILY: usize = 4;
const SOCK_SRC_IP4: usize = 24;
const SOCK_SRC_IP6: usize = 28;
const SOCK_DST_IP4: usize = 52;
const SOCK_DST_IP6: usize = 56;
const SOCK_STATE: usize = 72;
const SOCK_RX_QUEUE: usize = 76;
pub const SOCK_SIZE: usize = 80;
const TCP_CLOSE: u32 = 7;

/// What a packet's context says beside its bytes.
#[derive(Clone, Copy, Default)]
pub struct PacketContext {
    pub ifindex: u32,
    pub ingress_ifindex: u32,
    pub mark: u32,
}

fn put(context: &mut [u8], offset: usize, value: u32) {
    context[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
}

pub fn read(context: &[u8], offset: usize) -> u32 {
    context.get(offset..offset + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// Fills in the whole context of a packet; `ethernet`: the frame with its header, wherever the program's data begins.
pub fn fill(workspace: &mut Workspace, kind: ContextKind, ethernet: &[u8], packet: &PacketBuffer, given: PacketContext) {
    let context = workspace.context_bytes();
    match kind {
        ContextKind::SkBuff => {
            put(context, PKT_TYPE, packet_type(ethernet, given.ifindex));
            put(context, MARK, given.mark);
            put(context, PROTOCOL, u32::from(encapsulated_protocol(ethernet.get(12..).unwrap_or(&[]))));
            put(context, IFINDEX, given.ifindex);
            put(context, INGRESS_IFINDEX, given.ingress_ifindex);
        }
        // A test run's packet comes in on the device that it is run on.
        ContextKind::Xdp => put(context, XDP_INGRESS_IFINDEX, if given.ingress_ifindex == 0 { given.ifindex } else { given.ingress_ifindex }),
        ContextKind::SockAddr | ContextKind::Memory => {}
    }
    refresh(workspace, kind, packet);
}

/// Brings the context's pointers and length in line with the packet, after a helper moved it.
pub fn refresh(workspace: &mut Workspace, kind: ContextKind, packet: &PacketBuffer) {
    let start = packet.address() as u32;
    let end = start + packet.len as u32;
    let meta = start - packet.meta as u32;
    let context = workspace.context_bytes();
    match kind {
        ContextKind::SkBuff => {
            put(context, LEN, packet.len as u32);
            put(context, DATA, start);
            put(context, DATA_END, end);
            put(context, DATA_META, meta);
        }
        ContextKind::Xdp => {
            put(context, XDP_DATA, start);
            put(context, XDP_DATA_END, end);
            put(context, XDP_DATA_META, meta);
        }
        ContextKind::SockAddr | ContextKind::Memory => {}
    }
}

/// What a test run takes a packet's socket for: closed, its own addresses those of the packet.
pub fn set_socket(workspace: &mut Workspace, ethernet: &[u8]) {
    let address = workspace.socket() as u64;
    workspace.context_bytes()[SOCKET..SOCKET + 8].copy_from_slice(&address.to_le_bytes());
    let protocol = encapsulated_protocol(ethernet.get(12..).unwrap_or(&[]));
    let socket = workspace.socket_bytes();
    put(socket, SOCK_STATE, TCP_CLOSE);
    put(socket, SOCK_RX_QUEUE, u32::MAX);
    // Offsets in the header, of the source and the destination.
    let (family, from, to, len) = match protocol {
        ETH_P_IP => (2, 12, 16, 4),
        ETH_P_IPV6 => (10, 8, 24, 16),
        _ => return,
    };
    let Some(header) = ethernet.get(14..14 + to + len) else { return };
    let (source, destination) = (&header[from..from + len], &header[to..]);
    put(socket, SOCK_FAMILY, family);
    let v6 = len == 16;
    let places = if v6 { (SOCK_SRC_IP6, SOCK_DST_IP6) } else { (SOCK_SRC_IP4, SOCK_DST_IP4) };
    socket[places.0..places.0 + len].copy_from_slice(source);
    socket[places.1..places.1 + len].copy_from_slice(destination);
    let context = workspace.context_bytes();
    put(context, FAMILY, family);
    let addresses = &mut context[if v6 { ADDRESSES + 8 } else { ADDRESSES }..];
    addresses[..len].copy_from_slice(destination);
    addresses[len..2 * len].copy_from_slice(source);
}

/// `eth_type_trans` and `vlan_set_encap_proto`: what follows an Ethernet header's addresses or a tag, a type or, as
/// IEEE 802.3 has it, a length.
pub fn encapsulated_protocol(bytes: &[u8]) -> u16 {
    let Some(&[high, low]) = bytes.get(..2) else { return 0 };
    if u16::from_be_bytes([high, low]) >= 0x600 {
        return u16::from_le_bytes([high, low]);
    }
    if bytes.get(2..4) == Some(&[255, 255]) { ETH_P_802_3 } else { ETH_P_802_2 }
}

pub fn protocol(workspace: &mut Workspace) -> u16 {
    read(workspace.context_bytes(), PROTOCOL) as u16
}

pub fn set_protocol(workspace: &mut Workspace, protocol: u16) {
    put(workspace.context_bytes(), PROTOCOL, u32::from(protocol));
}

/// The tag that is noted beside the packet: protocol, tag.
pub fn vlan(workspace: &mut Workspace) -> Option<(u16, u16)> {
    let context = workspace.context_bytes();
    (read(context, VLAN_PRESENT) != 0).then(|| (read(context, VLAN_PROTO) as u16, read(context, VLAN_TCI) as u16))
}

/// Without one, Linux leaves the old tag in its place and only takes its presence away.
pub fn set_vlan(workspace: &mut Workspace, tag: Option<(u16, u16)>) {
    let context = workspace.context_bytes();
    put(context, VLAN_PRESENT, u32::from(tag.is_some()));
    let (protocol, tci) = tag.unwrap_or((0, 0));
    put(context, VLAN_PROTO, u32::from(protocol));
    put(context, VLAN_TCI, u32::from(tci));
}

pub fn set_tstamp(workspace: &mut Workspace, stamp: u64, kind: u8) {
    let context = workspace.context_bytes();
    context[TSTAMP..TSTAMP + 8].copy_from_slice(&stamp.to_le_bytes());
    context[TSTAMP_TYPE] = kind;
}

pub fn ifindex(workspace: &mut Workspace, kind: ContextKind) -> u32 {
    read(workspace.context_bytes(), if kind == ContextKind::Xdp { XDP_INGRESS_IFINDEX } else { IFINDEX })
}

pub fn hash(workspace: &mut Workspace) -> u32 {
    read(workspace.context_bytes(), HASH)
}

pub fn set_hash(workspace: &mut Workspace, value: u32) {
    put(workspace.context_bytes(), HASH, value);
}

/// `skb->pkt_type` as eth_type_trans sets it; the address of every device is taken to be all zeros. On the loopback
/// device, a broadcast address is one of many.
fn packet_type(ethernet: &[u8], ifindex: u32) -> u32 {
    const LOOPBACK: u32 = 1;
    match ethernet.get(..6) {
        Some([0, 0, 0, 0, 0, 0]) | None => 0,
        Some([255, 255, 255, 255, 255, 255]) if ifindex != LOOPBACK => 1,
        Some(destination) if destination[0] & 1 == 1 => 2,
        Some(_) => 3,
    }
}
