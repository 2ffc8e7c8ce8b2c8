import type { DatapathId } from '../datapaths/registry-id.ts';
import type { Snapshot, View } from '../datapaths/view.ts';
import type { Answer } from './answer.ts';
import type { CountedUpdates, Opened, PortedRace, Progress, Reading, Target, Update, UpdateShape } from './api.ts';
import type { Elsewhere } from './exchange.ts';
import type { ChainGraph, ChainList, ChainView, RulesApi, RuleTables, Walk } from './rules/api.ts';
import type { Scene, SceneCluster } from './scene.ts';

/** Lanes to build; null: all of them. */
export type LaneChoice = readonly DatapathId[] | null;

/** What a call takes after its scene. */
type Rest<Call extends (scene: Scene, ...rest: never) => unknown> = Call extends (scene: Scene, ...rest: infer Others) => unknown ? Others : never;

/** A cluster as it crosses to the worker: a text, which may be tens of MB, crosses once (`keep`), and goes by its number then. */
export type SentCluster = Extract<SceneCluster, { kind: 'preset' }> | { readonly kind: 'text' | 'rules'; readonly text: number };
export type SentScene = Omit<Scene, 'cluster'> & { readonly cluster: SentCluster };
/** Hears of progress; a function crosses only as itself, never within an object. */
export type ProgressListener = (progress: Progress) => void;

/** What the worker exposes: `SimulationApi` with errors as values. */
export interface WorkerApi {
  /** Keeps a text under a number, in the place of all that are not in `others`. */
  keep(number: number, text: string, others: readonly number[]): Promise<Answer<void>>;
  /** Which lanes scenes are built in from now on; all of them before the first call. */
  use(lanes: LaneChoice): Promise<Answer<void>>;
  open(scene: SentScene, progress: ProgressListener): Promise<Answer<Opened>>;
  /** A race in some of the lanes; `elsewhere`: what another thread says of the same one. */
  race(scene: SentScene, elsewhere?: Elsewhere): Promise<Answer<PortedRace>>;
  update(scene: SentScene): Promise<Answer<Update>>;
  countUpdates(shape: UpdateShape): Promise<Answer<CountedUpdates>>;
  inspect(datapath: DatapathId, view: View): Promise<Answer<Snapshot>>;
  targets(text: string): Promise<Answer<readonly Target[]>>;
  read(cluster: SentCluster, progress: ProgressListener): Promise<Answer<Reading>>;
  rulesTables(scene: SentScene, progress: ProgressListener): Promise<Answer<RuleTables>>;
  rulesGraph(scene: SentScene, ...args: Rest<RulesApi['graph']>): Promise<Answer<ChainGraph>>;
  rulesChains(scene: SentScene, ...args: Rest<RulesApi['chains']>): Promise<Answer<ChainList>>;
  rulesChain(scene: SentScene, ...args: Rest<RulesApi['chain']>): Promise<Answer<ChainView | null>>;
  rulesSend(scene: SentScene, ...args: Rest<RulesApi['send']>): Promise<Answer<Walk>>;
}
