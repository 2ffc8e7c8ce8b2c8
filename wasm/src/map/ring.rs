//! Ring buffers (kernel/bpf/ringbuf.c): records of 8 bytes of header and their data, one behind the other, until a
//! reader takes them.

use super::arena::Arena;

const HEADER: u64 = 8;
const DISCARDED: u32 = 1 << 30;

pub struct RingBuffer {
    /// Address of the data; twice as long as the ring, as Linux maps it twice, so that no record is cut.
    base: usize,
    size: u64,
    producer: u64,
    consumer: u64,
    /// Reserved and not yet committed: address of the data, its length.
    reserved: Vec<(usize, u32)>,
    committed: Vec<Record>,
}

struct Record {
    flags: u32,
    data: Vec<u8>,
}

impl RingBuffer {
    pub fn new(size: u32, arena: &mut Arena) -> Option<RingBuffer> {
        let base = arena.allocate(2 * size as usize)?;
        Some(RingBuffer { base, size: u64::from(size), producer: 0, consumer: 0, reserved: Vec::new(), committed: Vec::new() })
    }

    /// Address of `size` bytes for a record; `None` when the ring is full.
    pub fn reserve(&mut self, size: u64) -> Option<usize> {
        if size == 0 || size > self.size {
            return None;
        }
        let whole = (size + HEADER).next_multiple_of(8);
        if self.producer + whole - self.consumer > self.size - 1 {
            return None;
        }
        let address = self.base + (self.producer % self.size) as usize + HEADER as usize;
        self.producer += whole;
        self.reserved.push((address, size as u32));
        Some(address)
    }

    /// Ends a reservation; `read` gives the record's bytes. False: there is none at that address.
    pub fn commit(&mut self, address: usize, discard: bool, read: impl FnOnce(usize, usize) -> Vec<u8>) -> bool {
        let Some(index) = self.reserved.iter().position(|&(start, _)| start == address) else { return false };
        let (start, len) = self.reserved.remove(index);
        let flags = if discard { DISCARDED } else { 0 };
        self.committed.push(Record { flags, data: read(start, len as usize) });
        true
    }

    pub fn available(&self) -> u64 {
        self.producer - self.consumer
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn positions(&self) -> (u64, u64) {
        (self.consumer, self.producer)
    }

    /// Takes the committed records, in order, as a reader does; discarded ones are skipped.
    pub fn take(&mut self) -> Vec<Vec<u8>> {
        self.consumer = self.producer;
        std::mem::take(&mut self.committed).into_iter().filter(|record| record.flags & DISCARDED == 0).map(|record| record.data).collect()
    }

    pub fn clear(&mut self) {
        self.consumer = self.producer;
        self.committed.clear();
        self.reserved.clear();
    }
}
