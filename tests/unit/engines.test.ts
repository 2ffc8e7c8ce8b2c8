import type { Endpoint } from 'comlink';
import * as Comlink from 'comlink';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { findProfile } from '../../src/cost/profiles.ts';
import type { View } from '../../src/datapaths/view.ts';
import { answer } from '../../src/simulation/answer.ts';
import type { Opened, PortedRace, Progress } from '../../src/simulation/api.ts';
import type { Thread } from '../../src/simulation/engine-thread.ts';
import { Engines, type EnginesOptions } from '../../src/simulation/engines.ts';
import { lanesApart } from '../../src/simulation/lanes-apart.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';
import { PRESETS, type Scene, type SceneAttachment } from '../../src/simulation/scene.ts';
import { serveEngines } from '../../src/simulation/serve-engines.ts';
import { SimulationError } from '../../src/simulation/simulation-error.ts';
import { Simulation } from '../../src/simulation/simulation.ts';
import type { WorkerApi } from '../../src/simulation/worker-api.ts';

const assets = readAssets();
const whole = () => new Simulation({ assets, profiles: { find: findProfile } });

function scene(change: Partial<Scene> = {}): Scene {
  return { version: 1, mode: 'race', cluster: { kind: 'preset', preset: '50' }, seed: 7, target: { servicePort: null, position: null }, connection: 'new', packet: 0, profile: 'legacy', added: [], ...change };
}
const at = (servicePort: string | null, position: number | null = null): Scene['target'] => ({ servicePort, position });
const shop: Scene['cluster'] = { kind: 'preset', preset: 'shop' };

/** A program in lane B that only returns: TC_ACT_SHOT drops, TC_ACT_OK leaves the packet to the node's stack. */
function returning(value: number): SceneAttachment {
  return { hook: 'from-container', place: 'instead', object: { kind: 'text', text: `.program tc mine\nr0 = ${value}\nexit\n` }, program: null, constants: {} };
}

/** A thread's two ends in one: all that crosses is cloned. */
class FakeThread extends EventTarget implements Thread {
  ended = false;
  readonly #near: MessagePort;
  readonly #far: MessagePort;

  constructor(serve: (endpoint: Endpoint) => void = (endpoint) => serveEngines(() => Promise.resolve(assets), endpoint)) {
    super();
    const { port1, port2 } = new MessageChannel();
    this.#near = port1;
    this.#far = port2;
    serve(port2);
    port1.addEventListener('message', (event) => this.dispatchEvent(new MessageEvent('message', { data: event.data, ports: [...event.ports] })));
    port1.start();
  }

  postMessage(message: unknown, transfer: Transferable[] = []): void {
    this.#near.postMessage(message, transfer);
  }

  terminate(): void {
    this.ended = true;
    this.#near.close();
    this.#far.close();
  }
}

const threads: FakeThread[] = [];
function made(serve?: (endpoint: Endpoint) => void): FakeThread {
  const thread = new FakeThread(serve);
  threads.push(thread);
  return thread;
}
function engines(change: Partial<EnginesOptions> = {}): Engines {
  const onstop = (error: SimulationError) => {
    throw error;
  };
  return new Engines({ start: () => made(), startSecond: () => made(), onstop, apart: () => true, ...change });
}
afterEach(() => {
  for (const thread of threads.splice(0)) thread.terminate();
});

const nothing = () => undefined;
const withoutTime = ({ builtMs, ...rest }: Opened): Omit<Opened, 'builtMs'> => {
  expect(builtMs).toBeGreaterThan(0);
  return rest;
};
const VIEWS: readonly (readonly ['iptables' | 'ebpf', View])[] = [
  ['iptables', { kind: 'chains' }],
  ['iptables', { kind: 'rules', table: 'nat', chain: 'KUBE-SERVICES', from: 0, count: 100 }],
  ['iptables', { kind: 'connections', from: 0, count: 10 }],
  ['ebpf', { kind: 'maps' }],
  ['ebpf', { kind: 'map', name: 'cilium_lb4_services_v2', from: 0, count: 50 }],
  ['ebpf', { kind: 'connections', from: 0, count: 10 }],
];

const SCENES: readonly (readonly [name: string, scene: Scene])[] = [
  ['the last Service', scene()],
  ['another seed and packet', scene({ seed: 8, packet: 3 })],
  ['the target moved', scene({ target: at(null, 25) })],
  ['an established connection', scene({ connection: 'established' })],
  ['nft', scene({ profile: 'nft' })],
  ['added Services', scene({ added: [1, 4], target: at(null, 3) })],
  ['an added Service as the target, moved', scene({ added: [3], target: at('shop/added-1:http', 10) })],
  ['a change that writes everything', scene({ added: [2], changes: [{ kind: 'scale', service: 'shop/added-1', endpoints: 5, writes: 'everything' }] })],
  ['a roll-out', scene({ added: [2], changes: [{ kind: 'rollout', service: 'shop/added-1', updates: 4, writes: 'changed' }] })],
  ['a Service that goes', scene({ cluster: shop, changes: [{ kind: 'delete', service: 'shop/cart', writes: 'changed' }] })],
  ['UDP', scene({ cluster: shop, target: at('kube-system/kube-dns:dns'), connection: 'established' })],
  ['SCTP', scene({ cluster: shop, target: at('shop/signalling:diameter'), connection: 'established' })],
  ['no endpoints', scene({ cluster: shop, target: at('shop/ads:grpc'), connection: 'established' })],
  ['a program that refuses the map’s packets', scene({ cluster: shop, attached: [returning(2)] })],
  ['a connection that comes up in the chain alone', scene({ cluster: shop, connection: 'established', attached: [returning(2)] })],
  ['a connection that comes up in the map alone', scene({ cluster: shop, target: at('shop/ads:grpc'), connection: 'established', attached: [returning(0)] })],
];

/** Everything that a page asks of a scene. */
async function asked(all: Engines, wanted: Scene) {
  const opened = withoutTime(await all.open(wanted, nothing));
  const update = wanted.added.length + (wanted.changes?.length ?? 0) > 0 ? await all.update(wanted) : null;
  const race = await all.race(wanted);
  const windows = [];
  for (const [id, view] of VIEWS) windows.push(await all.inspect(wanted, id, view));
  return { opened, update, race, windows, targets: await all.targets(wanted, 'shop'), tables: await all.rules.tables(wanted) };
}

/** The same of one thread, without any border. */
function inOne(wanted: Scene, one = whole()) {
  const opened = withoutTime(one.open(wanted));
  const update = wanted.added.length + (wanted.changes?.length ?? 0) > 0 ? one.update(wanted) : null;
  const race = one.race(wanted);
  return { opened, update, race, windows: VIEWS.map(([id, view]) => one.inspect(id, view)), targets: one.targets('shop'), tables: one.rules(wanted).tables() };
}

describe('lanes in two threads', () => {
  it.each(SCENES)('%s: all is as in one thread', async (_, wanted) => {
    expect(await asked(engines(), wanted)).toEqual(inOne(wanted));
    expect(threads).toHaveLength(2);
  });

  it('whatever was asked before', async () => {
    const used = engines();
    const one = whole();
    for (const [name, wanted] of [...SCENES, ...SCENES.toReversed()]) expect(await asked(used, wanted), name).toEqual(inOne(wanted, one));
    expect(threads).toHaveLength(2);
  });

  it('tell of their progress side by side, of what is no lane’s own once', async () => {
    const seen: Progress[] = [];
    await engines().open(scene({ added: [1, 2] }), (progress) => seen.push(progress));
    const of = (task: Progress['task']) => seen.filter((progress) => progress.task === task).map(({ done }) => done);
    // Each travels apart from the answer.
    await vi.waitFor(() => {
      expect([of('iptables').at(-1), of('ebpf').at(-1)]).toEqual([1, 1]);
    });
    expect(of('cluster')).toEqual([0, 1]);
    expect(of('changes')).toEqual([0, 0.5]);
    for (const lane of ['iptables', 'ebpf'] as const) {
      expect(of(lane).at(0), lane).toBe(0);
      expect(of(lane), lane).toEqual(of(lane).toSorted((a, b) => a - b));
    }
  });

  it('what cannot be built fails as in one thread, and the next scene can', async () => {
    const used = engines();
    for (const wrong of [scene({ target: at('shop/nowhere:http') }), scene({ profile: 'none' }), scene({ changes: [{ kind: 'delete', service: 'shop/nowhere', writes: 'changed' }] })]) {
      let message = '';
      try {
        whole().open(wrong);
      } catch (error) {
        message = (error as SimulationError).message;
      }
      expect(message).not.toBe('');
      await expect(used.open(wrong, nothing)).rejects.toThrow(message);
      await expect(used.race(wrong)).rejects.toThrow(message);
    }
    expect(await asked(used, scene())).toEqual(inOne(scene()));
  });

  it('a window shows the scene that is shown, though only one lane was asked since', async () => {
    const used = engines();
    await used.open(scene({ cluster: shop }), nothing);
    await used.rules.tables(scene());
    const wanted = scene();
    await used.rules.tables(wanted);
    const one = whole();
    one.open(wanted);
    for (const [id, view] of VIEWS) expect(await used.inspect(wanted, id, view), id).toEqual(one.inspect(id, view));
  });
});

describe('a connection that comes up in one lane alone', () => {
  /** Lanes of which one takes the first packet, and what each is asked. */
  function onlyIn(taker: 'iptables' | 'ebpf') {
    const calls: string[] = [];
    const serve = (lane: 'iptables' | 'ebpf') => (endpoint: Endpoint) => {
      const race: WorkerApi['race'] = (_, elsewhere) => answer(() => {
        calls.push(`${lane} ${elsewhere ? `connected ${elsewhere.connected}` : 'first'}`);
        const came = taker === lane || elsewhere?.connected === true;
        return { packet: { protocol: 'TCP', destination: 1, destinationPort: 80 }, lanes: { [lane]: came ? 'data' : 'refused' }, first: came ? { [lane]: 'first' } : null } as unknown as PortedRace;
      });
      Comlink.expose({ use: () => answer(nothing), race }, endpoint);
    };
    const all = engines({ start: () => made(serve('iptables')), startSecond: () => made(serve('ebpf')) });
    return { calls, race: all.race(scene({ connection: 'established' })) };
  }

  it.each([
    ['iptables', ['iptables first', 'ebpf connected true']],
    ['ebpf', ['iptables first', 'ebpf connected false', 'iptables connected true']],
  ] as const)('%s: the other gets the packet after it too', async (taker, expected) => {
    const { calls, race } = onlyIn(taker);
    expect(await race).toMatchObject({ lanes: { iptables: 'data', ebpf: 'data' }, first: { iptables: 'first', ebpf: 'first' } });
    expect(calls).toEqual(expected);
  });

  it('is sent on in the engines as well', () => {
    const wanted = scene({ cluster: shop, target: at('shop/ads:grpc'), connection: 'established' });
    const { packet, first } = whole().race(wanted);
    expect(first).toBeNull();
    const to = { to: packet.destination, port: packet.destinationPort, protocol: packet.protocol };
    for (const lane of ['iptables', 'ebpf'] as const) {
      const refused = whole().use([lane]).race(wanted, { to, connected: true });
      expect(Object.keys(refused.lanes)).toEqual([lane]);
      expect(refused.packet).not.toEqual(packet);
      expect(refused.first?.[lane].report.packetIn).toEqual(packet);
    }
  });
});

describe('one thread', () => {
  const wanted = scene({ connection: 'established', added: [2] });

  it.each<readonly [string, EnginesOptions['startSecond']]>([
    ['none can be had', () => null],
    ['making one throws', () => {
      throw new Error('no more threads');
    }],
  ])('does all the work where there is no second: %s', async (_, startSecond) => {
    expect(await asked(engines({ startSecond }), wanted)).toEqual(inOne(wanted));
    expect(threads).toHaveLength(1);
  });

  it('takes over where the second does not start, or ends', async () => {
    const silent = made(nothing);
    const used = engines({ startSecond: () => silent });
    const opened = used.open(wanted, nothing);
    silent.dispatchEvent(new Event('error'));
    expect(withoutTime(await opened)).toEqual(inOne(wanted).opened);
    expect(silent.ended).toBe(true);
    expect(await asked(used, wanted)).toEqual(inOne(wanted));
  });

  it('takes over a window of a lane whose thread ended after it was built', async () => {
    const used = engines();
    await used.open(wanted, nothing);
    threads.at(-1)?.dispatchEvent(new Event('error'));
    const one = whole();
    one.open(wanted);
    expect(await used.inspect(wanted, 'ebpf', { kind: 'maps' })).toEqual(one.inspect('ebpf', { kind: 'maps' }));
  });

  it('is enough for a small cluster, and the second goes', async () => {
    const used = engines({ apart: ({ cluster }) => cluster.kind === 'preset' && cluster.preset === '50' });
    expect(await asked(used, scene({ cluster: shop }))).toEqual(inOne(scene({ cluster: shop })));
    expect(threads).toHaveLength(1);
    await used.open(scene(), nothing);
    expect(threads.map(({ ended }) => ended)).toEqual([false, false]);
    expect(await asked(used, scene({ cluster: shop }))).toEqual(inOne(scene({ cluster: shop })));
    expect(threads.map(({ ended }) => ended)).toEqual([false, true]);
  });

  it('and which cluster is large', () => {
    expect(PRESETS.filter((preset) => lanesApart(scene({ cluster: { kind: 'preset', preset } })))).toEqual(['20000', '50000']);
    expect(lanesApart(scene({ cluster: { kind: 'text', text: '' } }))).toBe(false);
    expect(lanesApart(scene({ cluster: { kind: 'rules', text: '' } }))).toBe(false);
  });
});

describe('a text', () => {
  const TEXT = (own: string) => `*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -s 10.0.0.1 -m comment --comment "${own}" -j DROP\nCOMMIT\n`;
  /** How often each text crossed. */
  function counting() {
    const crossed: string[] = [];
    const thread = made();
    const post = thread.postMessage.bind(thread);
    thread.postMessage = (message, transfer) => {
      crossed.push(...['one', 'two', 'three'].filter((own) => JSON.stringify(message).includes(`comment \\"${own}`)));
      post(message, transfer);
    };
    return { crossed, own: engines({ start: () => thread, apart: () => false }) };
  }
  const rules = (own: string): Scene['cluster'] => ({ kind: 'rules', text: TEXT(own) });
  const named = (own: string) => scene({ mode: 'rules', cluster: rules(own) });

  it('crosses once, whatever is asked of it', async () => {
    const { crossed, own } = counting();
    expect(await own.read(rules('one'))).toMatchObject({ faults: [], rules: { tables: [{ table: 'filter', rules: 1 }] } });
    expect(await own.rules.tables(named('one'))).toMatchObject({ tables: [{ table: 'filter', rules: 1 }] });
    expect(await own.rules.graph(named('one'), 'filter')).toMatchObject({ table: 'filter' });
    expect((await own.rules.chain(named('one'), 'filter', 'INPUT', 0, 10))?.rows[0]?.comment).toBe('one');
    expect(await own.open(named('one'), nothing)).toMatchObject({ rules: 1 });
    expect(crossed).toEqual(['one']);
  });

  it('is kept beside one other, and crosses again after two', async () => {
    const { crossed, own } = counting();
    for (const one of ['one', 'two', 'one', 'two']) await own.read(rules(one));
    expect(crossed).toEqual(['one', 'two']);
    await own.read(rules('three'));
    await own.read(rules('two'));
    expect(crossed).toEqual(['one', 'two', 'three']);
    expect((await own.rules.chain(named('one'), 'filter', 'INPUT', 0, 10))?.rows[0]?.comment).toBe('one');
    expect(crossed).toEqual(['one', 'two', 'three', 'one']);
  });

  it('is read with progress', async () => {
    const told: Progress[] = [];
    const lines = Array.from({ length: 20_000 }, (_, line) => `-A INPUT -s 10.0.${line >> 8}.${line & 255} -j DROP`);
    await engines({ apart: () => false }).rules.tables(scene({ mode: 'rules', cluster: { kind: 'rules', text: `*filter\n:INPUT ACCEPT [0:0]\n${lines.join('\n')}\nCOMMIT\n` } }), (progress) => told.push(progress));
    await vi.waitFor(() => { expect(told.some(({ task, done }) => task === 'cluster' && done > 0 && done < 1)).toBe(true); });
  });
});
