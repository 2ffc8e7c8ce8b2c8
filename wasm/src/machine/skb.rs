//! What Linux keeps of a packet beside its bytes and its context (`struct sk_buff`), and helpers that move its headers
//! (net/core/filter.c, net/core/skbuff.c).

use super::context::{self, ContextKind, ETH_P_IP, ETH_P_IPV6, ETH_P_8021AD, ETH_P_8021Q};
use super::memory::HEADROOM;
use super::{Machine, checksum, helper};
use crate::map::{EFAULT, EINVAL, ENOMEM};

/// `SKB_MAX_ALLOC`: 16 KiB less what Linux keeps behind the data.
const LONGEST_SKB: usize = 16_384 - 320;
const ETH_HLEN: usize = 14;
const VLAN_HLEN: usize = 4;
const ENOTSUPP: i64 = -524;
const EOPNOTSUPP: i64 = -95;
const EALREADY: i64 = -114;
const EACCES: i64 = -13;
const EPROTO: i64 = -71;
const ENODEV: i64 = -19;
/// The loopback device's, which test runs see.
const LOOPBACK_MTU: u32 = 65_536;

// Flags of bpf_skb_adjust_room.
const FIXED_GSO: u64 = 1 << 0;
const ENCAP_IPV4: u64 = 1 << 1;
const ENCAP_IPV6: u64 = 1 << 2;
const ENCAP_GRE: u64 = 1 << 3;
const ENCAP_UDP: u64 = 1 << 4;
const NO_CSUM_RESET: u64 = 1 << 5;
const ENCAP_ETH: u64 = 1 << 6;
const DECAP_IPV4: u64 = 1 << 7;
const DECAP_IPV6: u64 = 1 << 8;
const ENCAP_L2_SHIFT: u32 = 56;

/// Places count from the packet buffer's start.
#[derive(Clone, Default)]
pub struct Skb {
    pub mac: usize,
    pub network: usize,
    encapsulated: bool,
    /// Tunnel key that a program set: id, tos, ttl, addresses of both ends.
    tunnel: Option<Tunnel>,
    /// The flow's hash, once it was computed or set.
    pub hashed: bool,
}

#[derive(Clone, Copy)]
struct Tunnel {
    id: u64,
    remote: [u8; 16],
    local: [u8; 16],
    tos: u8,
    ttl: u8,
    label: u32,
    ipv6: bool,
}

impl Machine {
    pub fn skb_helper(&mut self, number: u32, args: [u64; 5], slot: usize) -> Option<i64> {
        let [_, second, third, fourth, _] = args;
        Some(match number {
            helper::SKB_PULL_DATA => if second as u32 as usize > self.packet.len { ENOMEM } else { 0 },
            helper::SKB_CHANGE_TYPE => self.change_type(second as u32),
            helper::SKB_CHANGE_TAIL => self.change_tail(second as u32, third),
            helper::SKB_CHANGE_HEAD => self.change_head(second as u32, third),
            helper::SKB_CHANGE_PROTO => self.change_proto(second as u16, third),
            helper::SKB_ADJUST_ROOM => self.adjust_room(second as i32, third as u32, fourth),
            helper::SKB_VLAN_PUSH => self.vlan_push(second as u16, third as u16),
            helper::SKB_VLAN_POP => self.vlan_pop(),
            helper::SKB_ECN_SET_CE => self.set_congestion(),
            helper::SKB_GET_TUNNEL_KEY => self.get_tunnel_key(second, third as u32 as usize, fourth, slot),
            helper::SKB_SET_TUNNEL_KEY => self.set_tunnel_key(second, third as u32 as usize, fourth, slot),
            helper::SKB_GET_TUNNEL_OPT => {
                self.answer_into("options", second, &vec![0; third as u32 as usize], slot);
                EINVAL
            }
            helper::SKB_SET_TUNNEL_OPT => EINVAL,
            helper::SKB_SET_TSTAMP => self.set_tstamp(second, third as u32),
            helper::CHECK_MTU => self.check_mtu(second as u32, third, fourth as i32, args[4], slot),
            // Nothing has checked the checksum of a packet in a test run.
            helper::CSUM_UPDATE => ENOTSUPP,
            helper::CSUM_LEVEL => match second {
                0 => EACCES,
                1..=3 => 0,
                _ => EINVAL,
            },
            helper::SET_HASH_INVALID => {
                self.clear_hash();
                0
            }
            helper::SET_HASH => {
                context::set_hash(&mut self.workspace, second as u32);
                self.skb.hashed = true;
                0
            }
            helper::GET_HASH_RECALC => self.hash_recalc(),
            _ => return None,
        })
    }

    pub fn clear_hash(&mut self) {
        context::set_hash(&mut self.workspace, 0);
        self.skb.hashed = false;
    }

    /// Linux hashes a flow's addresses and ports with a key of its own start; here the key is fixed.
    fn hash_recalc(&mut self) -> i64 {
        if !self.skb.hashed {
            let data = &self.packet.all()[self.skb.network..self.packet.start + self.packet.len];
            let flow: Vec<u8> = match data.first().map(|byte| byte >> 4) {
                Some(4) if data.len() >= 20 => {
                    let ports = usize::from(data[0] & 15) * 4;
                    let has_ports = matches!(data[9], 6 | 17 | 132) && u16::from_be_bytes([data[6], data[7]]) & 0x3fff == 0;
                    let ports = if has_ports { data.get(ports..ports + 4).unwrap_or(&[0; 4]) } else { &[0; 4] };
                    [&data[12..20], ports, &[data[9], 0, 0, 0]].concat()
                }
                Some(6) if data.len() >= 44 && matches!(data[6], 6 | 17 | 132) => [&data[8..44], &[data[6], 0, 0, 0]].concat(),
                _ => Vec::new(),
            };
            let hash = crate::map::jhash::htab_map_hash(&flow, 1);
            context::set_hash(&mut self.workspace, if flow.is_empty() { 0 } else { hash.max(1) });
            self.skb.hashed = true;
        }
        i64::from(context::hash(&mut self.workspace))
    }

    fn protocol(&mut self) -> u16 {
        context::protocol(&mut self.workspace)
    }

    /// Only between the four kinds that a packet for this host, another, some or all can have.
    fn change_type(&mut self, kind: u32) -> i64 {
        let context = self.workspace.context_bytes();
        if kind > 3 || context::read(context, 4) > 3 {
            return EINVAL;
        }
        context[4..8].copy_from_slice(&kind.to_le_bytes());
        0
    }

    fn change_tail(&mut self, len: u32, flags: u64) -> i64 {
        let smallest = self.skb.network.saturating_sub(self.packet.start);
        let len = len as usize;
        if flags != 0 || len > LONGEST_SKB || len < smallest {
            return EINVAL;
        }
        if self.skb.encapsulated {
            return ENOTSUPP;
        }
        if self.packet.resize(len) { 0 } else { ENOMEM }
    }

    fn change_head(&mut self, room: u32, flags: u64) -> i64 {
        let room = room as usize;
        if flags != 0 || self.packet.len + room > LONGEST_SKB {
            return EINVAL;
        }
        if !self.packet.move_start(-(room as i64)) {
            return ENOMEM;
        }
        self.packet.data_mut()[..room].fill(0);
        self.skb.mac = self.packet.start;
        0
    }

    /// `bpf_skb_net_hdr_push`: `len` zeros behind the first `off` bytes.
    fn push_header(&mut self, off: usize, len: usize) -> i64 {
        if off > self.packet.len || self.packet.start < len + 64 || self.packet.len + len > LONGEST_SKB + HEADROOM {
            return ENOMEM;
        }
        self.packet.move_start(-(len as i64));
        let data = self.packet.data_mut();
        data.copy_within(len..len + off, 0);
        data[off..off + len].fill(0);
        self.skb.mac -= len;
        self.skb.network -= len;
        0
    }

    /// `bpf_skb_net_hdr_pop`.
    fn pop_header(&mut self, off: usize, len: usize) -> i64 {
        if off + len > self.packet.len {
            return ENOMEM;
        }
        self.packet.data_mut().copy_within(0..off, len);
        self.packet.move_start(len as i64);
        self.skb.mac += len;
        self.skb.network += len;
        0
    }

    fn mac_header_len(&self) -> usize {
        self.skb.network.saturating_sub(self.skb.mac)
    }

    fn change_proto(&mut self, to: u16, flags: u64) -> i64 {
        if flags != 0 {
            return EINVAL;
        }
        // The headers' sizes differ by so much.
        const DIFFERENCE: usize = 20;
        let off = self.mac_header_len();
        let error = match (self.protocol(), to) {
            (ETH_P_IP, ETH_P_IPV6) => self.push_header(off, DIFFERENCE),
            (ETH_P_IPV6, ETH_P_IP) => self.pop_header(off, DIFFERENCE),
            _ => return ENOTSUPP,
        };
        if error == 0 {
            context::set_protocol(&mut self.workspace, to);
            self.clear_hash();
        }
        error
    }

    fn adjust_room(&mut self, delta: i32, mode: u32, flags: u64) -> i64 {
        const ENCAP_L2_MASK: u64 = 0xff << ENCAP_L2_SHIFT;
        const KNOWN: u64 = FIXED_GSO | ENCAP_IPV4 | ENCAP_IPV6 | ENCAP_GRE | ENCAP_UDP | NO_CSUM_RESET | ENCAP_ETH | DECAP_IPV4 | DECAP_IPV6 | ENCAP_L2_MASK;
        if flags & !KNOWN != 0 {
            return EINVAL;
        }
        let by = delta.unsigned_abs() as usize;
        if by > 0xfff {
            return EFAULT;
        }
        let protocol = self.protocol();
        let base = match protocol {
            ETH_P_IP => 20,
            ETH_P_IPV6 => 40,
            _ => return ENOTSUPP,
        };
        let off = match mode {
            0 => self.mac_header_len() + base,
            1 => self.mac_header_len(),
            _ => return ENOTSUPP,
        };
        let shrink = delta < 0;
        let mut smallest = base;
        if flags & (DECAP_IPV4 | DECAP_IPV6) != 0 {
            if !shrink {
                return EINVAL;
            }
            smallest = match flags & (DECAP_IPV4 | DECAP_IPV6) {
                DECAP_IPV4 => 20,
                DECAP_IPV6 => 40,
                _ => return EINVAL,
            };
        }
        let behind_network = (self.packet.start + self.packet.len).saturating_sub(self.skb.network);
        if shrink && (by >= behind_network || behind_network - by < smallest) || !shrink && self.packet.len + by > LONGEST_SKB {
            return ENOTSUPP;
        }
        if shrink { self.shrink(off, by, flags, protocol) } else { self.grow(off, by, flags, protocol) }
    }

    fn grow(&mut self, off: usize, by: usize, flags: u64, protocol: u16) -> i64 {
        let inner_mac_len = (flags >> ENCAP_L2_SHIFT) as usize;
        let encapsulates = flags & (ENCAP_IPV4 | ENCAP_IPV6) != 0;
        if encapsulates {
            let both = |a: u64, b: u64| flags & a != 0 && flags & b != 0;
            if both(ENCAP_IPV4, ENCAP_IPV6) || both(ENCAP_GRE, ENCAP_UDP) || flags & ENCAP_ETH != 0 && inner_mac_len < ETH_HLEN {
                return EINVAL;
            }
            if self.skb.encapsulated {
                return EALREADY;
            }
            if inner_mac_len > by {
                return EINVAL;
            }
        }
        let mac_len = self.mac_header_len();
        let error = self.push_header(off, by);
        if error == 0 && encapsulates {
            self.skb.encapsulated = true;
            self.skb.network = self.packet.start + mac_len;
            match protocol {
                ETH_P_IP if flags & ENCAP_IPV6 != 0 => context::set_protocol(&mut self.workspace, ETH_P_IPV6),
                ETH_P_IPV6 if flags & ENCAP_IPV4 != 0 => context::set_protocol(&mut self.workspace, ETH_P_IP),
                _ => {}
            }
        }
        error
    }

    fn shrink(&mut self, off: usize, by: usize, flags: u64, protocol: u16) -> i64 {
        if flags & !(FIXED_GSO | DECAP_IPV4 | DECAP_IPV6 | NO_CSUM_RESET) != 0 {
            return EINVAL;
        }
        let error = self.pop_header(off, by);
        if error == 0 {
            match protocol {
                ETH_P_IP if flags & DECAP_IPV6 != 0 => context::set_protocol(&mut self.workspace, ETH_P_IPV6),
                ETH_P_IPV6 if flags & DECAP_IPV4 != 0 => context::set_protocol(&mut self.workspace, ETH_P_IP),
                _ => {}
            }
        }
        error
    }

    /// A first tag is only noted, as a device would insert it; a second one pushes the first into the packet.
    fn vlan_push(&mut self, protocol: u16, tci: u16) -> i64 {
        let protocol = if matches!(protocol, ETH_P_8021Q | ETH_P_8021AD) { protocol } else { ETH_P_8021Q };
        if let Some((noted, tag)) = context::vlan(&mut self.workspace) {
            if self.packet.len < 2 * 6 || !self.packet.move_start(-(VLAN_HLEN as i64)) {
                return ENOMEM;
            }
            let data = self.packet.data_mut();
            data.copy_within(VLAN_HLEN..VLAN_HLEN + 12, 0);
            data[12..14].copy_from_slice(&noted.to_le_bytes());
            data[14..16].copy_from_slice(&tag.to_be_bytes());
            self.skb.mac -= VLAN_HLEN;
            self.skb.network -= VLAN_HLEN;
            context::set_protocol(&mut self.workspace, noted);
        }
        context::set_vlan(&mut self.workspace, Some((protocol, tci)));
        0
    }

    /// Takes the noted tag off, or the one in the packet; a tag behind it is noted then.
    fn vlan_pop(&mut self) -> i64 {
        if context::vlan(&mut self.workspace).is_some() {
            context::set_vlan(&mut self.workspace, None);
        } else {
            if !is_vlan(self.protocol()) {
                return 0;
            }
            if let Err(error) = self.take_tag() {
                return error;
            }
        }
        let next = self.protocol();
        if !is_vlan(next) {
            return 0;
        }
        match self.take_tag() {
            Ok(tci) => {
                context::set_vlan(&mut self.workspace, Some((next, tci)));
                0
            }
            Err(error) => error,
        }
    }

    /// `__skb_vlan_pop`.
    fn take_tag(&mut self) -> Result<u16, i64> {
        if self.packet.len < ETH_HLEN + VLAN_HLEN {
            return Err(ENOMEM);
        }
        let data = self.packet.data_mut();
        let tci = u16::from_be_bytes([data[14], data[15]]);
        data.copy_within(0..12, VLAN_HLEN);
        self.packet.move_start(VLAN_HLEN as i64);
        self.skb.mac = self.packet.start;
        self.skb.network = self.skb.network.max(self.packet.start + ETH_HLEN);
        let protocol = context::encapsulated_protocol(&self.packet.data()[12..]);
        context::set_protocol(&mut self.workspace, protocol);
        Ok(tci)
    }

    /// `skb_protocol` with tags skipped.
    fn protocol_behind_tags(&mut self) -> u16 {
        let mut protocol = self.protocol();
        let mut at = self.mac_header_len().max(ETH_HLEN);
        while is_vlan(protocol) {
            match self.packet.data().get(at + 2..at + 4) {
                Some(&[low, high]) => protocol = u16::from_le_bytes([low, high]),
                _ => return 0,
            }
            at += VLAN_HLEN;
        }
        protocol
    }

    /// `INET_ECN_set_ce`: whether the mark is set now.
    fn set_congestion(&mut self) -> i64 {
        let at = self.skb.network.saturating_sub(self.packet.start);
        match self.protocol_behind_tags() {
            ETH_P_IP => {
                let Some(header) = self.packet.data_mut().get_mut(at..at + 20) else { return 0 };
                match header[1] & 3 {
                    0 => 0,
                    3 => 1,
                    _ => {
                        let sum = u16::from_le_bytes([header[10], header[11]]);
                        let (old, new) = (u16::from_le_bytes([header[0], header[1]]), u16::from_le_bytes([header[0], header[1] | 3]));
                        header[10..12].copy_from_slice(&checksum::replace2(sum, old, new).to_le_bytes());
                        header[1] |= 3;
                        1
                    }
                }
            }
            ETH_P_IPV6 => {
                let Some(header) = self.packet.data_mut().get_mut(at..at + 40) else { return 0 };
                match header[1] >> 4 & 3 {
                    0 => 0,
                    _ => {
                        header[1] |= 0x30;
                        1
                    }
                }
            }
            _ => 0,
        }
    }

    fn get_tunnel_key(&mut self, to: u64, size: usize, flags: u64, slot: usize) -> i64 {
        // struct bpf_tunnel_key: id, address, tos, ttl, ext, label, local address.
        let mut key = [0; 44];
        let known = size == 44 || matches!(size, 28 | 24 | 20 | 8);
        let answer = match self.skb.tunnel {
            _ if flags & !0x11 != 0 => EINVAL,
            None => EINVAL,
            Some(tunnel) if !known || (flags & 1 != 0) != tunnel.ipv6 => {
                if known { EPROTO } else { EINVAL }
            }
            Some(tunnel) => {
                key[..4].copy_from_slice(&(tunnel.id as u32).to_le_bytes());
                // What was set as the other end to send to would be the sender's own address on arrival.
                key[4..20].copy_from_slice(&tunnel.local);
                key[20..22].copy_from_slice(&[tunnel.tos, tunnel.ttl]);
                key[24..28].copy_from_slice(&if tunnel.ipv6 { tunnel.label } else { 0 }.to_le_bytes());
                key[28..44].copy_from_slice(&tunnel.remote);
                0
            }
        };
        if answer != 0 {
            key = [0; 44];
        }
        self.answer_into("tunnel key", to, &key[..size.min(44)], slot);
        answer
    }

    fn set_tunnel_key(&mut self, from: u64, size: usize, flags: u64, slot: usize) -> i64 {
        const KNOWN: u64 = 0x3f;
        if flags & !KNOWN != 0 || !matches!(size, 44 | 28 | 24 | 20 | 8) {
            return EINVAL;
        }
        let Some(bytes) = self.argument("tunnel key", from, size, slot) else { return 0 };
        let mut key = [0; 44];
        key[..size].copy_from_slice(&bytes);
        let number = |at: usize| u32::from_le_bytes([key[at], key[at + 1], key[at + 2], key[at + 3]]);
        let ipv6 = flags & 1 != 0;
        if number(24) & !0xf_ffff != 0 || key[22..24] != [0, 0] || !ipv6 && (number(24) != 0) {
            return EINVAL;
        }
        let address = |at: usize| -> [u8; 16] {
            let mut address = [0; 16];
            let len = if ipv6 { 16 } else { 4 };
            address[..len].copy_from_slice(&key[at..at + len]);
            address
        };
        self.skb.tunnel = Some(Tunnel { id: u64::from(number(0)), remote: address(4), local: address(28), tos: key[20], ttl: key[21], label: number(24), ipv6 });
        0
    }

    fn set_tstamp(&mut self, stamp: u64, kind: u32) -> i64 {
        if !matches!(self.protocol(), ETH_P_IP | ETH_P_IPV6) {
            return EOPNOTSUPP;
        }
        match (kind, stamp) {
            (0, 0) => {}
            (1, 1..) => {}
            _ => return EINVAL,
        }
        context::set_tstamp(&mut self.workspace, stamp, kind as u8);
        0
    }

    /// Devices are not known but for their number: their MTU is the loopback's.
    fn check_mtu(&mut self, ifindex: u32, mtu: u64, difference: i32, flags: u64, slot: usize) -> i64 {
        let Some(wanted) = self.argument("MTU", mtu, 4, slot).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes) else { return 0 };
        if flags & !1 != 0 || flags & 1 != 0 && (difference != 0 || wanted != 0) {
            return EINVAL;
        }
        let own = context::ifindex(&mut self.workspace, self.kind);
        if ifindex != 0 && ifindex != own {
            return ENODEV;
        }
        let (link, limit) = (ETH_HLEN as i64, i64::from(LOOPBACK_MTU) + ETH_HLEN as i64);
        let len = if wanted != 0 { i64::from(wanted) + link } else { self.packet.len as i64 } + i64::from(difference);
        self.answer_into("MTU", mtu, &LOOPBACK_MTU.to_le_bytes(), slot);
        if len <= limit { 0 } else { 1 }
    }

    /// As a run begins: where the headers are.
    pub fn set_headers(&mut self, kind: ContextKind) {
        let mac = HEADROOM;
        self.skb = Skb { mac, network: mac + ETH_HLEN, ..Skb::default() };
        if kind == ContextKind::SkBuff && !self.ethernet {
            self.packet.move_start(ETH_HLEN as i64);
        }
    }
}

fn is_vlan(protocol: u16) -> bool {
    matches!(protocol, ETH_P_8021Q | ETH_P_8021AD)
}
