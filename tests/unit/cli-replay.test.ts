import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { CommandError, UsageError } from '../../src/cli/command.ts';
import { command, replayLine } from '../../src/cli/replay.ts';

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

describe('a line that is no case says which line it is and which field is wrong', () => {
  const [first = ''] = readFileSync(CASES, 'utf8').split('\n');
  const record = JSON.parse(first) as Record<string, unknown>;
  const topology = record['topology.json'] as { readonly interfaces: readonly object[]; readonly routes: readonly object[] };
  const packet = { id: 1, from: 'client', proto: 'udp', src: '10.1.0.1', dst: '10.2.0.1', sport: 1, dport: 2 };
  const packets = (change: object) => ({ 'packets.json': [packet, { ...packet, ...change }] });
  const change = (over: object) => JSON.stringify({ ...record, ...over });
  it.each([
    ['{"name": "cut', 'This is not JSON: '],
    ['[]', 'the case: Here an object is expected, not [].'],
    ['{}', 'name: This field is missing; it is a text.'],
    [change({ 'topology.json': null }), 'topology.json: Here an object is expected, not null.'],
    [change({ 'topology.json': { ...topology, interfaces: [{ addresses: [] }] } }), 'topology.json.interfaces[0].name: This field is missing'],
    [change({ 'topology.json': { ...topology, interfaces: [{ name: 'cl0', addresses: '10.1.0.254/24' }] } }), 'topology.json.interfaces[0].addresses: Here a list is expected, not "10.1.0.254/24".'],
    [change({ 'topology.json': { ...topology, routes: [{ dst: 'default', dev: 3 }] } }), 'topology.json.routes[0].dev: Here a text is expected, not 3.'],
    [change({ 'rules.restore': 5 }), 'rules.restore: Here a text is expected, not 5.'],
    [change({ 'ipsets.txt': [] }), 'ipsets.txt: Here a text is expected'],
    [change({ 'packets.json': {} }), 'packets.json: Here a list is expected, not {}.'],
    [change(packets({ id: '7' })), 'packets.json[1].id: Here a whole number is expected, not "7".'],
    [change(packets({ from: 'cleint' })), 'packets.json[1].from: “cleint” is none of router, '],
    [change(packets({ proto: 'gre' })), 'packets.json[1].proto: “gre” is none of tcp, udp, sctp, icmp.'],
    [change(packets({ sport: 'http' })), 'packets.json[1].sport: Here a whole number is expected, not "http".'],
    [change(packets({ proto: 'tcp', flags: 'SYN,ACT' })), 'packets.json[1].flags: “ACT” is none of FIN, SYN, '],
    [change(packets({ wait_ms: '50' })), 'packets.json[1].wait_ms: Here a number is expected, not "50".'],
    [change(packets({ inner: { proto: 'udp', src: '10.1.0.1' } })), 'packets.json[1].inner.dst: This field is missing'],
    [change(packets({ nondeterministic: 'sport' })), 'packets.json[1].nondeterministic: Here a list is expected'],
    [change({ noflush: 'yes' }), 'noflush: Here true or false is expected, not "yes".'],
    [change(packets({ draws: 5 })), 'packets.json[1].draws: Here a list is expected, not 5.'],
    [change(packets({ draws: [0, 0.5] })), 'packets.json[1].draws[1]: Here a whole number is expected, not 0.5.'],
  ])('%#: %s', (line, sentence) => {
    const { error } = replayLine(line, 'line 4') as { readonly error: string };
    expect(error).toContain(`line 4 of the cases: ${sentence}`);
  });
});

describe('a case’s own ways', () => {
  const topology = {
    interfaces: [{ name: 'cl0', side: 'client', addresses: ['10.1.0.254/24'] }, { name: 'sv0', side: 'server', addresses: ['10.2.0.254/24'] }],
    routes: [{ dst: '10.1.0.0/24', dev: 'cl0' }, { dst: '10.2.0.0/24', dev: 'sv0' }],
  };
  const packet = { id: 1, from: 'client', proto: 'udp', src: '10.1.0.1', dst: '10.2.0.1', sport: 1, dport: 2 };
  const run1 = (over: object) => replayLine(JSON.stringify({ name: 'own', 'topology.json': topology, 'packets.json': [packet], ...over }), 'line 1') as { readonly outcomes: readonly object[] };

  // The second text empties the table, but where the case says that its texts were restored one upon the other.
  const texts = '*filter\n:FIRST - [0:0]\n-A FIRST -j DROP\n-A FORWARD -j FIRST\nCOMMIT\n*filter\n:SECOND - [0:0]\nCOMMIT\n';
  it.each([
    [{ noflush: true }, { outcome: 'dropped', by: 'filter:FIRST:0' }, ['INPUT', 'FORWARD', 'OUTPUT', 'FIRST', 'SECOND']],
    [{ noflush: false }, { outcome: 'forwarded' }, ['INPUT', 'FORWARD', 'OUTPUT', 'SECOND']],
    [{}, { outcome: 'forwarded' }, ['INPUT', 'FORWARD', 'OUTPUT', 'SECOND']],
  ])('two texts of a table with %j', (over, outcome, chains) => {
    const result = run1({ 'rules.restore': texts, ...over });
    expect(result).toMatchObject({ outcomes: [outcome] });
    expect(Object.keys((result as unknown as { counters: { filter: object } }).counters.filter)).toEqual(chains);
  });

  it.each([[0, 'dropped'], [0xffffffff, 'forwarded']])('a rule that draws %i: %s', (drawn, outcome) => {
    const rules = '*filter\n-A FORWARD -m statistic --mode random --probability 0.5 -j DROP\nCOMMIT\n';
    expect(run1({ 'rules.restore': rules, 'packets.json': [{ ...packet, draws: [drawn] }] })).toMatchObject({ outcomes: [{ outcome }] });
  });
});

test('a wrong command line and a missing file', () => {
  expect(() => command.run([], () => undefined)).toThrow(UsageError);
  expect(() => command.run(['--cases', '/nowhere.jsonl'], () => undefined)).toThrow(CommandError);
});
