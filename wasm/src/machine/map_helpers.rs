//! Helpers on maps.

use super::access::{Access, Operation};
use super::{MAP_TAG, Machine, helper};
use crate::fault::Fault;
use crate::map::arena::bytes_at;
use crate::map::{EINVAL, ENOENT, Storage, Touched, Updated};

const EOPNOTSUPP: i64 = -95;

impl Machine {
    /// User space's update.
    pub fn store(&mut self, map: usize, key: &[u8], value: &[u8], flags: u64) -> Updated {
        let map = &mut self.maps[map];
        let arena = if map.spec.is_read_only() { &mut self.constants } else { &mut self.arena };
        map.store(key, value, flags, arena)
    }

    pub fn map_helper(&mut self, number: u32, args: [u64; 5], slot: usize) -> Option<i64> {
        let [first, second, third, fourth, _] = args;
        Some(match number {
            helper::MAP_LOOKUP_ELEM => self.lookup(first, second, slot),
            helper::MAP_LOOKUP_PERCPU_ELEM => self.lookup_on(third as u32, first, second, slot),
            helper::GET_LOCAL_STORAGE => self.local_storage(first, slot),
            helper::SK_STORAGE_GET => self.socket_storage(first, second, third, fourth, slot),
            helper::SK_STORAGE_DELETE => self.delete_socket_storage(first, slot),
            helper::MAP_UPDATE_ELEM => self.update(first, second, third, fourth, slot),
            helper::MAP_DELETE_ELEM => self.delete(first, second, slot),
            helper::MAP_PUSH_ELEM => self.push(first, second, third, slot),
            helper::MAP_POP_ELEM | helper::MAP_PEEK_ELEM => self.take(number == helper::MAP_POP_ELEM, first, second, slot),
            helper::REDIRECT_MAP => self.redirect_map(first, second, third, slot),
            _ => return None,
        })
    }

    /// Index of the map behind a pointer; ends the run where it is none.
    pub fn map_of(&mut self, pointer: u64, slot: usize) -> Option<usize> {
        let index = self.map_index(pointer);
        if index.is_none() {
            self.fail(Fault::at(slot, format!("The helper wants a map; {pointer:#x} is none.")));
        }
        index
    }

    fn keyed(&mut self, map: u64, key: u64, slot: usize) -> Option<(usize, Vec<u8>)> {
        let index = self.map_of(map, slot)?;
        let size = self.maps[index].spec.key_size as usize;
        let key = self.argument("key", key, size, slot)?;
        Some((index, key))
    }

    fn note(&mut self, map: usize, operation: Operation, found: bool, touched: Touched, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.accesses.push(Access { map, operation, found, touched, at_instruction: self.meter.instructions, key, value });
    }

    fn lookup(&mut self, map: u64, key: u64, slot: usize) -> i64 {
        let Some((index, key)) = self.keyed(map, key, slot) else { return 0 };
        let of_maps = self.maps[index].kind.of_maps;
        let size = self.maps[index].spec.value_size as usize;
        let mut touched = self.maps[index].lookup(&key);
        // SAFETY: the address of a stored value, which has at least this size.
        let value = (touched.value != 0).then(|| unsafe { bytes_at(touched.value, size) }.to_vec());
        let mut answer = touched.value as i64;
        if of_maps {
            // An element says which map, counted from 1; a program gets the map itself.
            let inner = value.as_deref().map_or(0, little_endian);
            answer = if inner == 0 { 0 } else { (MAP_TAG | u64::from(inner - 1)) as i64 };
            if inner == 0 {
                touched.value = 0;
            }
        }
        let found = answer != 0;
        if found && !of_maps {
            self.note_value(index, touched.bucket, touched.value as u64);
        }
        self.note(index, Operation::Lookup, found, touched, key, if found { value } else { None });
        answer
    }

    fn lookup_on(&mut self, cpu: u32, map: u64, key: u64, slot: usize) -> i64 {
        let first = self.lookup(map, key, slot) as usize;
        match self.map_index(map) {
            Some(index) => self.maps[index].value_on(cpu, first) as i64,
            None => 0,
        }
    }

    /// A program may not change what only user space may.
    fn refuse_read_only(&mut self, index: usize, slot: usize) -> bool {
        let read_only = self.maps[index].spec.is_read_only();
        if read_only {
            self.fail(Fault::at(slot, format!("Map {} is read-only for programs.", self.maps[index].spec.name)));
        }
        read_only
    }

    fn local_storage(&mut self, map: u64, slot: usize) -> i64 {
        let Some(index) = self.map_of(map, slot) else { return 0 };
        match &self.maps[index].storage {
            Storage::Local(local) => local.base as i64,
            _ => 0,
        }
    }

    fn socket_storage(&mut self, map: u64, socket: u64, value: u64, flags: u64, slot: usize) -> i64 {
        const CREATE: u64 = 1;
        let Some(index) = self.map_of(map, slot) else { return 0 };
        if socket == 0 || flags > CREATE {
            return 0;
        }
        let size = self.maps[index].spec.value_size as usize;
        let first = if value == 0 { Some(Vec::new()) } else { self.argument("value", value, size, slot) };
        match (&mut self.maps[index].storage, first) {
            (Storage::Local(local), _) if local.created => local.base as i64,
            (Storage::Local(local), Some(first)) if flags == CREATE => {
                local.set(&first);
                local.created = true;
                local.base as i64
            }
            _ => 0,
        }
    }

    fn delete_socket_storage(&mut self, map: u64, slot: usize) -> i64 {
        let Some(index) = self.map_of(map, slot) else { return 0 };
        match &mut self.maps[index].storage {
            Storage::Local(local) if local.created => {
                local.clear();
                0
            }
            _ => ENOENT,
        }
    }

    fn update(&mut self, map: u64, key: u64, value: u64, flags: u64, slot: usize) -> i64 {
        let Some((index, key)) = self.keyed(map, key, slot) else { return 0 };
        let size = self.maps[index].spec.value_size as usize;
        let Some(value) = self.argument("value", value, size, slot) else { return 0 };
        if self.refuse_read_only(index, slot) {
            return 0;
        }
        let updated = self.maps[index].store(&key, &value, flags, &mut self.arena);
        let written = updated.error == 0;
        self.note(index, Operation::Update, updated.existed, updated.touched, key, if written { Some(value) } else { None });
        updated.error
    }

    fn delete(&mut self, map: u64, key: u64, slot: usize) -> i64 {
        let Some((index, key)) = self.keyed(map, key, slot) else { return 0 };
        if self.refuse_read_only(index, slot) {
            return 0;
        }
        if matches!(self.maps[index].storage, Storage::Array(_)) && !self.maps[index].kind.holds_references {
            return EINVAL;
        }
        if matches!(&self.maps[index].storage, Storage::Lpm(trie) if !trie.has_room_for(&key)) {
            return EINVAL;
        }
        let (found, touched) = match self.maps[index].delete(&key) {
            Ok(touched) => (true, touched),
            Err(touched) => (false, touched),
        };
        self.note(index, Operation::Delete, found, touched, key, None);
        if found { 0 } else { ENOENT }
    }

    fn push(&mut self, map: u64, value: u64, flags: u64, slot: usize) -> i64 {
        let Some(index) = self.map_of(map, slot) else { return 0 };
        let size = self.maps[index].spec.value_size as usize;
        let Some(value) = self.argument("value", value, size, slot) else { return 0 };
        match &mut self.maps[index].storage {
            Storage::Queue(queue) => queue.push(&value, flags),
            Storage::Bloom(filter) => filter.push(&value, flags),
            _ => EINVAL,
        }
    }

    fn take(&mut self, remove: bool, map: u64, place: u64, slot: usize) -> i64 {
        let Some(index) = self.map_of(map, slot) else { return 0 };
        let size = self.maps[index].spec.value_size as usize;
        if let Storage::Bloom(_) = &self.maps[index].storage {
            let Some(value) = self.argument("value", place, size, slot) else { return 0 };
            return match &self.maps[index].storage {
                Storage::Bloom(filter) if !remove => filter.peek(&value),
                _ => EOPNOTSUPP,
            };
        }
        let taken = match &mut self.maps[index].storage {
            Storage::Queue(queue) if remove => queue.pop(),
            Storage::Queue(queue) => queue.peek().map(<[u8]>::to_vec),
            _ => return EINVAL,
        };
        let (value, error) = match taken {
            Ok(value) => (value, 0),
            Err(error) => (vec![0; size], error),
        };
        self.answer_into("place", place, &value, slot);
        error
    }

    /// Answers 0 to end this program where the other one takes over, else a readable address (the rewritten program
    /// reads it).
    pub fn tail_call_into(&mut self, map: u64, index: u32, slot: usize) -> u64 {
        if self.fault.is_some() {
            return 0;
        }
        self.tail_call = self.tail_call_target(map, index, slot);
        if self.tail_call.is_some() || self.fault.is_some() { 0 } else { self.workspace.scratch() as u64 }
    }

    /// The program that an element of a program array stands for.
    pub fn program_at(&mut self, map: u64, index: u32, slot: usize) -> Option<usize> {
        let map = self.map_of(map, slot)?;
        let touched = self.maps[map].lookup(&index.to_le_bytes());
        if self.maps[map].kind.name != "prog_array" {
            self.fail(Fault::at(slot, "A tail call wants a program array."));
            return None;
        }
        let program = if touched.value == 0 {
            0
        } else {
            // SAFETY: an element of an array of 4-byte values.
            little_endian(unsafe { bytes_at(touched.value, 4) })
        };
        self.note(map, Operation::Lookup, program != 0, touched, index.to_le_bytes().to_vec(), None);
        (program as usize).checked_sub(1)
    }

    /// `bpf_redirect_map`: XDP_REDIRECT where the element is there, else the lower bits of the flags.
    fn redirect_map(&mut self, map: u64, key: u64, flags: u64, slot: usize) -> i64 {
        const XDP_REDIRECT: i64 = 4;
        const ACTION: u64 = 3;
        const BROADCAST: u64 = 1 << 3;
        const EXCLUDE_INGRESS: u64 = 1 << 4;
        let Some(index) = self.map_of(map, slot) else { return 0 };
        let to_devices = self.maps[index].kind.name.starts_with("devmap");
        let allowed = if to_devices { ACTION | BROADCAST | EXCLUDE_INGRESS } else { ACTION };
        if flags & !allowed != 0 {
            return 0;
        }
        let key = (key as u32).to_le_bytes();
        let touched = self.maps[index].lookup(&key);
        // SAFETY: values of device maps have 4 bytes at least.
        let target = if touched.value == 0 { 0 } else { little_endian(unsafe { bytes_at(touched.value, 4) }) };
        self.note(index, Operation::Lookup, target != 0, touched, key.to_vec(), None);
        if target == 0 && flags & BROADCAST == 0 {
            return (flags & ACTION) as i64;
        }
        self.redirect = Some(super::Redirect { ifindex: target, by: "redirect_map" });
        XDP_REDIRECT
    }
}

fn little_endian(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte))
}
