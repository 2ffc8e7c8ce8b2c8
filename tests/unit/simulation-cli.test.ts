import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { CommandError, UsageError } from '../../src/cli/command.ts';
import { command } from '../../src/cli/send.ts';
import { findProfile, PROFILES } from '../../src/cost/profiles.ts';
import { DATAPATH_IDS } from '../../src/datapaths/registry.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';
import type { Scene } from '../../src/simulation/scene.ts';
import { Simulation } from '../../src/simulation/simulation.ts';

interface Line {
  readonly packet: number;
  readonly datapath: 'iptables' | 'ebpf';
  readonly verdict: string;
  readonly endpoint?: string;
  readonly by?: string;
  readonly connection: string;
  readonly work: object;
  readonly time: { readonly total: number; readonly shared: number; readonly profile: string };
  readonly stages?: readonly { readonly duration: number; readonly rules?: readonly object[]; readonly instructions?: readonly number[]; readonly bucket?: number }[];
}

function send(...args: string[]): Line[] {
  const lines: Line[] = [];
  void command.run(args, (line) => lines.push(JSON.parse(line) as Line));
  return lines;
}
const DNS = ['--from', 'default/client', '--to', '10.96.0.10:53/UDP'];

const folders: string[] = [];
function file(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'send-'));
  folders.push(folder);
  const path = join(folder, 'cluster.yaml');
  writeFileSync(path, text);
  return path;
}
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

const YAML = `apiVersion: v1
kind: Service
metadata: { namespace: web, name: front }
spec: { type: ClusterIP, clusterIP: 10.96.7.7, clusterIPs: [10.96.7.7], ports: [{ port: 80, targetPort: 8080, protocol: TCP }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { namespace: web, name: front-abcde, labels: { kubernetes.io/service-name: front } }
addressType: IPv4
ports: [{ port: 8080, protocol: TCP }]
endpoints:
- { addresses: [10.9.1.5], nodeName: worker-3, conditions: { ready: true }, targetRef: { kind: Pod, namespace: web, name: front-0 } }
`;

describe('send', () => {
  it.each(['new', 'established'] as const)('says what a page’s race says: a connection that is %s', (connection) => {
    const args = connection === 'established' ? ['--established'] : [];
    const lines = send('--cluster', 'preset:50', '--from', 'default/client', '--to', lastOf('50'), '--seed', '1', '--count', '3', '--packet', '2', ...args);
    const simulation = new Simulation({ assets: readAssets(), profiles: { find: findProfile } });
    const expected = [2, 3, 4].flatMap((packet) => {
      const { lanes } = simulation.race({ ...scene('50'), connection, packet });
      return DATAPATH_IDS.map((id) => ({ packet, datapath: id, work: lanes[id].report.work, total: lanes[id].timeline.total, connection }));
    });
    expect(lines.map(({ packet, datapath, work, time, connection: seen }) => ({ packet, datapath, work, total: time.total, connection: seen }))).toEqual(expected);
  });

  it('moves the target to a position, and traces each rule and instruction', () => {
    const [iptables, ebpf] = send('--cluster', 'preset:50', '--from', 'default/client', '--to', lastOf('50'), '--position', '11', '--trace');
    const services = iptables?.stages?.find(({ rules }) => rules?.length === 12);
    expect(services?.rules?.at(-1)).toEqual({ rule: 11, outcome: 'matched' });
    expect(ebpf?.stages?.filter(({ bucket }) => bucket !== undefined)).toHaveLength(8);
    for (const line of [iptables, ebpf]) expect(line?.stages?.reduce((sum, { duration }) => sum + duration, 0)).toBeCloseTo(line?.time.total ?? 0, 6);
  });

  it('sends through one lane, under any profile', () => {
    for (const { id } of PROFILES) {
      const lines = send('--cluster', 'preset:shop', ...DNS, '--datapath', 'ebpf', '--profile', id);
      expect(lines.map(({ datapath, verdict, time }) => [datapath, verdict, time.profile])).toEqual([['ebpf', 'delivered', id]]);
    }
  });

  it('sends to anything: a Service without endpoints, a pod, the outside', () => {
    const from = ['--cluster', 'preset:shop', '--from', 'shop/cart-0'];
    expect(send(...from, '--to', '10.106.8.8:9555/TCP').map(({ verdict, by }) => [verdict, by])).toEqual([['rejected', 'filter:KUBE-SERVICES:0'], ['dropped', 'DROP_NO_SERVICE (-158)']]);
    expect(send(...from, '--to', '10.244.1.71:6379/TCP').map(({ verdict, endpoint }) => [verdict, endpoint])).toEqual([['delivered', '10.244.1.71:6379'], ['delivered', '10.244.1.71:6379']]);
    expect(send(...from, '--to', '203.0.113.5:443/tcp').map(({ verdict }) => verdict)).toEqual(['forwarded', 'forwarded']);
  });

  it('reads a person’s own cluster, and finds its pods and node', () => {
    const cluster = file(YAML);
    for (const from of ['default/client', 'web/front-0', 'worker-3']) {
      const [iptables] = send('--cluster', cluster, '--from', from, '--to', '10.96.7.7:80/TCP', '--datapath', 'iptables');
      expect(iptables, from).toMatchObject({ verdict: 'delivered', endpoint: '10.9.1.5:8080' });
    }
    expect(send('--cluster', cluster, '--from', 'default/client', '--to', '10.96.7.7:80/TCP', '--datapath', 'ebpf')).toMatchObject([{ verdict: 'delivered', endpoint: '10.9.1.5:8080' }]);
  });

  it('goes on without what is wrong in a cluster, and says it', () => {
    const cluster = file(`${YAML}---\nkind: Service\napiVersion: v1\nmetadata: { namespace: web, name: bad }\nspec: { clusterIP: 10.96.7.900, ports: [{ port: 80 }] }\n`);
    const lines: string[] = [];
    expect(() => command.run(['--cluster', cluster, '--from', 'default/client', '--to', '10.96.7.7:80/TCP'], (line) => lines.push(line))).toThrow(/cluster\.yaml.*10\.96\.7\.900/s);
    expect(lines).toHaveLength(2);
  });

  it.each([
    [UsageError, ['--from', 'a/b', '--to', '10.0.0.1:80/TCP'], /--cluster is missing/],
    [UsageError, ['--cluster', 'preset:9', ...DNS], /presets are shop, 1, 50/],
    [UsageError, ['--cluster', 'preset:shop', '--from', 'default/client', '--to', '10.96.0.10:53'], /IP:PORT\/PROTO/],
    [UsageError, ['--cluster', 'preset:shop', '--from', 'default/client', '--to', '10.96.0.10:65536/UDP'], /IP:PORT\/PROTO/],
    [UsageError, ['--cluster', 'preset:shop', ...DNS, '--datapath', 'ipvs'], /iptables, ebpf, all/],
    [UsageError, ['--cluster', 'preset:shop', ...DNS, '--count', '0'], /from 1 up/],
    [UsageError, ['--cluster', 'preset:shop', ...DNS, '--seed', '-1'], /./],
    [CommandError, ['--cluster', '/no/such/file', ...DNS], /no such file/],
    [CommandError, ['--cluster', 'preset:shop', ...DNS, '--profile', 'none'], /no cost profile none/],
    [CommandError, ['--cluster', 'preset:shop', '--from', 'shop/nobody', '--to', '10.96.0.10:53/UDP'], /shop\/nobody/],
  ] as const)('%o %j', (kind, args, says) => {
    let thrown: unknown;
    try {
      send(...args);
    } catch (error) {
      thrown = error;
    }
    expect((thrown as Error).message).toMatch(says);
    // parseArgs has errors of its own for a command line that is wrong.
    expect(thrown instanceof kind || (kind === UsageError && 'code' in (thrown as object))).toBe(true);
  });
});

function scene(preset: '50'): Scene {
  return { version: 1, mode: 'race', cluster: { kind: 'preset', preset }, seed: 1, target: { servicePort: null, position: null }, connection: 'new', packet: 0, profile: PROFILES[0]?.id ?? '', added: [] };
}

/** The address of the preset's Service that stands last. */
function lastOf(preset: '50'): string {
  const { target } = new Simulation({ assets: readAssets(), profiles: { find: findProfile } }).open(scene(preset));
  return `${target.address}:${target.port}/${target.protocol}`;
}
