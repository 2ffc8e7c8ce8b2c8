//! Room between a packet’s headers, for tunnels (net/core/filter.c, `bpf_skb_adjust_room`).

use super::context::{self, ETH_P_IP, ETH_P_IPV6};
use super::Machine;
use crate::map::{EFAULT, EINVAL};
use super::skb::{LONGEST_SKB, ETH_HLEN, ENOTSUPP, EALREADY};

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

impl Machine {
    pub fn adjust_room(&mut self, delta: i32, mode: u32, flags: u64) -> i64 {
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
}
