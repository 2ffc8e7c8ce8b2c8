//! What runs a rewritten program, behind one seam: rbpf today, the reference for whatever comes beside it.

use std::cell::RefCell;
use std::ops::Range;

use rbpf::{EbpfVmMbuff, Helper};

use crate::fault::Fault;
use crate::program::rewrite::STRIDE;

/// Runs a program as `program::rewrite` makes it: RFC 9669 less what is lowered, calls into the VM as helpers by their
/// number, counts and fuel among them. A second back end, one that compiles to a WebAssembly module over the same memory,
/// takes the same bytes and calls the same helpers; then counts, steps, tail calls and faults need nothing of their own.
/// It must give what [`Rbpf`] gives: value, memory and counts.
pub trait Backend: Sized {
    /// Takes the program over. `helpers` is every function that it calls.
    fn load(bytes: Box<[u8]>, helpers: impl Iterator<Item = (u32, Helper)>) -> Result<Self, Fault>;
    /// Runs may touch this memory too, from now on. An access is checked by its first byte.
    fn allow(&self, range: Range<u64>);
    /// One run; r0 at its exit. Helpers may run other programs, and this one again, meanwhile.
    fn execute(&self, memory: &[u8], context: &[u8]) -> Result<u64, Stop>;
}

/// Why a run ended without an exit.
pub struct Stop {
    pub sentence: String,
    /// Slot of the rewritten program, where it is known.
    pub position: Option<usize>,
}

/// rbpf's interpreter, as published. Fields in this order: the VM goes before the bytes that it reads.
pub struct Rbpf {
    vm: RefCell<EbpfVmMbuff<'static>>,
    _bytes: Box<[u8]>,
}

impl Backend for Rbpf {
    fn load(bytes: Box<[u8]>, helpers: impl Iterator<Item = (u32, Helper)>) -> Result<Rbpf, Fault> {
        // SAFETY: the bytes live in a box beside the VM, which is dropped first.
        let program: &'static [u8] = unsafe { std::slice::from_raw_parts(bytes.as_ptr(), bytes.len()) };
        let mut vm = EbpfVmMbuff::new(None).map_err(refused)?;
        // The program has been checked, and uses r10 as only a rewritten one may.
        vm.set_verifier(|_| Ok(())).map_err(refused)?;
        vm.set_stack_usage_calculator(|_, _, _| STRIDE as u16, Box::new(())).map_err(refused)?;
        vm.set_program(program).map_err(refused)?;
        for (number, helper) in helpers {
            vm.register_helper(number, helper).map_err(refused)?;
        }
        Ok(Rbpf { vm: RefCell::new(vm), _bytes: bytes })
    }

    fn allow(&self, range: Range<u64>) {
        self.vm.borrow_mut().register_allowed_memory(range);
    }

    fn execute(&self, memory: &[u8], context: &[u8]) -> Result<u64, Stop> {
        self.vm.borrow().execute_program(memory, context).map_err(|error| explain(&format!("{error:?}")))
    }
}

/// rbpf's words as a sentence.
fn explain(words: &str) -> Stop {
    let after = |mark: &str| words.split(mark).nth(1);
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    if words.contains("out of bounds memory") {
        let verb = if words.contains("memory load") { "read" } else { "write" };
        let address = after("addr ").map_or("?", |rest| rest.split(',').next().unwrap_or("?"));
        let size = after("size ").map_or_else(String::new, digits);
        // rbpf names the instruction behind the one at fault.
        let position = after("insn #").and_then(|rest| digits(rest).parse::<usize>().ok()).map_or(0, |position| position.saturating_sub(1));
        return Stop { sentence: format!("It tries to {verb} {size} bytes at {address}, which is neither its stack, its context, its packet nor a map’s value."), position: Some(position) };
    }
    let sentence = if words.contains("too many nested calls") {
        "Functions call one another more than 8 deep; Linux allows no more either.".to_owned()
    } else {
        format!("The VM ended the program: {}", words.split('"').nth(1).unwrap_or(words))
    };
    Stop { sentence, position: None }
}

fn refused(error: rbpf::lib::Error) -> Fault {
    Fault::new(format!("The VM refused the program: {error:?}"))
}
