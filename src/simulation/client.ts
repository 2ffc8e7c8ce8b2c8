import * as Comlink from 'comlink';
import type { DatapathId } from '../datapaths/registry-id.ts';
import type { Snapshot, View } from '../datapaths/view.ts';
import { valueOf, type Answer } from './answer.ts';
import type { CountedUpdates, Opened, Progress, Race, Reading, SimulationApi, Target, Update, UpdateShape } from './api.ts';
import type { RulesApi } from './rules/api.ts';
import type { Scene, SceneCluster } from './scene.ts';
import { asSimulationError, SimulationError } from './simulation-error.ts';
import type { WorkerApi } from './worker-api.ts';

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

/**
 * The page's side of the engines. The worker starts with the first call; calls are answered one after the other, in
 * their order. Every failure is a `SimulationError`.
 */
export class SimulationClient implements SimulationApi {
  readonly rules: RulesApi = {
    tables: (scene) => this.#call((remote) => remote.rulesTables(scene), scene),
    graph: (scene, table) => this.#call((remote) => remote.rulesGraph(scene, table), scene),
    chains: (scene, table, wanted, from, count) => this.#call((remote) => remote.rulesChains(scene, table, wanted, from, count), scene),
    chain: (scene, table, chain, from, count) => this.#call((remote) => remote.rulesChain(scene, table, chain, from, count), scene),
    send: (scene, made) => this.#call((remote) => remote.rulesSend(scene, made), scene),
  };
  readonly #start: () => Worker;
  #worker: { readonly thread: Worker; readonly remote: Comlink.Remote<WorkerApi> } | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  /** Ends each call that has not been answered. */
  readonly #waiting = new Set<(error: SimulationError) => void>();
  /** The scene whose lanes the page shows, and whether the worker has them: a new worker has none. */
  #shown: Scene | null = null;
  #built = false;

  constructor(start: () => Worker = startWorker) {
    this.#start = start;
  }

  open(scene: Scene, progress: (progress: Progress) => void): Promise<Opened> {
    return this.#call((remote) => remote.open(scene, Comlink.proxy(progress)), scene);
  }

  race(scene: Scene): Promise<Race> {
    return this.#call((remote) => remote.race(scene), scene);
  }

  update(scene: Scene): Promise<Update> {
    return this.#call((remote) => remote.update(scene), scene);
  }

  countUpdates(shape: UpdateShape): Promise<CountedUpdates> {
    return this.#call((remote) => remote.countUpdates(shape));
  }

  inspect(datapath: DatapathId, view: View): Promise<Snapshot> {
    return this.#call(async (remote) => {
      await this.#rebuild(remote);
      return remote.inspect(datapath, view);
    });
  }

  targets(text: string): Promise<readonly Target[]> {
    return this.#call(async (remote) => {
      await this.#rebuild(remote);
      return remote.targets(text);
    });
  }

  read(cluster: SceneCluster): Promise<Reading> {
    return this.#call((remote) => remote.read(cluster));
  }

  /**
   * Ends whatever is under way: the worker is ended, and every call that was not answered fails with `client_cancelled`.
   * The page keeps what it has; the next call starts a new worker, which builds the shown scene again when it is needed.
   */
  cancel(): void {
    this.#end(new SimulationError('client_cancelled'));
  }

  #end(error: SimulationError): void {
    this.#worker?.thread.terminate();
    this.#worker = null;
    this.#built = false;
    this.#queue = Promise.resolve();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const reject of waiting) reject(error);
  }

  /** `scene`: whose lanes the worker has after the call. */
  #call<T>(run: (remote: Comlink.Remote<WorkerApi>) => Promise<Answer<T>>, scene?: Scene): Promise<T> {
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
          const value = valueOf(await run(this.#remote()));
          if (!this.#waiting.delete(fail)) return;
          if (scene) {
            this.#shown = scene;
            this.#built = true;
          }
          resolve(value);
        } catch (error) {
          // A failed build leaves the worker without lanes.
          if (scene && this.#waiting.has(fail)) this.#built = false;
          fail(error);
        }
      });
    });
  }

  #remote(): Comlink.Remote<WorkerApi> {
    if (this.#worker) return this.#worker.remote;
    const thread = this.#start();
    // A script that does not load, or a worker that runs out of memory.
    const stopped = (event: Event) => {
      if (this.#worker?.thread !== thread) return;
      event.preventDefault();
      this.#end(new SimulationError('client_stopped', { reason: reasonOf(event) }));
    };
    thread.addEventListener('error', stopped);
    thread.addEventListener('messageerror', stopped);
    this.#worker = { thread, remote: Comlink.wrap<WorkerApi>(thread) };
    return this.#worker.remote;
  }

  async #rebuild(remote: Comlink.Remote<WorkerApi>): Promise<void> {
    if (this.#built || !this.#shown) return;
    valueOf(await remote.open(this.#shown, Comlink.proxy(() => undefined)));
    this.#built = true;
  }
}

/** An ErrorEvent's message; a script that does not load gives none. */
function reasonOf(event: Event): string {
  return 'message' in event && typeof event.message === 'string' && event.message !== '' ? event.message : event.type;
}
