//! Helpers on packets (net/core/filter.c).

use super::context::{self, ContextKind, sees_ethernet};
use super::memory::LONGEST_PACKET;
use super::skb::ENODEV;
use super::{Machine, Redirect, checksum, helper};
use crate::map::{EFAULT, EINVAL};

const TC_ACT_SHOT: i64 = 2;
const TC_ACT_REDIRECT: i64 = 7;
const XDP_ABORTED: i64 = 0;
const XDP_REDIRECT: i64 = 4;
const EAFNOSUPPORT: i64 = -97;

// Flags of bpf_l3_csum_replace and bpf_l4_csum_replace.
const FIELD_MASK: u64 = 0xf;
const PSEUDO_HEADER: u64 = 1 << 4;
const MARK_MANGLED_0: u64 = 1 << 5;
const MARK_ENFORCE: u64 = 1 << 6;
const IPV6: u64 = 1 << 7;

impl Machine {
    pub fn packet_helper(&mut self, number: u32, args: [u64; 5], slot: usize) -> Option<i64> {
        let [_, second, third, fourth, fifth] = args;
        let answer = match number {
            helper::SKB_STORE_BYTES => self.store_bytes(second, third, fourth, fifth, 3, slot),
            // Beyond its end, an XDP packet’s answers are others, and nothing is zeroed.
            helper::XDP_LOAD_BYTES | helper::XDP_STORE_BYTES if second as u32 > 0xffff || fourth as u32 > 0xffff => EFAULT,
            helper::XDP_LOAD_BYTES | helper::XDP_STORE_BYTES if second as u32 as usize + fourth as u32 as usize > self.packet.len => EINVAL,
            helper::XDP_STORE_BYTES => self.store_bytes(second, third, fourth, 0, 0, slot),
            helper::SKB_LOAD_BYTES | helper::XDP_LOAD_BYTES => self.load_bytes(second as u32 as usize, third, fourth, slot),
            helper::SKB_LOAD_BYTES_RELATIVE => self.load_relative(second, third, fourth, fifth, slot),
            helper::L3_CSUM_REPLACE => self.l3_csum_replace(second, third, fourth, fifth),
            helper::L4_CSUM_REPLACE => self.l4_csum_replace(second, third, fourth, fifth),
            helper::REDIRECT => self.redirect(args[0] as u32, second, "redirect"),
            helper::REDIRECT_PEER => self.redirect(args[0] as u32, second, "redirect_peer"),
            helper::REDIRECT_NEIGH => self.redirect(args[0] as u32, fourth, "redirect_neigh"),
            helper::CLONE_REDIRECT => self.clone_redirect(second as u32, third),
            // The socket of a test run is a full one, of no protocol.
            helper::SK_FULLSOCK => args[0] as i64,
            helper::TCP_SOCK | helper::SK_LOOKUP_TCP | helper::SK_LOOKUP_UDP | helper::SKC_LOOKUP_TCP | helper::GET_LISTENER_SOCK => 0,
            helper::SK_RELEASE => 0,
            helper::FIB_LOOKUP => self.fib_lookup(second, third, fourth, slot),
            helper::SKB_CGROUP_ID | helper::SK_CGROUP_ID => 1,
            // The root’s group, which is the only one above the socket.
            helper::SKB_ANCESTOR_CGROUP_ID | helper::SK_ANCESTOR_CGROUP_ID => i64::from(second as u32 == 0),
            helper::SKB_CGROUP_CLASSID => 0,
            _ => match self.skb_helper(number, args, slot).or_else(|| self.xdp_helper(number, second)) {
                Some(answer) => answer,
                None => return None,
            },
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
                    self.clear_hash();
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

    /// Counted from the MAC header, which lies before the data of some programs, or from the network header.
    fn load_relative(&mut self, offset: u64, to: u64, len: u64, start_header: u64, slot: usize) -> i64 {
        let len = len as u32 as usize;
        let base = match start_header {
            0 => Some(self.skb.mac),
            1 => Some(self.skb.network),
            _ => None,
        };
        let end = self.packet.start + self.packet.len;
        let start = base.filter(|_| offset <= 0xffff).map(|base| base + offset as usize);
        let bytes = start.and_then(|start| self.packet.all()[..end].get(start..start.checked_add(len)?)).map(<[u8]>::to_vec);
        let found = bytes.is_some();
        self.answer_into("place", to, &bytes.unwrap_or_else(|| vec![0; len.min(LONGEST_PACKET)]), slot);
        if found { 0 } else { EFAULT }
    }

    /// Only the device that the packet is on is known to be there.
    fn clone_redirect(&mut self, ifindex: u32, flags: u64) -> i64 {
        let known = ifindex != 0 && ifindex == context::ifindex(&mut self.workspace, self.kind);
        if flags & !1 != 0 || !known { EINVAL } else { 0 }
    }

    /// A test run's device forwards nothing.
    fn fib_lookup(&mut self, query: u64, size: u64, flags: u64, slot: usize) -> i64 {
        const KNOWN: u64 = 0x3f;
        const FWD_DISABLED: i64 = 5;
        if (size as u32) < 64 || flags & !KNOWN != 0 {
            return EINVAL;
        }
        let Some(query) = self.argument("query", query, 64, slot) else { return 0 };
        // family, and the device's number.
        match query[0] {
            2 | 10 if query[8..12] == context::ifindex(&mut self.workspace, self.kind).to_le_bytes() => FWD_DISABLED,
            2 | 10 => ENODEV,
            _ => EAFNOSUPPORT,
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

    /// Called as a run begins.
    pub fn sees(&mut self, program_type: &str) {
        self.kind = context::context_kind(program_type);
        self.ethernet = sees_ethernet(program_type);
    }
}
