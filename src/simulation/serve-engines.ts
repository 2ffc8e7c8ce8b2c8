import * as Comlink from 'comlink';
import { findProfile } from '../cost/profiles.ts';
import type { DatapathAssets } from '../datapaths/assets.ts';
import { answer } from './answer.ts';
import type { Progress } from './api.ts';
import { ClusterSource } from './cluster.ts';
import { retried } from './retried.ts';
import type { Scene, SceneCluster } from './scene.ts';
import { SimulationError } from './simulation-error.ts';
import { Simulation } from './simulation.ts';
import { buffersOf } from './transferable.ts';
import type { SentCluster, SentScene, WorkerApi } from './worker-api.ts';

/** Answers a thread's starter, at `endpoint` or else as a page's worker. `assets` are asked for at the first call that needs lanes. */
export function serveEngines(assets: () => Promise<DatapathAssets>, endpoint?: Comlink.Endpoint): void {
  const clusters = new ClusterSource();
  /** Made again where that failed: a lost connection may come back. */
  const simulation = retried(async () => new Simulation({ assets: await assets(), profiles: { find: findProfile }, clusters }));
  /** Texts of scenes, by the numbers that the starter gave them. */
  const texts = new Map<number, string>();
  const clusterOf = (sent: SentCluster): SceneCluster => {
    if (sent.kind === 'preset') return sent;
    const text = texts.get(sent.text);
    if (text === undefined) throw new SimulationError('simulation_engine', { reason: `No text ${sent.text} was sent.` });
    return { kind: sent.kind, text };
  };
  const sceneOf = (sent: SentScene): Scene => ({ ...sent, cluster: clusterOf(sent.cluster) });
  const rules = async (sent: SentScene, progress?: (progress: Progress) => void) => (await simulation()).rules(sceneOf(sent), progress);
  const api: WorkerApi = {
    keep: (number, text, others) => answer(() => {
      for (const old of texts.keys()) if (!others.includes(old)) texts.delete(old);
      texts.set(number, text);
    }),
    use: (lanes) => answer(async () => void (await simulation()).use(lanes)),
    open: (scene, progress) => answer(async () => (await simulation()).open(sceneOf(scene), (done) => void progress(done))),
    async race(scene, elsewhere) {
      const answered = await answer(async () => (await simulation()).race(sceneOf(scene), elsewhere));
      return answered.ok ? Comlink.transfer(answered, buffersOf(Object.values(answered.value.lanes))) : answered;
    },
    update: (scene) => answer(async () => (await simulation()).update(sceneOf(scene))),
    countUpdates: (shape) => answer(async () => (await simulation()).countUpdates(shape)),
    inspect: (datapath, view) => answer(async () => (await simulation()).inspect(datapath, view)),
    targets: (text) => answer(async () => (await simulation()).targets(text)),
    read: (cluster, progress) => answer(() => clusters.read(clusterOf(cluster), (done) => void progress({ task: 'cluster', done }))),
    rulesTables: (scene, progress) => answer(async () => (await rules(scene, (done) => void progress(done))).tables()),
    rulesGraph: (scene, table) => answer(async () => (await rules(scene)).graph(table)),
    rulesChains: (scene, table, wanted, from, count) => answer(async () => (await rules(scene)).chains(table, wanted, from, count)),
    rulesChain: (scene, table, chain, from, count) => answer(async () => (await rules(scene)).chain(table, chain, from, count)),
    async rulesSend(scene, made) {
      const answered = await answer(async () => (await rules(scene)).send(made));
      return answered.ok ? Comlink.transfer(answered, buffersOf([answered.value.lane])) : answered;
    },
  };
  Comlink.expose(api, endpoint);
}
