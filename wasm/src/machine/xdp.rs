//! Helpers that move an XDP packet's ends (net/core/filter.c).

use super::{Machine, helper};
use super::memory::{HEADROOM, XDP_HEADROOM};
use crate::map::EINVAL;

const ETH_HLEN: i64 = 14;
/// `sizeof(struct xdp_frame)`, kept at the headroom's start.
const FRAME: i64 = 40;
/// A page, less the headroom and what Linux keeps behind the data.
pub const LONGEST_XDP: usize = 4096 - XDP_HEADROOM - 320;
const EACCES: i64 = -13;
/// The most metadata (`xdp_metalen_invalid`).
const MOST_METADATA: i64 = 252;

impl Machine {
    pub fn xdp_helper(&mut self, number: u32, second: u64) -> Option<i64> {
        Some(match number {
            helper::XDP_ADJUST_HEAD => self.xdp_adjust_head(second as i32),
            helper::XDP_ADJUST_META => self.xdp_adjust_meta(second as i32),
            helper::XDP_ADJUST_TAIL => self.xdp_adjust_tail(second as i32),
            helper::XDP_GET_BUFF_LEN => self.packet.len as i64,
            _ => return None,
        })
    }

    /// Where the frame ends that the packet may use.
    fn hard_start(&self) -> i64 {
        (HEADROOM - XDP_HEADROOM) as i64
    }

    fn xdp_adjust_head(&mut self, delta: i32) -> i64 {
        let meta = self.packet.meta;
        let delta = i64::from(delta);
        let start = self.packet.start as i64 + delta;
        if start < self.hard_start() + FRAME + meta as i64 || delta > self.packet.len as i64 - ETH_HLEN {
            return EINVAL;
        }
        if meta > 0 {
            let from = self.packet.start - meta;
            let to = (from as i64 + delta) as usize;
            self.packet.all_mut().copy_within(from..from + meta, to);
        }
        self.packet.move_start(delta);
        0
    }

    fn xdp_adjust_meta(&mut self, delta: i32) -> i64 {
        let meta_start = self.packet.start as i64 - self.packet.meta as i64 + i64::from(delta);
        if meta_start < self.hard_start() + FRAME || meta_start > self.packet.start as i64 {
            return EINVAL;
        }
        let meta = self.packet.start as i64 - meta_start;
        if meta % 4 != 0 || meta > MOST_METADATA {
            return EACCES;
        }
        self.packet.meta = meta as usize;
        0
    }

    fn xdp_adjust_tail(&mut self, delta: i32) -> i64 {
        let len = self.packet.len as i64 + i64::from(delta);
        let room = (HEADROOM + LONGEST_XDP).saturating_sub(self.packet.start) as i64;
        if len < ETH_HLEN || len > room {
            return EINVAL;
        }
        self.packet.resize(len as usize);
        0
    }
}
