import type { DatapathId } from '../datapaths/registry-id.ts';
import type { Snapshot, View } from '../datapaths/view.ts';
import type { Answer } from './answer.ts';
import type { CountedUpdates, Opened, Progress, Race, Reading, Target, Update, UpdateShape } from './api.ts';
import type { ChainGraph, ChainList, ChainView, RulesApi, RuleTables, Walk } from './rules/api.ts';
import type { Scene, SceneCluster } from './scene.ts';

/** What the worker exposes: `SimulationApi` with errors as values. */
export interface WorkerApi {
  open(scene: Scene, progress: (progress: Progress) => void): Promise<Answer<Opened>>;
  race(scene: Scene): Promise<Answer<Race>>;
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
