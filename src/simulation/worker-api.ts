import type { DatapathId } from '../datapaths/registry-id.ts';
import type { Snapshot, View } from '../datapaths/view.ts';
import type { Answer } from './answer.ts';
import type { CountedUpdates, Opened, PortedRace, Progress, Reading, Target, Update, UpdateShape } from './api.ts';
import type { Elsewhere } from './exchange.ts';
import type { ChainGraph, ChainList, ChainView, RulesApi, RuleTables, Walk } from './rules/api.ts';
import type { Scene, SceneCluster } from './scene.ts';

/** Lanes to build; null: all of them. */
export type LaneChoice = readonly DatapathId[] | null;

/** What the worker exposes: `SimulationApi` with errors as values. */
export interface WorkerApi {
  /** Which lanes scenes are built in from now on; all of them before the first call. */
  use(lanes: LaneChoice): Promise<Answer<void>>;
  open(scene: Scene, progress: (progress: Progress) => void): Promise<Answer<Opened>>;
  /** A race in some of the lanes; `elsewhere`: what another thread says of the same one. */
  race(scene: Scene, elsewhere?: Elsewhere): Promise<Answer<PortedRace>>;
  update(scene: Scene): Promise<Answer<Update>>;
  countUpdates(shape: UpdateShape): Promise<Answer<CountedUpdates>>;
  inspect(datapath: DatapathId, view: View): Promise<Answer<Snapshot>>;
  targets(text: string): Promise<Answer<readonly Target[]>>;
  read(cluster: SceneCluster): Promise<Answer<Reading>>;
  rulesTables(...args: Parameters<RulesApi['tables']>): Promise<Answer<RuleTables>>;
  rulesGraph(...args: Parameters<RulesApi['graph']>): Promise<Answer<ChainGraph>>;
  rulesChains(...args: Parameters<RulesApi['chains']>): Promise<Answer<ChainList>>;
  rulesChain(...args: Parameters<RulesApi['chain']>): Promise<Answer<ChainView | null>>;
  rulesSend(...args: Parameters<RulesApi['send']>): Promise<Answer<Walk>>;
}
