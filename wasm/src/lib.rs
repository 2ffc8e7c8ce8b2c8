//! An eBPF VM for WebAssembly: clang's objects, maps as Linux builds them, programs in unmodified rbpf.
//!
//! read (object) → link → check → rewrite (program) → run (machine). This file only converts and delegates.

mod collection;
mod fault;
mod json;
mod machine;
mod map;
mod memory_run;
mod object;
mod program;
mod raw;
mod verify;

use wasm_bindgen::prelude::*;

use collection::{Input, LoadOptions, Output};
use fault::Fault;
use machine::access::pack;
use machine::compiled::{Compiler, Tier};
use machine::context::PacketContext;
use map::kind::kind_name;
use map::{Map, MapSpec};
use object::ObjectSpec;
use program::liveness::instructions;
use program::rewrite::Detail;

/// Faults cross the border as JSON: `{"message","program","instruction"}`.
fn thrown(fault: Fault) -> JsValue {
    let program = json::optional(fault.program.as_deref().map(json::string));
    let instruction = json::optional(fault.instruction.map(|slot| slot.to_string()));
    JsValue::from_str(&format!("{{\"message\":{},\"program\":{program},\"instruction\":{instruction}}}", json::string(&fault.message)))
}

/// The table of this module's functions, which compiled programs join.
#[wasm_bindgen(js_name = functionTable)]
pub fn function_table() -> JsValue {
    wasm_bindgen::function_table()
}

/// Reads an object without loading it: `{"programs":[…],"maps":[…]}`.
#[wasm_bindgen]
pub fn inspect(object: &[u8]) -> Result<String, JsValue> {
    object::read(object).map(|spec| spec_json(&spec)).map_err(thrown)
}

fn spec_json(spec: &ObjectSpec) -> String {
    let programs = spec.programs.iter().map(|program| {
        format!(
            "{{\"name\":{},\"section\":{},\"type\":{},\"license\":{},\"instructions\":{},\"unsupported\":{}}}",
            json::string(&program.name),
            json::string(&program.section),
            json::string(program.kind),
            json::string(&program.license),
            instructions(&program.code).count(),
            json::optional(program.unsupported.as_ref().map(|fault| json::string(&fault.message))),
        )
    });
    let maps = spec.maps.iter().map(|map| map_spec_json(&map.spec));
    format!("{{\"programs\":{},\"maps\":{}}}", json::array(programs), json::array(maps))
}

fn map_spec_json(spec: &MapSpec) -> String {
    format!(
        "{{\"name\":{},\"type\":{},\"keySize\":{},\"valueSize\":{},\"maxEntries\":{},\"flags\":{}}}",
        json::string(&spec.name),
        json::string(&kind_name(spec.kind)),
        spec.key_size,
        spec.value_size,
        spec.max_entries,
        spec.flags
    )
}

/// Runs bytes as one program on a block of memory; the answer is `{"r0":"0x…","instructions":…}` with the memory after.
#[wasm_bindgen]
pub struct MemoryResult {
    result: memory_run::MemoryRun,
}

#[wasm_bindgen]
impl MemoryResult {
    #[wasm_bindgen(getter)]
    pub fn r0(&self) -> u64 {
        self.result.value
    }
    #[wasm_bindgen(getter)]
    pub fn instructions(&self) -> f64 {
        self.result.instructions as f64
    }
    #[wasm_bindgen(getter)]
    pub fn memory(&self) -> Vec<u8> {
        self.result.memory.clone()
    }
}

#[wasm_bindgen(js_name = runMemory)]
pub fn run_memory(program: &[u8], memory: &[u8], fuel: f64, compiler: Option<Compiler>) -> Result<MemoryResult, JsValue> {
    memory_run::run(program, memory, fuel as u64, compiler).map(|result| MemoryResult { result }).map_err(thrown)
}

/// For the benchmark: rbpf alone runs the bytes, `times` in a row. r0 at the last exit.
#[wasm_bindgen(js_name = runRaw)]
pub fn run_raw(program: &[u8], memory: &[u8], times: u32) -> Result<u64, JsValue> {
    raw::run(program, &memory.to_vec(), times).map_err(thrown)
}

/// For the benchmark: a program and its memory, prepared once as every program is.
#[wasm_bindgen]
pub struct MemoryProgram {
    inner: memory_run::MemoryProgram,
}

#[wasm_bindgen]
impl MemoryProgram {
    /// `counts`: as in every run; without them nothing is counted, and nothing ends an endless program.
    #[wasm_bindgen(constructor)]
    pub fn new(program: &[u8], memory: &[u8], counts: bool, compiler: Option<Compiler>) -> Result<MemoryProgram, JsValue> {
        memory_run::MemoryProgram::new(program, memory, if counts { Detail::Counts } else { Detail::Nothing }, compiler).map(|inner| MemoryProgram { inner }).map_err(thrown)
    }
    /// Runs it that many times on the memory as it is; r0 at the last exit.
    pub fn run(&mut self, times: u32) -> Result<u64, JsValue> {
        self.inner.repeat(times).map_err(thrown)
    }
    /// Counted in the last of the runs.
    #[wasm_bindgen(getter)]
    pub fn instructions(&self) -> f64 {
        self.inner.machine.meter.instructions as f64
    }
}

/// An object about to be loaded.
#[wasm_bindgen]
pub struct Loader {
    object: Vec<u8>,
    options: LoadOptions,
}

#[wasm_bindgen]
impl Loader {
    #[wasm_bindgen(constructor)]
    pub fn new(object: Vec<u8>, seed: u32, cpus: u32) -> Loader {
        Loader { object, options: LoadOptions { readers: true, seed, cpus, max_entries: Vec::new(), constants: Vec::new() } }
    }
    #[wasm_bindgen(js_name = setMaxEntries)]
    pub fn set_max_entries(&mut self, map: String, max_entries: u32) {
        self.options.max_entries.push((map, max_entries));
    }
    #[wasm_bindgen(js_name = setConstant)]
    pub fn set_constant(&mut self, variable: String, value: Vec<u8>) {
        self.options.constants.push((variable, value));
    }
    #[wasm_bindgen(js_name = withoutReaders)]
    pub fn without_readers(&mut self) {
        self.options.readers = false;
    }
    pub fn load(&self) -> Result<Collection, JsValue> {
        let spec = object::read(&self.object).map_err(thrown)?;
        let text = spec_json(&spec);
        let inner = collection::Collection::load(spec, &self.options).map_err(thrown)?;
        Ok(Collection { inner, spec: text })
    }
}

/// A loaded object.
#[wasm_bindgen]
pub struct Collection {
    inner: collection::Collection,
    spec: String,
}

#[wasm_bindgen]
impl Collection {
    /// As `inspect` gives it.
    #[wasm_bindgen(getter)]
    pub fn spec(&self) -> String {
        self.spec.clone()
    }
    #[wasm_bindgen(js_name = setFuel)]
    pub fn set_fuel(&mut self, instructions: f64) {
        self.inner.set_fuel(instructions as u64);
    }
    /// From now on programs are compiled, each once it is worth it (`Tier`); without a compiler rbpf runs them all.
    #[wasm_bindgen(js_name = setCompiler)]
    pub fn set_compiler(&mut self, compiler: Option<Compiler>, after: f64) {
        self.inner.set_tier(compiler.map(|compiler| Tier { compiler: compiler.into(), after: after as u64 }));
    }
    /// For the benchmark: without counts, instructions are 0 and nothing ends an endless program.
    #[wasm_bindgen(js_name = setCounts)]
    pub fn set_counts(&mut self, counts: bool) {
        self.inner.set_counts(counts);
    }
    pub fn reseed(&mut self, seed: u32) {
        self.inner.reseed(seed);
    }
    #[allow(clippy::too_many_arguments)]
    pub fn run(&mut self, program: &str, data: &[u8], ifindex: u32, ingress_ifindex: u32, mark: u32, now_ns: u64, steps: bool) -> Result<RunResult, JsValue> {
        let input = Input { data, packet: PacketContext { ifindex, ingress_ifindex, mark }, now_ns, steps };
        self.inner.run(program, &input).map(|output| RunResult { output }).map_err(thrown)
    }
    /// `[[slot, text, file, line, source, function], …]`: the C line is null where the object does not say, the function
    /// where none begins.
    pub fn disassemble(&self, program: &str) -> Result<String, JsValue> {
        let rows = self.inner.disassembly(program).map_err(thrown)?;
        Ok(json::array(rows.into_iter().map(|row| {
            let (file, line, source) = match &row.source {
                Some((file, line, source)) => (json::string(file), line.to_string(), json::string(source)),
                None => ("null".to_owned(), "null".to_owned(), "null".to_owned()),
            };
            let function = json::optional(row.function.as_deref().map(json::string));
            format!("[{},{},{file},{line},{source},{function}]", row.slot, json::string(&row.text))
        })))
    }
    /// Whether the program is safe: `{"refusal":{"instruction","message"}|null,"followed","gaveUp"}`.
    pub fn check(&self, program: &str) -> Result<String, JsValue> {
        let verdict = self.inner.check(program).map_err(thrown)?;
        let refusal = json::optional(verdict.refusal.map(|(slot, message)| format!("{{\"instruction\":{slot},\"message\":{}}}", json::string(&message))));
        Ok(format!("{{\"refusal\":{refusal},\"followed\":{},\"gaveUp\":{}}}", verdict.followed, verdict.gave_up))
    }
    pub fn lookup(&mut self, map: &str, key: &[u8]) -> Result<Option<Vec<u8>>, JsValue> {
        self.inner.lookup(map, key).map_err(thrown)
    }
    pub fn update(&mut self, map: &str, key: &[u8], value: &[u8]) -> Result<bool, JsValue> {
        self.inner.update(map, key, value, 0).map_err(thrown)
    }
    #[wasm_bindgen(js_name = updateAllCpus)]
    pub fn update_all_cpus(&mut self, map: &str, key: &[u8], value: &[u8]) -> Result<bool, JsValue> {
        let value = self.inner.value_for_all_cpus(map, value).map_err(thrown)?;
        self.inner.update(map, key, &value, 0).map_err(thrown)
    }
    pub fn delete(&mut self, map: &str, key: &[u8]) -> Result<bool, JsValue> {
        self.inner.delete(map, key).map_err(thrown)
    }
    pub fn bucket(&self, map: &str, key: &[u8]) -> Result<Option<u32>, JsValue> {
        self.inner.bucket(map, key).map_err(thrown)
    }
    #[wasm_bindgen(js_name = createInner)]
    pub fn create_inner(&mut self, outer: &str, key: &[u8]) -> Result<String, JsValue> {
        self.inner.create_inner(outer, key).map_err(thrown)
    }
    pub fn clear(&mut self, map: &str) -> Result<(), JsValue> {
        self.inner.clear(map).map_err(thrown)
    }
    /// A window of the entries in bucket order: bucket (u32), key, value, one behind the other.
    pub fn entries(&self, map: &str, from: u32, count: u32) -> Result<Vec<u8>, JsValue> {
        let map = self.inner.map(map).map_err(thrown)?;
        let mut out = Vec::new();
        map.window(from, count, |bucket, key, value| {
            out.extend_from_slice(&bucket.to_le_bytes());
            out.extend_from_slice(key);
            out.extend_from_slice(value);
        });
        Ok(out)
    }
    /// Name, type, sizes as declared or asked for; entries, buckets, bytes of a value as user space has it, CPUs.
    pub fn info(&self, map: &str) -> Result<String, JsValue> {
        let map: &Map = self.inner.map(map).map_err(thrown)?;
        let spec = map_spec_json(&map.spec);
        Ok(format!(
            "{},\"entries\":{},\"buckets\":{},\"userValueSize\":{},\"cpus\":{}}}",
            spec.trim_end_matches('}'),
            map.entries(),
            map.buckets(),
            map.user_value_size(),
            map.cpus()
        ))
    }
    /// Records handed to user space through this map since the last call: length (u32) and bytes, one behind the other.
    #[wasm_bindgen(js_name = takeRecords)]
    pub fn take_records(&mut self, map: &str) -> Result<Vec<u8>, JsValue> {
        let mut out = Vec::new();
        for record in self.inner.take_records(map).map_err(thrown)? {
            out.extend_from_slice(&(record.len() as u32).to_le_bytes());
            out.extend_from_slice(&record);
        }
        Ok(out)
    }
}

/// What one run gave.
#[wasm_bindgen]
pub struct RunResult {
    output: Output,
}

#[wasm_bindgen]
impl RunResult {
    #[wasm_bindgen(getter)]
    pub fn value(&self) -> u64 {
        self.output.value
    }
    #[wasm_bindgen(getter)]
    pub fn data(&self) -> Vec<u8> {
        self.output.data.clone()
    }
    #[wasm_bindgen(getter)]
    pub fn mark(&self) -> u32 {
        self.output.mark
    }
    /// Where a redirect goes, and by which helper; undefined without one.
    #[wasm_bindgen(getter, js_name = redirectIfindex)]
    pub fn redirect_ifindex(&self) -> Option<u32> {
        self.output.redirect.map(|redirect| redirect.ifindex)
    }
    #[wasm_bindgen(getter, js_name = redirectBy)]
    pub fn redirect_by(&self) -> Option<String> {
        self.output.redirect.map(|redirect| redirect.by.to_owned())
    }
    #[wasm_bindgen(getter)]
    pub fn instructions(&self) -> f64 {
        self.output.instructions as f64
    }
    /// `{"name":count,…}`.
    #[wasm_bindgen(getter, js_name = helperCalls)]
    pub fn helper_calls(&self) -> String {
        let calls: Vec<String> = self.output.helper_calls.iter().map(|(name, count)| format!("\"{name}\":{count}")).collect();
        format!("{{{}}}", calls.join(","))
    }
    /// Packed as `machine::access::pack` says.
    #[wasm_bindgen(getter)]
    pub fn accesses(&self) -> Vec<u8> {
        pack(&self.output.accesses)
    }
    #[wasm_bindgen(getter, js_name = stepInstructions)]
    pub fn step_instructions(&self) -> Vec<i32> {
        self.output.steps.instruction.clone()
    }
    #[wasm_bindgen(getter, js_name = stepRegisters)]
    pub fn step_registers(&self) -> Vec<u64> {
        self.output.steps.registers.clone()
    }
    /// A step and the program, by its place in the spec, that runs from it on; two numbers each.
    #[wasm_bindgen(getter, js_name = stepPrograms)]
    pub fn step_programs(&self) -> Vec<u32> {
        self.output.steps.programs.clone()
    }
    /// What `trace_printk` printed.
    #[wasm_bindgen(getter)]
    pub fn printed(&self) -> Vec<String> {
        self.output.printed.clone()
    }
}
