//! The tunnel key that a program sets for a packet, and reads back (net/core/filter.c).

use super::Machine;
use crate::map::{EINVAL, ENOENT, ENOMEM};
use super::skb::EPROTO;

#[derive(Clone, Copy)]
pub struct Tunnel {
    id: u64,
    remote: [u8; 16],
    local: [u8; 16],
    tos: u8,
    ttl: u8,
    label: u32,
    ipv6: bool,
}

impl Machine {
    pub fn get_tunnel_key(&mut self, to: u64, size: usize, flags: u64, slot: usize) -> i64 {
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

    pub fn set_tunnel_key(&mut self, from: u64, size: usize, flags: u64, slot: usize) -> i64 {
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
        self.skb.tunnel_options.clear();
        self.skb.tunnel = Some(Tunnel { id: u64::from(number(0)), remote: address(4), local: address(28), tos: key[20], ttl: key[21], label: number(24), ipv6 });
        0
    }

    pub fn get_tunnel_options(&mut self, to: u64, size: usize, slot: usize) -> i64 {
        let mut options = self.skb.tunnel_options.clone();
        let answer = match options.len() {
            0 => ENOENT,
            len if size < len => ENOMEM,
            len => len as i64,
        };
        if answer < 0 {
            options.clear();
        }
        options.resize(size, 0);
        self.answer_into("options", to, &options, slot);
        answer
    }

    pub fn set_tunnel_options(&mut self, from: u64, size: usize, slot: usize) -> i64 {
        if self.skb.tunnel.is_none() || size % 4 != 0 {
            return EINVAL;
        }
        if size > 255 {
            return ENOMEM;
        }
        let Some(options) = self.argument("options", from, size, slot) else { return 0 };
        self.skb.tunnel_options = options;
        0
    }
}
