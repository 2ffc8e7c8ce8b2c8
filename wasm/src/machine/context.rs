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
    matches!(program_type, "sched_cls" | "sched_act" | "xdp" | "lwt_xmit")
}

// Offsets in struct __sk_buff.
const LEN: usize = 0;
const PKT_TYPE: usize = 4;
pub const MARK: usize = 8;
const PROTOCOL: usize = 16;
const INGRESS_IFINDEX: usize = 36;
const IFINDEX: usize = 40;
const HASH: usize = 68;
const DATA: usize = 76;
const DATA_END: usize = 80;
const DATA_META: usize = 140;
const WIRE_LEN: usize = 160;

// Offsets in struct xdp_md.
const XDP_DATA: usize = 0;
const XDP_DATA_END: usize = 4;
const XDP_DATA_META: usize = 8;
const XDP_INGRESS_IFINDEX: usize = 12;

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
            put(context, PKT_TYPE, packet_type(ethernet));
            put(context, MARK, given.mark);
            let ethertype = ethernet.get(12..14).map_or(0, |bytes| u32::from(u16::from_le_bytes([bytes[0], bytes[1]])));
            put(context, PROTOCOL, ethertype);
            put(context, IFINDEX, given.ifindex);
            put(context, INGRESS_IFINDEX, given.ingress_ifindex);
        }
        ContextKind::Xdp => put(context, XDP_INGRESS_IFINDEX, given.ingress_ifindex),
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
            put(context, WIRE_LEN, packet.len as u32);
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

pub fn hash(workspace: &mut Workspace) -> u32 {
    read(workspace.context_bytes(), HASH)
}

pub fn set_hash(workspace: &mut Workspace, value: u32) {
    put(workspace.context_bytes(), HASH, value);
}

/// `skb->pkt_type` as eth_type_trans sets it on the loopback device, whose address is all zeros.
fn packet_type(ethernet: &[u8]) -> u32 {
    match ethernet.get(..6) {
        Some([0, 0, 0, 0, 0, 0]) | None => 0,
        Some([255, 255, 255, 255, 255, 255]) => 1,
        Some(destination) if destination[0] & 1 == 1 => 2,
        Some(_) => 3,
    }
}
