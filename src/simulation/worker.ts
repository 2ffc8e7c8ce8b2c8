import * as Comlink from 'comlink';
import { findProfile } from '../cost/profiles.ts';
import { answer } from './answer.ts';
import { ClusterSource } from './cluster.ts';
import { fetchAssets } from './page-assets.ts';
import { retried } from './retried.ts';
import { Simulation } from './simulation.ts';
import { buffersOf } from './transferable.ts';
import type { WorkerApi } from './worker-api.ts';

const clusters = new ClusterSource();

/** Made at the first call that needs lanes, and again where that failed (a lost connection may come back). */
const simulation = retried(async () => new Simulation({ assets: await fetchAssets(), profiles: { find: findProfile }, clusters }));

const api: WorkerApi = {
  open: (scene, progress) => answer(async () => (await simulation()).open(scene, (done) => void progress(done))),
  async race(scene) {
    const answered = await answer(async () => (await simulation()).race(scene));
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

Comlink.expose(api);
