//! Helper calls: is each argument what the helper takes, and what does it give?

use super::access::{Way, slots_of, stack_is_written, write_stack};
use super::prototype::{Answer, Argument, Prototype, prototype};
use super::state::{Base, Pointer, Register, State};
use super::walk::{Refusal, Walker};
use crate::machine::context::ContextKind;
use crate::machine::helper;
use crate::machine::helper_names::helper_name;

impl Walker<'_> {
    pub fn call(&mut self, helper: u32, state: &mut State) -> Result<(), Refusal> {
        let at = state.at;
        let Some(known) = prototype(helper) else {
            return Err((at, match helper_name(helper) {
                Some(name) => format!("It calls bpf_{name}, whose rules the checker does not know."),
                None => format!("It calls helper {helper}; Linux has no such helper."),
            }));
        };
        if state.locked && known.number != helper::SPIN_UNLOCK {
            return Err((at, format!("It calls bpf_{} while it holds a spin lock.", known.name)));
        }
        if !self.may_call(&known) {
            return Err((at, format!("Programs of this type may not call bpf_{}.", known.name)));
        }
        let map = self.arguments(&known, state)?;
        // record_func_map
        if matches!(known.number, helper::MAP_UPDATE_ELEM | helper::MAP_DELETE_ELEM | helper::MAP_PUSH_ELEM | helper::MAP_POP_ELEM) && map.and_then(|map| self.subject.maps.get(map)).is_some_and(|facts| facts.read_only) {
            return Err((at, format!("bpf_{} would write into a map that is read-only for programs.", known.name)));
        }
        self.locks(&known, state)?;
        let answer = self.answer(&known, map, state);
        if known.moves_packet {
            // Addresses in the packet are worth nothing now.
            state.for_each_register(|register| {
                if matches!(register, Register::Pointer(Pointer { base: Base::Packet | Base::PacketMeta | Base::PacketEnd, .. })) {
                    *register = Register::Unset;
                }
            });
        }
        for register in 1..=5 {
            state.set(register, Register::Unset);
        }
        state.set(0, answer);
        Ok(())
    }

    /// Whether the helper is for the kind of context that the program has, and may change the packet.
    fn may_call(&self, known: &Prototype) -> bool {
        let of_xdp = known.name.starts_with("xdp_");
        if known.number == helper::TAIL_CALL || !(known.moves_packet || of_xdp || known.name.starts_with("skb_")) {
            return true;
        }
        let kind = if of_xdp { ContextKind::Xdp } else { ContextKind::SkBuff };
        self.subject.kind == kind && !(known.moves_packet && matches!(self.subject.program_type, "socket_filter" | "cgroup_skb"))
    }

    /// Checks all arguments; the map among them, if any.
    fn arguments(&mut self, known: &Prototype, state: &mut State) -> Result<Option<usize>, Refusal> {
        let at = state.at;
        let mut map = None;
        for (index, argument) in known.arguments.iter().enumerate() {
            let register = index as u8 + 1;
            let wrong = |what: &str| Err((at, format!("bpf_{} wants {what} in r{register}.", known.name)));
            let value = self.need(state, register)?;
            match (argument, value) {
                (Argument::Anything | Argument::Size, Register::Scalar(_)) => {}
                (Argument::Anything, Register::Pointer(_)) => {}
                (Argument::Context, Register::Pointer(Pointer { base: Base::Context, offset: 0, beyond: 0, .. })) => {}
                (Argument::Context, _) => return wrong("the context as it came"),
                (Argument::Map, Register::Pointer(Pointer { base: Base::Map(index), nullable: false, .. })) => {
                    map = Some(index);
                    if known.number == helper::TAIL_CALL && !self.subject.maps.get(index).is_some_and(|facts| facts.of_programs) {
                        return wrong("a program array");
                    }
                }
                (Argument::Map, _) => return wrong("a map"),
                (Argument::Function, Register::Pointer(Pointer { base: Base::Function(_), .. })) => {}
                (Argument::Function, _) => return wrong("a function"),
                (Argument::Key | Argument::Value | Argument::ValueOrNull, Register::Pointer(pointer)) => {
                    let facts = map.and_then(|map| self.subject.maps.get(map));
                    let size = facts.map_or(0, |facts| if *argument == Argument::Key { facts.key_size } else { facts.value_size });
                    self.memory(known, state, pointer, size as usize, Way::Read, register)?;
                }
                (Argument::ValueOut, Register::Pointer(pointer)) => {
                    let size = map.and_then(|map| self.subject.maps.get(map)).map_or(0, |facts| facts.value_size);
                    self.memory(known, state, pointer, size as usize, Way::Write, register)?;
                }
                (Argument::Fixed(size), Register::Pointer(pointer)) => self.memory(known, state, pointer, *size, Way::Read, register)?,
                (Argument::FixedOut(size), Register::Pointer(pointer)) => self.memory(known, state, pointer, *size, Way::Write, register)?,
                (Argument::Memory | Argument::MemoryOrNull, Register::Pointer(pointer)) => {
                    let size = self.size_after(known, state, index)?;
                    self.memory(known, state, pointer, size, Way::Read, register)?;
                }
                (Argument::MemoryOut | Argument::MemoryOutOrNull, Register::Pointer(pointer)) => {
                    let size = self.size_after(known, state, index)?;
                    self.memory(known, state, pointer, size, Way::Write, register)?;
                }
                (Argument::Socket, Register::Pointer(Pointer { base: Base::Kernel, nullable: false, .. })) => {}
                (Argument::Socket, _) => return wrong("a socket, compared with 0"),
                (Argument::MemoryOrNull | Argument::MemoryOutOrNull | Argument::ValueOrNull, Register::Scalar(zero)) if zero.is_constant() == Some(0) => {}
                (Argument::Reserved, Register::Pointer(Pointer { base, offset: 0, nullable: false, id, .. })) if state.held.contains(&id) && (base == Base::Kernel) == (known.number == helper::SK_RELEASE) => {
                    state.held.retain(|&held| held != id);
                    state.for_each_register(|register| {
                        if matches!(register, Register::Pointer(pointer) if pointer.id == id) {
                            *register = Register::Unset;
                        }
                    });
                }
                (Argument::Reserved, _) => return wrong("what it takes back, compared with 0: a ring buffer’s record, or a socket that was looked up"),
                (Argument::Lock, Register::Pointer(Pointer { base: Base::MapValue(_), nullable: false, .. })) => {}
                (Argument::Lock, _) => return wrong("a lock in a map’s value"),
                (Argument::Size, _) => return wrong("a number of bytes"),
                _ => return wrong("an address"),
            }
        }
        Ok(map)
    }

    /// The largest value of the size that follows argument `index`.
    fn size_after(&self, known: &Prototype, state: &State, index: usize) -> Result<usize, Refusal> {
        // strncmp compares both strings over the one size behind the first.
        let position = if known.number == helper::STRNCMP { 1 } else { index + 1 };
        let register = position as u8 + 1;
        let Register::Scalar(size) = self.need(state, register)? else {
            return Err((state.at, format!("bpf_{} wants a number of bytes in r{register}.", known.name)));
        };
        if size.smin < 0 {
            return Err((state.at, format!("The size in r{register} may be negative: check its lower bound, or mask it.")));
        }
        if size.umax > 1 << 29 {
            return Err((state.at, format!("The size in r{register} has no upper bound: compare or mask it first.")));
        }
        Ok(size.umax as usize)
    }

    fn memory(&mut self, known: &Prototype, state: &mut State, pointer: Pointer, size: usize, way: Way, register: u8) -> Result<(), Refusal> {
        if size == 0 {
            return Ok(());
        }
        if matches!(pointer.base, Base::Context | Base::Kernel) {
            return Err((state.at, format!("bpf_{} wants memory in r{register}: stack, packet or a map’s value.", known.name)));
        }
        self.check_place(state, pointer, size, way, register)?;
        if let Base::Stack(owner) = pointer.base {
            if way == Way::Read {
                self.stack_read(state, owner, slots_of(pointer.offset, size + pointer.beyond as usize));
                if let Some(position) = stack_is_written(state, owner, pointer.offset, size + pointer.beyond as usize) {
                    return Err((state.at, format!("bpf_{} would read byte r10 {position:+} of the stack, which nothing was written to on the way: clear it first.", known.name)));
                }
            } else {
                for offset in 0..size as i64 {
                    write_stack(state, owner, pointer.offset + offset, 1, Register::UNKNOWN);
                }
            }
        }
        Ok(())
    }

    fn locks(&self, known: &Prototype, state: &mut State) -> Result<(), Refusal> {
        match known.number {
            helper::SPIN_LOCK => state.locked = true,
            helper::SPIN_UNLOCK if !state.locked => return Err((state.at, "It gives a spin lock back that it does not hold.".to_owned())),
            helper::SPIN_UNLOCK => state.locked = false,
            _ => {}
        }
        Ok(())
    }

    fn answer(&mut self, known: &Prototype, map: Option<usize>, state: &mut State) -> Register {
        let id = self.id();
        let sure = known.answer == Answer::SureValue;
        let (base, given_back) = match known.answer {
            Answer::Number => return Register::UNKNOWN,
            Answer::Value | Answer::SureValue => {
                let Some(map) = map else { return Register::UNKNOWN };
                let of_maps = self.subject.maps.get(map).is_some_and(|facts| facts.of_maps);
                // An element of an outer map is a map of the kind that the outer one declares.
                (if of_maps { Base::Map(self.inner_of(map)) } else { Base::MapValue(map) }, false)
            }
            Answer::Memory(argument, given_back) => {
                let size = match state.get(argument + 1) {
                    Register::Scalar(size) => size.is_constant().and_then(|size| u32::try_from(size).ok()).unwrap_or(0),
                    _ => 0,
                };
                (Base::Memory(size), given_back)
            }
            Answer::Kernel(given_back) => (Base::Kernel, given_back),
        };
        if given_back {
            state.held.push(id);
        }
        Register::Pointer(Pointer { base, offset: 0, beyond: 0, id, nullable: !sure, range: 0 })
    }

    /// Where the facts of an outer map's elements stand: behind those of the maps.
    fn inner_of(&self, outer: usize) -> usize {
        let before = self.subject.maps[..outer].iter().filter(|facts| facts.of_maps).count();
        self.subject.maps.iter().position(|facts| facts.is_inner).map_or(outer, |first| first + before)
    }
}
