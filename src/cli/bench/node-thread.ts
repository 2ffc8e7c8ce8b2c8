import { Worker } from 'node:worker_threads';
import type { Thread } from '../../simulation/engine-thread.ts';

/** Beside this one once both are bundled. */
const SCRIPT = './engines-worker.js';

/** A thread of Node's with the engines, as a page has a Worker. */
export class NodeThread extends EventTarget implements Thread {
  readonly #worker = new Worker(new URL(SCRIPT, import.meta.url));

  /** Until its script is loaded. */
  readonly ready: Promise<unknown>;

  constructor() {
    super();
    this.ready = new Promise((resolve) => this.#worker.once('message', resolve));
    this.#worker.on('message', (data) => this.dispatchEvent(new MessageEvent('message', { data })));
    this.#worker.on('error', ({ message }) => this.dispatchEvent(Object.assign(new Event('error'), { message })));
  }

  postMessage(message: unknown, transfer: readonly Transferable[] = []): void {
    this.#worker.postMessage(message, transfer as never);
  }

  terminate(): void {
    void this.#worker.terminate();
  }
}
