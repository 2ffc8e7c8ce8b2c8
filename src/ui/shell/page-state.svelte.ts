import { decodeScene, encodeScene } from '../../simulation/link.ts';
import type { Opened, Progress, Race, SimulationApi, Update } from '../../simulation/api.ts';
import type { Scene } from '../../simulation/scene.ts';
import { asSimulationError, SimulationError } from '../../simulation/simulation-error.ts';
import { m } from '../../i18n/paraglide/messages.js';
import { DEFAULT_SCENE, hasChanges, sameLanes } from './default-scene.ts';
import { errorSentence, linkSentence } from './sentence.ts';

/** The engines with a way to stop them. */
export type Engines = SimulationApi & { cancel(): void };

/** What the page shows: a scene and what the engines made of it. */
export interface Shown {
  readonly scene: Scene;
  readonly opened: Opened;
  /** null in any mode but Race. */
  readonly race: Race | null;
  /** null where no Service was added, or in the mode Race. */
  readonly update: Update | null;
}

export interface Notice {
  readonly kind: 'error' | 'note';
  readonly text: string;
}

export type TasksDone = Readonly<Partial<Record<Progress['task'], number>>>;

type History = 'push' | 'replace' | 'keep';

/** Longer links are refused: browsers take addresses of about 2 MB, and other programs far less. */
const LONGEST_LINK = 1_000_000;
/** A link of a long text takes a while to pack: it waits until the scene rests. */
const LINK_REST_MS = 250;

/** The page's one state: the scene, in the address, and what belongs to it. */
export class PageState {
  /** What is wanted; `shown.scene` is what is there. */
  scene = $state.raw<Scene>(DEFAULT_SCENE);
  shown = $state.raw<Shown | null>(null);
  /** Work under way, by its task from 0 to 1: both lanes may be at it at once; null: none. */
  progress = $state.raw<TasksDone | null>(null);
  busy = $state(false);
  notice = $state.raw<Notice | null>(null);
  /** What this browser lacks: nothing can be shown. */
  unusable = $state.raw<string | null>(null);

  readonly engines: Engines;
  #wanted: Scene | null = null;
  #working: Scene | null = null;
  #writing = 0;
  #run = false;
  /** The last scene that stood: where a person goes back to. */
  #stood: Scene | null = null;

  constructor(engines: Engines) {
    this.engines = engines;
  }

  /** Reads the address, now and whenever it changes. */
  start(): () => void {
    this.#read(true);
    const changed = () => this.#read(false);
    window.addEventListener('popstate', changed);
    return () => window.removeEventListener('popstate', changed);
  }

  /** Wants another scene. What is under way for other lanes is ended. `run`: it starts as soon as it is there. */
  go(scene: Scene, history: History = 'push', run = false): void {
    this.scene = scene;
    this.#run = run;
    this.notice = null;
    this.#write(scene, history);
    this.#wanted = scene;
    if (this.#working) {
      if (!sameLanes(this.#working, scene)) this.engines.cancel();
    } else void this.#work();
  }

  /** Whether what is shown now was asked to run; once. */
  takeRun(): boolean {
    const run = this.#run && this.shown?.scene === this.scene;
    if (run) this.#run = false;
    return run;
  }

  /** Ends what is under way; the page keeps what it shows. */
  cancel(): void {
    this.#wanted = null;
    this.engines.cancel();
  }

  /** The address of the scene; null: it is too long for one. */
  link(): string | null {
    if (tooLong(this.scene)) return null;
    const encoded = encodeScene(this.scene);
    return encoded.length > LONGEST_LINK ? null : `${location.href.replace(/#.*$/, '')}#${encoded}`;
  }

  #read(first: boolean): void {
    const fragment = location.hash.replace(/^#/, '');
    if (fragment === '') {
      if (first) this.go(DEFAULT_SCENE, 'replace');
      else if (this.scene !== DEFAULT_SCENE) this.go(DEFAULT_SCENE, 'keep');
      return;
    }
    const decoded = decodeScene(fragment);
    if ('scene' in decoded) {
      this.go(decoded.scene, 'keep');
      return;
    }
    const notice: Notice = { kind: 'error', text: linkSentence(decoded.error) };
    this.go(first ? DEFAULT_SCENE : this.scene, 'replace');
    this.notice = notice;
  }

  #write(scene: Scene, history: History): void {
    clearTimeout(this.#writing);
    if (history === 'keep') return;
    const write = () => {
      const encoded = tooLong(scene) ? '' : encodeScene(scene);
      const address = encoded.length > LONGEST_LINK || encoded === '' ? location.pathname + location.search : `#${encoded}`;
      if (history === 'push') window.history.pushState(null, '', address);
      else window.history.replaceState(null, '', address);
    };
    if (history === 'push') write();
    else this.#writing = window.setTimeout(write, scene.cluster.kind !== 'preset' ? LINK_REST_MS : 50);
  }

  async #work(): Promise<void> {
    this.busy = true;
    for (let scene = this.#next(); scene; scene = this.#next()) {
      // Programs has an engine of its own, and Rules asks for what it shows itself: neither needs both lanes.
      if (scene.mode === 'programs' || scene.mode === 'rules') {
        this.#stood = scene;
        continue;
      }
      try {
        let opening = true;
        const opened = await this.engines.open(scene, ({ task, done }) => {
          if (opening) this.progress = { ...this.progress, [task]: done };
        }).finally(() => { opening = false; });
        const race = scene.mode === 'race' ? await this.engines.race(scene) : null;
        const update = scene.mode === 'update' && hasChanges(scene) ? await this.engines.update(scene) : null;
        this.shown = { scene, opened, race, update };
        this.#stood = scene;
      } catch (error) {
        this.#failed(scene, asSimulationError(error));
      }
      this.progress = null;
    }
    this.busy = false;
  }

  #next(): Scene | null {
    this.#working = this.#wanted;
    this.#wanted = null;
    return this.#working;
  }

  #failed(scene: Scene, error: SimulationError): void {
    if (error.key === 'client_no_worker' || error.key === 'client_no_wasm') {
      this.unusable = errorSentence(error);
      return;
    }
    // Something else is wanted by now: it says what it has to say itself.
    if (this.#wanted) return;
    const cancelled = error.key === 'client_cancelled';
    const back = this.#stood ?? DEFAULT_SCENE;
    this.notice = cancelled ? { kind: 'note', text: m.client_cancelled() } : { kind: 'error', text: errorSentence(error) };
    this.scene = back;
    this.#write(back, 'replace');
    // A first scene that cannot be had: the default one instead.
    if (!this.shown && back.mode !== 'programs' && back.mode !== 'rules' && scene !== back) this.#wanted = back;
  }
}

/** Packing a text of many MB would hold the page up. */
function tooLong({ cluster }: Scene): boolean {
  return cluster.kind !== 'preset' && cluster.text.length > 4 * LONGEST_LINK;
}
