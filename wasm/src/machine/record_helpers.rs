//! Helpers that hand records to user space: perf events and ring buffers.

use super::Machine;
use crate::fault::Fault;
use crate::map::{E2BIG, EINVAL, Storage};

/// Records that one perf event array keeps until they are read.
const MOST_RECORDS: usize = 65_536;
const EAGAIN: i64 = -11;

impl Machine {
    pub fn record_helper(&mut self, name: &str, args: [u64; 5], slot: usize) -> Option<i64> {
        let [first, second, third, fourth, fifth] = args;
        Some(match name {
            "perf_event_output" => self.perf_event_output(second, third, fourth, fifth, slot),
            "ringbuf_output" => self.ringbuf_output(first, second, third, slot),
            "ringbuf_reserve" => self.ringbuf_reserve(first, second, third, slot),
            "ringbuf_submit" | "ringbuf_discard" => self.ringbuf_commit(first, name == "ringbuf_discard", slot),
            "ringbuf_query" => self.ringbuf_query(first, second, slot),
            _ => return None,
        })
    }

    /// The upper half of the flags says how many bytes of the packet go behind the data.
    fn perf_event_output(&mut self, map: u64, flags: u64, data: u64, size: u64, slot: usize) -> i64 {
        let Some(index) = self.map_of(map, slot) else { return 0 };
        let Some(mut record) = self.argument("record", data, size as usize, slot) else { return 0 };
        let from_packet = (flags >> 32 & 0xf_ffff) as usize;
        record.extend_from_slice(&self.packet.data()[..from_packet.min(self.packet.len)]);
        match &mut self.maps[index].storage {
            Storage::Records(records) if records.len() < MOST_RECORDS => {
                records.push(record);
                0
            }
            Storage::Records(_) => E2BIG,
            _ => EINVAL,
        }
    }

    fn ringbuf_output(&mut self, map: u64, data: u64, size: u64, slot: usize) -> i64 {
        let Some(index) = self.map_of(map, slot) else { return 0 };
        let Some(record) = self.argument("record", data, size as usize, slot) else { return 0 };
        let Storage::Ring(ring) = &mut self.maps[index].storage else { return EINVAL };
        let Some(address) = ring.reserve(size) else { return EAGAIN };
        ring.commit(address, false, |_, _| record);
        0
    }

    /// Address of the record's bytes, 0 when the ring is full.
    fn ringbuf_reserve(&mut self, map: u64, size: u64, flags: u64, slot: usize) -> i64 {
        let Some(index) = self.map_of(map, slot) else { return 0 };
        if flags != 0 {
            return 0;
        }
        let reserved = match &mut self.maps[index].storage {
            Storage::Ring(ring) => ring.reserve(size),
            _ => None,
        };
        if let Some(address) = reserved {
            self.note_value(index, 0, address as u64);
        }
        reserved.map_or(0, |address| address as i64)
    }

    fn ringbuf_commit(&mut self, sample: u64, discard: bool, slot: usize) -> i64 {
        let address = sample as usize;
        let committed = self.maps.iter_mut().any(|map| match &mut map.storage {
            // SAFETY: a reserved record lies within the ring's memory.
            Storage::Ring(ring) => ring.commit(address, discard, |start, len| unsafe { crate::map::arena::bytes_at(start, len) }.to_vec()),
            _ => false,
        });
        if !committed {
            self.fail(Fault::at(slot, format!("It gives {sample:#x} back to a ring buffer, which no reserved record lies at.")));
        }
        0
    }

    fn ringbuf_query(&mut self, map: u64, what: u64, slot: usize) -> i64 {
        let Some(index) = self.map_of(map, slot) else { return 0 };
        let Storage::Ring(ring) = &self.maps[index].storage else { return 0 };
        let (consumer, producer) = ring.positions();
        (match what {
            0 => ring.available(),
            1 => ring.size(),
            2 => consumer,
            3 => producer,
            _ => 0,
        }) as i64
    }
}
