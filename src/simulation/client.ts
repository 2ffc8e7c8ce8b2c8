import type { DatapathId } from '../datapaths/registry-id.ts';
import type { Snapshot, View } from '../datapaths/view.ts';
import type { CountedUpdates, Opened, Progress, Race, Reading, SimulationApi, Target, Update, UpdateShape } from './api.ts';
import type { Thread } from './engine-thread.ts';
import { Engines } from './engines.ts';
import type { RulesApi } from './rules/api.ts';
import type { Scene, SceneCluster } from './scene.ts';
import { asSimulationError, SimulationError } from './simulation-error.ts';

/** What this browser lacks; null: nothing. */
export function missingSupport(): SimulationError | null {
  if (typeof Worker === 'undefined') return new SimulationError('client_no_worker');
  if (typeof WebAssembly === 'undefined') return new SimulationError('client_no_wasm');
  return null;
}

/** Makes the worker that the engines run in. */
function startWorker(): Worker {
  return new Worker(new URL('./worker.ts', import.meta.url), { type: 'module', name: 'engines' });
}

/** Another one for the second lane, where the machine has another processor for it. */
function startSecondWorker(): Worker | null {
  return navigator.hardwareConcurrency > 1 ? startWorker() : null;
}

/**
 * The page's side of the engines. Workers start with the first call that needs them; calls are answered one after the
 * other, in their order. Every failure is a `SimulationError`.
 */
export class SimulationClient implements SimulationApi {
  readonly rules: RulesApi = {
    tables: (scene, progress) => this.#call((engines) => engines.rules.tables(scene, progress), scene),
    graph: (scene, table) => this.#call((engines) => engines.rules.graph(scene, table), scene),
    chains: (scene, table, wanted, from, count) => this.#call((engines) => engines.rules.chains(scene, table, wanted, from, count), scene),
    chain: (scene, table, chain, from, count) => this.#call((engines) => engines.rules.chain(scene, table, chain, from, count), scene),
    send: (scene, made) => this.#call((engines) => engines.rules.send(scene, made), scene),
  };
  readonly #start: () => Thread;
  readonly #startSecond: () => Thread | null;
  #engines: Engines | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  /** Ends each call that has not been answered. */
  readonly #waiting = new Set<(error: SimulationError) => void>();
  /** The scene whose lanes the page shows: new workers have none, and build it when it is looked into. */
  #shown: Scene | null = null;

  constructor(start: () => Thread = startWorker, startSecond: () => Thread | null = startSecondWorker) {
    this.#start = start;
    this.#startSecond = startSecond;
  }

  open(scene: Scene, progress: (progress: Progress) => void): Promise<Opened> {
    return this.#call((engines) => engines.open(scene, progress), scene);
  }

  race(scene: Scene): Promise<Race> {
    return this.#call((engines) => engines.race(scene), scene);
  }

  update(scene: Scene): Promise<Update> {
    return this.#call((engines) => engines.update(scene), scene);
  }

  countUpdates(shape: UpdateShape): Promise<CountedUpdates> {
    return this.#call((engines) => engines.countUpdates(shape));
  }

  inspect(datapath: DatapathId, view: View): Promise<Snapshot> {
    return this.#call((engines) => engines.inspect(this.#shown, datapath, view));
  }

  targets(text: string): Promise<readonly Target[]> {
    return this.#call((engines) => engines.targets(this.#shown, text));
  }

  read(cluster: SceneCluster, progress?: (progress: Progress) => void): Promise<Reading> {
    return this.#call((engines) => engines.read(cluster, progress));
  }

  /**
   * Ends whatever is under way: the workers are ended, and every call that was not answered fails with `client_cancelled`.
   * The page keeps what it has; the next call starts new workers, which build the shown scene again when it is needed.
   */
  cancel(): void {
    this.#end(new SimulationError('client_cancelled'));
  }

  #end(error: SimulationError): void {
    this.#engines?.end();
    this.#engines = null;
    this.#queue = Promise.resolve();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const reject of waiting) reject(error);
  }

  /** `scene`: whose lanes the workers have after the call. */
  #call<T>(run: (engines: Engines) => Promise<T>, scene?: Scene): Promise<T> {
    const missing = missingSupport();
    if (missing) return Promise.reject(missing);
    return new Promise<T>((resolve, reject) => {
      const fail = (error: unknown) => {
        this.#waiting.delete(fail);
        reject(asSimulationError(error));
      };
      this.#waiting.add(fail);
      this.#queue = this.#queue.then(async () => {
        // Ended while it waited.
        if (!this.#waiting.has(fail)) return;
        try {
          const value = await run((this.#engines ??= this.#startEngines()));
          if (!this.#waiting.delete(fail)) return;
          if (scene) this.#shown = scene;
          resolve(value);
        } catch (error) {
          fail(error);
        }
      });
    });
  }

  #startEngines(): Engines {
    const engines: Engines = new Engines({
      start: this.#start,
      startSecond: this.#startSecond,
      onstop: (error) => {
        if (this.#engines === engines) this.#end(error);
      },
    });
    return engines;
  }
}
