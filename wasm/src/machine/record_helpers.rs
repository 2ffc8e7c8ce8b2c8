//! Helpers that hand records to user space: perf events and ring buffers.

use super::{Machine, helper};
use crate::fault::Fault;
use crate::map::{E2BIG, EFAULT, EINVAL, ENOENT, Storage};

/// Records that one perf event array keeps until they are read.
const MOST_RECORDS: usize = 65_536;
const EAGAIN: i64 = -11;
const EOPNOTSUPP: i64 = -95;
/// `BPF_F_INDEX_MASK`, which as a whole is the running CPU, and `BPF_F_CTXLEN_MASK`.
const INDEX: u64 = 0xffff_ffff;
const CONTEXT_LENGTH: u64 = 0xf_ffff << 32;

impl Machine {
    pub fn record_helper(&mut self, number: u32, args: [u64; 5], slot: usize) -> Option<i64> {
        let [first, second, third, fourth, fifth] = args;
        Some(match number {
            helper::PERF_EVENT_OUTPUT => self.perf_event_output(second, third, fourth, fifth, slot),
            helper::RINGBUF_OUTPUT => self.ringbuf_output(first, second, third, fourth, slot),
            helper::RINGBUF_RESERVE => self.ringbuf_reserve(first, second, third, slot),
            helper::RINGBUF_SUBMIT | helper::RINGBUF_DISCARD => self.ringbuf_commit(first, number == helper::RINGBUF_DISCARD, slot),
            helper::RINGBUF_QUERY => self.ringbuf_query(first, second, slot),
            _ => return None,
        })
    }

    /// The upper half of the flags says how many bytes of the packet go behind the data.
    fn perf_event_output(&mut self, map: u64, flags: u64, data: u64, size: u64, slot: usize) -> i64 {
        let Some(index) = self.map_of(map, slot) else { return 0 };
        let Some(mut record) = self.argument("record", data, size as usize, slot) else { return 0 };
        let from_packet = (flags >> 32 & 0xf_ffff) as usize;
        if flags & !(INDEX | CONTEXT_LENGTH) != 0 {
            return EINVAL;
        }
        if from_packet > self.packet.len {
            return EFAULT;
        }
        let cpu = flags & INDEX;
        let own = cpu == INDEX || cpu == 0;
        if cpu != INDEX && cpu >= u64::from(self.maps[index].spec.max_entries) {
            return E2BIG;
        }
        if !self.readers {
            return ENOENT;
        }
        if !own {
            return EOPNOTSUPP;
        }
        record.extend_from_slice(&self.packet.data()[..from_packet]);
        match &mut self.maps[index].storage {
            Storage::Records(records) if records.len() < MOST_RECORDS => {
                records.push(record);
                0
            }
            Storage::Records(_) => E2BIG,
            _ => EINVAL,
        }
    }

    fn ringbuf_output(&mut self, map: u64, data: u64, size: u64, flags: u64, slot: usize) -> i64 {
        // Whether to wake the reader.
        if flags > 3 {
            return EINVAL;
        }
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

    pub fn ringbuf_commit(&mut self, sample: u64, discard: bool, slot: usize) -> i64 {
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
