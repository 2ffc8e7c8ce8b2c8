//! Bloom filters (kernel/bpf/bloom_filter.c): they tell for certain that a value was never put in.

use super::jhash::htab_map_hash;
use super::{EINVAL, ENOENT, MapSpec};

const BITS_PER_LONG: u64 = 64;
const MOST_BITS: u64 = 1 << 31;
const USUAL_HASHES: u32 = 5;

pub struct BloomFilter {
    bits: Vec<u64>,
    hashes: u32,
    seed: u32,
}

impl BloomFilter {
    /// None where the bits would take more memory than there is for them.
    pub fn new(spec: &MapSpec, seed: u32) -> Option<BloomFilter> {
        let hashes = match spec.extra as u32 & 15 {
            0 => USUAL_HASHES,
            asked => asked,
        };
        // As many bits an entry and hash as keep false answers rare: 7 / 5.
        let wanted = (u64::from(spec.max_entries) * u64::from(hashes) / 5 * 7).clamp(BITS_PER_LONG, MOST_BITS).next_power_of_two();
        (wanted <= MOST_BITS / 2).then(|| BloomFilter { bits: vec![0; (wanted / BITS_PER_LONG) as usize], hashes, seed })
    }

    fn places(&self, value: &[u8]) -> Vec<(usize, u64)> {
        let mask = self.bits.len() as u64 * BITS_PER_LONG - 1;
        let place = |index: u32| u64::from(htab_map_hash(value, self.seed.wrapping_add(index))) & mask;
        (0..self.hashes).map(place).map(|bit| ((bit / BITS_PER_LONG) as usize, 1 << (bit % BITS_PER_LONG))).collect()
    }

    pub fn push(&mut self, value: &[u8], flags: u64) -> i64 {
        if flags != 0 {
            return EINVAL;
        }
        for (word, bit) in self.places(value) {
            self.bits[word] |= bit;
        }
        0
    }

    pub fn peek(&self, value: &[u8]) -> i64 {
        if self.places(value).into_iter().all(|(word, bit)| self.bits[word] & bit != 0) { 0 } else { ENOENT }
    }

    pub fn clear(&mut self) {
        self.bits.fill(0);
    }
}
