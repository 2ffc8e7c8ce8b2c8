import * as Comlink from 'comlink';
import { valueOf, type Answer } from './answer.ts';
import type { Scene, SceneCluster } from './scene.ts';
import { SimulationError } from './simulation-error.ts';
import type { LaneChoice, SentCluster, SentScene, WorkerApi } from './worker-api.ts';

/** A text that is shown, and one that is read to be opened. */
const MOST_TEXTS = 2;

export type SceneCall<T> = (remote: Comlink.Remote<WorkerApi>, sent: SentScene) => Promise<Answer<T>>;

/** What its starter has of a thread: a page's Worker, or what looks like one. */
export interface Thread extends Comlink.Endpoint {
  terminate(): void;
}

/** A thread with engines, asked one thing at a time. Every failure is a `SimulationError`. */
export class EngineThread {
  /** Set once it ended of itself. */
  stopped: SimulationError | null = null;
  readonly #thread: Thread;
  readonly #remote: Comlink.Remote<WorkerApi>;
  #lanes: LaneChoice = null;
  /** The scene whose lanes it has, and which; null: none. */
  #has: { readonly scene: Scene; readonly lanes: LaneChoice } | null = null;
  /** Texts that it has, the last used last. */
  #texts: readonly { readonly number: number; readonly text: string }[] = [];
  #numbers = 0;
  #refuse: ((error: SimulationError) => void) | null = null;

  /** `onstop` hears when the thread ends of itself. */
  constructor(thread: Thread, onstop: (error: SimulationError) => void = () => undefined) {
    this.#thread = thread;
    this.#remote = Comlink.wrap<WorkerApi>(thread);
    // A script that does not load, or a worker that runs out of memory.
    const stopped = (event: Event) => {
      event.preventDefault();
      this.stopped ??= new SimulationError('client_stopped', { reason: reasonOf(event) });
      this.#refuse?.(this.stopped);
      onstop(this.stopped);
    };
    thread.addEventListener('error', stopped as EventListener);
    thread.addEventListener('messageerror', stopped as EventListener);
  }

  /** Asks for what needs no scene. */
  ask<T>(call: (remote: Comlink.Remote<WorkerApi>) => Promise<Answer<T>>): Promise<T> {
    if (this.stopped) return Promise.reject(this.stopped);
    return new Promise((resolve, reject) => {
      this.#refuse = reject;
      call(this.#remote).then((answered) => resolve(valueOf(answered))).catch(reject);
    });
  }

  /** Asks for what needs a cluster. */
  async askOf<T>(cluster: SceneCluster, call: (remote: Comlink.Remote<WorkerApi>, sent: SentCluster) => Promise<Answer<T>>): Promise<T> {
    const sent = await this.#send(cluster);
    return this.ask((remote) => call(remote, sent));
  }

  /** Asks for what builds the scene in these lanes. */
  async askFor<T>(scene: Scene, lanes: LaneChoice, call: SceneCall<T>): Promise<T> {
    // A failed build leaves it without lanes.
    this.#has = null;
    if (lanes !== this.#lanes) await this.ask((remote) => remote.use(lanes));
    this.#lanes = lanes;
    const value = await this.askOf(scene.cluster, (remote, cluster) => call(remote, { ...scene, cluster }));
    this.#has = { scene, lanes };
    return value;
  }

  /** Asks about the scene as it stands in these lanes, which are built first where they are not there. */
  async askAbout<T>(scene: Scene, lanes: LaneChoice, call: (remote: Comlink.Remote<WorkerApi>) => Promise<Answer<T>>): Promise<T> {
    if (this.#has?.scene !== scene || this.#has.lanes !== lanes) await this.askFor(scene, lanes, (remote, sent) => remote.open(sent, Comlink.proxy(() => undefined)));
    return this.ask(call);
  }

  /** The cluster as the thread is told of it: a text that it does not have crosses first, in the place of the one that was used longest ago. */
  async #send(cluster: SceneCluster): Promise<SentCluster> {
    if (cluster.kind === 'preset') return cluster;
    const { kind, text } = cluster;
    const known = this.#texts.find((one) => one.text === text);
    const others = this.#texts.filter((one) => one !== known).slice(-(MOST_TEXTS - 1));
    const kept = known ?? { number: ++this.#numbers, text };
    if (!known) await this.ask((remote) => remote.keep(kept.number, text, others.map(({ number }) => number)));
    this.#texts = [...others, kept];
    return { kind, text: kept.number };
  }

  end(): void {
    this.#thread.terminate();
  }
}

/** An ErrorEvent's message; a script that does not load gives none. */
function reasonOf(event: Event): string {
  return 'message' in event && typeof event.message === 'string' && event.message !== '' ? event.message : event.type;
}
