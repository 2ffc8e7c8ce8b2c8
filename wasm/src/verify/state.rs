//! What is known at one point of a program: registers, stack, frames.

use super::scalar::{HALF, Scalar, UNKNOWN};

/// What a pointer points into.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Base {
    Context,
    /// The stack of a frame, by its depth; offset 0 is its r10.
    Stack(usize),
    Packet,
    PacketMeta,
    PacketEnd,
    /// The map itself.
    Map(usize),
    MapValue(usize),
    /// Memory from a helper, of this size, such as a ring buffer's record.
    Memory(u32),
    Function(usize),
    /// A kernel object, read field by field.
    Kernel,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pointer {
    pub base: Base,
    /// Known part of the offset.
    pub offset: i64,
    /// Unknown part: at most this much beyond the known one.
    pub beyond: u64,
    /// Which null check or packet bound it shares with other pointers.
    pub id: u32,
    /// Not yet compared with null.
    pub nullable: bool,
    /// Packets: bytes from offset 0 (of pointers with this id) that are known to be there.
    pub range: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Register {
    Unset,
    Scalar(Scalar),
    Pointer(Pointer),
}

impl Register {
    pub const UNKNOWN: Register = Register::Scalar(UNKNOWN);

    pub fn constant(value: u64) -> Register {
        Register::Scalar(Scalar::constant(value))
    }

    /// Whether what is safe with `self` is safe with `other`; `matters`: whether a number's value does.
    fn covers(&self, other: &Register, matters: bool, ids: &mut Ids) -> bool {
        match (self, other) {
            (Register::Unset, _) => true,
            (Register::Scalar(_), Register::Scalar(_)) if !matters => true,
            (Register::Scalar(known), Register::Scalar(now)) => known.covers(now),
            (Register::Pointer(known), Register::Pointer(now)) => {
                known.base == now.base
                    && known.offset == now.offset
                    && known.beyond >= now.beyond
                    && known.nullable == now.nullable
                    && known.range <= now.range
                    && ids.same(known.id, now.id)
            }
            _ => false,
        }
    }
}

/// Pairs ids of two states: they are numbered as they come.
#[derive(Default)]
struct Ids(Vec<(u32, u32)>);

impl Ids {
    fn same(&mut self, known: u32, now: u32) -> bool {
        if known == 0 || now == 0 {
            return known == now;
        }
        match self.0.iter().find(|pair| pair.0 == known) {
            Some(pair) => pair.1 == now,
            None => {
                self.0.push((known, now));
                true
            }
        }
    }
}

pub const SLOTS: usize = 64;

/// Eight bytes of stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// Bit n: byte n has been written.
    Bytes(u8),
    Spilled(Register),
    /// The same as `Bytes`, of which the first four are this number.
    Low(u8, Scalar),
}

impl Slot {
    /// Bit n: byte n has been written.
    pub fn written(&self) -> u8 {
        match *self {
            Slot::Bytes(written) | Slot::Low(written, _) => written,
            Slot::Spilled(_) => 0xff,
        }
    }
}

pub const NOTHING: Slot = Slot::Bytes(0);

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    pub registers: [Register; 11],
    /// Slot 0 holds the bytes right below r10.
    pub stack: [Slot; SLOTS],
    /// Where it goes on after the call; of the outermost frame, none.
    pub return_to: usize,
}

impl Frame {
    pub fn new(depth: usize, return_to: usize) -> Frame {
        let mut registers = [Register::Unset; 11];
        registers[10] = Register::Pointer(Pointer { base: Base::Stack(depth), offset: 0, beyond: 0, id: 0, nullable: false, range: 0 });
        Frame { registers, stack: [NOTHING; SLOTS], return_to }
    }
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct State {
    pub at: usize,
    pub frames: Vec<Frame>,
    /// Slots of each frame's stack that were written whole since the last landing.
    pub written: Vec<u64>,
    /// Records reserved and not given back.
    pub held: Vec<u32>,
    pub locked: bool,
}

impl State {
    pub fn frame(&self) -> &Frame {
        &self.frames[self.frames.len() - 1]
    }

    pub fn frame_mut(&mut self) -> &mut Frame {
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    pub fn get(&self, register: u8) -> Register {
        self.frame().registers[usize::from(register)]
    }

    pub fn set(&mut self, register: u8, value: Register) {
        self.frame_mut().registers[usize::from(register)] = value;
    }

    /// Changes every pointer, in registers and on stacks alike.
    pub fn for_each_register(&mut self, mut change: impl FnMut(&mut Register)) {
        for frame in &mut self.frames {
            frame.registers.iter_mut().for_each(&mut change);
            for slot in &mut frame.stack {
                if let Slot::Spilled(register) = slot {
                    change(register);
                }
            }
        }
    }

    /// Takes away what is known of numbers in which this state differs from another one at the same place; whether any.
    pub fn forget_numbers(&mut self, other: &State, live: u16) -> bool {
        let mut forgot = false;
        let mut forgot_half = false;
        let mut forget = |mine: &mut Register, theirs: &Register| {
            if let (Register::Scalar(known), Register::Scalar(before)) = (&mut *mine, theirs) {
                if known != before && *known != UNKNOWN {
                    *known = UNKNOWN;
                    forgot = true;
                }
            }
        };
        if self.frames.len() != other.frames.len() {
            return false;
        }
        let innermost = self.frames.len() - 1;
        for (depth, (mine, theirs)) in self.frames.iter_mut().zip(&other.frames).enumerate() {
            let mask = if depth == innermost { live } else { 0b11_1100_0000 };
            for register in (0..10).filter(|register| mask >> register & 1 == 1) {
                forget(&mut mine.registers[register], &theirs.registers[register]);
            }
            for (slot, before) in mine.stack.iter_mut().zip(&theirs.stack) {
                match (slot, before) {
                    (Slot::Spilled(register), Slot::Spilled(known)) => forget(register, known),
                    (Slot::Low(_, number), Slot::Low(_, known)) if number != known && *number != HALF => {
                        *number = HALF;
                        forgot_half = true;
                    }
                    _ => {}
                }
            }
        }
        forgot || forgot_half
    }

    /// Whether everything reachable from `other` has been looked at with `self`. `read`: slots of each frame's stack that
    /// were read from here on.
    pub fn covers(&self, other: &State, reads: &Reads, read: &[u64]) -> bool {
        if self.frames.len() != other.frames.len() || self.held.len() != other.held.len() || self.locked != other.locked {
            return false;
        }
        let mut ids = Ids::default();
        self.frames.iter().zip(&other.frames).enumerate().all(|(depth, (known, now))| {
            let (mask, matters) = self.masks(depth, reads);
            known.return_to == now.return_to
                && (0..10).filter(|register| mask >> register & 1 == 1).all(|register| known.registers[register].covers(&now.registers[register], matters >> register & 1 == 1, &mut ids))
                && (0..SLOTS).filter(|slot| read.get(depth).copied().unwrap_or(0) >> slot & 1 == 1).all(|slot| covers_slot(known.stack[slot], now.stack[slot], &mut ids))
        })
    }
}

impl State {
    /// Registers of a frame that are still read, and those whose number matters. Callers go on with r6 to r9 alone.
    fn masks(&self, depth: usize, reads: &Reads) -> (u16, u16) {
        match self.frames.get(depth + 1) {
            None => (reads.live[self.at], reads.numbers[self.at]),
            Some(called) => (reads.live[called.return_to] & 0b11_1100_0000, reads.numbers[called.return_to] & 0b11_1100_0000),
        }
    }

    /// Whether both go on alike for ever: the same but for what nobody reads.
    pub fn goes_on_as(&self, other: &State, reads: &Reads) -> bool {
        self.at == other.at
            && self.frames.len() == other.frames.len()
            && self.held == other.held
            && self.locked == other.locked
            && self.frames.iter().zip(&other.frames).enumerate().all(|(depth, (mine, theirs))| {
                let (mask, matters) = self.masks(depth, reads);
                mine.return_to == theirs.return_to
                    && (0..10).filter(|register| mask >> register & 1 == 1).all(|register| match (&mine.registers[register], &theirs.registers[register]) {
                        (Register::Scalar(_), Register::Scalar(_)) if matters >> register & 1 == 0 => true,
                        (a, b) => a == b,
                    })
                    && mine.stack == theirs.stack
            })
    }

    /// The same for states that go on alike, and seldom for others.
    pub fn mark(&self, reads: &Reads) -> u64 {
        let (mask, matters) = self.masks(self.frames.len() - 1, reads);
        let mix = |sum: u64, part: u64| (sum ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        (0..10).filter(|register| mask >> register & 1 == 1).fold(self.frames.len() as u64, |sum, register| match &self.frame().registers[register] {
            Register::Scalar(scalar) if matters >> register & 1 == 1 => mix(mix(sum, scalar.umin), scalar.umax ^ scalar.value),
            Register::Scalar(_) => mix(sum, 1),
            Register::Unset => mix(sum, 2),
            Register::Pointer(pointer) => mix(mix(sum, pointer.offset as u64), pointer.beyond ^ u64::from(pointer.range) << 32),
        })
    }
}

/// What is read from each slot on: registers, and among them those whose number matters.
pub struct Reads {
    pub live: Vec<u16>,
    pub numbers: Vec<u16>,
}

fn covers_slot(known: Slot, now: Slot, ids: &mut Ids) -> bool {
    match (known, now) {
        (Slot::Bytes(known), Slot::Spilled(Register::Pointer(_))) => known == 0,
        (Slot::Bytes(known), now) => known & !now.written() == 0,
        (Slot::Spilled(known), Slot::Spilled(now)) => known.covers(&now, true, ids),
        (Slot::Spilled(Register::Scalar(known)), now) => known == UNKNOWN && now.written() == 0xff,
        (Slot::Spilled(_), _) => false,
        (Slot::Low(written, known), now) => {
            let number = match now {
                Slot::Low(_, number) => number,
                Slot::Spilled(Register::Scalar(number)) => number.low32(),
                Slot::Spilled(_) => return false,
                Slot::Bytes(_) => HALF,
            };
            written & !now.written() == 0 && known.covers(&number)
        }
    }
}
