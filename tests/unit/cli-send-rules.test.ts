import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { CommandError, UsageError } from '../../src/cli/command.ts';
import { command } from '../../src/cli/send.ts';

interface Line {
  readonly packet: number;
  readonly datapath: string;
  readonly sent: string;
  readonly verdict: string;
  readonly endpoint?: string;
  readonly device?: string;
  readonly by?: string;
  readonly connection: string;
  readonly work: Readonly<Record<string, number>>;
  readonly time: { readonly total: number };
  readonly matched: readonly string[];
  readonly stages?: readonly object[];
}

const DUMPS = join(import.meta.dirname, 'dumps');
const DOCKER = join(DUMPS, 'docker-flannel-libvirt-ufw.rules');
const CALICO = join(DUMPS, 'calico-firewalld.rules');

const folders: string[] = [];
function file(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'send-rules-'));
  folders.push(folder);
  writeFileSync(join(folder, 'node.rules'), text);
  return join(folder, 'node.rules');
}
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  vi.restoreAllMocks();
});

/** What it printed, what it said on standard error, and what it threw. */
function send(...args: readonly string[]): { readonly lines: readonly Line[]; readonly said: string; readonly error: unknown } {
  const lines: Line[] = [];
  let said = '';
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
  let error: unknown = null;
  try {
    void command.run(args, (line) => lines.push(JSON.parse(line) as Line));
  } catch (thrown) {
    error = thrown;
  }
  stderr.mockRestore();
  return { lines, said, error };
}

describe('send --rules', () => {
  it('sends through a node’s own rules, by the interfaces that are named', () => {
    const { lines, error, said } = send('--rules', DOCKER, '--from', '203.0.113.7', '--to', 'node:8080/TCP', '--in', 'eth0', '--out', 'br-5f1a2b3c4d5e');
    expect([error, said]).toEqual([null, '']);
    expect(lines).toMatchObject([{ packet: 0, datapath: 'iptables', verdict: 'forwarded', endpoint: '172.18.0.2:80', device: 'br-5f1a2b3c4d5e', connection: 'new' }]);
    expect(lines[0]?.matched).toEqual(expect.arrayContaining(['nat:DOCKER:2', 'filter:DOCKER:0']));
    expect(lines[0]?.work['rulesEvaluated']).toBeGreaterThan(20);
    expect(lines[0]?.time.total).toBeGreaterThan(0);
  });

  it('several packets keep what those before left; a trace says every rule', () => {
    const { lines } = send('--rules', DOCKER, '--from', '203.0.113.7', '--to', 'node:22/TCP', '--count', '7', '--trace');
    expect(lines.map(({ verdict }) => verdict)).toEqual([...Array.from({ length: 5 }, () => 'delivered'), 'rejected', 'rejected']);
    expect(lines[6]).toMatchObject({ by: 'filter:ufw-user-limit:1' });
    expect(lines[0]?.stages?.length).toBeGreaterThan(5);
  });

  it('says notes and what it left out on standard error, each with its line', () => {
    const { lines, said, error } = send('--rules', CALICO, '--from', 'node', '--to', '198.51.100.10/ICMP');
    expect(error).toBeNull();
    expect(lines).toMatchObject([{ verdict: 'forwarded', device: 'eth0' }]);
    expect(said.split('\n').map((line) => line.slice(CALICO.length))).toEqual([
      ':60: note: The ipset cali40masq-ipam-pools is not in the text: it is taken as empty.',
      ':60: note: The ipset cali40all-ipam-pools is not in the text: it is taken as empty.',
      ':116: note: The ipset cali40all-hosts-net is not in the text: it is taken as empty.',
      ':129: note: The ipset cali40s:abcDEF is not in the text: it is taken as empty.',
      ':144: note: IPv6 rules, left out: 2',
      '',
    ]);
  });

  it('sends through the tables that can be taken, and fails with a line for each fault', () => {
    const path = file('*filter\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\nCOMMIT\n*nat\n-A PREROUTING -m wibble -j ACCEPT\nCOMMIT\n');
    const { lines, error } = send('--rules', path, '--from', '203.0.113.7', '--to', 'node:22/TCP');
    expect(lines).toMatchObject([{ verdict: 'delivered', matched: ['filter:INPUT:0'] }]);
    expect(error).toBeInstanceOf(CommandError);
    expect((error as CommandError).message).toBe(`${path}:5:18: error: The match \`wibble\` is not known here.`);
  });

  it.each([
    [['--to', '10.0.0.1/TCP'], /^--to 10\.0\.0\.1\/TCP: write it as IP:PORT\/PROTO/],
    [['--to', '10.0.0.1:70000/TCP'], /^--to/],
    [['--to', '10.0.0.300:7/TCP'], /^--to/],
    [['--from', 'default/client'], /^--from default\/client: write it as an IPv4 address/],
    [['--cluster', 'preset:1'], /name one of them/],
    [['--established'], /has no meaning with --rules/],
  ])('%s is wrong usage', (args, reason) => {
    const { error, lines } = send('--rules', DOCKER, '--from', '10.0.0.1', '--to', '10.0.0.2:7/TCP', ...args);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as UsageError).message).toMatch(reason);
    expect(lines).toEqual([]);
  });

  it('refuses a name that no interface has, and interfaces without rules', () => {
    const { error } = send('--rules', DOCKER, '--from', '10.0.0.1', '--to', '10.0.0.2:7/TCP', '--in', 'much-too-long-a-name');
    expect((error as CommandError).message).toContain('“much-too-long-a-name”');
    expect(send('--cluster', 'preset:1', '--from', 'default/client', '--to', '10.0.0.2:7/TCP', '--in', 'eth0').error).toBeInstanceOf(UsageError);
  });
});
