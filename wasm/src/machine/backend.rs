//! What runs a rewritten program, behind one seam: rbpf, the reference, and programs compiled to WebAssembly.

use std::cell::RefCell;

use rbpf::{EbpfVmMbuff, Helper};

use super::Machine;
use crate::fault::Fault;
use crate::program::rewrite::STRIDE;

/// Runs a program as `program::rewrite` makes it: RFC 9669 less what is lowered, calls into the VM as helpers by their
/// number, counts and fuel among them. Both back ends take the same bytes and call the same helpers, so that counts,
/// tail calls and faults need nothing of their own, and give the same value, memory and counts.
pub trait Backend {
    /// One run on the machine as it stands, which the caller entered; r0 at its exit. Helpers may run other programs
    /// meanwhile.
    ///
    /// # Safety
    /// `machine` is valid, and no reference to it is held.
    unsafe fn execute(&self, machine: *mut Machine) -> Result<u64, Stop>;
}

/// Why a run ended without an exit.
pub struct Stop {
    pub sentence: String,
    /// Slot of the rewritten program, where it is known.
    pub position: Option<usize>,
}

impl Stop {
    /// An access where none may be; `position`: the slot.
    pub fn at_access(stores: bool, size: &str, address: &str, position: usize) -> Stop {
        let verb = if stores { "write" } else { "read" };
        Stop { sentence: format!("It tries to {verb} {size} bytes at {address}, which is neither its stack, its context, its packet nor a map’s value."), position: Some(position) }
    }

    pub fn too_deep() -> Stop {
        Stop { sentence: "Functions call one another more than 8 deep; Linux allows no more either.".to_owned(), position: None }
    }
}

/// rbpf's interpreter, as published. Fields in this order: the VM goes before the bytes that it reads.
pub struct Rbpf {
    vm: RefCell<EbpfVmMbuff<'static>>,
    pub bytes: Box<[u8]>,
}

impl Rbpf {
    /// Takes the program over. `helpers` is every function that it calls.
    pub fn load(bytes: Box<[u8]>, helpers: impl Iterator<Item = (u32, Helper)>) -> Result<Rbpf, Fault> {
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
        Ok(Rbpf { vm: RefCell::new(vm), bytes })
    }

    /// Runs may touch this memory too, from now on. An access is checked by its first byte.
    pub fn allow(&self, range: std::ops::Range<u64>) {
        self.vm.borrow_mut().register_allowed_memory(range);
    }
}

impl Backend for Rbpf {
    unsafe fn execute(&self, machine: *mut Machine) -> Result<u64, Stop> {
        // SAFETY: both lie in boxes of the machine that no run moves. rbpf writes through them, and so do helpers, which
        // reach the machine by its pointer alone.
        let (memory, context): (*const [u8], *const [u8]) = unsafe {
            let machine = &*machine;
            (machine.packet.all(), machine.workspace.bytes())
        };
        // SAFETY: as above.
        self.vm.borrow().execute_program(unsafe { &*memory }, unsafe { &*context }).map_err(|error| explain(&format!("{error:?}")))
    }
}

/// rbpf's words as a sentence.
fn explain(words: &str) -> Stop {
    let after = |mark: &str| words.split(mark).nth(1);
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    if words.contains("out of bounds memory") {
        let address = after("addr ").map_or("?", |rest| rest.split(',').next().unwrap_or("?"));
        let size = after("size ").map_or_else(String::new, digits);
        // rbpf names the instruction behind the one at fault.
        let position = after("insn #").and_then(|rest| digits(rest).parse::<usize>().ok()).map_or(0, |position| position.saturating_sub(1));
        return Stop::at_access(!words.contains("memory load"), &size, address, position);
    }
    if words.contains("too many nested calls") {
        return Stop::too_deep();
    }
    Stop { sentence: format!("The VM ended the program: {}", words.split('"').nth(1).unwrap_or(words)), position: None }
}

fn refused(error: rbpf::lib::Error) -> Fault {
    Fault::new(format!("The VM refused the program: {error:?}"))
}
