//! The second back end: programs as WebAssembly modules over this module's own memory. The compiler is the page's
//! (`src/datapaths/ebpf/compile/`); its functions stand in this module's table, so that no call goes by JavaScript.

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use super::backend::{Backend, Stop};
use super::fuel::Meter;
use super::{Machine, current};
use crate::program::rewrite::{FRAME, SPILL};
use crate::program::sites::{Site, SiteAction};

#[wasm_bindgen(typescript_custom_section)]
const COMPILER: &str = "
/** Makes rewritten programs into functions in the VM's table. */
export interface Compiler {
    /** `numbers` as `compiled.rs` lays them out. The function's index, 0 where the program cannot be compiled, or 2^32 - 1 where that is not known yet. */
    compile(program: Uint8Array, numbers: Int32Array): number;
    /** The function at an index is not called again. */
    release(index: number): void;
}
";

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(typescript_type = "Compiler")]
    pub type Compiler;
    #[wasm_bindgen(method)]
    fn compile(this: &Compiler, program: &[u8], numbers: &[i32]) -> u32;
    #[wasm_bindgen(method)]
    fn release(this: &Compiler, index: u32);
}

/// When programs are compiled: each once rbpf has run that many instructions of it for every slot that it has, so that
/// interpreting it took about as long as compiling it does.
pub struct Tier {
    pub compiler: Rc<Compiler>,
    pub after: u64,
}

const LATER: u32 = u32::MAX;

pub struct Compiled {
    compiler: Rc<Compiler>,
    index: u32,
}

impl Compiled {
    /// None where the compiler does not know yet, None in it where the program cannot be compiled. Told are the areas that every run may touch, the scratch's address, the bytes of
    /// a frame below and above r10, and of each site two numbers: how many instructions more must fit into the fuel
    /// where it only counts, or -1 where it does more, and what it counts.
    pub fn new(bytes: &[u8], sites: &[Site], machine: &Machine) -> Option<Option<Compiled>> {
        let compiler = machine.tier.as_ref()?.compiler.clone();
        let mut numbers: Vec<i32> = Vec::with_capacity(7 + 2 * sites.len());
        for area in [machine.workspace.bytes(), machine.packet.all()] {
            numbers.extend([area.as_ptr() as i32, area.len() as i32]);
        }
        numbers.extend([machine.workspace.scratch() as i32, FRAME as i32, SPILL as i32]);
        for site in sites {
            let more = match site.action {
                SiteAction::Count => 1,
                SiteAction::Exit => 0,
                _ => -1,
            };
            numbers.extend([more, site.counted as i32]);
        }
        let index = compiler.compile(bytes, &numbers);
        (index != LATER).then(|| (index != 0).then(|| Compiled { compiler, index }))
    }
}

impl Backend for Compiled {
    unsafe fn execute(&self, machine: *mut Machine) -> Result<u64, Stop> {
        // SAFETY: the compiler put a function of this type there, which stays until `release`.
        let (run, meter) = unsafe { (std::mem::transmute::<usize, extern "C" fn(*mut Meter) -> u64>(self.index as usize), &raw mut (*machine).meter) };
        let value = run(meter);
        // SAFETY: the program has ended.
        unsafe { (*machine).stop.take() }.map_or(Ok(value), Err)
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        self.compiler.release(self.index);
    }
}

/// A compiled program asks for the range of memory that an access beyond the areas that it knows begins in: start, and
/// length in the upper half. 0: there is none, and it has to end. `access`: the bytes, and bit 8 for a store; 0 where
/// functions call one another too deep.
///
/// rbpf also lets a program into a stack that it makes itself, anew in each run; nobody tells a program its address.
#[unsafe(no_mangle)]
pub extern "C" fn locate(address: u32, access: u32, position: u32) -> u64 {
    let machine = current();
    if access == 0 {
        machine.stop = Some(Stop::too_deep());
        return 0;
    }
    let levels = machine.levels[..machine.level].iter().map(|level| level.range().start as u64..level.range().end as u64);
    let found = machine.arena.ranges().chain(machine.constants.ranges()).chain(levels).find(|range| range.contains(&u64::from(address)));
    if let Some(range) = found {
        return range.start | (range.end - range.start) << 32;
    }
    machine.stop = Some(Stop::at_access(access & 0x100 != 0, &(access & 0xff).to_string(), &format!("{address:#x}"), position as usize));
    0
}
