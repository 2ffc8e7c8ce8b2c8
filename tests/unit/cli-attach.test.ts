import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { CommandError, UsageError } from '../../src/cli/command.ts';
import { command } from '../../src/cli/send.ts';

interface Line {
  readonly datapath: string;
  readonly verdict: string;
  readonly by?: string;
  readonly attached?: readonly object[];
}
function send(...args: string[]): Line[] {
  const lines: Line[] = [];
  void command.run(['--cluster', 'preset:shop', '--from', 'default/client', '--to', '10.102.14.7:80/TCP', ...args], (line) => lines.push(JSON.parse(line) as Line));
  return lines;
}
const OBJECT = new URL('../../bpf-samples/from_container.bpf.o', import.meta.url).pathname;
let folder: string;
let shot: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'attach-'));
  shot = join(folder, 'shot.s');
  writeFileSync(shot, '.program tc shot\nr0 = 2\nexit\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('send --attach', () => {
  it('puts a text’s program into the map’s lane, and leaves the chain’s', () => {
    const lines = send('--attach', `${shot}@from-container,before`);
    expect(lines.find(({ datapath }) => datapath === 'iptables')).toMatchObject({ verdict: 'delivered' });
    expect(lines.find(({ datapath }) => datapath === 'ebpf')).toMatchObject({ verdict: 'dropped', by: 'shot: TC_ACT_SHOT', attached: [{ hook: 'from-container', program: 'shot', returned: 2, does: 'drops' }] });
  });
  it('an object’s program by name, and one of the project’s own with a constant rewritten', () => {
    const [line] = send('--datapath', 'ebpf', '--attach', `${OBJECT}:cil_from_container@from-container`, '--attach', 'sample:connect4@connect4');
    expect(line).toMatchObject({ verdict: 'delivered', attached: [{ hook: 'connect4', program: 'cil_sock4_connect' }, { hook: 'from-container', program: 'cil_from_container' }] });
    const [told] = send('--datapath', 'ebpf', '--attach', 'sample:from_container@from-container,enable_events=01');
    expect(told).toMatchObject({ work: { 'helper:perf_event_output': 1 } });
  });
  test.each([
    ['no hook', ['--attach', 'x.o']],
    ['a hook that is not there', ['--attach', 'x.o@egress']],
    ['a setting that is none', ['--attach', `sample:node@xdp,behind`]],
    ['half a byte', ['--attach', `sample:node@xdp,enable_events=1`]],
    ['a hook twice', ['--attach', 'sample:node@xdp', '--attach', 'sample:xdp_node@xdp']],
    ['no lane to put it into', ['--datapath', 'iptables', '--attach', 'sample:node@xdp']],
  ])('%s', (_, args) => {
    expect(() => send(...args)).toThrow(UsageError);
  });
  test.each<[string, () => readonly string[], RegExp]>([
    ['a file that is not there', () => ['--attach', join(folder, 'none.o@xdp')], /none\.o: .*no such file/],
    ['a program for another hook', () => ['--attach', `${OBJECT}@xdp`], /from_container\.bpf\.o@xdp: The object holds no such program for xdp\. What it holds: cil_from_container \(sched_cls\)/],
    ['a constant that is not there', () => ['--attach', 'sample:from_container@from-container,enable_evnts=01'], /has no constant enable_evnts; it has enable_policy/],
    ['a sample that is not there', () => ['--attach', 'sample:nothing@xdp'], /cannot be read/],
    ['text with a fault', () => {
      writeFileSync(join(folder, 'bad.s'), '.program tc bad\nr0 = r12\nexit\n');
      return ['--attach', `${join(folder, 'bad.s')}@from-container`];
    }, /bad\.s:2:6: /],
    ['what the checker refuses', () => {
      writeFileSync(join(folder, 'unsafe.s'), '.program tc unsafe\nr2 = *(u32 *)(r1 + 76)\nr0 = *(u8 *)(r2 + 0)\nexit\n');
      return ['--attach', `${join(folder, 'unsafe.s')}@from-container`];
    }, /The checker refuses unsafe at instruction 1: /],
  ])('%s', (_, args, message) => {
    const run = () => send(...args());
    expect(run).toThrow(CommandError);
    expect(run).toThrow(message);
  });
});
