import { parseArgs } from 'node:util';
import { findProfile, PROFILES } from '../cost/profiles.ts';
import { DATAPATH_IDS } from '../datapaths/registry.ts';
import { parseIpv4 } from '../packet/address.ts';
import { ClusterSource } from '../simulation/cluster.ts';
import type { Parties } from '../simulation/exchange.ts';
import { readAssets } from '../simulation/node-assets.ts';
import { PRESETS, type PresetId, type SceneCluster } from '../simulation/scene.ts';
import { SimulationError } from '../simulation/simulation-error.ts';
import { Simulation } from '../simulation/simulation.ts';
import { attachFaults, attachTo } from './attach-option.ts';
import { CommandError, UsageError, type Command } from './command.ts';
import { readInput, required } from './input.ts';
import { laneLine } from './lane-line.ts';
import { sendThroughRules } from './send-rules.ts';
import { faultLine } from './sentence.ts';

const PROTOCOLS = ['TCP', 'UDP', 'SCTP'] as const;

/** Packets through the lanes: the same engines, scene and numbers as on the page. */
export const command: Command = {
  usage: [
    '--cluster F|preset:N --from NS/POD --to IP:PORT/PROTO [--datapath iptables|ebpf|all] [--count N] [--seed N] [--trace] [--profile ID] [--established] [--packet N] [--position N] [--attach F.o[:PROGRAM]@HOOK[,before][,CONSTANT=HEX]]…',
    '--rules F --from ADDRESS|node --to IP:PORT/PROTO|IP/ICMP [--in INTERFACE] [--out INTERFACE] [--count N] [--seed N] [--trace] [--profile ID] [--packet N]',
  ],
  summary: 'Sends packets through the lanes, or through a node’s own rules: verdict, endpoint, work and time, one JSON line for each packet and lane.',
  run(args, print) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        cluster: { type: 'string' },
        // A node's own rules, as iptables-save prints them, with the interfaces that a packet comes and goes by.
        rules: { type: 'string' },
        in: { type: 'string' },
        out: { type: 'string' },
        from: { type: 'string' },
        to: { type: 'string' },
        datapath: { type: 'string', default: 'all' },
        count: { type: 'string', default: '1' },
        seed: { type: 'string', default: '1' },
        trace: { type: 'boolean', default: false },
        profile: { type: 'string' },
        established: { type: 'boolean', default: false },
        // Which packet of the seed's sequence is the first; where the target stands in KUBE-SERVICES.
        packet: { type: 'string', default: '0' },
        position: { type: 'string' },
        // Programs of one's own in the map's lane.
        attach: { type: 'string', multiple: true, default: [] },
      },
    });
    if (values.rules !== undefined && values.cluster !== undefined) throw new UsageError('--rules and --cluster: name one of them, the rules of a node or a cluster’s objects.');
    const file = required(values.rules ?? values.cluster, 'cluster');
    const from = required(values.from, 'from');
    const destination = required(values.to, 'to');
    const datapaths = DATAPATH_IDS.filter((id) => values.datapath === 'all' || values.datapath === id);
    if (datapaths.length === 0) throw new UsageError(`--datapath ${values.datapath}: it is one of ${[...DATAPATH_IDS, 'all'].join(', ')}.`);
    const first = whole(values.packet, 'packet', 0);
    const count = whole(values.count, 'count', 1);
    const common = {
      version: 1,
      seed: whole(values.seed, 'seed', 0),
      target: { servicePort: null, position: null },
      connection: values.established ? 'established' : 'new',
      packet: first,
      profile: values.profile ?? PROFILES[0]?.id ?? '',
      added: [],
    } as const;
    if (values.rules !== undefined) {
      if (values.attach.length > 0) throw new UsageError('--attach has no meaning with --rules.');
      for (const option of ['established', 'position'] as const) if (values[option]) throw new UsageError(`--${option} has no meaning with --rules.`);
      const scene = { ...common, mode: 'rules', cluster: { kind: 'rules', text: readInput(file) } } as const;
      sendThroughRules({ file, scene, from, to: destination, input: values.in, output: values.out, count, trace: values.trace }, print);
      return;
    }
    for (const option of ['in', 'out'] as const) if (values[option] !== undefined) throw new UsageError(`--${option} goes with --rules.`);
    const cluster = clusterOf(file);
    const to = destinationOf(destination);
    if (values.attach.length > 0 && !datapaths.includes('ebpf')) throw new UsageError('--attach goes with the ebpf datapath.');
    const attach = attachTo({ ...common, mode: 'race', cluster }, values.attach);
    const { scene } = attach;
    const clusters = new ClusterSource();
    const errors = cluster.kind === 'text' ? faultsOf(clusters, cluster, file) : [];
    try {
      const simulation = new Simulation({ assets: readAssets(), profiles: { find: findProfile }, datapaths, clusters });
      const detail = values.trace ? 'steps' : 'stages';
      const refused = attachFaults(simulation.attached(scene), attach, (line) => process.stderr.write(`${line}\n`));
      if (refused.length > 0) throw new CommandError([...errors, ...refused].join('\n'));
      const target = simulation.targetAt(scene, to, values.position === undefined ? null : whole(values.position, 'position', 0));
      for (let packet = first; packet < first + count; packet++) {
        const race = simulation.raceBetween({ ...scene, target, packet }, from, to, detail);
        for (const lane of Object.values(race.lanes)) print(JSON.stringify({ packet, ...laneLine(lane, scene.profile, values.trace) }));
      }
    } catch (error) {
      if (error instanceof SimulationError) throw new CommandError([...errors, error.message].join('\n'), { cause: error });
      throw error;
    }
    if (errors.length > 0) throw new CommandError(errors.join('\n'));
  },
};

/** Notes go to standard error at once; errors come back as lines: what they belong to is left out, the rest is there. */
function faultsOf(clusters: ClusterSource, cluster: SceneCluster, file: string): string[] {
  const errors: string[] = [];
  for (const fault of clusters.load(cluster, 0).faults) {
    if (fault.severity === 'error') errors.push(faultLine(file, fault));
    else process.stderr.write(`${faultLine(file, fault)}\n`);
  }
  return errors;
}

/** `preset:500`, or a file of kubectl's YAML or JSON. */
function clusterOf(text: string): SceneCluster {
  if (!text.startsWith('preset:')) return { kind: 'text', text: readInput(text) };
  const preset = text.slice('preset:'.length);
  if (!PRESETS.includes(preset as PresetId)) throw new UsageError(`--cluster ${text}: presets are ${PRESETS.join(', ')}.`);
  return { kind: 'preset', preset: preset as PresetId };
}

/** `10.96.0.10:53/UDP`. */
function destinationOf(text: string): Omit<Parties, 'from'> {
  const [, host = '', port = '', name = ''] = /^([\d.]+):(\d{1,5})\/(\w+)$/.exec(text) ?? [];
  const to = parseIpv4(host);
  const protocol = PROTOCOLS.find((known) => known === name.toUpperCase());
  if (to === undefined || protocol === undefined || Number(port) > 65535) throw new UsageError(`--to ${text}: write it as IP:PORT/PROTO, such as 10.96.0.10:53/UDP; protocols are ${PROTOCOLS.join(', ')}.`);
  return { to, port: Number(port), protocol };
}

function whole(text: string, option: string, least: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least) throw new UsageError(`--${option} ${text}: it is a whole number from ${least} up.`);
  return value;
}
