//! VLAN tags, noted beside a packet or in it (net/core/skbuff.c).

use super::context::{self, ETH_P_8021AD, ETH_P_8021Q};
use super::Machine;
use crate::map::ENOMEM;
use super::skb::{ETH_HLEN, VLAN_HLEN};

impl Machine {
    /// A first tag is only noted, as a device would insert it; a second one pushes the first into the packet.
    pub fn vlan_push(&mut self, protocol: u16, tci: u16) -> i64 {
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
    pub fn vlan_pop(&mut self) -> i64 {
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
    pub fn protocol_behind_tags(&mut self) -> u16 {
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
}

fn is_vlan(protocol: u16) -> bool {
    matches!(protocol, ETH_P_8021Q | ETH_P_8021AD)
}
