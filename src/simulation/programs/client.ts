import * as Comlink from 'comlink';
import { valueOf, type Answer } from '../answer.ts';
import { missingSupport } from '../client.ts';
import { asSimulationError, SimulationError } from '../simulation-error.ts';
import type { ProgramsApi } from './api.ts';
import type { ProgramsWorkerApi } from './worker-api.ts';

function startWorker(): Worker {
  return new Worker(new URL('./programs-worker.ts', import.meta.url), { type: 'module', name: 'programs' });
}

/** The page's side: a worker of its own, started with the first call. Every failure is a `SimulationError`. */
export class ProgramsClient implements ProgramsApi {
  readonly #start: () => Worker;
  #worker: { readonly thread: Worker; readonly remote: Comlink.Remote<ProgramsWorkerApi> } | null = null;
  readonly #waiting = new Set<(error: SimulationError) => void>();

  constructor(start: () => Worker = startWorker) {
    this.#start = start;
  }

  samples: ProgramsApi['samples'] = () => this.#call((remote) => remote.samples());
  /** What is under way for the object before is ended: a check may follow a million instructions. */
  open: ProgramsApi['open'] = (source) => {
    if (this.#waiting.size > 0) this.end();
    return this.#call((remote) => remote.open(source));
  };
  program: ProgramsApi['program'] = (name) => this.#call((remote) => remote.program(name));
  run: ProgramsApi['run'] = (program, input) => this.#call((remote) => remote.run(program, input));
  maps: ProgramsApi['maps'] = () => this.#call((remote) => remote.maps());
  map: ProgramsApi['map'] = (name, from, count) => this.#call((remote) => remote.map(name, from, count));
  find: ProgramsApi['find'] = (map, key) => this.#call((remote) => remote.find(map, key));
  bytesOf: ProgramsApi['bytesOf'] = (map) => this.#call((remote) => remote.bytesOf(map));
  put: ProgramsApi['put'] = (map, key, value) => this.#call((remote) => remote.put(map, key, value));
  remove: ProgramsApi['remove'] = (map, key) => this.#call((remote) => remote.remove(map, key));
  clear: ProgramsApi['clear'] = (map) => this.#call((remote) => remote.clear(map));
  reset: ProgramsApi['reset'] = () => this.#call((remote) => remote.reset());

  /** Ends the worker: what was asked and not answered fails with `client_cancelled`. The next call starts another. */
  end(error: SimulationError = new SimulationError('client_cancelled')): void {
    this.#worker?.thread.terminate();
    this.#worker = null;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const reject of waiting) reject(error);
  }

  #call<T>(run: (remote: Comlink.Remote<ProgramsWorkerApi>) => Promise<Answer<T>>): Promise<T> {
    const missing = missingSupport();
    if (missing) return Promise.reject(missing);
    return new Promise<T>((resolve, reject) => {
      this.#waiting.add(reject);
      run(this.#remote()).then(
        (answered) => {
          this.#waiting.delete(reject);
          try {
            resolve(valueOf(answered));
          } catch (error) {
            reject(asSimulationError(error));
          }
        },
        (error: unknown) => {
          this.#waiting.delete(reject);
          reject(asSimulationError(error));
        },
      );
    });
  }

  #remote(): Comlink.Remote<ProgramsWorkerApi> {
    if (this.#worker) return this.#worker.remote;
    const thread = this.#start();
    const stopped = (event: Event) => {
      if (this.#worker?.thread !== thread) return;
      event.preventDefault();
      const reason = 'message' in event && typeof event.message === 'string' && event.message !== '' ? event.message : event.type;
      this.end(new SimulationError('client_stopped', { reason }));
    };
    thread.addEventListener('error', stopped);
    thread.addEventListener('messageerror', stopped);
    this.#worker = { thread, remote: Comlink.wrap<ProgramsWorkerApi>(thread) };
    return this.#worker.remote;
  }
}
