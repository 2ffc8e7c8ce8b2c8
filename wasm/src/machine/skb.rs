//! What Linux keeps of a packet beside its bytes and its context (`struct sk_buff`), and helpers that move its headers
//! (net/core/filter.c, net/core/skbuff.c).

use super::context::{self, ContextKind, ETH_P_IP, ETH_P_IPV6};
use super::memory::HEADROOM;
use super::{Machine, checksum, helper};
use crate::map::{EINVAL, ENOMEM};
use super::tunnel::Tunnel;

/// `SKB_MAX_ALLOC`: 16 KiB less what Linux keeps behind the data.
pub const LONGEST_SKB: usize = 16_384 - 320;
pub const ETH_HLEN: usize = 14;
pub const VLAN_HLEN: usize = 4;
pub const ENOTSUPP: i64 = -524;
const EOPNOTSUPP: i64 = -95;
pub const EALREADY: i64 = -114;
const EACCES: i64 = -13;
pub const EPROTO: i64 = -71;
pub const ENODEV: i64 = -19;
/// The loopback device's, which test runs see.
const LOOPBACK_MTU: u32 = 65_536;

/// Places count from the packet buffer's start.
#[derive(Clone, Default)]
pub struct Skb {
    pub mac: usize,
    pub network: usize,
    pub encapsulated: bool,
    /// Tunnel key that a program set: id, tos, ttl, addresses of both ends.
    pub tunnel: Option<Tunnel>,
    pub tunnel_options: Vec<u8>,
    /// The flow's hash, once it was computed or set.
    pub hashed: bool,
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
            helper::SKB_GET_TUNNEL_OPT => self.get_tunnel_options(second, third as u32 as usize, slot),
            helper::SKB_SET_TUNNEL_OPT => self.set_tunnel_options(second, third as u32 as usize, slot),
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
            context::set_hash(&mut self.workspace, hash.max(1));
            self.skb.hashed = true;
        }
        i64::from(context::hash(&mut self.workspace))
    }

    pub fn protocol(&mut self) -> u16 {
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
    pub fn push_header(&mut self, off: usize, len: usize) -> i64 {
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
    pub fn pop_header(&mut self, off: usize, len: usize) -> i64 {
        if off + len > self.packet.len {
            return ENOMEM;
        }
        self.packet.data_mut().copy_within(0..off, len);
        self.packet.move_start(len as i64);
        self.skb.mac += len;
        self.skb.network += len;
        0
    }

    pub fn mac_header_len(&self) -> usize {
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
