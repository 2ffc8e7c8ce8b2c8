import { describe, expect, it } from 'vitest';
import { chainFamilies } from '../../src/simulation/rules/chain-families.ts';
import { litOn } from '../../src/ui/rules/graph-walk.ts';
import { pathOf } from '../../src/ui/rules/walk-path.ts';
import { CALICO, DOCKER, presetScene, saved, scene, start } from './rules-scenes.ts';

const ALL = { text: '', family: null };

/** How many rules of a table's text jump or go to each name, counted in the text itself. */
function jumpsIn(text: string, table: string): ReadonlyMap<string, number> {
  const [, section = ''] = new RegExp(`^\\*${table}$([^]*?)^COMMIT$`, 'm').exec(text) ?? [];
  const counts = new Map<string, number>();
  for (const [, rule = ''] of section.matchAll(/^-A (.*)$/gm)) {
    const [, target] = / -[jg] (\S+)/.exec(rule.replaceAll(/"[^"]*"/g, '""')) ?? [];
    if (target !== undefined) counts.set(target, (counts.get(target) ?? 0) + 1);
  }
  return counts;
}

describe('chains', () => {
  it.each([
    ['the shop', presetScene('shop'), saved('shop')],
    ['500 Services', presetScene('500'), saved('500')],
    ['Docker, flannel, libvirt, ufw', scene(DOCKER), DOCKER],
    ['Calico, firewalld', scene(CALICO), CALICO],
  ])('%s: a graph that can be drawn, with every rule in it', (_, wanted, text) => {
    const browser = start().rules(wanted);
    for (const { table, chains, rules } of browser.tables().tables) {
      const { nodes, edges } = browser.graph(table);
      expect(nodes.length).toBeLessThanOrEqual(80);
      expect(nodes.reduce((sum, node) => sum + node.rules, 0)).toBe(rules);
      expect(nodes.reduce((sum, node) => sum + node.chains, 0)).toBe(chains);
      expect(new Set(nodes.map(({ name }) => name)).size).toBe(nodes.length);
      for (const { from, to, rules: leading } of edges) {
        expect(from).not.toBe(to);
        expect(leading).toBeGreaterThan(0);
        expect([nodes[from], nodes[to]]).not.toContain(undefined);
      }
      // Every chain stands in exactly one node, which counts it, and lists it where it is a family.
      const jumps = jumpsIn(text, table);
      const own = new Map<string, number>();
      for (const { chain } of browser.chains(table, ALL, 0, 1000).chains) {
        const view = browser.chain(table, chain, 0, 10)!;
        own.set(view.node, (own.get(view.node) ?? 0) + 1);
        expect(view.callersTotal, chain).toBe(jumps.get(chain) ?? 0);
      }
      if (chains <= 1000) expect(own).toEqual(new Map(nodes.map((node) => [node.name, node.chains])));
      for (const node of nodes) if (node.chains > 1) expect(browser.chains(table, { text: '', family: node.name }, 0, 0).total).toBe(node.chains);
    }
  });

  it('folds families only where there are many chains', () => {
    const simulation = start();
    expect(simulation.rules(scene(DOCKER)).graph('nat').nodes.every(({ chains }) => chains === 1)).toBe(true);
    const { nodes } = simulation.rules(presetScene('500')).graph('nat');
    expect(nodes.map(({ name, chains }) => [name, chains])).toEqual(expect.arrayContaining([['KUBE-SERVICES', 1], ['PREROUTING', 1], ['KUBE-SVC-*', 500], ['KUBE-SEP-*', 1000]]));
  });

  it('folds whatever else there is much of', () => {
    const chains = (make: (index: number) => string, count: number) => Array.from({ length: count }, (_, index) => make(index));
    const names = [...chains((index) => `cali-tw-cali${index}`, 100), ...chains((index) => `CUSTOMER_${index}`, 100), ...chains((index) => `${String.fromCharCode(97 + (index % 26))}${index}`, 300)];
    const text = `*filter\n${names.map((name) => `:${name} - [0:0]\n`).join('')}${names.map((name) => `-A FORWARD -s 10.0.0.1 -g ${name}\n-A ${name} -j RETURN\n`).join('')}COMMIT\n`;
    const { nodes, edges } = start().rules(scene(text)).graph('filter');
    expect(nodes.length).toBeLessThanOrEqual(80);
    expect(nodes).toContainEqual({ name: 'cali-tw-*', chains: 100, rules: 100, policy: null, service: null, endpoint: null });
    expect(nodes).toContainEqual({ name: 'CUSTOMER_*', chains: 100, rules: 100, policy: null, service: null, endpoint: null });
    expect(edges.every(({ goes }) => goes)).toBe(true);
    expect(edges.reduce((sum, { rules }) => sum + rules, 0)).toBe(500);
  });

  it('finds chains by name, Service and endpoint, and says what a chain’s rules lead to and what leads to it', () => {
    const browser = start().rules(scene(DOCKER));
    expect(browser.chains('nat', { text: 'shop/web', family: null }, 0, 10).chains.map(({ chain }) => chain)).toEqual(['KUBE-EXT-OLQ2V7XZ3ENQKYMM', 'KUBE-SEP-WEBWEBWEBWEBWEB1', 'KUBE-SEP-WEBWEBWEBWEBWEB2', 'KUBE-SVC-OLQ2V7XZ3ENQKYMM']);
    expect(browser.chains('nat', { text: '10.244.2.9', family: null }, 0, 10)).toMatchObject({ total: 1, chains: [{ chain: 'KUBE-SEP-WEBWEBWEBWEBWEB2', service: 'shop/web:http', endpoint: '10.244.2.9:8080' }] });
    expect(browser.chains('filter', { text: 'UFW', family: null }, 2, 2)).toMatchObject({ total: 8, chains: [{ chain: 'ufw-before-input' }, { chain: 'ufw-logging-deny' }] });
    expect(browser.chains('broute', ALL, 0, 10)).toEqual({ total: 0, chains: [] });
    expect(browser.chain('nat', 'NOWHERE', 0, 10)).toBeNull();
    expect(browser.chain('nat', 'KUBE-SVC-OLQ2V7XZ3ENQKYMM', 1, 5)).toMatchObject({
      chain: { table: 'nat', rules: 3, policy: null, service: 'shop/web:http', endpoint: null },
      node: 'KUBE-SVC-OLQ2V7XZ3ENQKYMM',
      total: 3,
      from: 1,
      rows: [{ index: 1, target: 'KUBE-SEP-WEBWEBWEBWEBWEB1' }, { index: 2 }],
      known: { 'KUBE-SEP-WEBWEBWEBWEBWEB2': { service: 'shop/web:http', endpoint: '10.244.2.9:8080' } },
      callers: [{ chain: 'KUBE-EXT-OLQ2V7XZ3ENQKYMM', index: 1 }, { chain: 'KUBE-SERVICES', index: 1 }],
      callersTotal: 2,
    });
  });

  it('offers the interfaces that rules name, and a name for each pattern', () => {
    const interfaces = (text: string) => start().rules(scene(text)).tables().interfaces;
    expect(interfaces(DOCKER)).toEqual(expect.arrayContaining(['eth0', 'lo', 'docker0', 'br-5f1a2b3c4d5e', 'virbr0']));
    expect(interfaces(CALICO)).toEqual(expect.arrayContaining(['tunl0', 'wg0', 'cali1a2b3c4d5e6']));
    expect(interfaces(CALICO)).not.toContain('cali0');
    expect(interfaces('*filter\n-A INPUT -i cali+ -j ACCEPT\n-A INPUT -i + -j DROP\nCOMMIT\n')).toContain('cali0');
  });
});

describe('families', () => {
  const numbered = <T>(count: number, name: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => name(index));
  const declared = (names: readonly string[], rules = '') => scene(`*filter\n${names.map((name) => `:${name} - [0:0]\n`).join('')}${rules}COMMIT\n`);

  it('lists of CNI’s chains those that its node counts', () => {
    // As long as Linux takes a chain's name.
    const named = (kind: string, index: number) => `${kind}${index.toString(16).padStart(28 - kind.length, '0')}`;
    const kinds = ['CNI-', 'CNI-DN-', 'CNI-SN-'];
    const browser = start().rules(declared(kinds.flatMap((kind) => numbered(40, (index) => named(kind, index)))));
    const { nodes } = browser.graph('filter');
    for (const kind of kinds) {
      expect(nodes.find(({ name }) => name === `${kind}*`)?.chains).toBe(40);
      const { total, chains } = browser.chains('filter', { text: '', family: `${kind}*` }, 0, 1000);
      expect([total, chains.map(({ chain }) => chain)]).toEqual([40, numbered(40, (index) => named(kind, index)).sort()]);
      expect(browser.chains('filter', { text: named(kind, 7), family: `${kind}*` }, 0, 10).total).toBe(1);
      expect(browser.chains('filter', { text: 'nowhere', family: `${kind}*` }, 0, 10).total).toBe(0);
    }
    expect(browser.chains('filter', { text: '', family: 'CNI-X*' }, 0, 10).total).toBe(0);
  });

  it('lights the node that a chain stands in, though another family’s beginning fits better', () => {
    const names = [...numbered(70, (index) => `a-b-${index}`), 'a-b-c-1', 'a-b-d-1', ...numbered(70, (index) => `q${index}-z-1`)];
    const browser = start().rules(declared(names, '-A INPUT -j a-b-c-1\n-A a-b-c-1 -j a-b-7\n-A a-b-7 -j ACCEPT\n'));
    const graph = browser.graph('filter');
    const index = (node: string) => graph.nodes.findIndex(({ name }) => name === node);
    expect(graph.nodes.filter(({ chains }) => chains > 1).map(({ name, chains }) => [name, chains])).toEqual([['a-b-*', 70], ['a-*', 2], ['q*', 70]]);
    expect(browser.chain('filter', 'a-b-c-1', 0, 1)?.node).toBe('a-*');
    expect(browser.chains('filter', { text: '', family: 'a-*' }, 0, 10).chains.map(({ chain }) => chain)).toEqual(['a-b-c-1', 'a-b-d-1']);
    const walk = browser.send({ packet: browser.tables().example.packet, input: 'eth0', output: null, keep: false });
    const path = pathOf(walk);
    expect(path.filter(({ table }) => table === 'filter').map(({ name, node }) => [name, node])).toEqual([['INPUT', 'INPUT'], ['a-b-c-1', 'a-*'], ['a-b-7', 'a-b-*']]);
    const lit = litOn(graph, path, path.length);
    expect([...lit.nodes]).toEqual([index('INPUT'), index('a-*'), index('a-b-*')]);
    expect([...lit.edges].map((edge) => [graph.edges[edge]!.from, graph.edges[edge]!.to])).toEqual([[index('INPUT'), index('a-*')], [index('a-*'), index('a-b-*')]]);
  });

  it.each([
    ['40,000 chains in pairs', numbered(20_000, (index) => [`x${index}-a`, `x${index}-b`]).flat(), [['x*', 40_000]]],
    ['as many of every letter', numbered(26_000, (index) => `${String.fromCharCode(97 + (index % 26))}${index >> 1}-${index}`), null],
    ['pairs beside a well-known family', [...numbered(200, (index) => [`x${index}-a`, `x${index}-b`]).flat(), ...numbered(50, (index) => `cali-tw-${index}`)], [['cali-tw-*', 50], ['x*', 400]]],
    ['pairs of every sign', numbered(400, (index) => [`${String.fromCodePoint(0x4e00 + index)}-a`, `${String.fromCodePoint(0x4e00 + index)}-b`]).flat(), [['*', 800]]],
  ] as const)('%s: few enough, whatever there is', (_, chains, expected) => {
    const families = chainFamilies(['INPUT', ...chains], new Set(['INPUT']));
    const counts = new Map<string, number>();
    for (const family of families.values()) counts.set(family, (counts.get(family) ?? 0) + 1);
    expect(families.has('INPUT')).toBe(false);
    expect(chains.length + 1 - families.size + counts.size).toBeLessThanOrEqual(80);
    expect(Math.min(...counts.values())).toBeGreaterThan(1);
    if (expected) expect([...counts].sort()).toEqual(expected);
  });
});
