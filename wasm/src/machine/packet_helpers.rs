//! Helpers on packets (net/core/filter.c).

use super::context::{self, ContextKind, sees_ethernet};
use super::memory::LONGEST_PACKET;
use super::{Machine, Redirect, checksum};
use crate::map::{EFAULT, EINVAL, ENOMEM};

const TC_ACT_SHOT: i64 = 2;
const TC_ACT_REDIRECT: i64 = 7;
const XDP_ABORTED: i64 = 0;
const XDP_REDIRECT: i64 = 4;
const ETH_HLEN: usize = 14;
const ERANGE: i64 = -34;
const ENOTSUPP: i64 = -524;

// Flags of bpf_l3_csum_replace and bpf_l4_csum_replace.
const FIELD_MASK: u64 = 0xf;
const PSEUDO_HEADER: u64 = 1 << 4;
const MARK_MANGLED_0: u64 = 1 << 5;
const MARK_ENFORCE: u64 = 1 << 6;
const IPV6: u64 = 1 << 7;

impl Machine {
    pub fn packet_helper(&mut self, name: &str, args: [u64; 5], slot: usize) -> Option<i64> {
        let [_, second, third, fourth, fifth] = args;
        let answer = match name {
            "skb_store_bytes" => self.store_bytes(second, third, fourth, fifth, 3, slot),
            "xdp_store_bytes" => self.store_bytes(second, third, fourth, 0, 0, slot),
            "skb_load_bytes" | "xdp_load_bytes" => self.load_bytes(second as u32 as usize, third, fourth, slot),
            "skb_load_bytes_relative" => self.load_relative(second, third, fourth, fifth, slot),
            "skb_pull_data" => if second as usize > self.packet.len { ENOMEM } else { 0 },
            "l3_csum_replace" => self.l3_csum_replace(second, third, fourth, fifth),
            "l4_csum_replace" => self.l4_csum_replace(second, third, fourth, fifth),
            "csum_update" => i64::from(second as u32),
            "csum_level" => 0,
            "redirect" => self.redirect(args[0] as u32, second, "redirect"),
            "redirect_peer" => self.redirect(args[0] as u32, second, "redirect_peer"),
            "redirect_neigh" => self.redirect(args[0] as u32, fourth, "redirect_neigh"),
            "clone_redirect" => 0,
            "get_hash_recalc" => i64::from(context::hash(&mut self.workspace)),
            "set_hash_invalid" => {
                context::set_hash(&mut self.workspace, 0);
                0
            }
            "set_hash" => {
                context::set_hash(&mut self.workspace, second as u32);
                0
            }
            "skb_change_type" => self.change_type(second as u32),
            "skb_change_tail" => self.change_tail(second as u32, third),
            "skb_change_head" => self.change_head(second as u32, third),
            "skb_adjust_room" => self.adjust_room(second as i32, third as u32, fourth),
            "xdp_adjust_head" => self.xdp_adjust_head(second as i32),
            "xdp_adjust_meta" => self.xdp_adjust_meta(second as i32),
            "xdp_adjust_tail" => self.xdp_adjust_tail(second as i32),
            "xdp_get_buff_len" => self.packet.len as i64,
            "sk_fullsock" | "tcp_sock" | "sk_lookup_tcp" | "sk_lookup_udp" | "skc_lookup_tcp" | "get_listener_sock" => 0,
            "sk_release" => 0,
            // No routes and no neighbours: not forwarded (BPF_FIB_LKUP_RET_NOT_FWDED).
            "fib_lookup" => 4,
            _ => return None,
        };
        context::refresh(&mut self.workspace, self.kind, &self.packet);
        Some(answer)
    }

    fn store_bytes(&mut self, offset: u64, from: u64, len: u64, flags: u64, allowed: u64, slot: usize) -> i64 {
        let (offset, len) = (offset as u32 as usize, len as u32 as usize);
        if flags & !allowed != 0 {
            return EINVAL;
        }
        let Some(bytes) = self.argument("data", from, len, slot) else { return 0 };
        match self.packet.data_mut().get_mut(offset..offset.saturating_add(len)) {
            Some(place) => {
                place.copy_from_slice(&bytes);
                if flags & 2 != 0 {
                    context::set_hash(&mut self.workspace, 0);
                }
                0
            }
            None => EFAULT,
        }
    }

    /// Beyond the packet, the place is zeroed and the answer is EFAULT.
    fn load_bytes(&mut self, offset: usize, to: u64, len: u64, slot: usize) -> i64 {
        let len = len as u32 as usize;
        let bytes = self.packet.data().get(offset..offset.saturating_add(len)).map(<[u8]>::to_vec);
        let found = bytes.is_some();
        self.answer_into("place", to, &bytes.unwrap_or_else(|| vec![0; len.min(LONGEST_PACKET)]), slot);
        if found { 0 } else { EFAULT }
    }

    fn load_relative(&mut self, offset: u64, to: u64, len: u64, start_header: u64, slot: usize) -> i64 {
        let network = if self.ethernet { ETH_HLEN } else { 0 };
        match start_header {
            0 if self.ethernet => self.load_bytes(offset as u32 as usize, to, len, slot),
            1 => self.load_bytes(network + offset as u32 as usize, to, len, slot),
            _ => EFAULT,
        }
    }

    fn checksum_at(&mut self, offset: u64) -> Option<&mut [u8]> {
        let offset = usize::try_from(offset as u32).ok()?;
        if offset > 0xffff || offset & 1 == 1 {
            return None;
        }
        self.packet.data_mut().get_mut(offset..offset + 2)
    }

    fn l3_csum_replace(&mut self, offset: u64, from: u64, to: u64, flags: u64) -> i64 {
        if flags & !FIELD_MASK != 0 {
            return EINVAL;
        }
        let Some(place) = self.checksum_at(offset) else { return EFAULT };
        let sum = u16::from_le_bytes([place[0], place[1]]);
        let new = match flags & FIELD_MASK {
            0 if from == 0 => checksum::replace_by_diff(sum, to as u32),
            2 => checksum::replace2(sum, from as u16, to as u16),
            4 => checksum::replace4(sum, from as u32, to as u32),
            _ => return EINVAL,
        };
        place.copy_from_slice(&new.to_le_bytes());
        0
    }

    fn l4_csum_replace(&mut self, offset: u64, from: u64, to: u64, flags: u64) -> i64 {
        if flags & !(MARK_MANGLED_0 | MARK_ENFORCE | PSEUDO_HEADER | IPV6 | FIELD_MASK) != 0 {
            return EINVAL;
        }
        let mangled = flags & MARK_MANGLED_0 != 0;
        let Some(place) = self.checksum_at(offset) else { return EFAULT };
        let sum = u16::from_le_bytes([place[0], place[1]]);
        if mangled && flags & MARK_ENFORCE == 0 && sum == 0 {
            return 0;
        }
        let new = match flags & FIELD_MASK {
            0 if from == 0 => checksum::replace_by_diff(sum, to as u32),
            2 => checksum::replace4(sum, u32::from(from as u16), u32::from(to as u16)),
            4 => checksum::replace4(sum, from as u32, to as u32),
            _ => return EINVAL,
        };
        let new = if mangled && new == 0 { 0xffff } else { new };
        place.copy_from_slice(&new.to_le_bytes());
        0
    }

    fn redirect(&mut self, ifindex: u32, flags: u64, by: &'static str) -> i64 {
        if self.kind == ContextKind::Xdp {
            if flags != 0 {
                return XDP_ABORTED;
            }
            self.redirect = Some(Redirect { ifindex, by });
            return XDP_REDIRECT;
        }
        let allowed = if by == "redirect" { 1 } else { 0 };
        if flags & !allowed != 0 {
            return TC_ACT_SHOT;
        }
        self.redirect = Some(Redirect { ifindex, by });
        TC_ACT_REDIRECT
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
        let smallest = if self.ethernet { ETH_HLEN + 20 } else { 20 };
        let len = len as usize;
        if flags != 0 || len > LONGEST_PACKET || len < smallest.min(self.packet.len) {
            return EINVAL;
        }
        if self.packet.resize(len) { 0 } else { ENOMEM }
    }

    fn change_head(&mut self, room: u32, flags: u64) -> i64 {
        let room = room as usize;
        if flags != 0 || self.packet.len + room > LONGEST_PACKET {
            return EINVAL;
        }
        if room > super::memory::HEADROOM || !self.packet.move_start(-(room as i64)) {
            return ENOMEM;
        }
        self.packet.data_mut()[..room].fill(0);
        0
    }

    /// Room between the Ethernet (mode 1) or network header (mode 0) and what follows.
    fn adjust_room(&mut self, delta: i32, mode: u32, _flags: u64) -> i64 {
        let base = if self.ethernet { ETH_HLEN } else { 0 };
        let version = self.packet.data().get(base).map_or(0, |byte| byte >> 4);
        let header = match (mode, version) {
            (1, _) => base,
            (0, 4) => base + 20,
            (0, 6) => base + 40,
            (0, _) => return ENOTSUPP,
            _ => return ENOTSUPP,
        };
        if delta.unsigned_abs() > 0xfff || self.packet.len < header {
            return EFAULT;
        }
        let by = delta.unsigned_abs() as usize;
        if delta >= 0 {
            if self.packet.len + by > LONGEST_PACKET || !self.packet.move_start(-(by as i64)) {
                return ENOMEM;
            }
            let data = self.packet.data_mut();
            data.copy_within(by..by + header, 0);
            data[header..header + by].fill(0);
        } else {
            if self.packet.len < header + by {
                return ENOTSUPP;
            }
            self.packet.data_mut().copy_within(0..header, by);
            self.packet.move_start(by as i64);
        }
        0
    }

    fn xdp_adjust_head(&mut self, delta: i32) -> i64 {
        // xdp_frame lies at the headroom's start.
        const FRAME: i64 = 40;
        let start = self.packet.start as i64 + i64::from(delta);
        if start < FRAME + self.packet.meta as i64 || i64::from(delta) > self.packet.len as i64 - ETH_HLEN as i64 {
            return EINVAL;
        }
        if self.packet.meta > 0 {
            let (from, meta) = (self.packet.start - self.packet.meta, self.packet.meta);
            let to = (from as i64 + i64::from(delta)) as usize;
            self.packet.all_mut().copy_within(from..from + meta, to);
        }
        self.packet.move_start(i64::from(delta));
        0
    }

    fn xdp_adjust_meta(&mut self, delta: i32) -> i64 {
        let meta = self.packet.meta as i64 - i64::from(delta);
        if meta < 0 || meta % 4 != 0 || meta > 32 {
            return if meta < 0 { EINVAL } else { -13 };
        }
        self.packet.meta = meta as usize;
        0
    }

    fn xdp_adjust_tail(&mut self, delta: i32) -> i64 {
        let len = self.packet.len as i64 + i64::from(delta);
        if len < ETH_HLEN as i64 || len as usize > LONGEST_PACKET {
            return EINVAL;
        }
        if self.packet.resize(len as usize) { 0 } else { ERANGE }
    }

    /// Called as a run begins.
    pub fn sees(&mut self, program_type: &str) {
        self.kind = context::context_kind(program_type);
        self.ethernet = sees_ethernet(program_type);
    }
}
