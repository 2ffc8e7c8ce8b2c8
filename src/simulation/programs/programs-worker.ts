import * as Comlink from 'comlink';
import { answer } from '../answer.ts';
import { fetchAssets } from '../page-assets.ts';
import { retried } from '../retried.ts';
import { Programs } from './programs.ts';
import type { ProgramsWorkerApi } from './worker-api.ts';

const SEED = 1;
/** Made at the first call, and again where that failed. */
const programs = retried(async () => new Programs(await fetchAssets(), SEED));

const api: ProgramsWorkerApi = {
  samples: () => answer(async () => (await programs()).samples()),
  open: (source) => answer(async () => (await programs()).open(source)),
  program: (name) => answer(async () => (await programs()).program(name)),
  async run(program, input) {
    const answered = await answer(async () => (await programs()).run(program, input));
    if (!answered.ok || !('value' in answered.value)) return answered;
    const { instruction, registers } = answered.value.value.steps;
    return Comlink.transfer(answered, [instruction.buffer, registers.buffer]);
  },
  maps: () => answer(async () => (await programs()).maps()),
  map: (name, from, count) => answer(async () => (await programs()).map(name, from, count)),
  find: (map, key) => answer(async () => (await programs()).find(map, key)),
  bytesOf: (map) => answer(async () => (await programs()).bytesOf(map)),
  put: (map, key, value) => answer(async () => (await programs()).put(map, key, value)),
  remove: (map, key) => answer(async () => (await programs()).remove(map, key)),
  clear: (map) => answer(async () => (await programs()).clear(map)),
  reset: () => answer(async () => (await programs()).reset()),
};

Comlink.expose(api);
