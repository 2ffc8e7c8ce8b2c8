import { existsSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { compileProgram } from '../datapaths/ebpf/compile/compile-program.ts';
import { createVm } from '../datapaths/ebpf/rbpf-vm.ts';
import { BpfError, type Collection, type RunOutput } from '../datapaths/ebpf/vm.ts';
import { readAssets } from '../simulation/node-assets.ts';
import { BACKEND_USAGE, backendOf } from './backend-option.ts';
import { CommandError, UsageError, type Command } from './command.ts';
import { formatHex, parseHex } from './hex.ts';
import { required } from './input.ts';
import { whyNoPacket } from './packet-programs.ts';

/** One program once: bare instructions on a block of memory, or a program of an object on a packet or context. */
export const command: Command = {
  usage: [`--program HEX|F.o [--name P] [--memory HEX] [--packet HEX] [--steps] ${BACKEND_USAGE}`],
  summary: 'Runs one program: r0, memory or packet out, counts.',
  run(args, print) {
    const options = { program: { type: 'string' }, name: { type: 'string' }, memory: { type: 'string' }, packet: { type: 'string' }, seed: { type: 'string', default: '1' }, steps: { type: 'boolean', default: false }, backend: { type: 'string' } } as const;
    const { values } = parseArgs({ args: [...args], options });
    const program = required(values.program, 'program');
    const vm = createVm(readAssets().wasm, compileProgram);
    const data = values.packet ?? values.memory ?? '';
    const bytes = parseHex(data, values.packet === undefined ? '--memory' : '--packet');
    try {
      if (!existsSync(program)) {
        if (/[./\\]/.test(program)) throw new CommandError(`${program}: there is no such file.`);
        if (values.packet !== undefined) throw new UsageError('--packet goes with an object; bare instructions take --memory.');
        const { r0, instructions, memory } = vm.runMemory(parseHex(program, '--program'), bytes, { backend: backendOf(values.backend, 'rbpf') });
        print(JSON.stringify({ r0: `0x${r0.toString(16)}`, instructions, memory: formatHex(memory) }));
        return;
      }
      const collection = vm.load(new Uint8Array(readFileSync(program)), { seed: Number(values.seed), backend: backendOf(values.backend, 'tiered') });
      const name = chosen(collection, values.name);
      const spec = collection.spec.programs.find((candidate) => candidate.name === name);
      const refusal = spec && values.packet !== undefined ? whyNoPacket(spec.type, spec.section) : null;
      if (refusal !== null) throw new CommandError(`${name}: ${refusal}`);
      const output = collection.run(name, { data: bytes, detail: values.steps ? 'steps' : 'counts' });
      for (const line of output.printed) print(JSON.stringify({ printed: line }));
      print(JSON.stringify(summary(output)));
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      const place = [error.program, error.instruction === null ? null : `instruction ${error.instruction}`].filter((part) => part !== null).join(', ');
      throw new CommandError(place === '' ? error.message : `${place}: ${error.message}`, { cause: error });
    }
  },
};

function chosen({ spec }: Collection, name: string | undefined): string {
  const [only, ...others] = spec.programs;
  if (name !== undefined) return name;
  if (!only) throw new CommandError('The object holds no program.');
  if (others.length > 0) throw new UsageError(`The object holds ${spec.programs.map((program) => program.name).join(', ')}: say which with --name.`);
  return only.name;
}

function summary({ value, data, mark, redirect, instructions, helperCalls, accesses, steps }: RunOutput) {
  return {
    r0: `0x${value.toString(16)}`,
    data: formatHex(data),
    mark,
    redirect,
    instructions,
    helperCalls,
    accesses: accesses.map(({ key, value: bytes, ...rest }) => ({ ...rest, key: formatHex(key), value: bytes === null ? null : formatHex(bytes) })),
    ...(steps ? { steps: Array.from(steps.instruction, (instruction, index) => ({ instruction, registers: Array.from(steps.registers.subarray(index * 11, index * 11 + 11), (register) => `0x${register.toString(16)}`) })) } : {}),
  };
}
