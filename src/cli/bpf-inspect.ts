import { readFileSync } from 'node:fs';
import { createVm } from '../datapaths/ebpf/rbpf-vm.ts';
import { BpfError } from '../datapaths/ebpf/vm.ts';
import { readAssets } from '../simulation/node-assets.ts';
import { UsageError, type Command } from './command.ts';

/** One line an object: `{"object","programs","maps"}` or `{"object","error"}`. */
export const command: Command = {
  usage: ['F.o…'],
  summary: 'What objects hold, without loading them.',
  run(files, print) {
    if (files.length === 0) throw new UsageError('Name an object: the .o file that clang -target bpf makes.');
    const vm = createVm(readAssets().wasm);
    for (const object of files) {
      try {
        const { programs, maps } = vm.inspect(new Uint8Array(readFileSync(object)));
        print(
          JSON.stringify({
            object,
            programs: programs.map(({ name, section, type, license, instructions }) => ({ name, section, type, license, instructions })),
            maps: maps.map(({ name, type, keySize, valueSize, maxEntries, flags }) => ({ name, type, keySize, valueSize, maxEntries, flags })),
          }),
        );
      } catch (error) {
        if (!(error instanceof BpfError) && !(error instanceof Error && 'code' in error)) throw error;
        print(JSON.stringify({ object, error: error instanceof BpfError && error.program !== null ? `${error.program}: ${error.message}` : error.message }));
      }
    }
  },
};
