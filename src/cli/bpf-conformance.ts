import { compileProgram } from '../datapaths/ebpf/compile/compile-program.ts';
import { createVm } from '../datapaths/ebpf/rbpf-vm.ts';
import { BpfError } from '../datapaths/ebpf/vm.ts';
import { readAssets } from '../simulation/node-assets.ts';
import { BACKEND_USAGE, backendOf } from './backend-option.ts';
import { CommandError, type Command } from './command.ts';
import { parseHex } from './hex.ts';
import { readJson, required } from './input.ts';
import { parseArgs } from 'node:util';

interface Case {
  /** Name. */
  readonly n: string;
  /** Instructions and memory, in hexadecimal. */
  readonly bc: string;
  readonly mem: string;
}

/** The cases of the public BPF conformance suite, in their order: `{"n","r0"}` or `{"n","error"}` a line. */
export const command: Command = {
  usage: [`--cases F.json ${BACKEND_USAGE}`],
  summary: 'The public BPF conformance suite: what each case leaves in r0.',
  run(args, print) {
    const { values } = parseArgs({ args: [...args], options: { cases: { type: 'string' }, backend: { type: 'string' } } });
    const backend = backendOf(values.backend, 'rbpf');
    const file = required(values.cases, 'cases');
    const cases = readJson(file);
    if (!Array.isArray(cases)) throw new CommandError(`${file}: this is no list of cases.`);
    const vm = createVm(readAssets().wasm, compileProgram);
    (cases as unknown[]).forEach((record, index) => {
      const { n = `case ${index + 1}`, bc, mem = '' } = (typeof record === 'object' && record !== null ? record : {}) as Partial<Case>;
      try {
        if (typeof bc !== 'string') throw new CommandError('"bc" is missing: the instructions in hexadecimal.');
        print(JSON.stringify({ n, r0: `0x${vm.runMemory(parseHex(bc, 'bc'), parseHex(mem, 'mem'), { backend }).r0.toString(16)}` }));
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        print(JSON.stringify({ n, error: error instanceof BpfError && error.instruction !== null ? `instruction ${error.instruction}: ${error.message}` : error.message }));
      }
    });
  },
};
