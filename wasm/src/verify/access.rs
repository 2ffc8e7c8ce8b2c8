//! Loads and stores: is the place there, and what is known of what lies in it?

use super::scalar::Scalar;
use super::state::{Base, Pointer, Register, SLOTS, Slot, State};
use super::walk::{Refusal, Walker};
use crate::machine::context::ContextKind;
use crate::program::instruction::*;

pub const STACK: i64 = 512;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Read,
    Write,
}

impl Walker<'_> {
    fn pointer_in(&self, state: &State, register: u8) -> Result<Pointer, Refusal> {
        match self.need(state, register)? {
            Register::Pointer(pointer) => Ok(pointer),
            _ => Err((state.at, format!("r{register} holds a number here, not an address."))),
        }
    }

    pub fn load(&mut self, insn: Insn, state: &mut State) -> Result<(), Refusal> {
        let mut pointer = self.pointer_in(state, insn.src)?;
        pointer.offset += i64::from(insn.off);
        let size = insn.size();
        self.check_place(state, pointer, size, Way::Read, insn.src)?;
        let mut value = match pointer.base {
            Base::Context => self.context_field(pointer, size),
            Base::Stack(owner) => self.read_stack(state, owner, pointer.offset, size)?,
            Base::MapValue(map) => self.settled_value(map, pointer, size),
            _ => Register::Scalar(Scalar::of_size(size)),
        };
        if insn.mode() == MODE_MEMSX {
            value = Register::UNKNOWN;
        }
        state.set(insn.dst, value);
        Ok(())
    }

    /// What lies in read-only variables does not change any more.
    fn settled_value(&self, map: usize, pointer: Pointer, size: usize) -> Register {
        let bytes = self.subject.maps.get(map).and_then(|facts| facts.settled.get(pointer.offset as usize..pointer.offset as usize + size));
        match bytes {
            Some(bytes) if pointer.beyond == 0 => Register::constant(bytes.iter().rev().fold(0, |value, &byte| value << 8 | u64::from(byte))),
            _ => Register::Scalar(Scalar::of_size(size)),
        }
    }

    pub fn store(&mut self, insn: Insn, state: &mut State, value: Register) -> Result<(), Refusal> {
        let mut pointer = self.pointer_in(state, insn.dst)?;
        pointer.offset += i64::from(insn.off);
        let size = insn.size();
        self.check_place(state, pointer, size, Way::Write, insn.dst)?;
        match (pointer.base, value) {
            (Base::Stack(owner), _) => {
                self.learn_keep(state.at);
                write_stack(state, owner, pointer.offset, size, value);
            }
            _ => {}
        }
        Ok(())
    }

    pub fn atomic(&mut self, insn: Insn, state: &mut State) -> Result<(), Refusal> {
        let mut pointer = self.pointer_in(state, insn.dst)?;
        pointer.offset += i64::from(insn.off);
        let value = self.need(state, insn.src)?;
        if insn.imm == ATOMIC_CMPXCHG {
            self.need(state, 0)?;
        }
        self.check_place(state, pointer, insn.size(), Way::Read, insn.dst)?;
        self.check_place(state, pointer, insn.size(), Way::Write, insn.dst)?;
        if matches!(pointer.base, Base::Context | Base::Packet) {
            return Err((state.at, "Atomic operations work on the stack and on map values, not here.".to_owned()));
        }
        if let Register::Pointer(_) = value {
            return Err((state.at, "It would add an address to memory.".to_owned()));
        }
        if let Base::Stack(owner) = pointer.base {
            self.read_stack(state, owner, pointer.offset, insn.size())?;
            write_stack(state, owner, pointer.offset, insn.size(), Register::UNKNOWN);
        }
        let old = Register::Scalar(Scalar::of_size(insn.size()));
        if insn.imm == ATOMIC_CMPXCHG {
            state.set(0, old);
        } else if insn.imm & ATOMIC_FETCH != 0 {
            state.set(insn.src, old);
        }
        Ok(())
    }

    /// `LD_ABS`, `LD_IND`: a packet's context in r6; they clobber what a call does.
    pub fn packet_load(&mut self, insn: Insn, state: &mut State) -> Result<(), Refusal> {
        match state.get(6) {
            Register::Pointer(Pointer { base: Base::Context, offset: 0, .. }) if self.subject.kind == ContextKind::SkBuff => {}
            _ => return Err((state.at, "A load from the packet wants the context in r6.".to_owned())),
        }
        if insn.mode() == MODE_IND {
            self.need(state, insn.src)?;
        }
        for register in 1..=5 {
            state.set(register, Register::Unset);
        }
        state.set(0, Register::Scalar(Scalar::of_size(insn.size().min(4))));
        Ok(())
    }

    /// Whether `size` bytes at the pointer may be read or written. `register`: where a person finds it.
    pub fn check_place(&self, state: &State, pointer: Pointer, size: usize, way: Way, register: u8) -> Result<(), Refusal> {
        let at = state.at;
        let (start, end) = (pointer.offset, pointer.offset + pointer.beyond as i64 + size as i64);
        let refuse = |sentence: String| Err((at, sentence));
        let verb = if way == Way::Read { "reads" } else { "writes" };
        if pointer.nullable {
            return refuse(format!("r{register} may be null here: compare it with 0 after the look-up, before it is used."));
        }
        let within = |length: i64, what: &str| {
            if start < 0 || end > length {
                refuse(format!("It {verb} {size} bytes at {} of {what}, which has {length}.", place(start, pointer.beyond)))
            } else {
                Ok(())
            }
        };
        match pointer.base {
            Base::Stack(_) => {
                if start < -STACK || end > 0 {
                    return refuse(format!("It {verb} {size} bytes at r10 {start:+}: the stack has {STACK} bytes below r10."));
                }
                Ok(())
            }
            Base::Packet | Base::PacketMeta => {
                let known = i64::from(pointer.range);
                if start < 0 || pointer.offset + size as i64 > known {
                    return refuse(format!("It {verb} {size} bytes at {} of the packet, of which only {known} are known to be there: compare with data_end first.", place(start, pointer.beyond)));
                }
                if way == Way::Write && !matches!(self.subject.program_type, "sched_cls" | "sched_act" | "xdp" | "lwt_xmit" | "sk_skb" | "cgroup_skb") {
                    return refuse("Programs of this type may not write into the packet.".to_owned());
                }
                Ok(())
            }
            Base::PacketEnd => refuse("data_end is a bound to compare with; nothing lies there.".to_owned()),
            Base::Map(_) => refuse("It looks into a map itself: values are reached by map_lookup_elem.".to_owned()),
            Base::Function(_) => refuse("It looks into a function’s instructions.".to_owned()),
            Base::Kernel => if way == Way::Read { Ok(()) } else { refuse("The kernel’s own objects may only be read.".to_owned()) },
            Base::MapValue(map) => {
                let facts = self.subject.maps.get(map).copied();
                if way == Way::Write && facts.is_some_and(|facts| facts.read_only) {
                    return refuse("It writes into read-only data.".to_owned());
                }
                if facts.is_some_and(|facts| facts.kept.iter().any(|&(field, size)| start < i64::from(field + size) && i64::from(field) < end)) {
                    return refuse("It reaches into a lock or a timer, which only helpers may.".to_owned());
                }
                within(facts.map_or(0, |facts| i64::from(facts.value_size)), "a map’s value")
            }
            Base::Memory(length) => within(i64::from(length), "the record"),
            Base::Context => {
                if pointer.beyond > 0 {
                    return refuse("The context is read at fixed places only.".to_owned());
                }
                within(context_size(self.subject.kind), "the context")?;
                if way == Way::Write && !writable_field(self.subject.kind, self.subject.program_type, start) {
                    return refuse(format!("The context’s field at byte {start} may not be written."));
                }
                Ok(())
            }
        }
    }

    fn context_field(&self, pointer: Pointer, size: usize) -> Register {
        let packet = |base: Base| Register::Pointer(Pointer { base, offset: 0, beyond: 0, id: 0, nullable: false, range: 0 });
        match (self.subject.kind, pointer.offset, size) {
            (ContextKind::SkBuff, 76, 4) | (ContextKind::Xdp, 0, 4) => packet(Base::Packet),
            (ContextKind::SkBuff, 80, 4) | (ContextKind::Xdp, 4, 4) => packet(Base::PacketEnd),
            (ContextKind::SkBuff, 140, 4) | (ContextKind::Xdp, 8, 4) => packet(Base::PacketMeta),
            (ContextKind::SkBuff, 168, 8) | (ContextKind::SockAddr, 64, 8) => Register::Pointer(Pointer { base: Base::Kernel, offset: 0, beyond: 0, id: 0, nullable: true, range: 0 }),
            _ => Register::Scalar(Scalar::of_size(size)),
        }
    }

    fn read_stack(&mut self, state: &State, owner: usize, offset: i64, size: usize) -> Result<Register, Refusal> {
        self.stack_read(state, owner, slots_of(offset, size));
        let Some(frame) = state.frames.get(owner) else { return Ok(Register::UNKNOWN) };
        let (slot, byte) = slot_of(offset);
        if size == 8 && byte == 0 {
            if let Slot::Spilled(register) = frame.stack[slot] {
                return Ok(register);
            }
        }
        for position in offset..offset + size as i64 {
            let (slot, byte) = slot_of(position);
            match frame.stack[slot] {
                kept if kept.written() >> byte & 1 == 0 => {
                    return Err((state.at, format!("It reads byte r10 {position:+} of the stack, which nothing was written to on the way.")));
                }
                Slot::Spilled(Register::Pointer(_)) => return Err((state.at, "It reads part of an address that was kept on the stack.".to_owned())),
                _ => {}
            }
        }
        // The lower part of a kept number, or single bytes.
        match (frame.stack[slot], byte, size) {
            (Slot::Spilled(Register::Scalar(scalar)) | Slot::Low(_, scalar), 0, 4) => return Ok(Register::Scalar(scalar.low32())),
            _ => {}
        }
        Ok(Register::Scalar(Scalar::of_size(size)))
    }
}

/// Slot of a byte below r10, and which byte of it (0: the lowest address).
fn slot_of(offset: i64) -> (usize, usize) {
    let below = (-offset - 1) as usize;
    ((below / 8).min(SLOTS - 1), 7 - below % 8)
}

/// The slots that these bytes lie in.
pub fn slots_of(offset: i64, size: usize) -> u64 {
    (offset..offset + size as i64).fold(0, |mask, position| mask | 1 << slot_of(position).0)
}

pub fn write_stack(state: &mut State, owner: usize, offset: i64, size: usize, value: Register) {
    let Some(frame) = state.frames.get_mut(owner) else { return };
    let (slot, byte) = slot_of(offset);
    if size == 8 && byte == 0 {
        frame.stack[slot] = Slot::Spilled(value);
        if let Some(written) = state.written.get_mut(owner) {
            *written |= 1 << slot;
        }
        return;
    }
    if let (4, 0, Register::Scalar(scalar)) = (size, byte, value) {
        // The upper half keeps what it had, which is not known any more.
        frame.stack[slot] = Slot::Low(frame.stack[slot].written() | 0x0f, scalar.low32());
        return;
    }
    for position in offset..offset + size as i64 {
        let (slot, byte) = slot_of(position);
        let written = frame.stack[slot].written() | 1 << byte;
        frame.stack[slot] = match frame.stack[slot] {
            Slot::Low(_, scalar) if byte > 3 => Slot::Low(written, scalar),
            _ => Slot::Bytes(written),
        };
    }
}

/// Bytes that a helper will read must have been written.
pub fn stack_is_written(state: &State, owner: usize, offset: i64, size: usize) -> Option<i64> {
    let frame = state.frames.get(owner)?;
    (offset..offset + size as i64).find(|&position| {
        let (slot, byte) = slot_of(position);
        frame.stack[slot].written() >> byte & 1 == 0
    })
}

fn place(start: i64, beyond: u64) -> String {
    if beyond == 0 { format!("byte {start}") } else { format!("bytes {start} to {}", start + beyond as i64) }
}

fn context_size(kind: ContextKind) -> i64 {
    match kind {
        ContextKind::SkBuff => 192,
        ContextKind::Xdp => 24,
        ContextKind::SockAddr => 72,
        ContextKind::Memory => 192,
    }
}

/// What programs may change (net/core/filter.c, `tc_cls_act_is_valid_access` and its like).
fn writable_field(kind: ContextKind, program_type: &str, offset: i64) -> bool {
    match kind {
        // cb; mark, priority, tstamp
        ContextKind::SkBuff if program_type == "socket_filter" => matches!(offset, 48..=67),
        ContextKind::SkBuff if program_type == "cgroup_skb" || program_type.starts_with("lwt") => matches!(offset, 8..=11 | 32..=35 | 48..=67 | 152..=159),
        // mark, queue_mapping, priority, tc_index, cb, tc_classid, tstamp
        ContextKind::SkBuff => matches!(offset, 8..=15 | 32..=35 | 44..=67 | 72..=75 | 152..=159),
        ContextKind::Xdp => false,
        // the addresses and ports
        ContextKind::SockAddr => matches!(offset, 4..=27 | 40..=59),
        ContextKind::Memory => true,
    }
}
