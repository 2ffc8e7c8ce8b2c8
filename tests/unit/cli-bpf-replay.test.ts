import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { command } from '../../src/cli/bpf-replay.ts';

const OBJECTS = 'tests/conformance/bpf/objects';
const recorded = readFileSync('tests/conformance/bpf/cases.jsonl', 'utf8').trim().split('\n');
const withMaps = JSON.parse(recorded.find((line) => (JSON.parse(line) as { maps: unknown[] }).maps.length > 0) ?? '') as Readonly<Record<string, unknown>>;

async function run(lines: readonly string[]): Promise<Record<string, unknown>[]> {
  const file = join(mkdtempSync(join(tmpdir(), 'bpf-replay-')), 'cases.jsonl');
  writeFileSync(file, lines.join('\n'));
  const printed: string[] = [];
  await command.run(['--objects', OBJECTS, '--cases', file], (line) => printed.push(line));
  return printed.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('a line that is no case says which line it is and which field is wrong', () => {
  const change = (over: object) => JSON.stringify({ ...withMaps, ...over });
  it.each([
    ['{"object": "cut', 'This is not JSON: '],
    ['null', 'the case: Here an object is expected, not null.'],
    ['{}', 'object: This field is missing; it is a text.'],
    [change({ object: '' }), 'object: Here the name of a file in the objects’ folder is expected.'],
    [change({ object: 7 }), 'object: Here a text is expected, not 7.'],
    [change({ program: ['tc'] }), 'program: Here a text is expected, not ["tc"].'],
    [change({ program: undefined }), 'program: This field is missing; it is a text.'],
    [change({ maps: {} }), 'maps: Here a list is expected, not {}.'],
    [change({ maps: [null] }), 'maps[0]: Here an object is expected, not null.'],
    [change({ maps: [{ name: 'counts', key: '00' }] }), 'maps[0].value: This field is missing; it is a text.'],
    [change({ maps: [{ name: 'counts', key: '0g', value: '' }] }), 'maps[0].key: “g” at digit 2 is no hexadecimal digit.'],
    [change({ packets: '00' }), 'packets: Here a list is expected, not "00".'],
    [change({ packets: [{ in: '00' }, { in: '000' }] }), 'packets[1].in: an odd number of hexadecimal digits (3)'],
    [change({ packets: [{ out: '00' }] }), 'packets[0].in: This field is missing; it is a text.'],
  ])('%#: %s', async (line, sentence) => {
    const [result] = await run(['', line, '']);
    expect(result?.['error']).toContain(`line 2 of the cases: ${sentence}`);
  });
});

test('one line back for each, in order, and a bad one leaves the others to run', async () => {
  const good = JSON.stringify(withMaps);
  const results = await run([good, '{', good, JSON.stringify({ ...withMaps, object: 'nowhere.o' }), JSON.stringify({ ...withMaps, maps: [{ name: 'nowhere', key: '00', value: '00' }] })]);
  expect(results.map((result) => typeof result['error'])).toEqual(['undefined', 'string', 'undefined', 'string', 'string']);
  expect(results[2]).toEqual(results[0]);
  expect(results[3]).toMatchObject({ object: 'nowhere.o' });
  expect(results[4]?.['error']).toContain('nowhere');
});

describe('a program that takes no packet is not run on one', () => {
  const object = 'section_names.clang19-v3.o';
  const spec = readFileSync('tests/conformance/bpf/specs.jsonl', 'utf8').trim().split('\n').map((line) => JSON.parse(line) as { object: string; programs: { name: string; type: string }[] }).find((line) => line.object === object);
  const programs = (type: string) => spec?.programs.filter((program) => program.type === type) ?? [];

  it.each([
    ['kprobe', 'It is a program of type kprobe: it can be read, not run on a packet.'],
    ['sk_lookup', 'It is a program of type sk_lookup: it can be read, not run on a packet.'],
    ['flow_dissector', 'It is a program of type flow_dissector: it can be read, not run on a packet.'],
    ['unspec', 'says no program type: there is nothing to run it as.'],
  ])('%s', async (type, sentence) => {
    const [program] = programs(type);
    const [result] = await run([JSON.stringify({ object, program: program?.name ?? '', maps: [], packets: [{ in: '00'.repeat(60) }, { in: '00'.repeat(20) }] })]);
    expect(result?.['packets']).toEqual([{ error: expect.stringContaining(sentence) as string }, { error: expect.stringContaining(sentence) as string }]);
  });
});
