import { parentPort } from 'node:worker_threads';
import type { Endpoint } from 'comlink';
import { readAssets } from '../../simulation/node-assets.ts';
import { serveEngines } from '../../simulation/serve-engines.ts';

if (!parentPort) throw new Error('This is the script of a thread.');
const assets = readAssets();
serveEngines(() => Promise.resolve(assets), parentPort as unknown as Endpoint);
parentPort.postMessage('ready');
