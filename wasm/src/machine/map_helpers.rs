//! Helpers on maps.

use super::access::{Access, Operation};
use super::{MAP_TAG, Machine};
use crate::fault::Fault;
use crate::map::arena::bytes_at;
use crate::map::{EINVAL, ENOENT, Storage, Touched};

impl Machine {
    pub fn map_helper(&mut self, name: &str, args: [u64; 5], slot: usize) -> Option<i64> {
        let [first, second, third, fourth, _] = args;
        Some(match name {
            "map_lookup_elem" => self.lookup(first, second, slot),
            "map_lookup_percpu_elem" => if third == 0 { self.lookup(first, second, slot) } else { 0 },
            "map_update_elem" => self.update(first, second, third, fourth, slot),
            "map_delete_elem" => self.delete(first, second, slot),
            "map_push_elem" => self.push(first, second, third, slot),
            "map_pop_elem" | "map_peek_elem" => self.take(name == "map_pop_elem", first, second, slot),
            "tail_call" => self.tail_call_into(second, third as u32, slot),
            "redirect_map" => self.redirect_map(first, second, third, slot),
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
        self.accesses.push(Access { map, operation, found, touched, at_instruction: self.instructions, key, value });
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

    fn update(&mut self, map: u64, key: u64, value: u64, flags: u64, slot: usize) -> i64 {
        let Some((index, key)) = self.keyed(map, key, slot) else { return 0 };
        let size = self.maps[index].spec.value_size as usize;
        let Some(value) = self.argument("value", value, size, slot) else { return 0 };
        let updated = self.maps[index].update(&key, &value, flags, &mut self.arena);
        let written = updated.error == 0;
        self.note(index, Operation::Update, updated.existed, updated.touched, key, if written { Some(value) } else { None });
        updated.error
    }

    fn delete(&mut self, map: u64, key: u64, slot: usize) -> i64 {
        let Some((index, key)) = self.keyed(map, key, slot) else { return 0 };
        if matches!(self.maps[index].storage, Storage::Array(_)) && !self.maps[index].kind.holds_references {
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
            _ => EINVAL,
        }
    }

    fn take(&mut self, remove: bool, map: u64, place: u64, slot: usize) -> i64 {
        let Some(index) = self.map_of(map, slot) else { return 0 };
        let size = self.maps[index].spec.value_size as usize;
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
    fn tail_call_into(&mut self, map: u64, index: u32, slot: usize) -> i64 {
        let goes_on = self.workspace.scratch() as i64;
        let Some(map) = self.map_of(map, slot) else { return 0 };
        let touched = self.maps[map].lookup(&index.to_le_bytes());
        if self.maps[map].kind.name != "prog_array" {
            self.fail(Fault::at(slot, "A tail call wants a program array."));
            return 0;
        }
        let program = if touched.value == 0 {
            0
        } else {
            // SAFETY: an element of an array of 4-byte values.
            little_endian(unsafe { bytes_at(touched.value, 4) })
        };
        self.note(map, Operation::Lookup, program != 0, touched, index.to_le_bytes().to_vec(), None);
        if program == 0 || self.tail_calls_left == 0 {
            return goes_on;
        }
        self.tail_calls_left -= 1;
        self.tail_call = Some(program as usize - 1);
        0
    }

    /// `bpf_redirect_map`: XDP_REDIRECT where the element is there, else the lower bits of the flags.
    fn redirect_map(&mut self, map: u64, key: u64, flags: u64, slot: usize) -> i64 {
        const XDP_REDIRECT: i64 = 4;
        let Some(index) = self.map_of(map, slot) else { return 0 };
        let key = (key as u32).to_le_bytes();
        let touched = self.maps[index].lookup(&key);
        // SAFETY: values of device maps have 4 bytes at least.
        let target = if touched.value == 0 { 0 } else { little_endian(unsafe { bytes_at(touched.value, 4) }) };
        self.note(index, Operation::Lookup, target != 0, touched, key.to_vec(), None);
        if target == 0 {
            return (flags & 3) as i64;
        }
        self.redirect = Some(super::Redirect { ifindex: target, by: "redirect_map" });
        XDP_REDIRECT
    }
}

fn little_endian(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte))
}
