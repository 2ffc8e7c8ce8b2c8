import { functionTable, type Compiler, type InitOutput } from '../../../../wasm/pkg/chain_vs_map_vm.js';

/** Makes a rewritten program's bytes a module's: `compileProgram`, which is loaded where nobody gives it. */
export type ModuleWriter = (program: Uint8Array, numbers: Int32Array) => Uint8Array<ArrayBuffer> | null;

const CANNOT = 0;
/** How the VM is told to ask again at the next run. */
const LATER = 0xffff_ffff;

/** Compiles programs into the table of the VM's instance, which calls them as its own functions. */
export class ProgramCompiler implements Compiler {
  readonly #vm: Pick<InitOutput, 'memory' | 'locate' | 'reach'>;
  readonly #table: WebAssembly.Table;
  /** Places in the table that were given back. */
  readonly #free: number[] = [];

  #write: ModuleWriter | null;
  #loading = false;

  /** Without `write`, a page loads it when the first program is worth compiling, and not before. */
  constructor(vm: InitOutput, write: ModuleWriter | null = null) {
    this.#write = write;
    this.#vm = { memory: vm.memory, locate: vm.locate, reach: vm.reach };
    this.#table = functionTable() as WebAssembly.Table;
  }

  compile(program: Uint8Array, numbers: Int32Array): number {
    if (this.#write === null) {
      void this.#load();
      return LATER;
    }
    const bytes = this.#write(program, numbers);
    if (bytes === null) return CANNOT;
    try {
      const { run } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { vm: this.#vm }).exports;
      const index = this.#free.pop() ?? this.#table.grow(1);
      this.#table.set(index, run);
      return index;
    } catch (error) {
      // Larger than the engine takes, or no compiling here: the program stays with rbpf.
      if (error instanceof WebAssembly.CompileError || error instanceof RangeError) return CANNOT;
      throw error;
    }
  }

  async #load(): Promise<void> {
    if (this.#loading) return;
    this.#loading = true;
    try {
      this.#write = (await import('./compile-program.ts')).compileProgram;
    } catch {
      // Not to be had, offline: everything stays with rbpf.
      this.#write = () => null;
    }
  }

  release(index: number): void {
    this.#table.set(index, null);
    this.#free.push(index);
  }
}
