import * as Comlink from 'comlink';
import { findProfile } from '../cost/profiles.ts';
import type { DatapathAssets } from '../datapaths/assets.ts';
import { answer } from './answer.ts';
import { ClusterSource } from './cluster.ts';
import { retried } from './retried.ts';
import { Simulation } from './simulation.ts';
import { buffersOf } from './transferable.ts';
import type { WorkerApi } from './worker-api.ts';

/** Answers a thread's starter, at `endpoint` or else as a page's worker. `assets` are asked for at the first call that needs lanes. */
export function serveEngines(assets: () => Promise<DatapathAssets>, endpoint?: Comlink.Endpoint): void {
  const clusters = new ClusterSource();
  /** Made again where that failed: a lost connection may come back. */
  const simulation = retried(async () => new Simulation({ assets: await assets(), profiles: { find: findProfile }, clusters }));
  const api: WorkerApi = {
    use: (lanes) => answer(async () => void (await simulation()).use(lanes)),
    open: (scene, progress) => answer(async () => (await simulation()).open(scene, (done) => void progress(done))),
    async race(scene, elsewhere) {
      const answered = await answer(async () => (await simulation()).race(scene, elsewhere));
      return answered.ok ? Comlink.transfer(answered, buffersOf(Object.values(answered.value.lanes))) : answered;
    },
    update: (scene) => answer(async () => (await simulation()).update(scene)),
    countUpdates: (shape) => answer(async () => (await simulation()).countUpdates(shape)),
    inspect: (datapath, view) => answer(async () => (await simulation()).inspect(datapath, view)),
    targets: (text) => answer(async () => (await simulation()).targets(text)),
    read: (cluster) => answer(() => clusters.read(cluster)),
    rulesTables: (scene) => answer(async () => (await simulation()).rules(scene).tables()),
    rulesGraph: (scene, table) => answer(async () => (await simulation()).rules(scene).graph(table)),
    rulesChains: (scene, table, wanted, from, count) => answer(async () => (await simulation()).rules(scene).chains(table, wanted, from, count)),
    rulesChain: (scene, table, chain, from, count) => answer(async () => (await simulation()).rules(scene).chain(table, chain, from, count)),
    async rulesSend(scene, made) {
      const answered = await answer(async () => (await simulation()).rules(scene).send(made));
      return answered.ok ? Comlink.transfer(answered, buffersOf([answered.value.lane])) : answered;
    },
  };
  Comlink.expose(api, endpoint);
}
