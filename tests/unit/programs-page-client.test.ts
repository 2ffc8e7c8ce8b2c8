import * as Comlink from 'comlink';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { OpenedObject } from '../../src/simulation/programs/api.ts';
import { ProgramsClient } from '../../src/simulation/programs/client.ts';
import type { ProgramsWorkerApi } from '../../src/simulation/programs/worker-api.ts';
import { SimulationError } from '../../src/simulation/simulation-error.ts';

const OPENED: OpenedObject = { spec: { programs: [], maps: [] }, fault: null, maps: [], constants: [], filled: [] };

/** A worker's two ends in one thread; the program `stuck` is never answered. */
class FakeWorker extends EventTarget {
  ended = false;
  readonly #near: MessagePort;

  constructor() {
    super();
    const { port1, port2 } = new MessageChannel();
    this.#near = port1;
    const api: Partial<ProgramsWorkerApi> = {
      samples: () => Promise.resolve({ ok: true, value: ['a'] }),
      open: () => Promise.resolve({ ok: true, value: { value: OPENED } }),
      program: (name) => (name === 'stuck' ? new Promise(() => undefined) : Promise.resolve({ ok: false, key: 'client_assets', values: { file: 'x' } })),
    };
    Comlink.expose(api, port2);
    port1.addEventListener('message', (event) => this.dispatchEvent(new MessageEvent('message', { data: event.data, ports: [...event.ports] })));
    port1.start();
  }

  postMessage(message: unknown, transfer: Transferable[] = []): void {
    this.#near.postMessage(message, transfer);
  }

  terminate(): void {
    this.ended = true;
    this.#near.close();
  }
}

describe('the page’s side of the mode Programs', () => {
  const made: FakeWorker[] = [];
  const client = () => new ProgramsClient(() => {
    const worker = new FakeWorker();
    made.push(worker);
    return worker as unknown as Worker;
  });

  beforeEach(() => {
    made.length = 0;
    vi.stubGlobal('Worker', FakeWorker);
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it('starts one worker, with the first call', async () => {
    const one = client();
    expect(made).toHaveLength(0);
    expect(await one.samples()).toEqual(['a']);
    expect(await one.open({ kind: 'sample', name: 'a' })).toEqual({ value: OPENED });
    expect(made).toHaveLength(1);
  });

  it('throws an answered error as what it was', async () => {
    await expect(client().program('x')).rejects.toMatchObject({ key: 'client_assets', values: { file: 'x' } });
  });

  it('ends what is under way for another object', async () => {
    const one = client();
    const stuck = one.program('stuck');
    const opened = one.open({ kind: 'sample', name: 'a' });
    await expect(stuck).rejects.toMatchObject({ key: 'client_cancelled' });
    expect(await opened).toEqual({ value: OPENED });
    expect(made.map(({ ended }) => ended)).toEqual([true, false]);
  });

  it('says when the worker stops of itself, and starts another', async () => {
    const one = client();
    const stuck = one.program('stuck');
    made[0]?.dispatchEvent(Object.assign(new Event('error'), { message: 'out of memory' }));
    await expect(stuck).rejects.toEqual(new SimulationError('client_stopped', { reason: 'out of memory' }));
    expect(await one.samples()).toEqual(['a']);
    expect(made).toHaveLength(2);
  });

  it('says what the browser lacks', async () => {
    vi.stubGlobal('Worker', undefined);
    await expect(client().samples()).rejects.toMatchObject({ key: 'client_no_worker' });
  });
});
