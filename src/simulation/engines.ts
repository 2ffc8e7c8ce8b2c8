import * as Comlink from 'comlink';
import type { DatapathId } from '../datapaths/registry-id.ts';
import type { Snapshot, View } from '../datapaths/view.ts';
import type { Answer } from './answer.ts';
import type { CountedUpdates, Opened, Progress, Race, Reading, Target, Update, UpdateShape } from './api.ts';
import { EngineThread, type SceneCall, type Thread } from './engine-thread.ts';
import type { Elsewhere } from './exchange.ts';
import { lanesApart } from './lanes-apart.ts';
import type { RulesApi } from './rules/api.ts';
import type { Scene, SceneCluster } from './scene.ts';
import type { SimulationError } from './simulation-error.ts';
import type { LaneChoice, ProgressListener, WorkerApi } from './worker-api.ts';

const CHAIN: LaneChoice = ['iptables'];
const MAP: LaneChoice = ['ebpf'];
const ALL: LaneChoice = null;

export interface EnginesOptions {
  readonly start: () => Thread;
  /** null: there can be no second thread here. */
  readonly startSecond: () => Thread | null;
  /** Hears when the first thread ends of itself: all of them are of no use then. */
  readonly onstop: (error: SimulationError) => void;
  /** Which scenes' lanes come into threads of their own. */
  readonly apart?: (scene: Scene) => boolean;
}

/** Progress as it is heard across threads. */
function listener(progress: (progress: Progress) => void = () => undefined): ProgressListener {
  return Comlink.proxy(progress);
}

type Call<T> = (remote: Comlink.Remote<WorkerApi>) => Promise<Answer<T>>;

/**
 * The engines in their threads: one for everything, or, for a large cluster, one for each lane, side by side. What comes
 * out is the same: lanes know nothing of one another. Where a second thread cannot be made, or ends of itself, the first
 * one does its work too. Calls must come one after the other.
 */
export class Engines {
  readonly rules: RulesApi = {
    tables: (scene, progress) => this.#chain(scene, (remote, sent) => remote.rulesTables(sent, listener(progress))),
    graph: (scene, table) => this.#chain(scene, (remote, sent) => remote.rulesGraph(sent, table)),
    chains: (scene, table, wanted, from, count) => this.#chain(scene, (remote, sent) => remote.rulesChains(sent, table, wanted, from, count)),
    chain: (scene, table, chain, from, count) => this.#chain(scene, (remote, sent) => remote.rulesChain(sent, table, chain, from, count)),
    send: (scene, made) => this.#chain(scene, (remote, sent) => remote.rulesSend(sent, made)),
  };
  readonly #startSecond: EnginesOptions['startSecond'];
  readonly #apart: (scene: Scene) => boolean;
  readonly #first: EngineThread;
  #second: EngineThread | null = null;
  /** No second thread can be had. */
  #alone = false;

  constructor({ start, startSecond, onstop, apart = lanesApart }: EnginesOptions) {
    this.#apart = apart;
    this.#startSecond = startSecond;
    this.#first = new EngineThread(start(), onstop);
  }

  open(scene: Scene, progress: (progress: Progress) => void): Promise<Opened> {
    const open = (thread: EngineThread, lanes: LaneChoice, told: (progress: Progress) => void) => thread.askFor(scene, lanes, (remote, sent) => remote.open(sent, listener(told)));
    return this.#inLanes(
      scene,
      async (second) => {
        // What is no lane's own is told once, by the first.
        const ofMap = (told: Progress) => {
          if (told.task === 'ebpf') progress(told);
        };
        const [chain, map] = await both(open(this.#first, CHAIN, progress), open(second, MAP, ofMap));
        // What only the map's lane can tell comes with it.
        return { ...map, ...chain, entries: map.entries, updates: { ...chain.updates, ...map.updates }, builtMs: Math.max(chain.builtMs, map.builtMs) };
      },
      () => open(this.#first, ALL, progress),
    );
  }

  race(scene: Scene): Promise<Race> {
    const race = (thread: EngineThread, lanes: LaneChoice, elsewhere?: Elsewhere) => thread.askFor(scene, lanes, (remote, sent) => remote.race(sent, elsewhere));
    return this.#inLanes(
      scene,
      async (second) => {
        const chain = await race(this.#first, CHAIN);
        // Where the packet goes follows from the chain.
        const { destination, destinationPort, protocol } = chain.packet;
        const to = { to: destination, port: destinationPort, protocol };
        const map = await race(second, MAP, { to, connected: chain.first !== null });
        // A connection that came up in the map's lane alone: the chain's gets the packet after it too.
        if (!chain.first && map.first) return joined(await race(this.#first, CHAIN, { to, connected: true }), map);
        return joined(chain, map);
      },
      () => race(this.#first, ALL),
    );
  }

  update(scene: Scene): Promise<Update> {
    const update = (thread: EngineThread, lanes: LaneChoice) => thread.askFor(scene, lanes, (remote, sent) => remote.update(sent));
    return this.#inLanes(
      scene,
      async (second) => {
        const [chain, map] = await both(update(this.#first, CHAIN), update(second, MAP));
        return { ...chain, lanes: { ...chain.lanes, ...map.lanes } };
      },
      () => update(this.#first, ALL),
    );
  }

  /** `shown`: the scene that it looks into; null: none was built yet. */
  inspect(shown: Scene | null, datapath: DatapathId, view: View): Promise<Snapshot> {
    const inspect: Call<Snapshot> = (remote) => remote.inspect(datapath, view);
    if (!shown) return this.#first.ask(inspect);
    return this.#inLanes(
      shown,
      (second) => (datapath === 'iptables' ? this.#first.askAbout(shown, CHAIN, inspect) : second.askAbout(shown, MAP, inspect)),
      () => this.#first.askAbout(shown, ALL, inspect),
    );
  }

  targets(shown: Scene | null, text: string): Promise<readonly Target[]> {
    const targets: Call<readonly Target[]> = (remote) => remote.targets(text);
    return shown ? this.#first.askAbout(shown, this.#lanesOfFirst(shown), targets) : this.#first.ask(targets);
  }

  countUpdates(shape: UpdateShape): Promise<CountedUpdates> {
    return this.#first.ask((remote) => remote.countUpdates(shape));
  }

  read(cluster: SceneCluster, progress?: (progress: Progress) => void): Promise<Reading> {
    return this.#first.askOf(cluster, (remote, sent) => remote.read(sent, listener(progress)));
  }

  /** Ends all threads, with whatever is under way in them. */
  end(): void {
    this.#first.end();
    this.#second?.end();
  }

  #chain<T>(scene: Scene, call: SceneCall<T>): Promise<T> {
    return this.#first.askFor(scene, this.#lanesOfFirst(scene), call);
  }

  #lanesOfFirst(scene: Scene): LaneChoice {
    return this.#alone || !this.#apart(scene) ? ALL : CHAIN;
  }

  /** `apart`: in two threads; `together`: in the first alone. */
  async #inLanes<T>(scene: Scene, apart: (second: EngineThread) => Promise<T>, together: () => Promise<T>): Promise<T> {
    const second = this.#secondFor(scene);
    if (!second) return together();
    try {
      return await apart(second);
    } catch (error) {
      if (!second.stopped) throw error;
      this.#endSecond();
      this.#alone = true;
      return together();
    }
  }

  #secondFor(scene: Scene): EngineThread | null {
    // What a large cluster took of the memory is let go with it.
    if (!this.#apart(scene)) this.#endSecond();
    else if (!this.#second && !this.#alone) {
      this.#second = this.#makeSecond();
      this.#alone = !this.#second;
    }
    return this.#second;
  }

  #makeSecond(): EngineThread | null {
    try {
      const thread = this.#startSecond();
      return thread && new EngineThread(thread);
    } catch {
      return null;
    }
  }

  #endSecond(): void {
    this.#second?.end();
    this.#second = null;
  }
}

/** Waits for both; where both fail, it is the chain's error that counts, as in one thread. */
async function both<T>(chain: Promise<T>, map: Promise<T>): Promise<[T, T]> {
  const [first, second] = await Promise.allSettled([chain, map]);
  if (first.status === 'rejected') throw first.reason;
  if (second.status === 'rejected') throw second.reason;
  return [first.value, second.value];
}

function joined(chain: Race, map: Race): Race {
  return { ...chain, lanes: { ...chain.lanes, ...map.lanes }, first: chain.first && map.first ? { ...chain.first, ...map.first } : null };
}
