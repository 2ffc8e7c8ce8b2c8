//! Helpers that call back into the program (kernel/bpf/bpf_iter.c, arraymap.c, hashtab.c), and tail calls from
//! functions: runs within the run.

use super::program::{call_function, run_from, within};
use super::provenance::Origin;
use super::steps::shown_values;
use super::Machine;
use crate::fault::Fault;
use crate::map::{E2BIG, EINVAL, Storage};
use crate::program::rewrite::function_slot;

pub const LOOP: u32 = 181;
pub const TAIL_CALL: u32 = 12;
/// `BPF_MAX_LOOPS`.
const MOST_LOOPS: u64 = 8 << 20;

/// Answers r0 of the helper. `machine` as in [`within`].
pub fn callback(machine: *mut Machine, helper: u32, arguments: [u64; 5], slot: usize) -> u64 {
    // SAFETY: a site's call holds no reference to the machine while callbacks run.
    if unsafe { (*machine).fault.is_some() } {
        return 0;
    }
    // SAFETY: as above.
    unsafe { (*machine).helper_calls[helper as usize] += 1 };
    let result = if helper == LOOP { bpf_loop(machine, arguments, slot) } else { for_each(machine, arguments, slot) };
    match result {
        Ok(value) => value as u64,
        Err(fault) => {
            // SAFETY: as above.
            unsafe { (*machine).fail(fault) };
            0
        }
    }
}

fn function_of(address: u64, slot: usize) -> Result<usize, Fault> {
    function_slot(address).ok_or_else(|| Fault::at(slot, format!("The helper wants a function to call back; {address:#x} is none.")))
}

fn bpf_loop(machine: *mut Machine, [count, function, context, flags, _]: [u64; 5], slot: usize) -> Result<i64, Fault> {
    let function = function_of(function, slot)?;
    let count = u64::from(count as u32);
    if flags != 0 {
        return Ok(EINVAL);
    }
    if count > MOST_LOOPS {
        // Linux puts the loop into the program, where this number is a 32-bit one.
        return Ok(i64::from(E2BIG as u32));
    }
    // SAFETY: no callback runs yet.
    let origin = unsafe { (*machine).origin_of(context) };
    within(machine, |machine| {
        for index in 0..count {
            check_fuel(machine, slot)?;
            if call_function(machine, function, [index, context, 0, 0, 0], [None, origin, None, None, None])? as i32 != 0 {
                return Ok(index as i64 + 1);
            }
        }
        Ok(count as i64)
    })
}

fn for_each(machine: *mut Machine, [map, function, context, flags, _]: [u64; 5], slot: usize) -> Result<i64, Fault> {
    let target = function_of(function, slot)?;
    if flags != 0 {
        return Ok(EINVAL);
    }
    // SAFETY: no callback runs yet.
    let (index, elements, key_size, origin) = unsafe {
        let machine = &mut *machine;
        let index = machine.map_index(map).ok_or_else(|| Fault::at(slot, format!("The helper wants a map; {map:#x} is none.")))?;
        let map = &machine.maps[index];
        if !matches!(map.storage, Storage::Hash(_) | Storage::Array(_)) || map.kind.holds_references {
            return Ok(EINVAL);
        }
        (index, map.elements(), map.spec.key_size as usize, machine.origin_of(context))
    };
    within(machine, |machine| {
        let mut visited: u64 = 0;
        for (key, value) in elements {
            check_fuel(machine, slot)?;
            // SAFETY: no callback runs at this moment.
            let key_address = unsafe {
                let machine = &mut *machine;
                let level = machine.level - 1;
                let inner = &mut machine.levels[level];
                inner.set_key(&key[..key_size]);
                inner.key() as u64
            };
            // SAFETY: as above.
            let key_origin = unsafe { (*machine).origin_of(key_address) };
            let value_origin = Origin { real: value as u64, shown: shown_values(index) + (visited << 8) };
            visited += 1;
            if call_function(machine, target, [map, key_address, value as u64, context, 0], [None, key_origin, Some(value_origin), origin, None])? as i32 != 0 {
                break;
            }
        }
        Ok(visited as i64)
    })
}

/// Callbacks without loops pass no point that looks at the fuel.
fn check_fuel(machine: *mut Machine, slot: usize) -> Result<(), Fault> {
    // SAFETY: no callback runs at this moment.
    unsafe { (*machine).check_fuel(1, slot) }
}

/// A tail call from a function that was called: the other program runs here, and its result is the function's.
/// Answers the address of two numbers: whether it ran, and what it gave.
pub fn nested_tail_call(machine: *mut Machine, arguments: [u64; 5], slot: u32) -> u64 {
    // SAFETY: as in `callback`.
    let target = unsafe {
        let machine = &mut *machine;
        if machine.fault.is_some() { None } else { machine.tail_call_target(arguments[1], arguments[2] as u32, slot as usize) }
    };
    let result = target.map(|target| within(machine, |machine| run_from(machine, target)));
    // SAFETY: as in `callback`.
    let machine = unsafe { &mut *machine };
    let (ran, value) = match result {
        None => (0, 0),
        Some(Ok(value)) => (1, value),
        Some(Err(fault)) => {
            machine.fail(fault);
            (1, 0)
        }
    };
    machine.workspace.set_scratch(2, ran);
    machine.workspace.set_scratch(3, value);
    machine.workspace.scratch() as u64 + 16
}

impl Machine {
    /// The program that a tail call goes on with, if any.
    pub fn tail_call_target(&mut self, map: u64, index: u32, slot: usize) -> Option<usize> {
        self.helper_calls[TAIL_CALL as usize] += 1;
        let program = self.program_at(map, index, slot)?;
        if self.tail_calls_left == 0 {
            return None;
        }
        self.tail_calls_left -= 1;
        Some(program)
    }
}
