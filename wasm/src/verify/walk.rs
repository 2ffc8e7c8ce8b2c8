//! Goes along every path, and leaves one where all that can follow has been seen.

use super::landing::{Landed, Seen};
use super::live::live_registers;
use super::numbers::{Learnt, number_registers};
use super::state::{Base, Frame, Pointer, Reads, Register, State};
use super::{Subject, Verdict};
use crate::program::instruction::*;
use crate::program::liveness::block_starts;

/// As BPF_COMPLEXITY_LIMIT_INSNS.
const MOST_FOLLOWED: u32 = 1_000_000;
/// How often it starts again with what was forgotten kept, or with what it learnt.
const MOST_ATTEMPTS: usize = 96;
/// Attempts after which it keeps all numbers everywhere.
const MOST_FORGETFUL: usize = 12;
/// Instructions after which a walk that forgot numbers starts again with more of them kept: a loop may have lost its end.
const MOST_WITH_FORGOTTEN: u32 = 40_000;
/// Instructions of a walk that keeps all numbers: it compares the most.
const MOST_WITH_ALL: u32 = 250_000;
/// Instructions over all walks, before it gives up.
const MOST_IN_ALL: u32 = 2_000_000;
pub const DEEPEST_CALL: usize = 8;
/// Of those that only say yes or no: one bit, and one more that some hooks take.
const MOST_ANSWERED: u64 = 3;

/// A sentence at an instruction.
pub type Refusal = (usize, String);

pub struct Walker<'a> {
    pub subject: &'a Subject<'a>,
    pub(super) reads: Reads,
    learnt: Learnt,
    /// Something was learnt on this walk that states were compared without.
    learns: bool,
    /// Numbers were forgotten on this walk; whether they may be.
    pub(super) forgot: bool,
    pub(super) forgets: bool,
    landings: Vec<bool>,
    /// Landings at which forgetting numbers led to a refusal: they are kept there.
    pub(super) exact: Vec<bool>,
    pub(super) seen: Vec<Vec<Seen>>,
    /// Paths still to follow, each with the last landing it passed.
    waiting: Vec<(State, Option<(usize, usize)>)>,
    followed: u32,
    /// The last landing of the path that is being followed.
    pub(super) current: Option<(usize, usize)>,
    pub next_id: u32,
}

/// What an instruction leads to.
pub enum Next {
    Goes(usize),
    Ends,
}

impl<'a> Walker<'a> {
    pub fn new(subject: &'a Subject<'a>) -> Walker<'a> {
        Walker {
            subject,
            reads: Reads { live: live_registers(subject.program), numbers: Vec::new() },
            learnt: Learnt::new(subject.program.len()),
            learns: false,
            forgot: false,
            forgets: true,
            landings: block_starts(subject.program),
            exact: vec![false; subject.program.len() + 1],
            seen: Vec::new(),
            waiting: Vec::new(),
            followed: 0,
            current: None,
            next_id: 1,
        }
    }

    pub fn id(&mut self) -> u32 {
        self.next_id += 1;
        self.next_id
    }

    /// Most paths that meet again differ in numbers that nothing depends on. Those are forgotten; where that makes a safe
    /// program look unsafe, the walk begins anew with them kept.
    pub fn run(mut self) -> Verdict {
        let mut spent = 0;
        for attempt in 0..MOST_ATTEMPTS {
            if spent > MOST_IN_ALL {
                break;
            }
            self.forgets &= attempt < MOST_FORGETFUL;
            let ended = self.attempt();
            spent += self.followed;
            match ended {
                Ended::Safe if !self.learns => return self.verdict(None, false),
                Ended::Safe => {}
                Ended::TooMany(_) if !self.forgot => return self.verdict(None, true),
                Ended::TooMany(landing) => {
                    if !self.keep_more(landing) {
                        self.forgets = false;
                    }
                }
                Ended::Refused(refusal, landing) => {
                    // States may have been taken for the same that differ in a number of which it learnt only then that it matters.
                    if !self.keep_more(landing) && !self.learns {
                        return self.verdict(Some(refusal), false);
                    }
                }
            }
        }
        self.verdict(None, true)
    }

    fn verdict(&self, refusal: Option<Refusal>, gave_up: bool) -> Verdict {
        Verdict { refusal, followed: self.followed, gave_up }
    }

    /// All paths once.
    fn attempt(&mut self) -> Ended {
        self.followed = 0;
        (self.learns, self.forgot) = (false, false);
        self.reads.numbers = number_registers(self.subject.program, &self.learnt, self.subject.limits_answer());
        self.seen = (0..=self.subject.program.len()).map(|_| Vec::new()).collect();
        let mut frame = Frame::new(0, usize::MAX);
        frame.registers[1] = Register::Pointer(Pointer { base: Base::Context, offset: 0, beyond: 0, id: 0, nullable: false, range: 0 });
        self.waiting = vec![(State { at: 0, frames: vec![frame], written: vec![0], held: Vec::new(), locked: false }, None)];
        while let Some((state, parent)) = self.waiting.pop() {
            let mut landing = parent;
            match self.follow(state, &mut landing) {
                Ok(true) => {}
                Ok(false) => return Ended::TooMany(landing),
                Err(refusal) => return Ended::Refused(refusal, landing),
            }
        }
        Ended::Safe
    }

    /// One path to its end; false when there are too many.
    fn follow(&mut self, mut state: State, landing: &mut Option<(usize, usize)>) -> Result<bool, Refusal> {
        loop {
            let at = state.at;
            if self.landings[at] {
                match self.land(&mut state, *landing)? {
                    Landed::Known => {
                        self.ended(*landing);
                        return Ok(true);
                    }
                    Landed::New(place) => *landing = place,
                }
            }
            self.current = *landing;
            self.followed += 1;
            let most = if self.forgot { MOST_WITH_FORGOTTEN } else if self.forgets { MOST_FOLLOWED } else { MOST_WITH_ALL };
            if self.followed > most {
                return Ok(false);
            }
            let insn = self.subject.program[at];
            let other = self.branch_of(insn, &mut state)?;
            if let Some(other) = other {
                self.opened(*landing);
                self.waiting.push((other, *landing));
                continue;
            }
            if insn.is_conditional() {
                continue;
            }
            match self.step(insn, &mut state)? {
                Next::Goes(next) => state.at = next,
                Next::Ends => {
                    self.ended(*landing);
                    return Ok(true);
                }
            }
        }
    }

    /// A number and an address meet at this instruction.
    pub fn learn_move(&mut self, at: usize) {
        self.learns |= !std::mem::replace(&mut self.learnt.moves[at], true);
    }

    /// This instruction stores on the stack.
    pub fn learn_keep(&mut self, at: usize) {
        self.learns |= !std::mem::replace(&mut self.learnt.keeps[at], true);
    }

    /// Runs one instruction that is no conditional jump on what is known.
    fn step(&mut self, insn: Insn, state: &mut State) -> Result<Next, Refusal> {
        let at = state.at;
        let next = at + if insn.is_wide() { 2 } else { 1 };
        match insn.class() {
            CLASS_LD if insn.is_wide() => {
                let value = self.constant(at);
                state.set(insn.dst, value);
            }
            CLASS_LD => self.packet_load(insn, state)?,
            CLASS_LDX => self.load(insn, state)?,
            CLASS_ST => self.store(insn, state, Register::constant(insn.imm as i64 as u64))?,
            CLASS_STX if insn.mode() == MODE_ATOMIC => self.atomic(insn, state)?,
            CLASS_STX => {
                let value = self.need(state, insn.src)?;
                self.store(insn, state, value)?;
            }
            CLASS_ALU | CLASS_ALU64 => self.compute(insn, state)?,
            _ => return self.jump(insn, state, next),
        }
        Ok(Next::Goes(next))
    }

    fn jump(&mut self, insn: Insn, state: &mut State, next: usize) -> Result<Next, Refusal> {
        let at = state.at;
        match insn.opcode {
            JA | JA32 => Ok(Next::Goes(insn.target(at) as usize)),
            EXIT => self.exit(state),
            CALL if insn.is_local_call() => {
                let depth = state.frames.len();
                if depth > DEEPEST_CALL {
                    return Err((at, format!("Functions call one another more than {DEEPEST_CALL} deep.")));
                }
                let mut frame = Frame::new(depth, next);
                frame.registers[1..6].copy_from_slice(&state.frame().registers[1..6]);
                state.frames.push(frame);
                state.written.push(0);
                Ok(Next::Goes(insn.callee(at) as usize))
            }
            CALL if insn.src == 0 => {
                self.call(insn.imm as u32, state)?;
                Ok(Next::Goes(next))
            }
            CALL => Err((at, "It calls a function of the kernel, which is not here.".to_owned())),
            _ => Err((at, "It calls the function whose number a register holds, which Linux does not allow.".to_owned())),
        }
    }

    fn exit(&mut self, state: &mut State) -> Result<Next, Refusal> {
        let at = state.at;
        let answer = state.get(0);
        if state.frames.len() == 1 {
            match answer {
                Register::Unset => return Err((at, "It ends without a value in r0: set r0 on every path.".to_owned())),
                Register::Pointer(_) => return Err((at, "It would give an address away in r0 at its end.".to_owned())),
                Register::Scalar(answer) if answer.umax <= MOST_ANSWERED => {}
                _ if self.subject.limits_answer() => return Err((at, format!("It ends with a value in r0 that may be more than {MOST_ANSWERED}: programs of this type answer yes or no."))),
                _ => {}
            }
            if !state.held.is_empty() {
                return Err((at, "It ends while a ring buffer’s record or a socket is still held: submit or discard it, or release it, on every path.".to_owned()));
            }
            if state.locked {
                return Err((at, "It ends while it holds a spin lock.".to_owned()));
            }
            return Ok(Next::Ends);
        }
        let depth = state.frames.len() - 1;
        let Some(frame) = state.frames.pop() else { return Ok(Next::Ends) };
        state.written.pop();
        if let Register::Pointer(Pointer { base: Base::Stack(_), .. }) = answer {
            return Err((at, "It returns an address of the stack, which Linux does not allow.".to_owned()));
        }
        // What pointed into the frame that ended points nowhere.
        state.for_each_register(|register| {
            if matches!(register, Register::Pointer(Pointer { base: Base::Stack(owner), .. }) if *owner == depth) {
                *register = Register::Unset;
            }
        });
        state.set(0, answer);
        for register in 1..=5 {
            state.set(register, Register::Unset);
        }
        Ok(Next::Goes(frame.return_to))
    }

    /// The register's value; it must have one.
    pub fn need(&self, state: &State, register: u8) -> Result<Register, Refusal> {
        match state.get(register) {
            Register::Unset => Err((state.at, format!("r{register} has no value here: nothing was put into it on the way."))),
            value => Ok(value),
        }
    }
}

/// How a walk along all paths ended, and the last landing before its end.
enum Ended {
    Safe,
    TooMany(Option<(usize, usize)>),
    Refused(Refusal, Option<(usize, usize)>),
}
