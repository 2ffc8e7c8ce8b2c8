import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Proxier, standingRules, type ProxyConfig } from '../../src/datapaths/iptables/kube-proxy/index.ts';
import type { ClusterChange, ClusterObject, ObjectChange } from '../../src/kubernetes/change.ts';
import { canonical } from './canonical.ts';

const folder = join(import.meta.dirname, 'golden');
const read = (name: string, file: string) => readFileSync(join(folder, name, file), 'utf8');

interface Meta {
  readonly config: ProxyConfig;
  readonly ensured: readonly string[];
  readonly syncs: readonly { readonly name: string; readonly kind: 'full' | 'partial' | 'none'; readonly servicePortsWithChainsWritten: number }[];
}

describe.each(readdirSync(folder).filter((name) => name.startsWith('case-')))('%s', (name) => {
  const meta = JSON.parse(read(name, 'meta.json')) as Meta;
  const cluster = (JSON.parse(read(name, 'cluster.json')) as { items: ClusterObject[] }).items;
  const steps = JSON.parse(read(name, 'steps.json')) as ClusterChange[];
  const start: ObjectChange[] = cluster.map((object) => ({ op: 'add', object }));

  test('every payload of every step', () => {
    const proxier = new Proxier(meta.config, 1);
    const payloads = [proxier.sync(start), ...steps.map((step) => proxier.sync(step))];
    payloads.forEach((payload, index) => {
      const sync = meta.syncs[index]!;
      expect(payload?.kind ?? 'none', sync.name).toBe(sync.kind);
      expect(existsSync(join(folder, name, `${sync.name}.restore`))).toBe(payload !== null);
      if (!payload) return;
      expect(canonical(payload.text), sync.name).toBe(canonical(read(name, `${sync.name}.restore`)));
      expect(payload.bytes).toBe(Buffer.byteLength(read(name, `${sync.name}.restore`)));
    });
  });

  test('a fresh start over the state after all steps', () => {
    const state = new Map<string, ClusterObject>();
    for (const { op, object } of [...start, ...steps.flat()]) {
      const key = `${object.kind} ${object.metadata?.namespace}/${object.metadata?.name}`;
      if (op === 'delete') state.delete(key);
      else state.set(key, object);
    }
    const payload = new Proxier(meta.config, 2).sync([...state.values()].map((object) => ({ op: 'add', object })));
    expect(canonical(payload!.text)).toBe(canonical(read(name, 'final.restore')));
  });

  test('the commands before the first payload', () => {
    // Applying `-N` and `-I` in order gives the standing rules.
    const tables = new Map<string, Map<string, string[]>>();
    for (const command of meta.ensured) {
      const [, table, op, chain, rest] = /^-t (\S+) (-N|-I) (\S+) ?(.*)$/.exec(command)!;
      const chains = tables.get(table!) ?? new Map<string, string[]>();
      tables.set(table!, chains);
      if (op === '-I') chains.set(chain!, [`-A ${chain} ${rest}`, ...(chains.get(chain!) ?? [])]);
    }
    const standing = standingRules();
    for (const [table, chains] of tables) {
      const block = standing.slice(standing.indexOf(`*${table}\n`)).split('COMMIT')[0]!;
      const rules = block.split('\n').filter((line) => line.startsWith('-A '));
      const expected = [...chains.values()].flat();
      expect([...rules].sort(byLine)).toEqual([...expected].sort(byLine));
      for (const [chain, lines] of chains) expect(rules.filter((rule) => rule.startsWith(`-A ${chain} `))).toEqual(lines);
    }
  });
});

const byLine = (a: string, b: string) => (a < b ? -1 : 1);
