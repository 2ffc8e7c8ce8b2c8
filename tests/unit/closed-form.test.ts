import { describe, expect, it } from 'vitest';
import type { PacketReport } from '../../src/datapaths/report.ts';
import type { Stage } from '../../src/datapaths/stage.ts';
import { formatIpv4 } from '../../src/packet/address.ts';
import { readAssets } from '../../src/simulation/node-assets.ts';
import type { PresetId, Scene } from '../../src/simulation/scene.ts';
import { Simulation } from '../../src/simulation/simulation.ts';
import { TEST_PROFILES } from './simulation-profile.ts';

const assets = readAssets();
const start = () => new Simulation({ assets, profiles: TEST_PROFILES });
const scene = (change: Partial<Scene>): Scene => ({
  version: 1,
  mode: 'race',
  cluster: { kind: 'preset', preset: '50' },
  seed: 3,
  target: { servicePort: null, position: null },
  connection: 'new',
  packet: 0,
  profile: 'legacy',
  added: [],
  ...change,
});

/** Rules evaluated in the stages that hold. */
function rules({ stages }: PacketReport, holds: (stage: Stage) => boolean): number {
  return stages.filter(holds).reduce((sum, { work }) => sum + (work.rulesEvaluated ?? 0), 0);
}
const inChain = (part: string, prefix: string) => (stage: Stage) => stage.part === part && stage.name.startsWith(prefix);

/** Which of an added Service's endpoints it is, from 1, in the order of KUBE-SVC: sorted as text. */
function rankOf({ verdict }: PacketReport, index: number, endpoints: number): number {
  if (verdict.kind !== 'delivered') throw new Error(verdict.kind);
  const all = Array.from({ length: endpoints }, (_, pod) => `10.247.1.${index * 64 + pod}:8080`).sort();
  return 1 + all.indexOf(`${formatIpv4(verdict.address)}:${verdict.port}`);
}

describe('a NEW packet to a ClusterIP, by the chain', () => {
  const cases = [
    { preset: '1', position: 0, endpoints: 1 },
    { preset: '50', position: 0, endpoints: 1 },
    { preset: '50', position: 0, endpoints: 4 },
    { preset: '50', position: 31, endpoints: 2 },
    { preset: '50', position: 50, endpoints: 7 },
    { preset: '500', position: 0, endpoints: 3 },
    { preset: '500', position: 250, endpoints: 3 },
    { preset: '500', position: 500, endpoints: 3 },
    { preset: '5000', position: 4999, endpoints: 2 },
    { preset: 'shop', position: 5, endpoints: 5 },
  ] as const satisfies readonly { preset: PresetId; position: number; endpoints: number }[];

  it.each(cases)('$preset Services, position $position, $endpoints endpoints', ({ preset, position, endpoints }) => {
    const simulation = start();
    const ranks = new Set<number>();
    for (let packet = 0; packet < 8; packet++) {
      const { lanes } = simulation.race(scene({ cluster: { kind: 'preset', preset }, target: { servicePort: 'shop/added-1:http', position }, added: [endpoints], packet }));
      const { report } = lanes.iptables;
      const rank = rankOf(report, 0, endpoints);
      ranks.add(rank);
      expect(rank).toBeGreaterThanOrEqual(1);
      expect(rank).toBeLessThanOrEqual(endpoints);

      // At position p (from 0) with n endpoints: p + 1 rules of KUBE-SERVICES, one to n of KUBE-SVC-… until an endpoint is
      // drawn, and the two of its KUBE-SEP-… (hairpin mark, DNAT). The Service's own chain begins with its guard
      // (! -s cluster CIDR).
      const services = rules(report, inChain('nat', 'KUBE-SERVICES'));
      const service = rules(report, inChain('nat', 'KUBE-SVC-'));
      const endpoint = rules(report, inChain('nat', 'KUBE-SEP-'));
      expect(services).toBe(position + 1);
      expect(service).toBe(1 + rank);
      expect(endpoint).toBe(2);
      const guard = 1;
      expect(services + (service - guard) + endpoint).toBe(position + 1 + rank + 2);
      // What stands around it, whatever the cluster: the jump in PREROUTING, that in POSTROUTING, and the RETURN of KUBE-POSTROUTING.
      expect(rules(report, ({ part }) => part === 'nat')).toBe(position + 1 + rank + 2 + guard + 3);

      // filter: the four jumps of FORWARD, the three rules of KUBE-FORWARD, and a REJECT for each Service port without endpoints.
      expect(rules(report, ({ part }) => part === 'filter')).toBe(4 + 3 + (preset === 'shop' ? 1 : 0));
      expect(report.work.rulesEvaluated).toBe(rules(report, ({ part }) => part === 'nat' || part === 'filter'));

      const { trace } = report;
      if (trace?.kind !== 'chain') throw new Error('no trace');
      expect(trace.rule).toHaveLength(report.work.rulesEvaluated ?? 0);
    }
    if (endpoints > 1) expect(ranks.size).toBeGreaterThan(1);
  });
});

it.each(['1', '50', '500', '5000'] as const)('an established packet: no rule of nat, five of filter, in %s Services', (preset) => {
  const { lanes } = start().race(scene({ cluster: { kind: 'preset', preset }, connection: 'established' }));
  const { report } = lanes.iptables;
  expect(rules(report, ({ part }) => part === 'nat')).toBe(0);
  // FORWARD: KUBE-PROXY-FIREWALL is for NEW ones; then KUBE-FORWARD, whose third rule accepts.
  expect(report.work.rulesEvaluated).toBe(2 + 3);
});

describe('rules and entries a Service needs', () => {
  it.each(['1', '50', '500', '5000'] as const)('%s Services of two endpoints', (preset) => {
    const opened = start().open(scene({ cluster: { kind: 'preset', preset } }));
    const services = Number(preset);
    // A payload without any Service holds 5 rules in nat and 4 in filter; and the jumps, 11 in filter and 3 in nat.
    expect(opened.rules).toBe(5 + 4 + 11 + 3 + services * (3 * 2 + 2));
    expect(opened.entries).toBe(services * (2 * 2 + 2));
    expect(opened.positions).toBe(services);
  });

  it.each([1, 2, 3, 8, 30])('adding %i endpoints: 3e + 2 rules; 2e + 2 entries, and nothing else written', (endpoints) => {
    const { lanes } = start().update(scene({ added: [endpoints] }));
    const { rules: change } = lanes.iptables.report;
    expect((change?.rulesAfter ?? 0) - (change?.rulesBefore ?? 0)).toBe(3 * endpoints + 2);
    expect(lanes.ebpf.report.work).toMatchObject({ entriesWritten: 2 * endpoints + 2, entriesDeleted: 0 });
  });

  it('no endpoints: one REJECT in filter; a count of 0 and a reverse entry', () => {
    const { lanes } = start().update(scene({ added: [0] }));
    const { rules: change } = lanes.iptables.report;
    expect(change?.rulesAdded.map(({ table, chain }) => `${table} ${chain}`)).toEqual(['filter KUBE-SERVICES']);
    expect((change?.rulesAfter ?? 0) - (change?.rulesBefore ?? 0)).toBe(1);
    expect(lanes.ebpf.report.work.entriesWritten).toBe(2);
  });
});

describe('the map', () => {
  it.each(['new', 'established'] as const)('a packet of a connection that is %s does the same work in a cluster of any size', (connection) => {
    const works = (['1', '50', '500', '5000'] as const).flatMap((preset) => {
      const simulation = start();
      return [2, 30].map((endpoints) => {
        const { work } = simulation.race(scene({ cluster: { kind: 'preset', preset }, connection, target: { servicePort: 'shop/added-1:http', position: null }, added: [endpoints] })).lanes.ebpf.report;
        // How full a bucket is depends on the hash alone; everything else is the same.
        const { elementsCompared, ...rest } = work;
        expect(elementsCompared).toBeGreaterThan(0);
        return rest;
      });
    });
    for (const work of works) expect(work).toEqual(works[0]);
    // New: Service, connection, slot, backend, connection, pod. Established: Service, connection, backend, connection, pod.
    expect(works[0]?.mapLookups).toBe(connection === 'new' ? 6 : 5);
    expect(works[0]?.mapUpdates ?? 0).toBe(connection === 'new' ? 2 : 0);
  });
});
