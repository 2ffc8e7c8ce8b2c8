import { svelte } from '@sveltejs/vite-plugin-svelte';
import { createServer, type ViteDevServer } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Walk } from '../../src/simulation/rules/api.ts';
import type * as Module from '../../src/ui/rules/rules-state.svelte.ts';
import { DOCKER, scene, start } from './rules-scenes.ts';

/** The state is of runes, which Svelte's compiler takes out. */
let server: ViteDevServer;
beforeAll(async () => {
  server = await createServer({ configFile: false, root: '.', logLevel: 'error', appType: 'custom', server: { middlewareMode: true, hmr: false, watch: null }, optimizeDeps: { noDiscovery: true, include: [] }, plugins: [svelte({ configFile: false })] });
});
afterAll(() => server.close());

it('an answer asked for while a packet is on its way changes nothing', async () => {
  const { RulesState } = (await server.ssrLoadModule('/src/ui/rules/rules-state.svelte.ts')) as typeof Module;
  const simulation = start();
  const waiting: (() => void)[] = [];
  const sent: object[] = [];
  let hold = false;
  const view = new RulesState({
    read: (cluster) => Promise.resolve(simulation.read(cluster)),
    rules: {
      tables: (one) => Promise.resolve(simulation.rules(one).tables()),
      graph: (one, table) => Promise.resolve(simulation.rules(one).graph(table)),
      chains: (one, table, wanted, from, count) => Promise.resolve(simulation.rules(one).chains(table, wanted, from, count)),
      chain: (one, table, chain, from, count) => Promise.resolve(simulation.rules(one).chain(table, chain, from, count)),
      send: (one, made) => {
        sent.push(made);
        const walk = simulation.rules(one).send(made);
        return hold ? new Promise<Walk>((resolve) => { waiting.push(() => { resolve(walk); }); }) : Promise.resolve(walk);
      },
    },
  });
  await view.open(scene(DOCKER));
  await view.send();
  expect(view.answer).not.toBeNull();
  const { form } = view;
  hold = true;
  const first = view.send();
  expect(view.busy).toBe(true);
  await view.reply();
  expect(view.form).toBe(form);
  expect(sent).toHaveLength(2);
  waiting.forEach((go) => { go(); });
  await first;
  hold = false;
  await view.reply();
  expect(sent).toHaveLength(3);
  expect(view.form).not.toBe(form);
});
