//! Where ways meet: what was seen there, and when a path that comes by is known.

use super::state::State;
use super::walk::{Refusal, Walker};

/// States kept for one instruction.
const MOST_KEPT: usize = 64;
/// After so many at one landing, numbers that differ there are forgotten.
const PATIENCE: usize = 6;

/// A state that was seen at a landing; `open` paths from it have not ended yet.
pub struct Seen {
    state: State,
    mark: u64,
    open: u32,
    parent: Option<(usize, usize)>,
    /// Numbers were forgotten on arrival here.
    widened: bool,
    /// Slots of each frame's stack that were read from here on before they were written.
    read: Vec<u64>,
    /// Slots that were written on the way here from the parent.
    written_before: Vec<u64>,
}

/// What a path comes to at a landing.
pub enum Landed {
    /// All that can follow has been seen.
    Known,
    /// It goes on, from this landing.
    New(Option<(usize, usize)>),
}

impl Walker<'_> {
    /// Keeps the numbers at every landing on the way to a refusal where they were forgotten; false if there is none.
    pub(super) fn keep_more(&mut self, mut landing: Option<(usize, usize)>) -> bool {
        let mut some = false;
        while let Some((slot, index)) = landing {
            let seen = &self.seen[slot][index];
            if seen.widened {
                self.exact[slot] = true;
                some = true;
            }
            landing = seen.parent;
        }
        some
    }

    /// One path more goes on from this landing.
    pub(super) fn opened(&mut self, landing: Option<(usize, usize)>) {
        if let Some((slot, index)) = landing {
            self.seen[slot][index].open += 1;
        }
    }

    /// A path has ended: the landings behind it may be settled now.
    pub(super) fn ended(&mut self, mut landing: Option<(usize, usize)>) {
        while let Some((slot, index)) = landing {
            let seen = &mut self.seen[slot][index];
            seen.open -= 1;
            if seen.open > 0 {
                return;
            }
            landing = seen.parent;
        }
    }

    /// Comes to a landing, where numbers may be forgotten.
    pub(super) fn land(&mut self, state: &mut State, parent: Option<(usize, usize)>) -> Result<Landed, Refusal> {
        let at = state.at;
        let mut mark = state.mark(&self.reads);
        let written_before = std::mem::replace(&mut state.written, vec![0; state.frames.len()]);
        if let Some(index) = self.is_known(state, mark)? {
            self.read_as_known((at, index), parent, &written_before);
            return Ok(Landed::Known);
        }
        let mut widened = false;
        if self.forgets && !self.exact[at] && self.seen[at].len() >= PATIENCE {
            if let Some(last) = self.seen[at].last() {
                widened = state.forget_numbers(&last.state, self.reads.live[at]);
            }
            if widened {
                self.forgot = true;
                mark = state.mark(&self.reads);
                if let Some(index) = self.is_known(state, mark)? {
                    self.read_as_known((at, index), parent, &written_before);
                    return Ok(Landed::Known);
                }
            }
        }
        if self.seen[at].len() >= MOST_KEPT && !widened {
            // Settled states only save work.
            state.written = written_before;
            return Ok(Landed::New(parent));
        }
        let read = vec![0; state.frames.len()];
        self.seen[at].push(Seen { state: state.clone(), mark, open: 1, parent, widened, read, written_before });
        Ok(Landed::New(Some((at, self.seen[at].len() - 1))))
    }

    /// The settled state, by its number at this landing, that covers this one.
    fn is_known(&self, state: &State, mark: u64) -> Result<Option<usize>, Refusal> {
        for (index, seen) in self.seen[state.at].iter().enumerate() {
            if seen.open > 0 {
                // Still on its way: here again with nothing changed, it comes here for ever.
                if seen.mark == mark && seen.state.goes_on_as(state, &self.reads) {
                    return Err((state.at, "It loops for ever: it comes here again with nothing changed.".to_owned()));
                }
                continue;
            }
            if seen.state.covers(state, &self.reads, &seen.read) {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// What was read from a known landing on would be read on this path too.
    fn read_as_known(&mut self, (slot, index): (usize, usize), parent: Option<(usize, usize)>, written: &[u64]) {
        for (owner, mask) in self.seen[slot][index].read.clone().into_iter().enumerate() {
            self.mark_read(owner, mask & !written.get(owner).copied().unwrap_or(0), parent);
        }
    }

    /// Slots of a frame's stack are read: they matter at every landing back to where they were written.
    fn mark_read(&mut self, owner: usize, mut mask: u64, mut landing: Option<(usize, usize)>) {
        while let (Some((slot, index)), true) = (landing, mask != 0) {
            let seen = &mut self.seen[slot][index];
            match seen.read.get_mut(owner) {
                Some(read) => *read |= mask,
                None => return,
            }
            mask &= !seen.written_before.get(owner).copied().unwrap_or(0);
            landing = seen.parent;
        }
    }

    /// Called for every read of the stack.
    pub fn stack_read(&mut self, state: &State, owner: usize, slots: u64) {
        let mask = slots & !state.written.get(owner).copied().unwrap_or(0);
        self.mark_read(owner, mask, self.current);
    }
}
