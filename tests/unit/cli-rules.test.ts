import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { command } from '../../src/cli/rules.ts';
import { CommandError, UsageError } from '../../src/cli/command.ts';
import { canonical } from '../conformance/canonical.ts';

const GOLDEN = 'tests/conformance/golden';
const cases = readdirSync(GOLDEN).filter((name) => name.startsWith('case-'));
const folder = () => mkdtempSync(join(tmpdir(), 'rules-'));
const restores = (dir: string) => readdirSync(dir).filter((name) => name.endsWith('.restore') && name !== 'final.restore').sort();

function file(text: string, name = 'cluster.yaml'): string {
  const path = join(folder(), name);
  writeFileSync(path, text);
  return path;
}

/** A golden case's arguments: `config` is a part of its meta.json. */
function argumentsOf(name: string): string[] {
  const { config } = JSON.parse(readFileSync(join(GOLDEN, name, 'meta.json'), 'utf8')) as { config: object };
  return ['--cluster', join(GOLDEN, name, 'cluster.json'), '--changes', join(GOLDEN, name, 'steps.json'), '--config', file(JSON.stringify(config), 'config.json')];
}

function expectGolden(name: string, out: string): void {
  expect(restores(out)).toEqual(restores(join(GOLDEN, name)));
  for (const restore of restores(out)) {
    expect(canonical(readFileSync(join(out, restore), 'utf8')), restore).toBe(canonical(readFileSync(join(GOLDEN, name, restore), 'utf8')));
  }
}

async function run(args: readonly string[]): Promise<string[]> {
  const lines: string[] = [];
  await command.run(args, (line) => lines.push(line));
  return lines;
}

describe('the payloads of the real kube-proxy', () => {
  test('the cases are there', () => {
    expect(cases.length).toBe(21);
  });

  test.each(cases)('%s', async (name) => {
    const out = folder();
    await run([...argumentsOf(name), '--out', out]);
    expectGolden(name, out);
  });

  test.each(['case-00-clusterip', 'case-15-multi-slice-dualstack'])('%s from a terminal', (name) => {
    const out = folder();
    execFileSync(process.execPath, ['--import', 'tsx', 'src/cli.ts', 'rules', ...argumentsOf(name), '--out', out], { stdio: ['ignore', 'ignore', 'pipe'] });
    expectGolden(name, out);
  });

  test('without --out each payload is a line', async () => {
    const lines = (await run(argumentsOf('case-05-no-endpoints-reject'))).map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ name }) => `${String(name)}.restore`)).toEqual(restores(join(GOLDEN, 'case-05-no-endpoints-reject')));
    for (const { name, kind, bytes, text } of lines) {
      expect(kind).toBe(name === 'full' ? 'full' : 'partial');
      expect(bytes).toBe(Buffer.byteLength(text as string));
      expect(canonical(text as string)).toBe(canonical(readFileSync(join(GOLDEN, 'case-05-no-endpoints-reject', `${String(name)}.restore`), 'utf8')));
    }
  });
});

test('the file of a step that needs no sync is taken away', async () => {
  const name = cases.find((dir) => (JSON.parse(readFileSync(join(GOLDEN, dir, 'meta.json'), 'utf8')) as { syncs: { kind: string }[] }).syncs.some(({ kind }) => kind === 'none'))!;
  const { syncs } = JSON.parse(readFileSync(join(GOLDEN, name, 'meta.json'), 'utf8')) as { syncs: { name: string; kind: string }[] };
  const idle = syncs.find(({ kind }) => kind === 'none')!;
  const out = folder();
  writeFileSync(join(out, `${idle.name}.restore`), 'of an earlier run');
  await run([...argumentsOf(name), '--out', out]);
  expect(existsSync(join(out, `${idle.name}.restore`))).toBe(false);
});

describe('what is wrong', () => {
  const good = 'kind: Service\nmetadata: {name: cart}\nspec: {clusterIP: 10.96.0.1, ports: [{port: 80}]}\n';
  test('a Service that cannot be used is left out, the others are written, and it is an error', async () => {
    const path = file(`${good}---\nkind: Service\nmetadata: {name: ads}\nspec:\n  ports: [{port: 80}]\n`);
    const lines: string[] = [];
    await expect(Promise.resolve().then(() => command.run(['--cluster', path], (line) => lines.push(line)))).rejects.toThrow(`${path}:7:1: error: Service default/ads: The Service has no`);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('default/cart has no endpoints');
  });

  test.each<[string, string, string, RegExp]>([
    ['a setting that there is not', '--config', '{"masquerade": true}', /there is no setting "masquerade"/],
    ['a setting of the wrong kind', '--config', '{"masqueradeBit": 32}', /"masqueradeBit" is 32, and has to be a whole number from 0 to 31/],
    ['no JSON', '--config', '{"node": ', /this is not JSON/],
    ['no object', '--config', '[]', /the settings are a JSON object/],
    ['no list of steps', '--changes', '{}', /`steps` has to be a list/],
    ['a step that is no list', '--changes', '[{}]', /step 1: `steps\[0\]` has to be a list/],
    ['no op', '--changes', '[[{"op":"patch","object":{"kind":"Service"}}]]', /step 1, change 1: Here stands “patch” instead of a change/],
    ['an object that cannot be used', '--changes', '[[],[{"op":"add","object":{"kind":"Service","metadata":{"name":"x"},"spec":{"clusterIP":"10.0.0.300","ports":[{"port":1}]}}}]]', /step 2, change 1: Service default\/x: `spec.clusterIP` is 10.0.0.300/],
  ])('%s', async (_, option, text, expected) => {
    const result = Promise.resolve().then(() => command.run(['--cluster', file(good), option, file(text, 'other.json')], () => undefined));
    await expect(result).rejects.toThrow(expected);
    await expect(result).rejects.toBeInstanceOf(CommandError);
  });

  test('no cluster is a wrong command line', () => {
    expect(() => command.run([], () => undefined)).toThrow(UsageError);
  });

  test.each<[string, string[], string, number, RegExp, RegExp]>([
    ['no such file', ['rules', '--cluster', '/nowhere/cluster.yaml'], '', 1, /^$/, /\/nowhere\/cluster\.yaml: there is no such file\.\n$/],
    ['an unknown option', ['rules', '--clutser', 'x'], '', 2, /^$/, /Unknown option '--clutser'[^]*Usage: .* rules --cluster F/],
    ['an unknown command', ['rule'], '', 2, /^$/, /^There is no command rule\. Commands: /],
    ['no command', [], '', 2, /^$/, /^Usage:/],
    ['standard input', ['rules', '--cluster', '-'], good, 0, /^\{"name":"full","kind":"full"/, /^standard input:1:1: note: There are Services but no EndpointSlices/],
    ['a table on standard input', ['rules', '--cluster', '-'], 'NAME   TYPE   CLUSTER-IP\ncart   ClusterIP   10.96.0.1\n', 1, /^$/, /^standard input:1:1: error: This is kubectl’s table/],
  ])('from a terminal: %s', (_, args, input, status, out, err) => {
    const result = spawnSync(process.execPath, ['--import', 'tsx', 'src/cli.ts', ...args], { input, encoding: 'utf8' });
    expect(result.stderr).toMatch(err);
    expect(result.stdout).toMatch(out);
    expect(result.status).toBe(status);
  });
});
