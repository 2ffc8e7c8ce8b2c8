import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { CommandError, UsageError } from '../../src/cli/command.ts';
import { command } from '../../src/cli/replay.ts';

const CASES = 'tests/conformance/netfilter/cases.jsonl';

async function run(args: readonly string[]): Promise<Record<string, unknown>[]> {
  const lines: string[] = [];
  await command.run(args, (line) => lines.push(line));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('every recorded case gives one line, in order, with its counters', async () => {
  const results = await run(['--cases', CASES]);
  const recorded = readFileSync(CASES, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(results.map(({ name }) => name)).toEqual(recorded.map(({ name }) => name));
  for (const [index, result] of results.entries()) {
    expect(result['error']).toBeUndefined();
    expect(Object.keys(result)).toEqual(['name', 'outcomes', 'steps', 'counters']);
    expect(result['outcomes']).toHaveLength((recorded[index]?.['packets.json'] as object[]).length);
  }
});

test('a case that cannot be run is its line’s error, and the others run', async () => {
  const [first = ''] = readFileSync(CASES, 'utf8').split('\n');
  const record = JSON.parse(first) as Record<string, unknown>;
  const lines = [
    '{"name": "cut',
    '[]',
    '{}',
    JSON.stringify({ ...record, name: 'no-topology', 'topology.json': null }),
    JSON.stringify({ ...record, name: 'no-rules', 'rules.restore': 5 }),
    JSON.stringify({ ...record, name: 'no-packets', 'packets.json': {} }),
    JSON.stringify({ ...record, name: 'bad-rule', 'rules.restore': '*filter\n-A FORWARD -j NOWHERE\nCOMMIT\n' }),
    JSON.stringify({ ...record, name: 'bad-packet', 'packets.json': [{ id: 1, from: 'client', proto: 'gre', src: '10.1.0.1', dst: '10.2.0.1' }] }),
    '',
    first,
  ];
  const file = join(mkdtempSync(join(tmpdir(), 'replay-')), 'cases.jsonl');
  writeFileSync(file, lines.join('\n'));
  const results = await run(['--cases', file]);
  expect(results.slice(0, -1).map(({ name, error }) => [name, typeof error])).toEqual(['line 1', 'line 2', 'line 3', 'no-topology', 'no-rules', 'no-packets', 'bad-rule', 'bad-packet'].map((name) => [name, 'string']));
  expect(results[6]?.['error']).toMatch(/^line 2: /);
  expect(results.at(-1)?.['name']).toBe(record['name']);
  expect(results.at(-1)?.['error']).toBeUndefined();
});

test('a wrong command line and a missing file', () => {
  expect(() => command.run([], () => undefined)).toThrow(UsageError);
  expect(() => command.run(['--cases', '/nowhere.jsonl'], () => undefined)).toThrow(CommandError);
});
