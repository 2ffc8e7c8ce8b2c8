//! Queues and stacks (kernel/bpf/queue_stack_maps.c): values without keys.

use std::collections::VecDeque;

use super::{E2BIG, EINVAL, ENOENT};

const BPF_EXIST: u64 = 2;

pub struct Queue {
    values: VecDeque<Vec<u8>>,
    max_entries: usize,
    last_in_first_out: bool,
}

impl Queue {
    pub fn new(max_entries: u32, last_in_first_out: bool) -> Queue {
        Queue { values: VecDeque::new(), max_entries: max_entries as usize, last_in_first_out }
    }

    pub fn len(&self) -> u32 {
        self.values.len() as u32
    }

    /// With `BPF_EXIST` a full one loses its oldest value.
    pub fn push(&mut self, value: &[u8], flags: u64) -> i64 {
        if flags != 0 && flags != BPF_EXIST {
            return EINVAL;
        }
        if self.values.len() >= self.max_entries {
            if flags != BPF_EXIST {
                return E2BIG;
            }
            self.values.pop_front();
        }
        self.values.push_back(value.to_vec());
        0
    }

    pub fn peek(&self) -> Result<&[u8], i64> {
        let next = if self.last_in_first_out { self.values.back() } else { self.values.front() };
        next.map(Vec::as_slice).ok_or(ENOENT)
    }

    pub fn pop(&mut self) -> Result<Vec<u8>, i64> {
        let next = if self.last_in_first_out { self.values.pop_back() } else { self.values.pop_front() };
        next.ok_or(ENOENT)
    }

    pub fn clear(&mut self) {
        self.values.clear();
    }
}
