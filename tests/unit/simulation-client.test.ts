import * as Comlink from 'comlink';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answer } from '../../src/simulation/answer.ts';
import type { Opened, PortedRace, Progress } from '../../src/simulation/api.ts';
import { SimulationClient, missingSupport } from '../../src/simulation/client.ts';
import type { Scene } from '../../src/simulation/scene.ts';
import type { RuleTables, Walk } from '../../src/simulation/rules/api.ts';
import { SimulationError } from '../../src/simulation/simulation-error.ts';
import type { WorkerApi } from '../../src/simulation/worker-api.ts';

const scene = (seed: number): Scene => ({ version: 1, mode: 'race', cluster: { kind: 'preset', preset: '1' }, seed, target: { servicePort: null, position: null }, connection: 'new', packet: 0, profile: 'p', added: [] });
const view = { kind: 'maps' } as const;
/** A scene with this seed never gets an answer; one with this seed is refused. */
const STUCK = 99;
const REFUSED = 98;

/** A worker's two ends of a channel in one thread; the far end writes down what it is asked. */
class FakeWorker extends EventTarget {
  readonly calls: string[] = [];
  ended = false;
  readonly #near: MessagePort;
  readonly #far: MessagePort;

  constructor() {
    super();
    const { port1, port2 } = new MessageChannel();
    this.#near = port1;
    this.#far = port2;
    Comlink.expose(this.#api(), port2);
    port1.addEventListener('message', (event) => this.dispatchEvent(new MessageEvent('message', { data: event.data, ports: [...event.ports] })));
    port1.start();
  }

  #api(): WorkerApi {
    const about = async (call: string, { seed }: Pick<Scene, 'seed'>) => {
      this.calls.push(`${call} ${seed}`);
      if (seed === STUCK) await new Promise(() => undefined);
      if (seed === REFUSED) throw new SimulationError('simulation_target', { target: 'a/b:c' });
    };
    return {
      keep: () => answer(() => undefined),
      use: () => answer(() => undefined),
      open: (wanted, progress) => answer(async () => {
        progress({ task: 'ebpf', done: 0.5 });
        await about('open', wanted);
        return { services: wanted.seed } as Opened;
      }),
      race: (wanted) => answer(async () => {
        await about('race', wanted);
        return { packet: { length: wanted.seed } } as PortedRace;
      }),
      update: (wanted) => answer(async () => {
        await about('update', wanted);
        throw new TypeError('something of the engines');
      }),
      inspect: () => answer(() => {
        this.calls.push('inspect');
        return { kind: 'nothing' };
      }),
      targets: () => answer(() => []),
      read: () => answer(() => ({ lines: 1, services: [], endpoints: 0, ignored: {}, faults: [], becomes: { rules: 23, entries: 0 } })),
      countUpdates: () => answer(() => ({ legacy: [], nft: [] })),
      rulesTables: (wanted) => answer(async () => {
        await about('rules.tables', wanted);
        return { tables: [{ table: 'nat', chains: 4, rules: wanted.seed }] } as unknown as RuleTables;
      }),
      rulesGraph: (wanted, table) => answer(async () => {
        await about('rules.graph', wanted);
        return { table, nodes: [], edges: [] };
      }),
      rulesChains: () => answer(() => ({ total: 0, chains: [] })),
      rulesChain: () => answer(() => null),
      rulesSend: () => answer(() => ({ rules: [] }) as unknown as Walk),
    };
  }

  postMessage(message: unknown, transfer: Transferable[] = []): void {
    this.#near.postMessage(message, transfer);
  }

  terminate(): void {
    this.ended = true;
    this.#near.close();
    this.#far.close();
  }
}

const workers: FakeWorker[] = [];
const client = () => new SimulationClient(() => {
  const worker = new FakeWorker();
  workers.push(worker);
  return worker as unknown as Worker;
});
const nothing = () => undefined;
/** What a call failed with. */
const failure = async (call: Promise<unknown>): Promise<SimulationError> => {
  const error: unknown = await call.then(() => null, (thrown: unknown) => thrown);
  if (!(error instanceof SimulationError)) throw new Error(`no SimulationError: ${String(error)}`);
  return error;
};

beforeEach(() => {
  vi.stubGlobal('Worker', FakeWorker);
});
afterEach(() => {
  vi.unstubAllGlobals();
  for (const worker of workers.splice(0)) worker.terminate();
});

describe('a client', () => {
  it('starts its worker with the first call, and no second one', async () => {
    const api = client();
    expect(workers).toHaveLength(0);
    expect(await api.open(scene(1), nothing)).toEqual({ services: 1 });
    expect(await api.race(scene(2))).toEqual({ packet: { length: 2 } });
    expect(workers.map(({ calls }) => calls)).toEqual([['open 1', 'race 2']]);
  });

  it('asks for rules in the same queue, with the same errors and the same end', async () => {
    const api = client();
    const done: string[] = [];
    await Promise.all([api.race(scene(1)).then(() => done.push('race')), api.rules.tables(scene(2)).then(({ tables }) => done.push(`${tables[0]?.rules} rules`)), api.rules.graph(scene(3), 'nat').then(({ table }) => done.push(table))]);
    expect(done).toEqual(['race', '2 rules', 'nat']);
    expect((await failure(api.rules.tables(scene(REFUSED)))).key).toBe('simulation_target');
    const stuck = failure(api.rules.graph(scene(STUCK), 'nat'));
    const waiting = failure(api.rules.chain(scene(1), 'nat', 'KUBE-SERVICES', 0, 10));
    await vi.waitFor(() => {
      expect(workers[0]?.calls).toContain(`rules.graph ${STUCK}`);
    });
    api.cancel();
    expect([(await stuck).key, (await waiting).key]).toEqual(['client_cancelled', 'client_cancelled']);
    // The new worker has the scene's lanes from the call itself.
    expect((await api.rules.tables(scene(4))).tables).toMatchObject([{ rules: 4 }]);
    expect(workers.map(({ calls }) => calls.at(-1))).toEqual([`rules.graph ${STUCK}`, 'rules.tables 4']);
  });

  it('hands progress on', async () => {
    const seen: Progress[] = [];
    await client().open(scene(1), (progress) => seen.push(progress));
    await vi.waitFor(() => {
      expect(seen).toEqual([{ task: 'ebpf', done: 0.5 }]);
    });
  });

  it('answers in the order of asking, one at a time', async () => {
    const api = client();
    const done: number[] = [];
    await Promise.all([3, 1, 2].map(async (seed) => done.push((await api.race(scene(seed))).packet.length)));
    expect(done).toEqual([3, 1, 2]);
  });

  it('gives an error its key and values, and goes on', async () => {
    const api = client();
    const error = await failure(api.open(scene(REFUSED), nothing));
    expect([error.key, error.values, error.message]).toEqual(['simulation_target', { target: 'a/b:c' }, 'There is no Service port a/b:c in this cluster. Choose another target.']);
    expect((await failure(api.update(scene(1)))).key).toBe('simulation_engine');
    expect(await api.race(scene(1))).toEqual({ packet: { length: 1 } });
  });

  it('is cancelled: all that waits fails, the worker ends, and a new one builds what the page shows', async () => {
    const api = client();
    await api.open(scene(1), nothing);
    const stuck = failure(api.open(scene(STUCK), nothing));
    const waiting = failure(api.race(scene(2)));
    await vi.waitFor(() => {
      expect(workers[0]?.calls).toContain(`open ${STUCK}`);
    });
    api.cancel();
    expect((await stuck).key).toBe('client_cancelled');
    expect((await waiting).key).toBe('client_cancelled');
    expect(workers[0]?.ended).toBe(true);
    expect(await api.inspect('ebpf', view)).toEqual({ kind: 'nothing' });
    await api.inspect('ebpf', view);
    expect(workers[1]?.calls).toEqual(['open 1', 'inspect', 'inspect']);
  });

  it('is cancelled where nothing waits', async () => {
    const api = client();
    api.cancel();
    await api.race(scene(4));
    api.cancel();
    expect(await api.race(scene(5))).toEqual({ packet: { length: 5 } });
    expect(workers[1]?.calls).toEqual(['race 5']);
  });

  it('a failed build is built again before lanes are looked at', async () => {
    const api = client();
    await api.open(scene(1), nothing);
    await failure(api.open(scene(REFUSED), nothing));
    await api.inspect('ebpf', view);
    expect(workers[0]?.calls).toEqual(['open 1', `open ${REFUSED}`, 'open 1', 'inspect']);
  });

  it('says when its worker died, and starts another', async () => {
    const api = client();
    const stuck = failure(api.race(scene(STUCK)));
    await vi.waitFor(() => {
      expect(workers[0]?.calls).toHaveLength(1);
    });
    workers[0]?.dispatchEvent(new Event('error'));
    expect((await stuck).key).toBe('client_stopped');
    expect(await api.race(scene(1))).toEqual({ packet: { length: 1 } });
    expect(workers).toHaveLength(2);
  });
});

describe('a browser that lacks something', () => {
  it.each([
    ['client_no_worker', 'Worker'],
    ['client_no_wasm', 'WebAssembly'],
  ])('%s', async (key, global) => {
    vi.stubGlobal(global, undefined);
    expect(missingSupport()?.key).toBe(key);
    expect((await failure(client().race(scene(1)))).key).toBe(key);
    expect(workers).toHaveLength(0);
  });

  it('and one that does not', () => {
    expect(missingSupport()).toBeNull();
  });
});
