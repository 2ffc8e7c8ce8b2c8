//! What is known of a number in a register: bounds, unsigned and signed, and single bits.

/// Bits that are known (`mask` 0) and their value, as the kernel's tnum.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Scalar {
    pub umin: u64,
    pub umax: u64,
    pub smin: i64,
    pub smax: i64,
    pub value: u64,
    pub mask: u64,
}

/// Half a register’s number.
pub const HALF: Scalar = Scalar { value: 0, mask: 0xffff_ffff, umin: 0, umax: 0xffff_ffff, smin: 0, smax: 0xffff_ffff };
pub const UNKNOWN: Scalar = Scalar { umin: 0, umax: u64::MAX, smin: i64::MIN, smax: i64::MAX, value: 0, mask: u64::MAX };

const U32_MAX: u64 = u32::MAX as u64;

impl Scalar {
    pub fn constant(value: u64) -> Scalar {
        Scalar { umin: value, umax: value, smin: value as i64, smax: value as i64, value, mask: 0 }
    }

    pub fn range(umin: u64, umax: u64) -> Scalar {
        Scalar { umin, umax, ..UNKNOWN }.settled().unwrap_or(UNKNOWN)
    }

    /// Any number of that many bytes.
    pub fn of_size(bytes: usize) -> Scalar {
        if bytes >= 8 { UNKNOWN } else { Scalar::range(0, (1 << (8 * bytes)) - 1) }
    }

    pub fn is_constant(&self) -> Option<u64> {
        (self.umin == self.umax).then_some(self.umin)
    }

    /// Makes bounds and bits agree; `None` where no number is left.
    pub fn settled(mut self) -> Option<Scalar> {
        for _ in 0..2 {
            // Bits bound the number…
            self.umin = self.umin.max(self.value);
            self.umax = self.umax.min(self.value | self.mask);
            // …signed and unsigned bounds agree where the sign is known…
            if self.smin >= 0 || self.umax <= i64::MAX as u64 {
                self.smin = self.smin.max(self.umin.min(i64::MAX as u64) as i64);
                self.smax = self.smax.min(self.umax.min(i64::MAX as u64) as i64);
                if self.smin < 0 && self.umax <= i64::MAX as u64 {
                    self.smin = self.umin as i64;
                }
                if self.smin >= 0 {
                    self.umin = self.umin.max(self.smin as u64);
                    if self.smax >= 0 {
                        self.umax = self.umax.min(self.smax as u64);
                    }
                }
            } else if self.smax < 0 || self.umin > i64::MAX as u64 {
                self.smin = self.smin.max(self.umin.max(1 << 63) as i64);
                self.smax = self.smax.min(self.umax as i64);
                self.umin = self.umin.max(self.smin as u64);
                self.umax = self.umax.min(self.smax as u64);
            }
            if self.umin > self.umax || self.smin > self.smax {
                return None;
            }
            // …and bounds fix the leading bits.
            let differing = self.umin ^ self.umax;
            let free = if differing == 0 { 0 } else { u64::MAX >> differing.leading_zeros() };
            if self.mask & !free != 0 {
                if (self.value ^ self.umin) & !free & !self.mask != 0 {
                    return None;
                }
                self.value = self.value & free | self.umin & !free;
                self.mask &= free;
            }
            self.value &= !self.mask;
        }
        Some(self)
    }

    /// Whether every number of `other` is one of these.
    pub fn covers(&self, other: &Scalar) -> bool {
        self.umin <= other.umin
            && self.umax >= other.umax
            && self.smin <= other.smin
            && self.smax >= other.smax
            && other.mask & !self.mask == 0
            && (self.value ^ other.value) & !self.mask == 0
    }

    /// The lower 32 bits, zero-extended.
    /// With bit 31 set or not; `None` where it cannot be.
    pub fn with_sign(mut self, set: bool) -> Option<Scalar> {
        const SIGN: u64 = 1 << 31;
        let sign = u64::from(set) << 31;
        if self.mask & SIGN == 0 && self.value & SIGN != sign {
            return None;
        }
        self.mask &= !SIGN;
        self.value = self.value & !SIGN | sign;
        self.settled()
    }

    pub fn low32(&self) -> Scalar {
        if self.umax <= U32_MAX {
            return *self;
        }
        let bits = Scalar { umin: 0, umax: U32_MAX, smin: 0, smax: U32_MAX as i64, value: self.value & U32_MAX, mask: self.mask & U32_MAX };
        bits.settled().unwrap_or(Scalar::range(0, U32_MAX))
    }

    fn from_bits(value: u64, mask: u64) -> Scalar {
        Scalar { value: value & !mask, mask, ..UNKNOWN }.settled().unwrap_or(UNKNOWN)
    }

    pub fn add(self, other: Scalar) -> Scalar {
        let mut result = UNKNOWN;
        if let (Some(umin), Some(umax)) = (self.umin.checked_add(other.umin), self.umax.checked_add(other.umax)) {
            (result.umin, result.umax) = (umin, umax);
        }
        if let (Some(smin), Some(smax)) = (self.smin.checked_add(other.smin), self.smax.checked_add(other.smax)) {
            (result.smin, result.smax) = (smin, smax);
        }
        // tnum_add
        let (sm, sv) = (self.mask.wrapping_add(other.mask), self.value.wrapping_add(other.value));
        let mu = sm.wrapping_add(sv) ^ sv | self.mask | other.mask;
        (result.value, result.mask) = (sv & !mu, mu);
        result.settled().unwrap_or(UNKNOWN)
    }

    pub fn sub(self, other: Scalar) -> Scalar {
        let mut result = UNKNOWN;
        if self.umin >= other.umax {
            (result.umin, result.umax) = (self.umin - other.umax, self.umax - other.umin);
        }
        if let (Some(smin), Some(smax)) = (self.smin.checked_sub(other.smax), self.smax.checked_sub(other.smin)) {
            (result.smin, result.smax) = (smin, smax);
        }
        // tnum_sub
        let dv = self.value.wrapping_sub(other.value);
        let (alpha, beta) = (dv.wrapping_add(self.mask), dv.wrapping_sub(other.mask));
        let mu = alpha ^ beta | self.mask | other.mask;
        (result.value, result.mask) = (dv & !mu, mu);
        result.settled().unwrap_or(UNKNOWN)
    }

    pub fn mul(self, other: Scalar) -> Scalar {
        match self.umax.checked_mul(other.umax) {
            Some(umax) => Scalar::range(self.umin * other.umin, umax),
            None => UNKNOWN,
        }
    }

    pub fn and(self, other: Scalar) -> Scalar {
        let (alpha, beta) = (self.value | self.mask, other.value | other.mask);
        let value = self.value & other.value;
        let mut result = Scalar::from_bits(value, alpha & beta & !value);
        result.umax = result.umax.min(self.umax.min(other.umax));
        result.settled().unwrap_or(UNKNOWN)
    }

    pub fn or(self, other: Scalar) -> Scalar {
        let value = self.value | other.value;
        let mut result = Scalar::from_bits(value, (self.mask | other.mask) & !value);
        result.umin = result.umin.max(self.umin.max(other.umin));
        result.settled().unwrap_or(UNKNOWN)
    }

    pub fn xor(self, other: Scalar) -> Scalar {
        let mask = self.mask | other.mask;
        Scalar::from_bits((self.value ^ other.value) & !mask, mask)
    }

    /// Shifts by a known number of bits, below the width.
    pub fn shl(self, bits: u32) -> Scalar {
        let mut result = Scalar::from_bits(self.value << bits, self.mask << bits);
        if self.umax.leading_zeros() >= bits {
            (result.umin, result.umax) = (self.umin << bits, self.umax << bits);
        }
        result.settled().unwrap_or(UNKNOWN)
    }

    pub fn shr(self, bits: u32) -> Scalar {
        let mut result = Scalar::from_bits(self.value >> bits, self.mask >> bits);
        (result.umin, result.umax) = (self.umin >> bits, self.umax >> bits);
        result.settled().unwrap_or(UNKNOWN)
    }

    pub fn sar(self, bits: u32) -> Scalar {
        let mut result = UNKNOWN;
        (result.smin, result.smax) = (self.smin >> bits, self.smax >> bits);
        result.settled().unwrap_or(UNKNOWN)
    }
}
